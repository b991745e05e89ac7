// Package command is what the rules judge: the wishes of people, and what the engine has learnt from Vault, from the
// clock and from its own acts. A command carries no decision; package rules makes one of it.
package command

import (
	"strings"
	"unicode"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/secret"
)

// Command is what [rules.Decide] judges: a person's wish, or what the engine learnt from the
// world.
type Command interface{ command() }

// What people ask for. Signed is the statement that they have signed with their PGP key,
// armored; it is empty when their account alone says it.
type (
	// Approve consents to the plan. PlanHash is what the approver has seen: the
	// whole hash, or its beginning.
	Approve struct {
		By       ceremony.Account
		PlanHash string
		Signed   string
	}
	// Reject ends a proposal.
	Reject struct {
		By     ceremony.Account
		Why    string
		Signed string
	}
	// Cancel ends a ceremony and its attempt in Vault.
	Cancel struct {
		By     ceremony.Account
		Why    string
		Signed string
	}
	// Freeze is the wish of a person with any part in the plan that nothing goes on.
	Freeze struct {
		By     ceremony.Account
		Why    string
		Signed string
	}
	// Resume is one of the votes that thaw a frozen ceremony.
	Resume struct {
		By     ceremony.Account
		Signed string
	}
	// Reverify has the new shares of a rekey proven again from the beginning.
	Reverify struct {
		By     ceremony.Account
		Signed string
	}
	// Reset has sealed nodes forget the shares that they have counted.
	Reset struct {
		By     ceremony.Account
		Signed string
	}
	// Delete is an approver's consent to the backup's deletion.
	Delete struct {
		By     ceremony.Account
		Signed string
	}
	// AnswerRoll is a person's answer in a roll call, by [ceremony.RollCallAnswer].
	AnswerRoll struct {
		By     ceremony.Account
		Answer string
		Signed string
	}
	// Proceed is a witness's consent to the gated step.
	Proceed struct {
		By     ceremony.Account
		Signed string
	}
	// Note is what a person with a part saw that was not as it should be.
	Note struct {
		By     ceremony.Account
		Text   string
		Signed string
	}
	// Testify is what a witness says of the whole ceremony.
	Testify struct {
		By     ceremony.Account
		Agrees bool
		Why    string
		Signed string
	}
	// Name tells the accessor of the root token that was issued. Seen is what Vault has
	// just said of it.
	Name struct {
		By       ceremony.Account
		Accessor string
		Seen     ceremony.TokenState
		Signed   string
	}
	// Revoke says that the root token is revoked, where nobody can check it.
	Revoke struct {
		By     ceremony.Account
		Signed string
	}
	// Acknowledge ends an alarm: its sender looks after what it is about.
	Acknowledge struct {
		By     ceremony.Account
		Why    string
		Signed string
	}
	// Receive brings an envelope.
	Receive struct {
		By       ceremony.Account
		Name     string // as the configuration calls the sender; empty for a person that it does not know
		Message  ceremony.Ref
		Way      ceremony.Intake
		Evidence ceremony.Evidence
	}
)

// What the engine learns.
type (
	// Observe brings what the ceremony runs under since this start of the program.
	Observe struct{ Seen event.Conditions }
	// CallRoll announces the challenges of a roll call.
	CallRoll struct{ Called event.RollCalled }
	// AskWitness asks the witnesses about the gate that is closed.
	AskWitness struct{}
	// Begin announces that Vault is about to be asked for an attempt.
	Begin struct{}
	// Began brings what Vault shows after it was asked for an attempt.
	Began struct {
		Seen ceremony.Progress
		// Confirmed means that this is Vault's answer to the order itself, and not what
		// was found there afterwards.
		Confirmed bool
	}
	// NotBegun says that Vault was asked for an attempt and has none. With a fault it
	// will never have one. Without, it may be asked again.
	NotBegun struct{ Fault ceremony.Refusal }
	// Announce brings a new ceremony key.
	Announce struct{ Key ceremony.Announced }
	// Decline refuses the pending offer, or the share that Vault has certainly not taken.
	Decline struct {
		Evidence ceremony.Evidence
		Reason   ceremony.Refusal
		Share    secret.ShareTag // of an opened share that is the reason
		See      ceremony.ID     // the ceremony that shows the reason
	}
	// Send announces that the pending offer was opened and checked, and that its share is
	// about to be sent to Vault.
	Send struct {
		Evidence ceremony.Evidence
		Before   int // progress that Vault showed just before
		Share    secret.ShareTag
		Verdict  ceremony.Verdict
	}
	// Lose says that no answer came to what was sent.
	Lose struct{}
	// Settle says what came of the share that was sent, or of what was to be dropped.
	Settle struct {
		Answer  *ceremony.Answer // nil when Vault refused, or when its answer was lost
		Refused bool             // Vault declined in so many words
		Dropped bool             // Vault has confirmed that it dropped the attempt because we asked
		Seen    View
	}
	// Open begins to collect shares for an operation without an attempt in Vault.
	Open struct {
		Nonce string // of this program's own making
		Nodes []ceremony.NodeState
	}
	// Prove says that a drill's share is one.
	Prove struct {
		Evidence ceremony.Evidence
		Share    secret.ShareTag
		Verdict  ceremony.Verdict
	}
	// Request announces that Vault is about to be asked for an act.
	Request struct{ Act event.Act }
	// Done brings the result of an act. Reading a backup ends with one, too, though no
	// event announces it.
	Done struct{ Result event.Event }
	// Fail ends a ceremony whose act Vault declined, or whose result can't be had.
	Fail struct{ Fault ceremony.Refusal }
	// Remind has the requester told again to revoke the token.
	Remind struct{}
	// Gone says that Vault no longer has the root token, or the backup, that the ceremony
	// has left behind.
	Gone struct{}
	// Attest says that the identity has signed the transcript.
	Attest struct{ Signed event.TranscriptSigned }
	// Archive says that an archive keeps a transcript.
	Archive struct{ Kept event.Archived }
	// GiveUpArchive gives up what no archive has kept in time.
	GiveUpArchive struct{}
	// Alert adds to an alarm what was found.
	Alert struct{ Found event.Noticed }
	// Look compares Vault's live state with the plan.
	Look struct {
		Seen View
		// Reconcile means that people asked for this comparison when they thawed the
		// ceremony. It may begin again what can't go on.
		Reconcile bool
	}
	// Stop freezes the ceremony for a reason that no comparison shows.
	Stop struct {
		Why       event.FreezeReason
		Want, Got string
	}
	// Tick ends what has run out of time.
	Tick struct{}
	// Finish ends a ceremony whose result is in the journal.
	Finish struct{}
	// Close says what became of the attempt of a ceremony that is being ended.
	Close struct {
		Vault       ceremony.VaultEnding
		Unconfirmed bool // the attempt is gone, and no answer says that it was by our cancelling
		Seen        View // zero when Vault was never asked for an attempt
	}
	// Post says where a message was posted.
	Post struct {
		Key string
		Ref ceremony.Ref
	}
	// Undeliver says that a message can never be posted.
	Undeliver struct{ Key string }
)

// View is what Vault shows of a ceremony.
type View struct {
	Update ceremony.Progress
	Verify ceremony.Progress // of a rekey whose status names a verification
	Seal   ceremony.Seal
	Backup *ceremony.Backup // read only when new shares were made and not seen, or may have been
	Nodes  []ceremony.Node  // of an unseal, and nothing else then
}

// Made reports whether a rekey has made its new shares and waits for proof of them.
// The nonce alone does not say it: cancelling a verification that has not begun
// sets one (seen on Vault 1.21.2), and anybody on the network can do that.
func (v View) Made() bool { return v.Update.VerificationNonce != "" && v.Verify.Started }

func (Approve) command()       {}
func (Reject) command()        {}
func (Cancel) command()        {}
func (Resume) command()        {}
func (Reverify) command()      {}
func (Reset) command()         {}
func (Delete) command()        {}
func (Name) command()          {}
func (Revoke) command()        {}
func (Open) command()          {}
func (Prove) command()         {}
func (Request) command()       {}
func (Done) command()          {}
func (Fail) command()          {}
func (Remind) command()        {}
func (Gone) command()          {}
func (Receive) command()       {}
func (Begin) command()         {}
func (Began) command()         {}
func (NotBegun) command()      {}
func (Announce) command()      {}
func (Decline) command()       {}
func (Send) command()          {}
func (Lose) command()          {}
func (Settle) command()        {}
func (Attest) command()        {}
func (Look) command()          {}
func (Stop) command()          {}
func (Tick) command()          {}
func (Finish) command()        {}
func (Close) command()         {}
func (Post) command()          {}
func (Undeliver) command()     {}
func (Freeze) command()        {}
func (AnswerRoll) command()    {}
func (Proceed) command()       {}
func (Note) command()          {}
func (Testify) command()       {}
func (Observe) command()       {}
func (CallRoll) command()      {}
func (AskWitness) command()    {}
func (Alert) command()         {}
func (Acknowledge) command()   {}
func (Archive) command()       {}
func (GiveUpArchive) command() {}

// OneLine returns a remark as one line of at most 300 characters, fit for a journal that
// people read.
func OneLine(s string) string {
	apart := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
	words := strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\ufffd"), apart), " ")
	if r := []rune(words); len(r) > 300 {
		return string(r[:300])
	}
	return words
}
