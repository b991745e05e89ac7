package wording

import (
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

// Words are what people read about an error.
type Words struct {
	What string // a sentence
	Hint string // what to do next; may be empty
}

func (w Words) String() string {
	if w.Hint == "" {
		return w.What
	}
	return w.What + " " + w.Hint
}

// ExplainError has the words of what the engine, Vault and the journal say.
func ExplainError(err error) Words {
	if r, ok := ceremony.RefusalOf(err); ok {
		return ExplainRefusal(r)
	}
	for _, s := range Sentinels() {
		if errors.Is(err, s.Err) {
			return s.words.granting(err)
		}
	}
	return Words{"Something went wrong inside Conclave.", "Nothing is known to have happened because of it; look at the status before you try again."}
}

// granting adds the line of a policy that grants the right which Vault misses.
func (w Words) granting(err error) Words {
	line := missingRight(err)
	if line == "" {
		return w
	}
	return Words{w.What, "The operator of Conclave has to add this to the policy of its token; `conclave policy` prints the whole: `" + line + "`"}
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
	return Code(strings.Join(strings.Fields(right.Policy()), " "))
}

type sentence struct {
	Err   error
	words Words
}

// Sentinels are the errors of package ceremony that are not refusals.
func Sentinels() []sentence {
	return []sentence{
		{ceremony.ErrUnknownCeremony, Words{"There is no ceremony with this id.", "`/ceremony list` shows the open ones, `/ceremony history` all."}},
		{ceremony.ErrJournal, Words{"The journal can't be written, and nothing is done that can't be recorded.", "The operator of Conclave has to look at its disk; after that, try again."}},
		{ceremony.ErrBehind, Words{"Another process has written to this ceremony's journal.", "The operator of Conclave has to make sure that it runs only once."}},
		{ceremony.ErrLocked, Words{"Another process uses this journal.", "The operator of Conclave has to make sure that it runs only once."}},
		{ceremony.ErrChain, Words{"The journal of this ceremony was changed from outside; its chain is broken.", "Nothing is done with it any more. Keep the file and tell your security team."}},
		{ceremony.ErrNotRunning, Words{"Conclave is starting or stopping.", "Nothing was done. Try again in a minute."}},
		{ceremony.ErrNotSent, Words{"Vault can't be reached.", "Nothing was sent. Try again when it is back."}},
		{ceremony.ErrUncertain, Words{"Vault's answer was lost on the way.", "It is being asked what has become of it; nothing is repeated. Look at the status in a moment."}},
		{ceremony.ErrForbidden, Words{"Vault denied permission to Conclave's own token.", "The operator of Conclave has to check the token and its policy; `conclave check` says what is missing."}},
		{ceremony.ErrSealed, Words{"Vault is sealed.", "Unseal it first."}},
		{ceremony.ErrThrottled, Words{"Vault asks to slow down.", "Nothing was sent. Try again in a minute."}},
		{ceremony.ErrNoLeader, Words{"The cluster has no active node at the moment.", "Nothing was sent. Try again when a node has become active."}},
		{ceremony.ErrUnsupported, Words{"This Vault server does not offer the operation.", ""}},
		{ceremony.ErrNoBackup, Words{"Vault holds no backup of the new shares.", ""}},
		{ceremony.ErrRefused, Words{"Vault refused the request.", "The operator of Conclave finds the reason in its log."}},
		{ceremony.ErrNotPosted, Words{"Slack did not take the message.", "It will be tried again."}},
		{ceremony.ErrUndeliverable, Words{"The message can't be delivered.", ""}},
	}
}

// Wordless stands for a code that this program does not know: a journal that a
// newer one wrote may hold it. A test keeps every known code from needing it.
var Wordless = Words{"Conclave refused it.", "Look at the status; the operator finds the reason in the log."}

// AsFile must not name a file that a message names as a share's: the command reads
// that, and the shell would empty it first.
const AsFile = "add `> envelope.asc` to the command, and drop that file here."

const sendAgain = "Run the command exactly as `/ceremony submit` shows it, and send what it prints."

func ExplainRefusal(r ceremony.Refusal) Words {
	switch r {
	case ceremony.TooBig:
		return Words{"The message is larger than any share's envelope can be.", sendAgain}
	case ceremony.NoArmor:
		return Words{"There is no PGP message in it.", sendAgain}
	case ceremony.BadArmor:
		return Words{"The PGP message can't be read: its lines were changed on the way.", "Send it as a file: " + AsFile}
	case ceremony.Truncated:
		return Words{"The PGP message has no end.", "Slack may have cut it in two. Send it as a file: " + AsFile}
	case ceremony.Altered:
		return Words{"The PGP message was changed on the way: its checksum does not match.", "Send it as a file: " + AsFile}
	case ceremony.NotEncrypted:
		return Words{"The message is signed but not encrypted: the share stands in it for everybody to read.", "Treat this share as exposed, delete the message, tell your security team, and plan a rekey."}
	case ceremony.PasswordSealed:
		return Words{"The message is encrypted with a password.", "Leave out `-c`. " + sendAgain}
	case ceremony.OtherKey:
		return Words{"The message is encrypted to another key than the one of an open ceremony.", "`/ceremony submit` shows the key that is wanted now. It changes when a round begins again and when Conclave was restarted."}
	case ceremony.BadMessage:
		return Words{"The PGP message is damaged.", sendAgain}
	case ceremony.WeakCipher:
		return Words{"The message is encrypted with a cipher that is not accepted.", "Only AES is. Remove `personal-cipher-preferences` from your gpg.conf, or use `conclave seal`."}
	case ceremony.Unsigned:
		return Words{"The message is not signed.", "The `-s` in the command signs it. " + sendAgain}
	case ceremony.ManySignatures:
		return Words{"The message has more than one signature.", "Sign with your own key only. " + sendAgain}
	case ceremony.WrongSigner:
		return Words{"The message is signed by another key than the one in the plan.", "The `-u` in the command chooses the right one. " + sendAgain}
	case ceremony.BadSignature:
		return Words{"The signature does not verify.", sendAgain}
	case ceremony.SignerInvalid:
		return Words{"The key that signed the message is expired or revoked.", "Extend it, and give the new public key to the operator of Conclave."}
	case ceremony.Stale:
		return Words{"The message was signed before this round of the ceremony began.", "Check your computer's clock. " + sendAgain}
	case ceremony.FromTheFuture:
		return Words{"The message was signed at a time that is still to come.", "Check your computer's clock. " + sendAgain}
	case ceremony.NoPrefix:
		return Words{"The content does not begin with the line that binds it to this ceremony.", "The `printf` in the command writes it. " + sendAgain}
	case ceremony.OtherCeremony:
		return Words{"The message is meant for another ceremony.", sendAgain}
	case ceremony.OtherStep:
		return Words{"The message is meant for another step of this ceremony.", "Shares of the old key, shares of the new key and one-time passwords are asked for by different commands. " + sendAgain}
	case ceremony.OtherNonce:
		return Words{"The message is meant for an earlier attempt.", sendAgain}
	case ceremony.OtherIdentity:
		return Words{"The message is meant for another bot.", "Compare the fingerprint in the command with the one that you were given. " + sendAgain}
	case ceremony.BadShare:
		return Words{"What was inside is not a share: its length or its characters don't fit.", "Check that `gpg -qd` on your file prints the share and nothing else. " + sendAgain}
	case ceremony.BadPassword:
		return Words{"What was inside is not a one-time password: its length or its characters don't fit.", "`conclave seal --otp` with the file that `conclave otp new` has made gets it right. " + sendAgain}
	case ceremony.OtherPassword:
		return Words{"What was inside is not the one-time password that the plan names by its commitment.", "`conclave otp show` says which commitment a file has. If the right one is lost, cancel this ceremony and propose another one."}
	case ceremony.Replayed:
		return Words{"This very message was sent before.", "Make a new one. " + sendAgain}
	case ceremony.DuplicateShare:
		return Words{"This share has already been sent in this round, by somebody else.", "Two people must not hold the same share. Tell your security team."}
	case ceremony.OutdatedShare:
		return Words{"This share is of a key that is not in force any more.", "Nothing was sent to Vault. Look for the newest share that you were given for this cluster. " + insistHint}
	case ceremony.OtherClusterShare:
		return Words{"This share is of another cluster's key.", "Nothing was sent to Vault. Look for the share that you were given for this cluster. " + insistHint}
	case ceremony.MistypedShare:
		return Words{"This is no share of the key in force, though it has the number of one: part of it was mistyped or lost.", "Nothing was sent to Vault. Compare what you typed with what you were given. " + insistHint}
	case ceremony.UnfamiliarShare:
		return Words{"This is not the share that this person is known to hold.", "Nothing was sent to Vault. Look for the newest share that you were given for this cluster. " + insistHint}
	case ceremony.InsistedInVain:
		return Words{"Conclave knows better than that this share is right, and rounds that it was used in on its holder's word were refused.", "It is not used in this ceremony. Look for another share, or talk to the initiator."}
	case ceremony.PlainShare:
		return Words{"This looks like a share in the open. It was not used, and I can't delete it.", "Delete it now. Slack has seen it: treat the share as exposed, tell your security team, and plan a rekey."}
	case ceremony.PlainPassword:
		return Words{"This looks like a one-time password in the open. It was not used, and I can't delete it.", "Delete it now. Slack has seen it: make another one with `conclave otp new`, and propose again with its commitment."}
	case ceremony.PrivateMaterial:
		return Words{"This looks like a private key or a Vault token in the open. It was not used, and I can't delete it.", "Delete it now. Slack has seen it: revoke the token or the key, and tell your security team."}

	case ceremony.NotAHolder:
		return Words{"The plan asks this person for no share in this step.", "`/ceremony status` shows who is asked."}
	case ceremony.AlreadyCounted:
		return Words{"This person's share is already in this round.", "Nothing more is needed."}
	case ceremony.NotCollecting:
		return Words{"No shares are wanted at the moment.", "`/ceremony status` shows what the ceremony is waiting for."}
	case ceremony.Closed:
		return Words{"The ceremony has ended.", ""}
	case ceremony.IsFrozen:
		return Words{"The ceremony is frozen: Vault is not as the plan says, and people have to decide first.", "The initiator and an approver either `/ceremony resume` or `/ceremony cancel` it."}
	case ceremony.NotFrozen:
		return Words{"The ceremony is not frozen.", "There is nothing to resume."}
	case ceremony.Busy:
		return Words{"An earlier step has no answer from Vault yet.", "Wait a moment and try again."}
	case ceremony.Interrupted:
		return Words{"Conclave was stopped before the share was sent to Vault.", "It was not counted. " + sendAgain}
	case ceremony.TooManyRefusals:
		return Words{"Too many messages of this person were refused in this ceremony; no more are looked at.", "Talk to the initiator."}
	case ceremony.NotInitiator:
		return Words{"This account may not start this operation on this cluster.", "`/ceremony holders` shows who may."}
	case ceremony.NotApprover:
		return Words{"This account may not decide about this plan.", "`/ceremony status` shows who may."}
	case ceremony.OwnProposal:
		return Words{"Whoever proposes a ceremony can't approve it.", "A second person has to."}
	case ceremony.AlreadyApproved:
		return Words{"This person has approved the plan before.", "Another approver is needed, if the status still says so."}
	case ceremony.NeedsSignature:
		return Words{"This plan is approved by a signature, not by an account alone.", "Sign the line that my request shows with your PGP key, and send me what gpg prints, here."}
	case ceremony.TooFewApprovers:
		return Words{"The cluster's policy asks for more approvals than the people can give who may approve this.", "Its initiator never counts, nor does whoever holds a share where the policy keeps them apart. The operator of Conclave has to complete the list of approvers, or somebody else proposes. Nothing was proposed."}
	case ceremony.NoWitness:
		return Words{"The cluster's policy asks for a witness, and everybody who is configured as one has another part in this.", "The operator of Conclave has to name a witness who neither proposes nor approves nor gets a share. Nothing was proposed."}
	case ceremony.NoTime:
		return Words{"Cooling-off and quiet hours leave nothing of the time that this ceremony has.", "Propose it again when the quiet hours are nearly over, or have the operator of Conclave lengthen the window. Nothing was proposed."}
	case ceremony.NoPart:
		return Words{"You have no part in this ceremony.", "`/ceremony status` shows who has."}
	case ceremony.NoWord:
		return Words{"It is signed, and is no word about a ceremony.", "A word is one line as my requests show it; it begins with `" + ceremony.StatementTag + "`. An envelope has to be encrypted, too."}
	case ceremony.OldWord:
		return Words{"What you have signed was about another moment of this ceremony.", "`/ceremony status` shows where it stands. Sign the line of my newest request."}
	case ceremony.NotCalled:
		return Words{"The roll call does not ask you.", ""}
	case ceremony.AlreadyPresent:
		return Words{"You have answered the roll call already.", "Nothing more is wanted from you now."}
	case ceremony.WrongAnswer:
		return Words{"This is not what was in your challenge.", "Run the whole command of my newest roll call once more. What it decrypts stays on your computer; only its hash is sent."}
	case ceremony.NotWitness:
		return Words{"You are no witness of this ceremony.", ""}
	case ceremony.WitnessAwaited:
		return Words{"The next share is the last one needed, and a witness has to let it happen first. Yours was not opened.", "I tell you as soon as the witness has spoken. Then send the very same message again."}
	case ceremony.NotEnded:
		return Words{"A witness speaks of the whole ceremony when it is over.", "Until then `/ceremony exception` takes what was not as it should be."}
	case ceremony.AlreadyStated:
		return Words{"You have spoken already.", "What was said stays; it is part of the transcript."}
	case ceremony.WayForbidden:
		return Words{"The cluster's policy does not take envelopes in this way.", "`/ceremony status` shows in which it does. It was not opened."}
	case ceremony.StillInDoubt:
		return Words{"What has frozen this ceremony still stands.", "Put the configuration back, or the journal from a backup, and start Conclave again; then resume. Or `/ceremony cancel` it."}
	case ceremony.NotProposed:
		return Words{"The plan no longer waits for approval.", "`/ceremony status` shows where it stands."}
	case ceremony.MayNotCancel:
		return Words{"Only the initiator and the approvers can cancel a ceremony.", ""}
	case ceremony.MayNotResume:
		return Words{"Only the initiator and the approvers can resume a ceremony.", ""}
	case ceremony.PlanChanged:
		return Words{"The hash is not that of this plan.", "Read the plan again in `/ceremony status`, and compare the hash with whoever gave it to you."}
	case ceremony.ClusterBusy:
		return Words{"Another ceremony is open on this cluster.", "One at a time: finish or cancel it first. `/ceremony list` shows it."}
	case ceremony.UnknownCluster:
		return Words{"No cluster has this name.", "`/ceremony holders` lists them."}
	case ceremony.UnknownOperation:
		return Words{"This operation does not exist or is not allowed on this cluster.", "`/ceremony holders` shows what is allowed where."}
	case ceremony.AlreadyStarted:
		return Words{"Vault has an operation of this kind in progress that did not come from here.", "Find out who started it. It has to be finished or cancelled in Vault before Conclave starts one."}
	case ceremony.NotInitialized:
		return Words{"The cluster is not initialised: it has no key yet.", ""}
	case ceremony.WrongSealType:
		return Words{"This cluster unseals itself: nobody has a share of its unseal key. What people hold are shares of its recovery key.", "`rekey-recovery` is the operation that replaces those."}
	case ceremony.NoRecoveryKey:
		return Words{"This cluster has no recovery key: people unseal it with their shares of its unseal key.", "`rekey` is the operation that replaces those."}
	case ceremony.SelfUnsealing:
		return Words{"This cluster unseals itself: nobody's shares can do it.", "A node that stays sealed does not reach the service that it unseals itself with. Its own log says why."}
	case ceremony.AlreadyInitialized:
		return Words{"A node of this cluster has been initialised: it has a key, and is left alone.", "Nothing was done. `rekey` replaces its shares; if the cluster has to begin anew, its storage has to be emptied first."}
	case ceremony.NotSealed:
		return Words{"Every node that answers is unsealed.", "There is nothing to unseal. A node that does not answer has to be started first."}
	case ceremony.NoBackupKept:
		return Words{"Vault keeps no backup of new shares.", "It was deleted, or the newest rekey asked for none: there is nothing to hand out and nothing to delete."}
	case ceremony.NotWaiting:
		return Words{"The ceremony does not wait for this.", "`/ceremony status` shows what it waits for. A backup is deleted only after everybody has been sent what it has for them."}
	case ceremony.NotDelivered:
		return Words{"Somebody's share could not be delivered to them: the backup is the only copy of it, and stays.", "`/ceremony status` shows whose. When they can be reached again, another backup ceremony hands it to them. Nothing was deleted."}
	case ceremony.NotRequester:
		return Words{"Only whoever has the token and the approvers can say this of it.", ""}
	case ceremony.UnknownAccessor:
		return Words{"Vault knows no token by this accessor.", "With the token in `VAULT_TOKEN`, `" + ShowAccessor + "` prints the right one. If the token is revoked already, `/ceremony revoked` with the ceremony's id says so."}
	case ceremony.OtherToken:
		return Words{"This accessor is that of another token: not of a root token, or not of one that was made when this ceremony made its own.", "With the token in `VAULT_TOKEN`, `" + ShowAccessor + "` prints the right one."}
	case ceremony.NeedsPassword:
		return Words{"Whoever proposes this has no PGP key in the configuration, and named no one-time password in place of it.", "`conclave otp new otp.txt` makes one on your computer. Propose again, with `otp=` and the commitment that it shows. Nothing was proposed."}
	case ceremony.UsedPassword:
		return Words{"This one-time password was another ceremony's.", "Two tokens under one password give each other away: make another one with `conclave otp new`, and propose again with its commitment. Nothing was proposed."}
	case ceremony.WrongOption:
		return Words{"An option is none of this operation's, or has a value that it can't have.", "`/ceremony help` with the operation's name lists its options. Nothing was proposed."}
	case ceremony.EnabledAlone:
		return Words{"Vault forgets a change of `enabled` alone, and says nothing of it.", "Change `interval` or `max-operations` in the same proposal. Nothing was proposed."}
	case ceremony.SamePolicy:
		return Words{"Vault rotates by this very policy.", "`/ceremony key-status CLUSTER` shows it. Nothing was proposed."}
	case ceremony.NotAnAlarm:
		return Words{"This is no alarm.", "Only alarms are acknowledged; `/ceremony list` shows what is open."}
	case ceremony.IsAnAlarm:
		return Words{"This is an alarm: there is nothing to cancel or to freeze.", "Whoever looks after it types `/ceremony acknowledge ID`."}
	case ceremony.MayNotAcknowledge:
		return Words{"Only the owners of the cluster, its initiators and its approvers can acknowledge an alarm.", "Tell one of them what you know; `/ceremony status` shows who they are."}
	case ceremony.TooFewHolders:
		return Words{"Fewer holders are configured than Vault asks shares of.", "The operator of Conclave has to complete the list of holders."}
	case ceremony.BadReason:
		return Words{"The reason is too long or has characters that can't be printed.", "One short line is right: a ticket number and a few words."}
	case ceremony.VaultUnreachable:
		return Words{"Vault can't be reached. Nothing was sent.", "Try again when it is back."}
	case ceremony.VaultSealed:
		return Words{"Vault is sealed. Nothing was sent.", "Unseal it first."}
	case ceremony.VaultThrottled:
		return Words{"Vault asks to slow down. Nothing was sent.", "Try again in a minute."}
	case ceremony.VaultForbids:
		return Words{"Vault denied permission to Conclave's own token.", "The operator of Conclave has to check the token and its policy; `conclave check` says what is missing."}
	case ceremony.VaultRefused:
		return Words{"Vault declined, and counted nothing.", "Look at the status; if the ceremony still collects, try again."}
	case ceremony.NotCounted:
		return Words{"Vault's answer was lost, and Vault says that the share was not counted.", sendAgain}
	case ceremony.HolderKeyInvalid:
		return Words{"The PGP key of a holder can't be used until the ceremony closes.", "`conclave check` says whose and why. Put a valid public key into the configuration."}
	case ceremony.TokenLost:
		return Words{"Vault has made a root token, or may have made one, and its answer was lost: nobody can read the token, and it is valid until it is revoked.", "Find it in Vault's audit log by the time of this ceremony, revoke it by its accessor, and start again."}
	case ceremony.SharesLost:
		return Words{"Vault has made new shares, or may have made them, and its answer was lost; the plan asked for no verification, so that the old shares may be in force no more.", "Vault's backup, if the plan asked for one, has them: `/ceremony start backup` with the cluster's name hands them out. Don't restart Vault before they are found, keep every old share, and tell your security team."}
	case ceremony.InitLost:
		return Words{"The cluster has been initialised, and the answer with its shares and its root token was lost, or went to somebody else: nobody here can read them, and without them the cluster is of no use.", "Nothing is stored in it yet. Find out whether somebody else has initialised it; if nobody has, empty its storage and begin again."}
	}
	return Wordless
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
