// Package refusal has the reasons for which the bot itself turns a request away, before
// the engine is asked, and the kinds of secrets that a text may show in the open.
//
// It has names only. The words that people read are in package bot.
package refusal

// Denial is a reason for which the bot itself turns a request away, before the engine
// is asked.
type Denial string

func (d Denial) Error() string { return string(d) }

// Denials. The set is closed, like the engine's refusals.
const (
	Deactivated       Denial = "deactivated"         // the account was taken away
	Machine           Denial = "machine"             // a bot, an app or a workflow
	Guest             Denial = "guest"               // a guest of the workspace
	Invited           Denial = "invited"             // has not accepted the invitation
	Outsider          Denial = "outsider"            // of another workspace or organisation
	SharedChannel     Denial = "shared-channel"      // said in a channel that others can read
	OpsChannelShared  Denial = "ops-channel-shared"  // others can read the channel of the status post
	OpsChannelGone    Denial = "ops-channel-gone"    // the bot can't post in it
	Unlisted          Denial = "unlisted"            // not in the configuration
	UnknownUser       Denial = "unknown-user"        // Slack does not know the account
	Overloaded        Denial = "overloaded"          // the queue is full
	NotDirect         Denial = "not-direct"          // a PGP message outside a direct message
	Edited            Denial = "edited"              // an earlier message was changed
	SplitMessage      Denial = "split-message"       // the rest of a message that was cut in two
	TooLargeFile      Denial = "file-too-large"      // more than any envelope
	ForeignFile       Denial = "foreign-file"        // not kept by Slack itself
	OtherFile         Denial = "other-file"          // no PGP message by its name
	FileGone          Denial = "file-gone"           // deleted before it was read
	FileUnread        Denial = "file-unreadable"     // Slack did not hand it over
	InCommand         Denial = "in-command"          // a secret or an envelope typed as a command
	PasswordInCommand Denial = "password-in-command" // a one-time password in place of its commitment
	TokenAsAccessor   Denial = "token-as-accessor"   // a token typed in place of its accessor
	TokenInOpen       Denial = "token-in-open"       // a Vault token, anywhere
	KeyInOpen         Denial = "key-in-open"         // a private key, anywhere
	UploadsForbidden  Denial = "uploads-forbidden"   // the workspace takes no files
	Undecodable       Denial = "undecodable"         // Slack sent it in a form that the library can't read
	NoEnvelope        Denial = "no-envelope"         // a form without a PGP message in it
	FormLate          Denial = "form-late"           // Slack's time to open a form was over
	NoTranscript      Denial = "no-transcript"       // none is signed yet
	MayNotReset       Denial = "may-not-reset"       // neither initiator nor approver
	MayNotReverify    Denial = "may-not-reverify"    // neither initiator nor approver
	DeletionAsked     Denial = "deletion-asked"      // another approver has let the backup go
	VaultIsAsked      Denial = "vault-is-asked"      // the token's accessor is known, so Vault is asked
	NoSuchID          Denial = "no-such-id"          // no ceremony begins like that
	ManyIDs           Denial = "many-ids"            // several do
	NoneOpen          Denial = "none-open"           // no id was given and nothing is open
	ManyOpen          Denial = "many-open"           // no id was given and several are open
	NothingAsked      Denial = "nothing-asked"       // nothing is wanted from this person now
	OldButton         Denial = "old-button"          // a button of another version, or of another plan
)
