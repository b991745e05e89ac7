package bot

import (
	"crypto/rand"
	"errors"

	"conclave/bot/command"
	"conclave/bot/refusal"
	"conclave/bot/transport"
	"conclave/ceremony"
	"conclave/ceremony/wording"
)

// explain returns the words that people read about an error. Nothing else makes any.
func explain(err error) wording.Words {
	if d, ok := errors.AsType[refusal.Denial](err); ok {
		return explainDenial(d)
	}
	if u, ok := errors.AsType[command.Usage](err); ok {
		return u.Words()
	}
	if errors.Is(err, transport.ErrSlackSilent) {
		return wording.Words{What: "Slack does not answer Conclave at the moment.", Hint: "Nothing was done. Try again in a minute."}
	}
	return wording.ExplainError(err)
}

// ordinary reports whether an error is part of the rules. Then an operator has nothing to
// look for.
func ordinary(err error) bool {
	_, denied := errors.AsType[refusal.Denial](err)
	_, misused := errors.AsType[command.Usage](err)
	_, refused := ceremony.RefusalOf(err)
	return denied || misused || refused
}

// newReference returns a word that is told to the person and stands in the operator's log
// line.
func newReference() string { return rand.Text()[:6] }

// explainDenial returns the words of a denial, and [wording.Wordless] of an unknown one.
func explainDenial(d refusal.Denial) wording.Words {
	if w, ok := denialWords[d]; ok {
		return w
	}
	return wording.Wordless
}

// denialWords are the words of every denial.
var denialWords = map[refusal.Denial]wording.Words{
	refusal.Deactivated:      {What: "This Slack account is deactivated.", Hint: "Nobody acts through it."},
	refusal.Machine:          {What: "This is the account of a bot or an app.", Hint: "Only people take part in ceremonies."},
	refusal.Guest:            {What: "Guests of the workspace have no part in ceremonies.", Hint: "Ask an administrator to make the account a full member, if it should have one."},
	refusal.Invited:          {What: "The invitation to this workspace has not been accepted yet.", Hint: "Accept it first."},
	refusal.Outsider:         {What: "This account belongs to another workspace or organisation.", Hint: "Only members of the workspace that Conclave is set up for take part."},
	refusal.SharedChannel:    {What: "This channel is shared with another organisation.", Hint: "Use a channel or a direct message that only your own workspace can read."},
	refusal.OpsChannelShared: {What: "The channel in which this cluster's ceremonies are shown is shared with others than this workspace.", Hint: "Nothing was done. Its sharing has to end, or the operator of Conclave has to choose another one."},
	refusal.OpsChannelGone:   {What: "Conclave can't post in the channel in which this cluster's ceremonies are shown.", Hint: "Nothing was done. Invite it there again; if the channel is archived, bring it back."},
	refusal.Unlisted:         {What: "This account is not in Conclave's configuration.", Hint: "Its operator decides who takes part."},
	refusal.UnknownUser:      {What: "Slack does not know this account."},
	refusal.Overloaded:       {What: "Too much is waiting at the moment.", Hint: "Nothing was done. Try again in a minute."},
	refusal.NotDirect:        {What: "Shares are taken in a direct message only, never in a channel.", Hint: "Send it to me directly, and delete it where it stands."},
	refusal.Edited:           {What: "Edits of earlier messages are not read.", Hint: "Send it again as a new message."},
	refusal.SplitMessage:     {What: "This is the rest of a message that Slack has cut in two.", Hint: "Send the PGP message as a file: " + wording.AsFile},
	refusal.TooLargeFile:     {What: "The file is larger than any share's envelope can be.", Hint: "Send the output of the command that I gave you, and nothing else."},
	refusal.ForeignFile:      {What: "The file is a link to another service.", Hint: "Upload the file itself."},
	refusal.OtherFile:        {What: "The file has none of the names that I read.", Hint: "PGP messages come as `.asc`, `.gpg`, `.pgp` or `.txt`."},
	refusal.FileGone:         {What: "The file was deleted before I could read it.", Hint: "Upload it again."},
	refusal.FileUnread:       {What: "Slack did not hand the file over.", Hint: "Send it again, or paste the PGP message as text."},
	refusal.InCommand: {
		What: "What was typed after the command looks like a share, a token or a PGP message. It was not used.",
		Hint: "Slack has seen it: if it was a share or a token in the open, treat it as exposed, tell your security team, and plan a rekey. PGP messages go into a direct message to me.",
	},
	refusal.PasswordInCommand: {
		What: "What was typed looks like a one-time password, and not like its commitment. It was not used.",
		Hint: "Slack has seen it: make another password with `conclave otp new`, and propose with `otp=` and the 64 digits of its commitment.",
	},
	refusal.TokenAsAccessor: {
		What: "This is a token in the open, and not its accessor. It was not used.",
		Hint: "Slack has seen it: *revoke it now*, with `vault token revoke -self` where it is in `VAULT_TOKEN`, and tell your security team. If it was the token of this ceremony, type `/ceremony revoked ID` then.",
	},
	refusal.TokenInOpen: {
		What: "This is a Vault token in the open. It was not used, and I can't delete it.",
		Hint: "Slack has seen it: *revoke it now*, with `vault token revoke -self` where it is in `VAULT_TOKEN`. Then " + wording.DeleteTheMessage + ". Tell your security team.",
	},
	refusal.KeyInOpen: {
		What: "This is a private key in the open. It was not used, and I can't delete it.",
		Hint: "Now " + wording.DeleteTheMessage + ". Publish the key's revocation, make another one, and have the operator of Conclave configure that. Whatever was encrypted to this key counts as exposed, with it the share that you hold: tell your security team, and plan a rekey.",
	},
	refusal.NoEnvelope:     {What: "There is no PGP message in it.", Hint: "Paste all of what the command has printed."},
	refusal.FormLate:       {What: "Slack's time to open the form was over before I could.", Hint: "Press the button once more."},
	refusal.NoTranscript:   {What: "No transcript of this ceremony is signed yet.", Hint: "It is signed when the ceremony has ended and everybody was told; what happens later gets another one."},
	refusal.MayNotReset:    {What: "Only the initiator and the approvers can have the nodes forget their shares.", Hint: "`/ceremony status` shows who they are."},
	refusal.MayNotReverify: {What: "Only the initiator and the approvers can have the new shares proven again.", Hint: "`/ceremony status` shows who they are."},
	refusal.DeletionAsked:  {What: "Somebody has let the backup go before.", Hint: "Nothing more is needed; `/ceremony status` shows what has become of it."},
	refusal.VaultIsAsked:   {What: "Conclave knows the token's accessor, and asks Vault whether it is gone: nobody has to be believed.", Hint: "Revoke the token, and it is noticed within a minute."},
	refusal.NoSuchID:       {What: "No ceremony has an id like this.", Hint: "`/ceremony list` shows the open ones, `/ceremony history` all."},
	refusal.ManyIDs:        {What: "Several ceremonies have an id like this.", Hint: "Write more of it; `/ceremony list` shows them."},
	refusal.NoneOpen:       {What: "No ceremony is open.", Hint: "`/ceremony history` shows those that have ended."},
	refusal.ManyOpen:       {What: "Several ceremonies are open.", Hint: "Name one by its id; `/ceremony list` shows them."},
	refusal.NothingAsked:   {What: "Nothing is wanted from this account in this ceremony at the moment.", Hint: "`/ceremony status` shows who is still missing."},
	refusal.OldButton:      {What: "This button belongs to something that is over.", Hint: "Use the command instead; `/ceremony help` lists them."},
}
