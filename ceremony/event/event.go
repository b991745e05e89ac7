package event

import (
	"time"

	"conclave/ceremony"
	"conclave/ceremony/secret"
)

// Event is something that has happened, or is about to be tried. An event that announces an
// outside write (starting, submitting, closing) is durable before the write is sent (P3).
// No field can hold a secret: fields are names, times, numbers, fingerprints and
// ciphertext. Signed, where an event has it, is the [ceremony.Statement] that the person
// has signed, armored. Without it their account alone said it.
type Event interface{ event() }

// Intends reports whether an event announces what is sent to Vault next.
func Intends(e Event) bool {
	switch e.(type) {
	case Starting, Submitting, Dropping, Acting:
		return true
	}
	return false
}

// Entry is an event in the journal.
type Entry struct {
	Seq   int       // counted from 1 in each ceremony
	Prev  string    // hash of the line before, empty for the first
	At    time.Time // when the line was written
	Hash  string    // of this line
	Event Event
	// MACKey names the key under which MAC authenticates the line. Both are empty in a line
	// that was written before lines had codes.
	MACKey, MAC string
}

type (
	// Proposed opens a ceremony.
	Proposed struct {
		Plan     ceremony.Plan `json:"plan"`
		PlanHash string        `json:"plan_hash"`
		// Previous is the hash of the first line of the ceremony before this one. By it a
		// ceremony that was taken away whole is missed.
		Previous string `json:"previous,omitempty"`
	}
	// Approved is one person's consent to the plan.
	Approved struct {
		By       ceremony.Person `json:"by"`
		PlanHash string          `json:"plan_hash"`
		Signed   string          `json:"signed,omitempty"`
	}
	// Rejected ends a proposal.
	Rejected struct {
		By     ceremony.Person `json:"by"`
		Why    string          `json:"why,omitempty"`
		Signed string          `json:"signed,omitempty"`
	}

	// RollCalled asks people to show that they can read what will be encrypted to
	// them.
	RollCalled struct {
		Challenges  []ceremony.Challenge `json:"challenges"`
		Certificate string               `json:"certificate"` // of the identity that has signed them, armored
	}
	// Present is a person's answer to the roll call: they have decrypted their challenge,
	// and have signed it together with the plan's hash.
	Present struct {
		By     ceremony.Person `json:"by"`
		Signed string          `json:"signed"`
	}

	// WitnessAsked asks the witnesses whether the gated step may happen.
	WitnessAsked struct {
		Gate ceremony.Gate `json:"gate"`
	}
	// Proceeded is a witness's consent to the gated step.
	Proceeded struct {
		By     ceremony.Person `json:"by"`
		Gate   ceremony.Gate   `json:"gate"`
		Signed string          `json:"signed,omitempty"`
	}
	// ExceptionNoted is what a person saw that was not as it should be.
	ExceptionNoted struct {
		By     ceremony.Person `json:"by"`
		Text   string          `json:"text"`
		Signed string          `json:"signed,omitempty"`
	}
	// WitnessStated is what a witness says of the whole ceremony after its end.
	WitnessStated struct {
		By     ceremony.Person `json:"by"`
		Agrees bool            `json:"agrees"`
		Why    string          `json:"why,omitempty"`
		Signed string          `json:"signed,omitempty"`
	}
	// WitnessLeft ends the waiting for a witness who has said nothing.
	WitnessLeft struct{}

	// FreezeAsked is a person's wish that nothing goes on. Frozen follows as soon as Vault
	// has answered what it was asked.
	FreezeAsked struct {
		By     ceremony.Person `json:"by"`
		Why    string          `json:"why,omitempty"`
		Signed string          `json:"signed,omitempty"`
	}

	// Starting says that Vault is about to be asked for attempt number Attempt.
	Starting struct {
		Attempt int `json:"attempt"`
	}
	// Started is Vault's answer to Starting. An operation without an attempt in Vault has
	// the event, too, with a nonce of this program's own.
	Started struct {
		Nonce    string `json:"nonce"`
		Required int    `json:"required"`
	}
	// KeyAnnounced brings a new ceremony key. Envelopes to the one before can no longer be
	// opened.
	KeyAnnounced struct {
		Key ceremony.Announced `json:"key"`
	}

	// Offered is an envelope from a person who may send one now.
	Offered struct {
		By       ceremony.Person   `json:"by"`
		Step     ceremony.Step     `json:"step"`
		Message  ceremony.Ref      `json:"message"`
		Evidence ceremony.Evidence `json:"evidence"`
	}
	// Declined is an envelope that was not used, and why. When it answers an Offered,
	// Message is the same.
	Declined struct {
		By              ceremony.Person   `json:"by"`
		Step            ceremony.Step     `json:"step,omitempty"`
		Message         ceremony.Ref      `json:"message"`
		Evidence        ceremony.Evidence `json:"evidence"`
		Reason          ceremony.Refusal  `json:"reason"`
		secret.ShareTag                   // of the share, when it was opened and is the reason
		See             ceremony.ID       `json:"see,omitempty"` // the ceremony that shows the reason
	}
	// Submitting says that an opened and checked share is about to be sent.
	Submitting struct {
		By       ceremony.Person   `json:"by"`
		Step     ceremony.Step     `json:"step"`
		Nonce    string            `json:"nonce"`
		Before   int               `json:"before"`          // progress that Vault showed just before
		Nodes    []string          `json:"nodes,omitempty"` // addresses that an unseal sends it to
		Message  ceremony.Ref      `json:"message"`
		Evidence ceremony.Evidence `json:"evidence"`
		ceremony.TagMatch
	}
	// AnswerLost says that no answer came to what was sent.
	AnswerLost struct{}
	// Counted says that Vault has counted the share.
	Counted struct {
		By       ceremony.Person `json:"by"`
		Step     ceremony.Step   `json:"step"`
		Progress int             `json:"progress"`
		Asked    bool            `json:"asked,omitempty"` // learnt by asking, not from the answer
	}
	// NodesSeen brings what the nodes of a cluster that is being unsealed show, when that
	// is not what the journal has.
	NodesSeen struct {
		Nodes []ceremony.NodeState `json:"nodes"`
	}
	// Entered says what came of a share that was sent to sealed nodes.
	Entered struct {
		By    ceremony.Person      `json:"by"`
		At    []string             `json:"at"`            // addresses that have counted it, in the plan's order
		Not   []string             `json:"not,omitempty"` // addresses to which it was sent and that have not
		Nodes []ceremony.NodeState `json:"nodes"`         // what each shows afterwards
	}
	// Proven says that a holder could decrypt and sign in a drill. When the share is known
	// to be one of the key in force, they have proven that as well.
	Proven struct {
		By       ceremony.Person   `json:"by"`
		Message  ceremony.Ref      `json:"message"`
		Evidence ceremony.Evidence `json:"evidence"`
		ceremony.TagMatch
	}
	// RoundRefused says that enough shares came together and did not fit. Vault can't tell
	// whose was wrong. Suspects is what the ledger can tell.
	RoundRefused struct {
		Step  ceremony.Step     `json:"step"`
		Round int               `json:"round"`
		With  []ceremony.Person `json:"with"`            // everybody whose share was in the round
		Nonce string            `json:"nonce,omitempty"` // the new one: a refused verification changes it
		Nodes []string          `json:"nodes,omitempty"` // that refused it, in an unseal
		// Suspects are those of With whose share was not known to be one of the key in
		// force, where another's was known.
		Suspects []ceremony.Person `json:"suspects,omitempty"`
	}
	// Rekeyed brings the new shares, encrypted. It is durable before anything
	// else is done with them (P7).
	Rekeyed struct {
		// By is whose share completed it; zero when none did that came through Conclave.
		By                ceremony.Person        `json:"by,omitzero"`
		Shares            []NewShare             `json:"shares"`
		Keys              []ceremony.Fingerprint `json:"keys,omitempty"` // to which Vault says it encrypted them, in order
		VerificationNonce string                 `json:"verification_nonce,omitempty"`
		Required          int                    `json:"required,omitempty"` // shares that the verification asks for
		FromBackup        bool                   `json:"from_backup,omitempty"`
	}
	// TokenIssued brings the token, encrypted to the requester or combined with
	// their one-time password.
	TokenIssued struct {
		By         ceremony.Person        `json:"by"` // whose share completed it
		Ciphertext string                 `json:"ciphertext,omitempty"`
		Encoded    string                 `json:"encoded,omitempty"`
		Keys       []ceremony.Fingerprint `json:"keys,omitempty"` // that Vault says it encrypted it to
	}
	// PasswordLost says that no attempt was begun with the one-time password, which
	// is in memory only: its requester is asked again.
	PasswordLost struct{}

	// Acting says that Vault is about to be asked for something that takes no shares.
	Acting struct {
		Act Act `json:"act"`
	}
	// Initialized brings what a new cluster handed out. It is durable before
	// anything else is done with it.
	Initialized struct {
		Shares []NewShare `json:"shares"`
		Token  string     `json:"token"` // encrypted to the requester, in standard base64
	}
	// Rotated brings the encryption key that is in use after a rotation.
	Rotated struct {
		Key ceremony.KeyStatus `json:"key"`
	}
	// RotationSet brings the policy by which Vault rotates from now on.
	RotationSet struct {
		Policy ceremony.RotationPolicy `json:"policy"`
	}
	// BackupRead brings the encrypted new shares that Vault kept of a rekey.
	BackupRead struct {
		Nonce     string                 `json:"nonce"`               // of the attempt that made them
		Of        ceremony.ID            `json:"of,omitempty"`        // the ceremony of that attempt, if there is one
		Outcome   Outcome                `json:"outcome,omitempty"`   // of that ceremony
		Unknown   bool                   `json:"unknown,omitempty"`   // whether they came into force is not known
		Shares    []NewShare             `json:"shares"`              // for people whom the configuration knows
		Unclaimed []ceremony.Fingerprint `json:"unclaimed,omitempty"` // keys of nobody whom the configuration knows
	}
	// DeletionAsked is an approver's consent to the backup's deletion.
	DeletionAsked struct {
		By     ceremony.Person `json:"by"`
		Signed string          `json:"signed,omitempty"`
	}
	// BackupDeleted says that Vault no longer has a backup. After the end of a rekey, it says
	// that Vault no longer has that rekey's backup.
	BackupDeleted struct{}
	// BackupReminded says that people are told again of the backup that a rekey has
	// left in Vault.
	BackupReminded struct {
		Number int `json:"number"` // counted from 1
	}
	// BackupLeft ends the reminding of a backup that nobody has deleted.
	BackupLeft struct{}

	// AccessorGiven names the root token that was issued, and gives nothing of it away.
	AccessorGiven struct {
		By       ceremony.Person `json:"by"`
		Accessor string          `json:"accessor"`
		Signed   string          `json:"signed,omitempty"`
	}
	// Reminded says that the requester is told again to revoke the token.
	Reminded struct {
		Number int `json:"number"` // counted from 1
	}
	// TokenRevoked says that Vault does not know the token any more. With By, that person
	// says so, and it could not be checked.
	TokenRevoked struct {
		By     *ceremony.Person `json:"by,omitempty"`
		Signed string           `json:"signed,omitempty"`
	}
	// TokenLeft ends the watching of a token that nobody is known to have revoked.
	TokenLeft struct{}
	// Verified says that the new key is in force.
	Verified struct {
		By *ceremony.Person `json:"by,omitempty"` // whose share completed it; nil when Vault was seen to have ended it
		// Unconfirmed means that Vault has ended the rekey, but its last answer was lost and
		// nothing else shows that the new key is in force.
		Unconfirmed bool `json:"unconfirmed,omitempty"`
	}

	// VerificationDropped asks that the verification of a rekey begins anew.
	VerificationDropped struct {
		By     ceremony.Person `json:"by"`
		Signed string          `json:"signed,omitempty"`
	}

	// ResetAsked asks that sealed nodes forget the shares that they have counted.
	ResetAsked struct {
		By     ceremony.Person `json:"by"`
		Signed string          `json:"signed,omitempty"`
	}

	// Frozen stops everything until people decide (P4).
	Frozen struct {
		Why  FreezeReason `json:"why"`
		Want string       `json:"want,omitempty"`
		Got  string       `json:"got,omitempty"`
		// Remains is what Vault's backup says of a rekey's attempt that is gone.
		Remains Remains `json:"remains,omitempty"`
	}
	// Adopted takes over the lines before it. An operator has had this identity do that for
	// lines without an authentication code, or under another key. Nobody vouches for what
	// stands in them.
	Adopted struct {
		Lines int    `json:"lines"`         // before this one
		Key   string `json:"key,omitempty"` // that the last of them names, empty when it has no code
	}
	// ResumeAsked is one of the two votes that thaw a frozen ceremony.
	ResumeAsked struct {
		By     ceremony.Person `json:"by"`
		Signed string          `json:"signed,omitempty"`
	}
	// Resumed thaws a ceremony. Vault is compared next.
	Resumed struct{}
	// Dropping says that Vault is about to be asked to forget the attempt, only the
	// verification of a rekey, or what sealed nodes have counted. People want to go on, and
	// what Vault has can't be used.
	Dropping struct {
		Step  ceremony.Step `json:"step"`
		Nonce string        `json:"nonce"`
	}
	// AttemptLost says that Vault no longer has the attempt.
	AttemptLost struct {
		Nonce string `json:"nonce"`
		// Unproven means that others may have carried the attempt through, since nothing
		// shows the opposite. What it was for may have been made, and new shares may be in
		// force.
		Unproven bool `json:"unproven,omitempty"`
	}
	// RoundReset says that the verification, or the round of an unseal, begins anew.
	RoundReset struct {
		Step  ceremony.Step `json:"step"`
		Nonce string        `json:"nonce"`
	}

	// Closing says that the ceremony is about to be ended and its attempt in Vault
	// cancelled.
	Closing struct {
		Outcome Outcome          `json:"outcome"`
		By      *ceremony.Person `json:"by,omitempty"` // nil when time or a fault did it
		Why     string           `json:"why,omitempty"`
		Fault   ceremony.Refusal `json:"fault,omitempty"` // of a ceremony that failed
		Signed  string           `json:"signed,omitempty"`
	}
	// Ended is the last event that changes anything.
	Ended struct {
		Outcome Outcome              `json:"outcome"`
		Vault   ceremony.VaultEnding `json:"vault"`
	}

	// TranscriptSigned says that the identity has signed the ceremony's evidence so far:
	// its transcript.
	TranscriptSigned struct {
		Number int    `json:"number"` // counted from 1
		Lines  int    `json:"lines"`  // of the journal that are in it: all before this one
		SHA256 string `json:"sha256"` // of the file
		// Certificates are the public keys in it that are in no earlier transcript, or were
		// others there. With them the file can be made again, also when the configuration
		// has other keys by then.
		Certificates map[ceremony.Fingerprint]string `json:"certificates,omitempty"`
		Signature    string                          `json:"signature"`
		// Archives are the names of the archives that are to keep the file.
		Archives []string `json:"archives,omitempty"`
	}

	// Posted says where a message of the outbox was posted.
	Posted struct {
		Key string       `json:"key"`
		Ref ceremony.Ref `json:"ref"`
	}
	// Undeliverable says that a message of the outbox can never be posted.
	Undeliverable struct {
		Key string `json:"key"`
	}
)

// Act is something that Vault is asked for and that takes no shares.
type Act string

// Acts.
const (
	Initializing   Act = "initialize"
	Rotating       Act = "rotate"
	SettingPolicy  Act = "set-rotation-policy"
	DeletingBackup Act = "delete-backup"
)

// NewShare is one of the new shares, encrypted to its receiver.
type NewShare struct {
	For        ceremony.Person `json:"for"`
	Ciphertext string          `json:"ciphertext"` // standard base64 of Vault's binary PGP message
}

// FreezeReason is what stopped a ceremony.
type FreezeReason string

// Reasons to freeze.
const (
	VaultDiffers   FreezeReason = "differs"       // Vault's live state is not the plan's
	AttemptGone    FreezeReason = "gone"          // Vault has no such attempt any more: cancelled, sealed or restarted
	ForeignAttempt FreezeReason = "foreign"       // Vault has an attempt that is not ours
	ForeignShare   FreezeReason = "foreign-share" // Vault has counted a share that came past Conclave, or dropped some
	SealedMidway   FreezeReason = "sealed"        // Vault was sealed
	PersonStopped  FreezeReason = "asked"         // a person with a part in it wants it to stand still
	OtherBot       FreezeReason = "identity"      // the bot's identity is not the one that the plan pins
	OtherConfig    FreezeReason = "configuration" // the plan is not one that the configuration allows
	NotSigned      FreezeReason = "not-signed"    // the journal has a person say what they have not signed
	NotTold        FreezeReason = "not-told"      // the journal's story is not one that the rules and the plan allow
	RolledBack     FreezeReason = "rolled-back"   // the journal is older than a mark of it: it was put back from a copy
	TakenOver      FreezeReason = "adopted"       // the identity has not written what the journal has until then
	KeysLost       FreezeReason = "keys-lost"     // the answer with the new shares was lost; the old ones are in force
)

// Outcome is how a ceremony ended.
type Outcome string

// Outcomes.
const (
	Completed   Outcome = "completed"
	WasRejected Outcome = "rejected"
	Cancelled   Outcome = "cancelled"
	Expired     Outcome = "expired"
	Failed      Outcome = "failed"
)

// What became of the attempt in Vault.
const (
	NothingToCancel ceremony.VaultEnding = "nothing"   // no attempt was open
	AttemptUnknown  ceremony.VaultEnding = "unknown"   // it was gone, or done, and nothing shows what came of it
	AttemptUsed     ceremony.VaultEnding = "used"      // it ran to its end
	AttemptDropped  ceremony.VaultEnding = "cancelled" // it was cancelled, and Vault was asked afterwards
	AttemptForeign  ceremony.VaultEnding = "foreign"   // there is one, but it is not ours: left alone
)

func (Proposed) event()            {}
func (Approved) event()            {}
func (Rejected) event()            {}
func (RollCalled) event()          {}
func (Present) event()             {}
func (WitnessAsked) event()        {}
func (Proceeded) event()           {}
func (ExceptionNoted) event()      {}
func (WitnessStated) event()       {}
func (WitnessLeft) event()         {}
func (FreezeAsked) event()         {}
func (Starting) event()            {}
func (Started) event()             {}
func (KeyAnnounced) event()        {}
func (Offered) event()             {}
func (Declined) event()            {}
func (Submitting) event()          {}
func (AnswerLost) event()          {}
func (Counted) event()             {}
func (RoundRefused) event()        {}
func (NodesSeen) event()           {}
func (Entered) event()             {}
func (Proven) event()              {}
func (PasswordLost) event()        {}
func (Acting) event()              {}
func (Initialized) event()         {}
func (Rotated) event()             {}
func (RotationSet) event()         {}
func (BackupRead) event()          {}
func (DeletionAsked) event()       {}
func (BackupDeleted) event()       {}
func (BackupReminded) event()      {}
func (BackupLeft) event()          {}
func (AccessorGiven) event()       {}
func (Reminded) event()            {}
func (TokenRevoked) event()        {}
func (TokenLeft) event()           {}
func (ResetAsked) event()          {}
func (VerificationDropped) event() {}
func (Rekeyed) event()             {}
func (TokenIssued) event()         {}
func (Verified) event()            {}
func (Frozen) event()              {}
func (Adopted) event()             {}
func (ResumeAsked) event()         {}
func (Resumed) event()             {}
func (Dropping) event()            {}
func (AttemptLost) event()         {}
func (RoundReset) event()          {}
func (Closing) event()             {}
func (Ended) event()               {}
func (Noticed) event()             {}
func (Acknowledged) event()        {}
func (TranscriptSigned) event()    {}
func (Posted) event()              {}
func (Undeliverable) event()       {}

// Remains is what Vault's backup shows of a rekey's attempt that is gone.
//
// An attempt that was cancelled, one that died with its leader and one that others have
// carried through look the same: Vault has none any more. What came of it is not known,
// until Vault's backup or its numbers show it. The backup settles nothing by itself: it is
// written before the new key is in force, and others may delete it.
type Remains string
