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

// explain is the one way from an error to what people read.
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

// ordinary reports whether the error is part of the rules, so that an operator has
// nothing to look for.
func ordinary(err error) bool {
	_, denied := errors.AsType[refusal.Denial](err)
	_, misused := errors.AsType[command.Usage](err)
	_, refused := ceremony.RefusalOf(err)
	return denied || misused || refused
}

// newReference is a word that leads from what a person read to the operator's
// log line.
func newReference() string { return rand.Text()[:6] }

func explainDenial(d refusal.Denial) wording.Words {
	switch d {
	case refusal.Deactivated:
		return wording.Words{What: "This Slack account is deactivated.", Hint: "Nobody acts through it."}
	case refusal.Machine:
		return wording.Words{What: "This is the account of a bot or an app.", Hint: "Only people take part in ceremonies."}
	case refusal.Guest:
		return wording.Words{What: "Guests of the workspace have no part in ceremonies.", Hint: "Ask an administrator to make the account a full member, if it should have one."}
	case refusal.Invited:
		return wording.Words{What: "The invitation to this workspace has not been accepted yet.", Hint: "Accept it first."}
	case refusal.Outsider:
		return wording.Words{What: "This account belongs to another workspace or organisation.", Hint: "Only members of the workspace that Conclave is set up for take part."}
	case refusal.SharedChannel:
		return wording.Words{What: "This channel is shared with another organisation.", Hint: "Use a channel or a direct message that only your own workspace can read."}
	case refusal.StandShared:
		return wording.Words{What: "The channel in which this cluster's ceremonies are shown is shared with others than this workspace.", Hint: "Nothing was done. Its sharing has to end, or the operator of Conclave has to choose another one."}
	case refusal.StandGone:
		return wording.Words{What: "Conclave can't post in the channel in which this cluster's ceremonies are shown.", Hint: "Nothing was done. Invite it there again; if the channel is archived, bring it back."}
	case refusal.Unlisted:
		return wording.Words{What: "This account is not in Conclave's configuration.", Hint: "Its operator decides who takes part."}
	case refusal.UnknownUser:
		return wording.Words{What: "Slack does not know this account.", Hint: ""}
	case refusal.Overloaded:
		return wording.Words{What: "Too much is waiting at the moment.", Hint: "Nothing was done. Try again in a minute."}
	case refusal.NotDirect:
		return wording.Words{What: "Shares are taken in a direct message only, never in a channel.", Hint: "Send it to me directly, and delete it where it stands."}
	case refusal.Edited:
		return wording.Words{What: "Edits of earlier messages are not read.", Hint: "Send it again as a new message."}
	case refusal.SplitMessage:
		return wording.Words{What: "This is the rest of a message that Slack has cut in two.", Hint: "Send the PGP message as a file: " + wording.AsFile}
	case refusal.TooLargeFile:
		return wording.Words{What: "The file is larger than any share's envelope can be.", Hint: "Send the output of the command that I gave you, and nothing else."}
	case refusal.ForeignFile:
		return wording.Words{What: "The file is a link to another service.", Hint: "Upload the file itself."}
	case refusal.OtherFile:
		return wording.Words{What: "The file has none of the names that I read.", Hint: "PGP messages come as `.asc`, `.gpg`, `.pgp` or `.txt`."}
	case refusal.FileGone:
		return wording.Words{What: "The file was deleted before I could read it.", Hint: "Upload it again."}
	case refusal.FileUnread:
		return wording.Words{What: "Slack did not hand the file over.", Hint: "Send it again, or paste the PGP message as text."}
	case refusal.InCommand:
		return wording.Words{
			What: "What was typed after the command looks like a share, a token or a PGP message. It was not used.",
			Hint: "Slack has seen it: if it was a share or a token in the open, treat it as exposed, tell your security team, and plan a rekey. PGP messages go into a direct message to me.",
		}
	case refusal.PasswordInCommand:
		return wording.Words{
			What: "What was typed looks like a one-time password, and not like its commitment. It was not used.",
			Hint: "Slack has seen it: make another password with `conclave otp new`, and propose with `otp=` and the 64 digits of its commitment.",
		}
	case refusal.TokenAsAccessor:
		return wording.Words{
			What: "This is a token in the open, and not its accessor. It was not used.",
			Hint: "Slack has seen it: *revoke it now*, with `vault token revoke -self` where it is in `VAULT_TOKEN`, and tell your security team. If it was the token of this ceremony, type `/ceremony revoked ID` then.",
		}
	case refusal.TokenInOpen:
		return wording.Words{
			What: "This is a Vault token in the open. It was not used, and I can't delete it.",
			Hint: "Slack has seen it: *revoke it now*, with `vault token revoke -self` where it is in `VAULT_TOKEN`. Then delete it where you wrote it, and tell your security team.",
		}
	case refusal.KeyInOpen:
		return wording.Words{
			What: "This is a private key in the open. It was not used, and I can't delete it.",
			Hint: "Slack has seen it: publish its revocation, make another key, and have the operator of Conclave configure that one. Whatever was encrypted to this key counts as exposed, with it the share that you hold: delete the key where you wrote it, tell your security team, and plan a rekey.",
		}
	case refusal.NoEnvelope:
		return wording.Words{What: "There is no PGP message in it.", Hint: "Paste all of what the command has printed."}
	case refusal.FormLate:
		return wording.Words{What: "Slack's time to open the form was over before I could.", Hint: "Press the button once more."}
	case refusal.NoTranscript:
		return wording.Words{What: "No transcript of this ceremony is signed yet.", Hint: "It is signed when the ceremony has ended and everybody was told; what happens later gets another one."}
	case refusal.MayNotReset:
		return wording.Words{What: "Only the initiator and the approvers can have the nodes forget their shares.", Hint: "`/ceremony status` shows who they are."}
	case refusal.MayNotReverify:
		return wording.Words{What: "Only the initiator and the approvers can have the new shares proven again.", Hint: "`/ceremony status` shows who they are."}
	case refusal.DeletionAsked:
		return wording.Words{What: "Somebody has let the backup go before.", Hint: "Nothing more is needed; `/ceremony status` shows what has become of it."}
	case refusal.VaultIsAsked:
		return wording.Words{What: "Conclave knows the token's accessor, and asks Vault whether it is gone: nobody has to be believed.", Hint: "Revoke the token, and it is noticed within a minute."}
	case refusal.NoSuchID:
		return wording.Words{What: "No ceremony has an id like this.", Hint: "`/ceremony list` shows the open ones, `/ceremony history` all."}
	case refusal.ManyIDs:
		return wording.Words{What: "Several ceremonies have an id like this.", Hint: "Write more of it; `/ceremony list` shows them."}
	case refusal.NoneOpen:
		return wording.Words{What: "No ceremony is open.", Hint: "`/ceremony history` shows those that have ended."}
	case refusal.ManyOpen:
		return wording.Words{What: "Several ceremonies are open.", Hint: "Name one by its id; `/ceremony list` shows them."}
	case refusal.NothingAsked:
		return wording.Words{What: "Nothing is wanted from this account in this ceremony at the moment.", Hint: "`/ceremony status` shows who is still missing."}
	case refusal.OldButton:
		return wording.Words{What: "This button belongs to something that is over.", Hint: "Use the command instead; `/ceremony help` lists them."}
	}
	return wording.Wordless
}
