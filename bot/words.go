package bot

import (
	"crypto/rand"
	"errors"
	"strings"

	"conclave/ceremony"
)

// The rules of this file: every word that people read about an error is here. A
// sentence says what is so, in the third person, so that it can stand in a
// private answer and in the channel alike; the hint says to the person what to
// do next. Neither carries a text of Vault's, of Slack's or of this program's,
// since those may quote what was sent. The detail goes to the operator's log,
// under the reference that people are given.

// words are what people read about an error.
type words struct {
	what string // a sentence
	hint string // what to do next; may be empty
}

func (w words) String() string {
	if w.hint == "" {
		return w.what
	}
	return w.what + " " + w.hint
}

// denial is a reason for which the bot itself turns somebody away, before the
// engine is asked.
type denial string

func (d denial) Error() string { return string(d) }

// Denials. The set is closed, like the engine's refusals.
const (
	deactivated       denial = "deactivated"         // the account was taken away
	machine           denial = "machine"             // a bot, an app or a workflow
	guest             denial = "guest"               // a guest of the workspace
	invited           denial = "invited"             // has not accepted the invitation
	outsider          denial = "outsider"            // of another workspace or organisation
	sharedChannel     denial = "shared-channel"      // spoken in a channel that others can read
	standShared       denial = "stand-shared"        // other organisations read the channel in which the ceremony would be shown
	standGone         denial = "stand-gone"          // the bot can't post in it
	unlisted          denial = "unlisted"            // not in the configuration
	unknownUser       denial = "unknown-user"        // Slack does not know the account
	overloaded        denial = "overloaded"          // the queue is full
	notDirect         denial = "not-direct"          // a PGP message outside a direct message
	edited            denial = "edited"              // an earlier message was changed
	splitMessage      denial = "split-message"       // the rest of a message that was cut in two
	tooLargeFile      denial = "file-too-large"      // more than any envelope
	foreignFile       denial = "foreign-file"        // not kept by Slack itself
	otherFile         denial = "other-file"          // no PGP message by its name
	fileGone          denial = "file-gone"           // deleted before it was read
	fileUnread        denial = "file-unreadable"     // Slack did not hand it over
	inCommand         denial = "in-command"          // a secret or an envelope typed as a command
	passwordInCommand denial = "password-in-command" // a one-time password in place of its commitment
	tokenAsAccessor   denial = "token-as-accessor"   // a token typed in place of its accessor
	tokenInOpen       denial = "token-in-open"       // a Vault token, anywhere
	keyInOpen         denial = "key-in-open"         // a private key, anywhere
	noEnvelope        denial = "no-envelope"         // a form without a PGP message in it
	formLate          denial = "form-late"           // Slack's time to open a form was over
	noTranscript      denial = "no-transcript"       // none is signed yet
	mayNotReset       denial = "may-not-reset"       // neither initiator nor approver
	mayNotReverify    denial = "may-not-reverify"    // neither initiator nor approver
	deletionAsked     denial = "deletion-asked"      // somebody else has let the backup go
	vaultIsAsked      denial = "vault-is-asked"      // the token's accessor is known: nobody has to be believed
	noSuchID          denial = "no-such-id"          // no ceremony begins like that
	manyIDs           denial = "many-ids"            // several do
	noneOpen          denial = "none-open"           // no id was given and nothing is open
	manyOpen          denial = "many-open"           // no id was given and several are open
	nothingAsked      denial = "nothing-asked"       // nothing is wanted from this person now
	oldButton         denial = "old-button"          // a button of another version, or of another plan
)

// explain is the one way from an error to what people read.
func explain(err error) words {
	if d, ok := errors.AsType[denial](err); ok {
		return explainDenial(d)
	}
	if u, ok := errors.AsType[usage](err); ok {
		return u.words()
	}
	if r, ok := ceremony.RefusalOf(err); ok {
		return explainRefusal(r)
	}
	for _, s := range sentinels() {
		if errors.Is(err, s.err) {
			return s.words.granting(err)
		}
	}
	return words{"Something went wrong inside Conclave.", "Nothing is known to have happened because of it; look at the status before you try again."}
}

// granting adds the line of a policy that grants the right which Vault misses.
func (w words) granting(err error) words {
	line := missingRight(err)
	if line == "" {
		return w
	}
	return words{w.what, "The operator of Conclave has to add this to the policy of its token; `conclave policy` prints the whole: `" + line + "`"}
}

// missingRight is the line of a policy that would have let Vault do what it denied,
// empty where the error does not know it. It names a path of Vault's and no more.
func missingRight(err error) string {
	right, ok := errors.AsType[interface {
		error
		Policy() string
	}](err)
	if !ok || !errors.Is(err, ceremony.ErrForbidden) {
		return ""
	}
	return code(strings.Join(strings.Fields(right.Policy()), " "))
}

// ordinary says whether the error is part of the rules, so that an operator has
// nothing to look for.
func ordinary(err error) bool {
	_, denied := errors.AsType[denial](err)
	_, misused := errors.AsType[usage](err)
	_, refused := ceremony.RefusalOf(err)
	return denied || misused || refused
}

// newReference is a word that leads from what a person read to the operator's
// log line.
func newReference() string { return rand.Text()[:6] }

type sentence struct {
	err   error
	words words
}

// sentinels are the errors of package ceremony that are not refusals.
func sentinels() []sentence {
	return []sentence{
		{ceremony.ErrUnknownCeremony, words{"There is no ceremony with this id.", "`/ceremony list` shows the open ones, `/ceremony history` all."}},
		{ceremony.ErrJournal, words{"The journal can't be written, and nothing is done that can't be recorded.", "The operator of Conclave has to look at its disk; after that, try again."}},
		{ceremony.ErrBehind, words{"Another process has written to this ceremony's journal.", "The operator of Conclave has to make sure that it runs only once."}},
		{ceremony.ErrLocked, words{"Another process uses this journal.", "The operator of Conclave has to make sure that it runs only once."}},
		{ceremony.ErrChain, words{"The journal of this ceremony was changed from outside; its chain is broken.", "Nothing is done with it any more. Keep the file and tell your security team."}},
		{ceremony.ErrNotRunning, words{"Conclave is starting or stopping.", "Nothing was done. Try again in a minute."}},
		{ceremony.ErrNotSent, words{"Vault can't be reached.", "Nothing was sent. Try again when it is back."}},
		{ceremony.ErrUncertain, words{"Vault's answer was lost on the way.", "It is being asked what has become of it; nothing is repeated. Look at the status in a moment."}},
		{ceremony.ErrForbidden, words{"Vault denied permission to Conclave's own token.", "The operator of Conclave has to check the token and its policy; `conclave check` says what is missing."}},
		{ceremony.ErrSealed, words{"Vault is sealed.", "Unseal it first."}},
		{ceremony.ErrThrottled, words{"Vault asks to slow down.", "Nothing was sent. Try again in a minute."}},
		{ceremony.ErrNoLeader, words{"The cluster has no active node at the moment.", "Nothing was sent. Try again when a node has become active."}},
		{ceremony.ErrUnsupported, words{"This Vault server does not offer the operation.", ""}},
		{ceremony.ErrNoBackup, words{"Vault holds no backup of the new shares.", ""}},
		{ceremony.ErrRefused, words{"Vault refused the request.", "The operator of Conclave finds the reason in its log."}},
		{ceremony.ErrNotPosted, words{"Slack did not take the message.", "It will be tried again."}},
		{errSlackSilent, words{"Slack does not answer Conclave at the moment.", "Nothing was done. Try again in a minute."}},
		{ceremony.ErrUndeliverable, words{"The message can't be delivered.", ""}},
	}
}

func explainDenial(d denial) words {
	switch d {
	case deactivated:
		return words{"This Slack account is deactivated.", "Nobody acts through it."}
	case machine:
		return words{"This is the account of a bot or an app.", "Only people take part in ceremonies."}
	case guest:
		return words{"Guests of the workspace have no part in ceremonies.", "Ask an administrator to make the account a full member, if it should have one."}
	case invited:
		return words{"The invitation to this workspace has not been accepted yet.", "Accept it first."}
	case outsider:
		return words{"This account belongs to another workspace or organisation.", "Only members of the workspace that Conclave is set up for take part."}
	case sharedChannel:
		return words{"This channel is shared with another organisation.", "Use a channel or a direct message that only your own workspace can read."}
	case standShared:
		return words{"The channel in which this cluster's ceremonies are shown is shared with others than this workspace.", "Nothing was done. Its sharing has to end, or the operator of Conclave has to choose another one."}
	case standGone:
		return words{"Conclave can't post in the channel in which this cluster's ceremonies are shown.", "Nothing was done. Invite it there again; if the channel is archived, bring it back."}
	case unlisted:
		return words{"This account is not in Conclave's configuration.", "Its operator decides who takes part."}
	case unknownUser:
		return words{"Slack does not know this account.", ""}
	case overloaded:
		return words{"Too much is waiting at the moment.", "Nothing was done. Try again in a minute."}
	case notDirect:
		return words{"Shares are taken in a direct message only, never in a channel.", "Send it to me directly, and delete it where it stands."}
	case edited:
		return words{"Edits of earlier messages are not read.", "Send it again as a new message."}
	case splitMessage:
		return words{"This is the rest of a message that Slack has cut in two.", "Send the PGP message as a file: " + asFile}
	case tooLargeFile:
		return words{"The file is larger than any share's envelope can be.", "Send the output of the command that I gave you, and nothing else."}
	case foreignFile:
		return words{"The file is a link to another service.", "Upload the file itself."}
	case otherFile:
		return words{"The file has none of the names that I read.", "PGP messages come as `.asc`, `.gpg`, `.pgp` or `.txt`."}
	case fileGone:
		return words{"The file was deleted before I could read it.", "Upload it again."}
	case fileUnread:
		return words{"Slack did not hand the file over.", "Send it again, or paste the PGP message as text."}
	case inCommand:
		return words{
			"What was typed after the command looks like a share, a token or a PGP message. It was not used.",
			"Slack has seen it: if it was a share or a token in the open, treat it as exposed, tell your security team, and plan a rekey. PGP messages go into a direct message to me.",
		}
	case passwordInCommand:
		return words{
			"What was typed looks like a one-time password, and not like its commitment. It was not used.",
			"Slack has seen it: make another password with `conclave otp new`, and propose with `otp=` and the 64 digits of its commitment.",
		}
	case tokenAsAccessor:
		return words{
			"This is a token in the open, and not its accessor. It was not used.",
			"Slack has seen it: *revoke it now*, with `vault token revoke -self` where it is in `VAULT_TOKEN`, and tell your security team. If it was the token of this ceremony, type `/ceremony revoked ID` then.",
		}
	case tokenInOpen:
		return words{
			"This is a Vault token in the open. It was not used, and I can't delete it.",
			"Slack has seen it: *revoke it now*, with `vault token revoke -self` where it is in `VAULT_TOKEN`. Then delete it where you wrote it, and tell your security team.",
		}
	case keyInOpen:
		return words{
			"This is a private key in the open. It was not used, and I can't delete it.",
			"Slack has seen it: publish its revocation, make another key, and have the operator of Conclave configure that one. Whatever was encrypted to this key counts as exposed, with it the share that you hold: delete the key where you wrote it, tell your security team, and plan a rekey.",
		}
	case noEnvelope:
		return words{"There is no PGP message in it.", "Paste all of what the command has printed."}
	case formLate:
		return words{"Slack's time to open the form was over before I could.", "Press the button once more."}
	case noTranscript:
		return words{"No transcript of this ceremony is signed yet.", "It is signed when the ceremony has ended and everybody was told; what happens later gets another one."}
	case mayNotReset:
		return words{"Only the initiator and the approvers can have the nodes forget their shares.", "`/ceremony status` shows who they are."}
	case mayNotReverify:
		return words{"Only the initiator and the approvers can have the new shares proven again.", "`/ceremony status` shows who they are."}
	case deletionAsked:
		return words{"Somebody has let the backup go before.", "Nothing more is needed; `/ceremony status` shows what has become of it."}
	case vaultIsAsked:
		return words{"Conclave knows the token's accessor, and asks Vault whether it is gone: nobody has to be believed.", "Revoke the token, and it is noticed within a minute."}
	case noSuchID:
		return words{"No ceremony has an id like this.", "`/ceremony list` shows the open ones, `/ceremony history` all."}
	case manyIDs:
		return words{"Several ceremonies have an id like this.", "Write more of it; `/ceremony list` shows them."}
	case noneOpen:
		return words{"No ceremony is open.", "`/ceremony history` shows those that have ended."}
	case manyOpen:
		return words{"Several ceremonies are open.", "Name one by its id; `/ceremony list` shows them."}
	case nothingAsked:
		return words{"Nothing is wanted from this account in this ceremony at the moment.", "`/ceremony status` shows who is still missing."}
	case oldButton:
		return words{"This button belongs to something that is over.", "Use the command instead; `/ceremony help` lists them."}
	}
	return wordless
}

// wordless stands for a code that this program does not know: a journal that a
// newer one wrote may hold it. A test keeps every known code from needing it.
var wordless = words{"Conclave refused it.", "Look at the status; the operator finds the reason in the log."}

// asFile must not name a file that a message names as a share's: the command reads
// that, and the shell would empty it first.
const asFile = "add `> envelope.asc` to the command, and drop that file here."

const sendAgain = "Run the command exactly as `/ceremony submit` shows it, and send what it prints."

func explainRefusal(r ceremony.Refusal) words {
	switch r {
	case ceremony.TooBig:
		return words{"The message is larger than any share's envelope can be.", sendAgain}
	case ceremony.NoArmor:
		return words{"There is no PGP message in it.", sendAgain}
	case ceremony.BadArmor:
		return words{"The PGP message can't be read: its lines were changed on the way.", "Send it as a file: " + asFile}
	case ceremony.Truncated:
		return words{"The PGP message has no end.", "Slack may have cut it in two. Send it as a file: " + asFile}
	case ceremony.Altered:
		return words{"The PGP message was changed on the way: its checksum does not match.", "Send it as a file: " + asFile}
	case ceremony.NotEncrypted:
		return words{"The message is signed but not encrypted: the share stands in it for everybody to read.", "Treat this share as exposed, delete the message, tell your security team, and plan a rekey."}
	case ceremony.PasswordSealed:
		return words{"The message is encrypted with a password.", "Leave out `-c`. " + sendAgain}
	case ceremony.OtherKey:
		return words{"The message is encrypted to another key than the one of an open ceremony.", "`/ceremony submit` shows the key that is wanted now. It changes when a round begins again and when Conclave was restarted."}
	case ceremony.BadMessage:
		return words{"The PGP message is damaged.", sendAgain}
	case ceremony.WeakCipher:
		return words{"The message is encrypted with a cipher that is not accepted.", "Only AES is. Remove `personal-cipher-preferences` from your gpg.conf, or use `conclave seal`."}
	case ceremony.Unsigned:
		return words{"The message is not signed.", "The `-s` in the command signs it. " + sendAgain}
	case ceremony.ManySignatures:
		return words{"The message has more than one signature.", "Sign with your own key only. " + sendAgain}
	case ceremony.WrongSigner:
		return words{"The message is signed by another key than the one in the plan.", "The `-u` in the command chooses the right one. " + sendAgain}
	case ceremony.BadSignature:
		return words{"The signature does not verify.", sendAgain}
	case ceremony.SignerInvalid:
		return words{"The key that signed the message is expired or revoked.", "Extend it, and give the new public key to the operator of Conclave."}
	case ceremony.Stale:
		return words{"The message was signed before this round of the ceremony began.", "Check your computer's clock. " + sendAgain}
	case ceremony.FromTheFuture:
		return words{"The message was signed at a time that is still to come.", "Check your computer's clock. " + sendAgain}
	case ceremony.NoPrefix:
		return words{"The content does not begin with the line that binds it to this ceremony.", "The `printf` in the command writes it. " + sendAgain}
	case ceremony.OtherCeremony:
		return words{"The message is meant for another ceremony.", sendAgain}
	case ceremony.OtherStep:
		return words{"The message is meant for another step of this ceremony.", "Shares of the old key, shares of the new key and one-time passwords are asked for by different commands. " + sendAgain}
	case ceremony.OtherNonce:
		return words{"The message is meant for an earlier attempt.", sendAgain}
	case ceremony.OtherIdentity:
		return words{"The message is meant for another bot.", "Compare the fingerprint in the command with the one that you were given. " + sendAgain}
	case ceremony.BadShare:
		return words{"What was inside is not a share: its length or its characters don't fit.", "Check that `gpg -qd` on your file prints the share and nothing else. " + sendAgain}
	case ceremony.BadPassword:
		return words{"What was inside is not a one-time password: its length or its characters don't fit.", "`conclave seal --otp` with the file that `conclave otp new` has made gets it right. " + sendAgain}
	case ceremony.OtherPassword:
		return words{"What was inside is not the one-time password that the plan names by its commitment.", "`conclave otp show` says which commitment a file has. If the right one is lost, cancel this ceremony and propose another one."}
	case ceremony.Replayed:
		return words{"This very message was sent before.", "Make a new one. " + sendAgain}
	case ceremony.DuplicateShare:
		return words{"This share has already been sent in this round, by somebody else.", "Two people must not hold the same share. Tell your security team."}
	case ceremony.OutdatedShare:
		return words{"This share is of a key that is not in force any more.", "Nothing was sent to Vault. Look for the newest share that you were given for this cluster. " + insistHint}
	case ceremony.OtherClusterShare:
		return words{"This share is of another cluster's key.", "Nothing was sent to Vault. Look for the share that you were given for this cluster. " + insistHint}
	case ceremony.MistypedShare:
		return words{"This is no share of the key in force, though it has the number of one: part of it was mistyped or lost.", "Nothing was sent to Vault. Compare what you typed with what you were given. " + insistHint}
	case ceremony.UnfamiliarShare:
		return words{"This is not the share that this person is known to hold.", "Nothing was sent to Vault. Look for the newest share that you were given for this cluster. " + insistHint}
	case ceremony.InsistedInVain:
		return words{"Conclave knows better than that this share is right, and rounds that it was used in on its holder's word were refused.", "It is not used in this ceremony. Look for another share, or talk to the initiator."}
	case ceremony.PlainShare:
		return words{"This looks like a share in the open. It was not used, and I can't delete it.", "Delete it now. Slack has seen it: treat the share as exposed, tell your security team, and plan a rekey."}
	case ceremony.PlainPassword:
		return words{"This looks like a one-time password in the open. It was not used, and I can't delete it.", "Delete it now. Slack has seen it: make another one with `conclave otp new`, and propose again with its commitment."}
	case ceremony.PrivateMaterial:
		return words{"This looks like a private key or a Vault token in the open. It was not used, and I can't delete it.", "Delete it now. Slack has seen it: revoke the token or the key, and tell your security team."}

	case ceremony.NotAHolder:
		return words{"The plan asks this person for no share in this step.", "`/ceremony status` shows who is asked."}
	case ceremony.AlreadyCounted:
		return words{"This person's share is already in this round.", "Nothing more is needed."}
	case ceremony.NotCollecting:
		return words{"No shares are wanted at the moment.", "`/ceremony status` shows what the ceremony is waiting for."}
	case ceremony.Closed:
		return words{"The ceremony has ended.", ""}
	case ceremony.IsFrozen:
		return words{"The ceremony is frozen: Vault is not as the plan says, and people have to decide first.", "The initiator and an approver either `/ceremony resume` or `/ceremony cancel` it."}
	case ceremony.NotFrozen:
		return words{"The ceremony is not frozen.", "There is nothing to resume."}
	case ceremony.Busy:
		return words{"An earlier step has no answer from Vault yet.", "Wait a moment and try again."}
	case ceremony.Interrupted:
		return words{"Conclave was stopped before the share was sent to Vault.", "It was not counted. " + sendAgain}
	case ceremony.TooManyRefusals:
		return words{"Too many messages of this person were refused in this ceremony; no more are looked at.", "Talk to the initiator."}
	case ceremony.NotInitiator:
		return words{"This account may not start this operation on this cluster.", "`/ceremony holders` shows who may."}
	case ceremony.NotApprover:
		return words{"This account may not decide about this plan.", "`/ceremony status` shows who may."}
	case ceremony.OwnProposal:
		return words{"Whoever proposes a ceremony can't approve it.", "A second person has to."}
	case ceremony.AlreadyApproved:
		return words{"This person has approved the plan before.", "Another approver is needed, if the status still says so."}
	case ceremony.NeedsSignature:
		return words{"This plan is approved by a signature, not by an account alone.", "Sign the line that my request shows with your PGP key, and send me what gpg prints, here."}
	case ceremony.TooFewApprovers:
		return words{"The cluster's policy asks for more approvals than the people can give who may approve this.", "Its initiator never counts, nor does whoever holds a share where the policy keeps them apart. The operator of Conclave has to complete the list of approvers, or somebody else proposes. Nothing was proposed."}
	case ceremony.NoWitness:
		return words{"The cluster's policy asks for a witness, and everybody who is configured as one has another part in this.", "The operator of Conclave has to name a witness who neither proposes nor approves nor gets a share. Nothing was proposed."}
	case ceremony.NoTime:
		return words{"Cooling-off and quiet hours leave nothing of the time that this ceremony has.", "Propose it again when the quiet hours are nearly over, or have the operator of Conclave lengthen the window. Nothing was proposed."}
	case ceremony.NoPart:
		return words{"You have no part in this ceremony.", "`/ceremony status` shows who has."}
	case ceremony.NoWord:
		return words{"It is signed, and is no word about a ceremony.", "A word is one line as my requests show it; it begins with `" + ceremony.WordTag + "`. An envelope has to be encrypted, too."}
	case ceremony.OldWord:
		return words{"What you have signed was about another moment of this ceremony.", "`/ceremony status` shows where it stands. Sign the line of my newest request."}
	case ceremony.NotCalled:
		return words{"The roll call does not ask you.", ""}
	case ceremony.AlreadyPresent:
		return words{"You have answered the roll call already.", "Nothing more is wanted from you now."}
	case ceremony.WrongAnswer:
		return words{"This is not what was in your challenge.", "Run the whole command of my newest roll call once more. What it decrypts stays on your computer; only its hash is sent."}
	case ceremony.NotWitness:
		return words{"You are no witness of this ceremony.", ""}
	case ceremony.WitnessAwaited:
		return words{"The next share is the last one needed, and a witness has to let it happen first. Yours was not opened.", "I tell you as soon as the witness has spoken. Then send the very same message again."}
	case ceremony.NotEnded:
		return words{"A witness speaks of the whole ceremony when it is over.", "Until then `/ceremony exception` takes what was not as it should be."}
	case ceremony.AlreadyStated:
		return words{"You have spoken already.", "What was said stays; it is part of the transcript."}
	case ceremony.WayForbidden:
		return words{"The cluster's policy does not take envelopes in this way.", "`/ceremony status` shows in which it does. It was not opened."}
	case ceremony.StillInDoubt:
		return words{"What has frozen this ceremony still stands.", "Put the configuration back, or the journal from a backup, and start Conclave again; then resume. Or `/ceremony cancel` it."}
	case ceremony.NotProposed:
		return words{"The plan no longer waits for approval.", "`/ceremony status` shows where it stands."}
	case ceremony.MayNotCancel:
		return words{"Only the initiator and the approvers can cancel a ceremony.", ""}
	case ceremony.MayNotResume:
		return words{"Only the initiator and the approvers can resume a ceremony.", ""}
	case ceremony.PlanChanged:
		return words{"The hash is not that of this plan.", "Read the plan again in `/ceremony status`, and compare the hash with whoever gave it to you."}
	case ceremony.ClusterBusy:
		return words{"Another ceremony is open on this cluster.", "One at a time: finish or cancel it first. `/ceremony list` shows it."}
	case ceremony.UnknownCluster:
		return words{"No cluster has this name.", "`/ceremony holders` lists them."}
	case ceremony.UnknownOperation:
		return words{"This operation does not exist or is not allowed on this cluster.", "`/ceremony holders` shows what is allowed where."}
	case ceremony.AlreadyStarted:
		return words{"Vault has an operation of this kind in progress that did not come from here.", "Find out who started it. It has to be finished or cancelled in Vault before Conclave starts one."}
	case ceremony.NotInitialized:
		return words{"The cluster is not initialised: it has no key yet.", ""}
	case ceremony.WrongSealType:
		return words{"This cluster unseals itself: nobody has a share of its unseal key. What people hold are shares of its recovery key.", "`rekey-recovery` is the operation that replaces those."}
	case ceremony.NoRecoveryKey:
		return words{"This cluster has no recovery key: people unseal it with their shares of its unseal key.", "`rekey` is the operation that replaces those."}
	case ceremony.SelfUnsealing:
		return words{"This cluster unseals itself: nobody's shares can do it.", "A node that stays sealed does not reach the service that it unseals itself with. Its own log says why."}
	case ceremony.AlreadyInitialized:
		return words{"A node of this cluster has been initialised: it has a key, and is left alone.", "Nothing was done. `rekey` replaces its shares; if the cluster has to begin anew, its storage has to be emptied first."}
	case ceremony.NotSealed:
		return words{"Every node that answers is unsealed.", "There is nothing to unseal. A node that does not answer has to be started first."}
	case ceremony.NoBackupKept:
		return words{"Vault keeps no backup of new shares.", "It was deleted, or the newest rekey asked for none: there is nothing to hand out and nothing to delete."}
	case ceremony.NotWaiting:
		return words{"The ceremony does not wait for this.", "`/ceremony status` shows what it waits for. A backup is deleted only after everybody has been sent what it has for them."}
	case ceremony.NotDelivered:
		return words{"Somebody's share could not be delivered to them: the backup is the only copy of it, and stays.", "`/ceremony status` shows whose. When they can be reached again, another backup ceremony hands it to them. Nothing was deleted."}
	case ceremony.NotRequester:
		return words{"Only whoever has the token and the approvers can say this of it.", ""}
	case ceremony.UnknownAccessor:
		return words{"Vault knows no token by this accessor.", "With the token in `VAULT_TOKEN`, `" + showAccessor + "` prints the right one. If the token is revoked already, `/ceremony revoked` with the ceremony's id says so."}
	case ceremony.OtherToken:
		return words{"This accessor is that of another token: not of a root token, or not of one that was made when this ceremony made its own.", "With the token in `VAULT_TOKEN`, `" + showAccessor + "` prints the right one."}
	case ceremony.NeedsPassword:
		return words{"Whoever proposes this has no PGP key in the configuration, and named no one-time password in place of it.", "`conclave otp new otp.txt` makes one on your computer. Propose again, with `otp=` and the commitment that it shows. Nothing was proposed."}
	case ceremony.UsedPassword:
		return words{"This one-time password was another ceremony's.", "Two tokens under one password give each other away: make another one with `conclave otp new`, and propose again with its commitment. Nothing was proposed."}
	case ceremony.WrongOption:
		return words{"An option is none of this operation's, or has a value that it can't have.", "`/ceremony help` with the operation's name lists its options. Nothing was proposed."}
	case ceremony.EnabledAlone:
		return words{"Vault forgets a change of `enabled` alone, and says nothing of it.", "Change `interval` or `max-operations` in the same proposal. Nothing was proposed."}
	case ceremony.SamePolicy:
		return words{"Vault rotates by this very policy.", "`/ceremony key-status CLUSTER` shows it. Nothing was proposed."}
	case ceremony.NotAnAlarm:
		return words{"This is no alarm.", "Only alarms are acknowledged; `/ceremony list` shows what is open."}
	case ceremony.IsAnAlarm:
		return words{"This is an alarm: there is nothing to cancel or to freeze.", "Whoever looks after it types `/ceremony acknowledge ID`."}
	case ceremony.MayNotAcknowledge:
		return words{"Only the owners of the cluster, its initiators and its approvers can acknowledge an alarm.", "Tell one of them what you know; `/ceremony status` shows who they are."}
	case ceremony.TooFewHolders:
		return words{"Fewer holders are configured than Vault asks shares of.", "The operator of Conclave has to complete the list of holders."}
	case ceremony.BadReason:
		return words{"The reason is too long or has characters that can't be printed.", "One short line is right: a ticket number and a few words."}
	case ceremony.VaultUnreachable:
		return words{"Vault can't be reached. Nothing was sent.", "Try again when it is back."}
	case ceremony.VaultSealed:
		return words{"Vault is sealed. Nothing was sent.", "Unseal it first."}
	case ceremony.VaultThrottled:
		return words{"Vault asks to slow down. Nothing was sent.", "Try again in a minute."}
	case ceremony.VaultForbids:
		return words{"Vault denied permission to Conclave's own token.", "The operator of Conclave has to check the token and its policy; `conclave check` says what is missing."}
	case ceremony.VaultRefused:
		return words{"Vault declined, and counted nothing.", "Look at the status; if the ceremony still collects, try again."}
	case ceremony.NotCounted:
		return words{"Vault's answer was lost, and Vault says that the share was not counted.", sendAgain}
	case ceremony.HolderKeyInvalid:
		return words{"The PGP key of a holder can't be used until the ceremony closes.", "`conclave check` says whose and why. Put a valid public key into the configuration."}
	case ceremony.TokenLost:
		return words{"Vault has made a root token, or may have made one, and its answer was lost: nobody can read the token, and it is valid until it is revoked.", "Find it in Vault's audit log by the time of this ceremony, revoke it by its accessor, and start again."}
	case ceremony.SharesLost:
		return words{"Vault has made new shares, or may have made them, and its answer was lost; the plan asked for no verification, so that the old shares may be in force no more.", "Vault's backup, if the plan asked for one, has them: `/ceremony start backup` with the cluster's name hands them out. Don't restart Vault before they are found, keep every old share, and tell your security team."}
	case ceremony.InitLost:
		return words{"The cluster has been initialised, and the answer with its shares and its root token was lost, or went to somebody else: nobody here can read them, and without them the cluster is of no use.", "Nothing is stored in it yet. Find out whether somebody else has initialised it; if nobody has, empty its storage and begin again."}
	}
	return wordless
}

// vaultSays is the state of Vault in a few words, for the status post.
func vaultSays(err error) string {
	switch {
	case err == nil:
		return "answers"
	case errors.Is(err, ceremony.ErrSealed):
		return "sealed"
	case errors.Is(err, ceremony.ErrNoLeader):
		return "no active node"
	case errors.Is(err, ceremony.ErrForbidden):
		return "denies permission to Conclave's token"
	case errors.Is(err, ceremony.ErrThrottled):
		return "asks to slow down"
	case errors.Is(err, ceremony.ErrUnsupported):
		return "does not offer the operation"
	case errors.Is(err, ceremony.ErrRefused):
		return "refuses to answer"
	default:
		return "does not answer"
	}
}
