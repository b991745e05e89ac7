package wording

import "conclave/ceremony"

// Wordless is said for a code that this program does not know, which the journal of a
// newer program may hold. A test makes sure that no known code needs it.
var Wordless = Words{"Conclave refused it.", "Look at the status; the operator finds the reason in the log."}

// AsFile tells how to send a message as a file. It must not name the file of a share,
// which the command reads: the shell would empty it first.
const AsFile = "add `> envelope.asc` to the command, and drop that file here."

const sendAgain = "`/ceremony submit` asks you again: use `conclave seal`, or the command exactly as gpg prints it."

// asideGPGConf is the way out when a line of gpg.conf has changed what gpg makes: the command
// as it stands, run again, would make the same.
const asideGPGConf = "A line of your gpg.conf can do that. " + withoutGPGConf

const withoutGPGConf = "`/ceremony submit` asks you again: use `conclave seal`, which sets gpg.conf aside, or put `--no-options` behind each `gpg` of the command."

// DeleteTheMessage is what is done with a secret in the open in Slack, with the reason. It is the
// same in every text.
const DeleteTheMessage = "delete the message, so that nobody else reads it; Slack may have kept it all the same"

// ExplainRefusal returns the words of a refusal, and [Wordless] of an unknown one.
func ExplainRefusal(r ceremony.Refusal) Words {
	if w, ok := refusalWords[r]; ok {
		return w
	}
	return Wordless
}

// refusalWords are the words of every refusal.
var refusalWords = map[ceremony.Refusal]Words{
	// A message, as it came.
	ceremony.TooBig:         {"The message is larger than any share's envelope can be.", sendAgain},
	ceremony.NoArmor:        {"There is no PGP message in it.", "Copy all of it, from its first line of dashes to its last. A line of your gpg.conf can leave these out. " + withoutGPGConf},
	ceremony.BadArmor:       {"The PGP message can't be read: its lines were changed on the way.", "Send it as a file: " + AsFile},
	ceremony.Truncated:      {"The PGP message has no end.", "Slack may have cut it in two. Send it as a file: " + AsFile},
	ceremony.Altered:        {"The PGP message was changed on the way: its checksum does not match.", "Send it as a file: " + AsFile},
	ceremony.NotEncrypted:   {"The message is signed but not encrypted: the share stands in it for everybody to read.", "Now " + DeleteTheMessage + ". Treat the share as exposed, tell your security team, and plan a rekey."},
	ceremony.PasswordSealed: {"The message is encrypted with a password.", "Leave out `-c`. " + sendAgain},
	ceremony.OtherKey:       {"The message is encrypted to another key than the one of an open ceremony.", "`/ceremony submit` shows the key that is wanted now. It changes when a round begins again and when Conclave was restarted."},
	ceremony.BadMessage:     {"The PGP message is damaged, or lacks the protection against changes.", asideGPGConf},
	ceremony.WeakCipher:     {"The message is encrypted with a cipher that is not accepted.", "Only AES is. " + asideGPGConf},

	// Who has signed it, and when.
	ceremony.Unsigned:       {"The message is not signed, or by a hash that is not accepted.", "The `-s` in the command signs it. " + asideGPGConf},
	ceremony.ManySignatures: {"The message has more than one signature.", "Sign with your own key only. " + asideGPGConf},
	ceremony.WrongSigner:    {"The message is signed by another key than the one in the plan.", "The `-u` in the command chooses the right one. " + sendAgain},
	ceremony.BadSignature:   {"The signature does not verify, or it is made with SHA-1 or another hash that is not accepted.", asideGPGConf},
	ceremony.SignerInvalid:  {"The key that signed the message is expired or revoked.", "Extend it, and give the new public key to the operator of Conclave."},
	ceremony.Stale:          {"The message was signed before this round of the ceremony began.", "Check your computer's clock. " + sendAgain},
	ceremony.FromTheFuture:  {"The message was signed at a time that is still to come.", "Check your computer's clock. " + sendAgain},

	// What it is bound to, and what is in it.
	ceremony.NoPrefix:       {"The content does not begin with the line that binds it to this ceremony.", "The `printf` in the command writes it. " + sendAgain},
	ceremony.OtherCeremony:  {"The message is meant for another ceremony.", sendAgain},
	ceremony.OtherStep:      {"The message is meant for another step of this ceremony.", "Shares of the old key, shares of the new key and one-time passwords are asked for by different commands. " + sendAgain},
	ceremony.OtherNonce:     {"The message is meant for an earlier attempt.", sendAgain},
	ceremony.OtherIdentity:  {"The message is meant for another bot.", "Compare the fingerprint in the command with the one that you were given. " + sendAgain},
	ceremony.BadShare:       {"What was inside is not a share: its length or its characters don't fit.", "Check that `gpg -qd` on your file prints the share and nothing else. " + sendAgain},
	ceremony.BadPassword:    {"What was inside is not a one-time password: its length or its characters don't fit.", "`conclave seal --otp` with the file that `conclave otp new` has made gets it right. " + sendAgain},
	ceremony.OtherPassword:  {"What was inside is not the one-time password that the plan names by its commitment.", "`conclave otp show` says which commitment a file has. If the right one is lost, cancel this ceremony and propose another one."},
	ceremony.Replayed:       {"This very message was sent before.", "Make a new one. " + sendAgain},
	ceremony.DuplicateShare: {"This share has already been sent in this round, by somebody else.", "Two people must not hold the same share. Tell your security team."},

	// A share that is known to be wrong.
	ceremony.OutdatedShare:     {"This share is of a key that is not in force any more.", "Nothing was sent to Vault. Look for the newest share that you were given for this cluster. " + insistHint},
	ceremony.OtherClusterShare: {"This share is of another cluster's key.", "Nothing was sent to Vault. Look for the share that you were given for this cluster. " + insistHint},
	ceremony.MistypedShare:     {"This is no share of the key in force, though it has the number of one: part of it was mistyped or lost.", "Nothing was sent to Vault. Compare what you typed with what you were given. " + insistHint},
	ceremony.UnfamiliarShare:   {"This is not the share that this person is known to hold.", "Nothing was sent to Vault. Look for the newest share that you were given for this cluster. " + insistHint},
	ceremony.InsistedInVain:    {"Conclave knows better than that this share is right, and rounds that it was used in on its holder's word were refused.", "It is not used in this ceremony. Look for another share, or talk to the initiator."},

	// A secret in the open.
	ceremony.PlainShare:      {"This looks like a share in the open. It was not used, and I can't delete it.", "Now " + DeleteTheMessage + ". Treat the share as exposed, tell your security team, and plan a rekey."},
	ceremony.PlainPassword:   {"This looks like a one-time password in the open. It was not used, and I can't delete it.", "Now " + DeleteTheMessage + ". Make another one with `conclave otp new`, and propose again with its commitment."},
	ceremony.PrivateMaterial: {"This looks like a private key or a Vault token in the open. It was not used, and I can't delete it.", "*Revoke the token or the key now*, and " + DeleteTheMessage + ". Tell your security team."},

	// A share at the wrong time, or from the wrong person.
	ceremony.NotAHolder:      {"The plan asks this person for no share in this step.", "`/ceremony status` shows who is asked."},
	ceremony.AlreadyCounted:  {"This person's share is already in this round.", "Nothing more is needed."},
	ceremony.NotCollecting:   {"No shares are wanted at the moment.", "`/ceremony status` shows what the ceremony is waiting for."},
	ceremony.Closed:          {"The ceremony has ended.", ""},
	ceremony.IsFrozen:        {"The ceremony is frozen: Vault is not as the plan says, and people have to decide first.", "The initiator and an approver either `/ceremony resume` or `/ceremony cancel` it."},
	ceremony.NotFrozen:       {"The ceremony is not frozen.", "There is nothing to resume."},
	ceremony.Busy:            {"An earlier step has no answer from Vault yet.", "Wait a moment and try again."},
	ceremony.Interrupted:     {"Conclave was stopped before the share was sent to Vault.", "It was not counted. " + sendAgain},
	ceremony.TooManyRefusals: {"Too many messages of this person were refused in this ceremony; no more are looked at.", "Talk to the initiator."},

	// A proposal and its approval.
	ceremony.NotInitiator:    {"This account may not start this operation on this cluster.", "`/ceremony holders` shows who may."},
	ceremony.NotApprover:     {"This account may not decide about this plan.", "`/ceremony status` shows who may."},
	ceremony.OwnProposal:     {"Whoever proposes a ceremony can't approve it.", "A second person has to."},
	ceremony.AlreadyApproved: {"This person has approved the plan before.", "Another approver is needed, if the status still says so."},
	ceremony.NeedsSignature:  {"This plan is approved by a signature, not by an account alone.", "Sign the line that my request shows with your PGP key, and send me what gpg prints, here."},
	ceremony.UnableToSign:    {"Approvals are signed here, and too few approvers can sign: the PGP key of at least one has expired or can't be used.", "`conclave check` says whose and why. They extend it, export it again, and the operator of Conclave puts it in place and reloads. Nothing was proposed."},
	ceremony.TooFewApprovers: {"The cluster's policy asks for more approvals than the people can give who may approve this.", "Its initiator never counts, nor does whoever holds a share where the policy keeps them apart. The operator of Conclave has to complete the list of approvers, or somebody else proposes. Nothing was proposed."},
	ceremony.NoWitness:       {"The cluster's policy asks for a witness, and everybody who is configured as one has another part in this.", "The operator of Conclave has to name a witness who neither proposes nor approves nor gets a share. Nothing was proposed."},
	ceremony.NoTime:          {"Cooling-off and quiet hours leave nothing of the time that this ceremony has.", "Propose it again when the quiet hours are nearly over, or have the operator of Conclave lengthen the window. Nothing was proposed."},

	// A part in the ceremony: statements, roll call, witness.
	ceremony.NoPart:         {"You have no part in this ceremony.", "`/ceremony status` shows who has."},
	ceremony.NoWord:         {"It is signed, and is no word about a ceremony.", "A word is one line as my requests show it; it begins with `" + ceremony.StatementTag + "`. An envelope has to be encrypted, too."},
	ceremony.OldWord:        {"What you have signed was about another moment of this ceremony.", "`/ceremony status` shows where it stands. Sign the line of my newest request."},
	ceremony.NotCalled:      {"The roll call does not ask you.", ""},
	ceremony.AlreadyPresent: {"You have answered the roll call already.", "Nothing more is wanted from you now."},
	ceremony.WrongAnswer:    {"This is not what was in your challenge.", "Run the whole command of my newest roll call once more. What it decrypts stays on your computer; only its hash is sent."},
	ceremony.NotWitness:     {"You are no witness of this ceremony.", ""},
	ceremony.WitnessAwaited: {"The next share is the last one needed, and a witness has to let it happen first. Yours was not opened.", "I tell you as soon as the witness has spoken. Then send the very same message again."},
	ceremony.NotEnded:       {"A witness speaks of the whole ceremony when it is over.", "Until then `/ceremony exception` takes what was not as it should be."},
	ceremony.AlreadyStated:  {"You have spoken already.", "What was said stays; it is part of the transcript."},

	// Where the ceremony stands.
	ceremony.WayForbidden: {"The cluster's policy does not take envelopes in this way.", "`/ceremony status` shows in which it does. It was not opened."},
	ceremony.StillInDoubt: {"What has frozen this ceremony still stands.", "Put the configuration back and have it reloaded, or the journal from a backup and start Conclave again; then resume. Or `/ceremony cancel` it."},
	ceremony.NotProposed:  {"The plan no longer waits for approval.", "`/ceremony status` shows where it stands."},
	ceremony.MayNotCancel: {"Only the initiator and the approvers can cancel a ceremony.", ""},
	ceremony.MayNotResume: {"Only the initiator and the approvers can resume a ceremony.", ""},
	ceremony.PlanChanged:  {"The hash is not that of this plan.", "Read the plan again in `/ceremony status`, and compare the hash with whoever gave it to you."},

	// The cluster, as it is when a ceremony is proposed.
	ceremony.JournalAside:       {"Conclave can't rely on the journal of an earlier ceremony on this cluster, which may still be open.", "Its operator settles it, with `conclave check`. Until then an `unseal` is possible, and nothing else begins."},
	ceremony.ClusterBusy:        {"Another ceremony is open on this cluster.", "One at a time: finish or cancel it first. `/ceremony list` shows it."},
	ceremony.TooManyProposals:   {"You have opened as many ceremonies on this cluster within a day as it allows.", "The owners of the cluster have been told. Somebody else can propose it. An unseal is never refused, nor what an open alarm asks for."},
	ceremony.JournalLost:        {"The journal has lost a ceremony of this cluster: an older copy of it was put back, or files were removed.", "The cluster's alarm names the ceremony. Put the newest journal back, or find out what that ceremony has done; whoever looks after it types `/ceremony acknowledge` with the alarm's id. Until then this cluster takes no proposal but to unseal. Nothing was proposed."},
	ceremony.UnknownCluster:     {"No cluster has this name.", "`/ceremony holders` lists them."},
	ceremony.UnknownOperation:   {"This operation does not exist or is not allowed on this cluster.", "`/ceremony holders` shows what is allowed where."},
	ceremony.AlreadyStarted:     {"Vault has an operation of this kind in progress that belongs to no open ceremony.", "Find out who started it. It has to be finished or cancelled in Vault before Conclave starts one."},
	ceremony.NotInitialized:     {"The cluster is not initialised: it has no key yet.", ""},
	ceremony.WrongSealType:      {"This cluster unseals itself: nobody has a share of its unseal key. What people hold are shares of its recovery key.", "`rekey-recovery` is the operation that replaces those."},
	ceremony.NoRecoveryKey:      {"This cluster has no recovery key: people unseal it with their shares of its unseal key.", "`rekey` is the operation that replaces those."},
	ceremony.SelfUnsealing:      {"This cluster unseals itself: nobody's shares can do it.", "A node that stays sealed does not reach the service that it unseals itself with. Its own log says why."},
	ceremony.AlreadyInitialized: {"A node of this cluster has been initialised: it has a key, and is left alone.", "Nothing was done. `rekey` replaces its shares; if the cluster has to begin anew, its storage has to be emptied first."},
	ceremony.NotSealed:          {"Every node that answers is unsealed.", "There is nothing to unseal. A node that does not answer has to be started first."},
	ceremony.NoBackupKept:       {"Vault keeps no backup of new shares.", "It was deleted, or no rekey has asked for one: there is nothing to hand out and nothing to delete."},

	// The backup, the token, the options of an operation.
	ceremony.NotWaiting:      {"The ceremony does not wait for this.", "`/ceremony status` shows what it waits for. A backup is deleted only after everybody has been sent what it has for them."},
	ceremony.NotDelivered:    {"Somebody's share could not be delivered to them: the backup is the only copy of it, and stays.", "`/ceremony status` shows whose. When they can be reached again, another backup ceremony hands it to them. Nothing was deleted."},
	ceremony.NotRequester:    {"Only whoever has the token and the approvers can say this of it.", ""},
	ceremony.UnknownAccessor: {"Vault knows no token by this accessor.", "With the token in `VAULT_TOKEN`, `" + ShowAccessor + "` prints the right one. If the token is revoked already, `/ceremony revoked` with the ceremony's id says so."},
	ceremony.OtherToken:      {"This accessor is that of another token: not of a root token, or not of one that was made when this ceremony made its own.", "With the token in `VAULT_TOKEN`, `" + ShowAccessor + "` prints the right one."},
	ceremony.NeedsPassword:   {"Whoever proposes this has no PGP key in the configuration, and named no one-time password in place of it.", "`conclave otp new otp.txt` makes one on your computer. Propose again, with `otp=` and the commitment that it shows. Nothing was proposed."},
	ceremony.UsedPassword:    {"This one-time password was another ceremony's.", "Two tokens under one password give each other away: make another one with `conclave otp new`, and propose again with its commitment. Nothing was proposed."},
	ceremony.WrongOption:     {"An option is none of this operation's, or has a value that it can't have.", "`/ceremony help` with the operation's name lists its options. Nothing was proposed."},
	ceremony.EnabledAlone:    {"Vault forgets a change of `enabled` alone, and says nothing of it.", "Change `interval` or `max-operations` in the same proposal. Nothing was proposed."},
	ceremony.SamePolicy:      {"Vault rotates by this very policy.", "`/ceremony key-status CLUSTER` shows it. Nothing was proposed."},

	// An alarm.
	ceremony.NotAnAlarm:        {"This is no alarm.", "Only alarms are acknowledged; `/ceremony list` shows what is open."},
	ceremony.IsAnAlarm:         {"This is an alarm: there is nothing to cancel or to freeze.", "Whoever looks after it types `/ceremony acknowledge ID`."},
	ceremony.MayNotAcknowledge: {"Only the owners of the cluster, its initiators and its approvers can acknowledge an alarm.", "Tell one of them what you know; `/ceremony status` shows who they are."},

	// Configuration and reason.
	ceremony.TooFewHolders: {"Fewer holders are configured than Vault asks shares of.", "The operator of Conclave has to complete the list of holders."},
	ceremony.BadReason:     {"The reason is too long or has characters that can't be printed.", "One short line is right: a ticket number and a few words."},

	// Vault, and what became of what was sent to it.
	ceremony.VaultUnreachable: {"Vault can't be reached. Nothing was sent.", "Try again when it is back."},
	ceremony.VaultSealed:      {"Vault is sealed. Nothing was sent.", "Unseal it first."},
	ceremony.VaultThrottled:   {"Vault asks to slow down, and has done nothing.", "Try again in a minute."},
	ceremony.VaultForbids:     {"Vault denied permission to Conclave's own token.", "The operator of Conclave has to check the token and its policy; `conclave check` says what is missing."},
	ceremony.VaultRefused:     {"Vault did not do it, and has counted nothing.", "Look at the status; if the ceremony still collects, try again."},
	ceremony.NotCounted:       {"Vault's answer was lost, and Vault says that the share was not counted.", sendAgain},
	ceremony.HolderKeyInvalid: {"The PGP key of a holder can't be used until the ceremony closes.", "`conclave check` says whose and why. Put a valid public key into the configuration."},
	ceremony.TokenLost:        {"Vault has made a root token, or may have made one, and its answer was lost: nobody can read the token, and it is valid until it is revoked.", "Find it in Vault's audit log by the time of this ceremony, revoke it by its accessor, and start again."},
	ceremony.SharesLost:       {"Vault has made new shares, or may have made them, and its answer was lost; the plan asked for no verification, so that the old shares may be in force no more.", "Vault's backup, if the plan asked for one, has them: `/ceremony start backup` with the cluster's name hands them out. Don't restart Vault before they are found, keep every old share, and tell your security team."},
	ceremony.InitLost:         {"The cluster has been initialised, and the answer with its shares and its root token was lost, or went to somebody else: nobody here can read them, and without them the cluster is of no use.", "Find out whether somebody else has initialised it, and stores something in it. Only if nobody has, empty its storage and begin again."},
}
