package wording

import (
	"fmt"
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/plural"
)

// HistoryWords tells an event from the event alone: the ceremony has moved on since,
// and a message says the same whenever it is posted.
func HistoryWords(c rules.State, e event.Entry) string {
	for _, area := range []func(rules.State, event.Entry) string{
		approvalHistory, conditionHistory, shareHistory, resultHistory, againHistory, freezeHistory, endHistory,
		watchedHistory, actHistory, backupHistory, tokenHistory, alarmHistory,
	} {
		if line := area(c, e); line != "" {
			return line
		}
	}
	return fmt.Sprintf("Entry %d of the journal: %s.", e.Seq, event.TypeOf(e.Event))
}

// approvalHistory tells of a plan that people agreed on, and of the attempt that begins with it.
func approvalHistory(c rules.State, e event.Entry) string {
	switch ev := e.Event.(type) {
	case event.Approved:
		return fmt.Sprintf(":white_check_mark: *%s* approved the plan `%s`%s.", Escape(ev.By.Name), Short(ev.PlanHash), signedWords(ev.Signed))
	case event.Rejected:
		return fmt.Sprintf(":no_entry_sign: *%s* rejected the plan%s", Escape(ev.By.Name), because(ev.Why))
	case event.Started:
		return startedWords(c.Plan, ev)
	case event.KeyAnnounced:
		return fmt.Sprintf(":envelope: %s, encrypted to this ceremony's key `%s`.", askedFor(c.Plan, ev.Key.Step), Code(ev.Key.Subkey))
	}
	return ""
}

// shareHistory tells of a share that came, and of a round that Vault refused.
func shareHistory(c rules.State, e event.Entry) string {
	switch ev := e.Event.(type) {
	case event.Counted:
		line := fmt.Sprintf(":inbox_tray: *%s*'s share is counted: %s  %d of %d", Escape(ev.By.Name),
			squares(ev.Progress, c.Plan.Needed(ev.Step)), ev.Progress, c.Plan.Needed(ev.Step))
		if ev.Asked {
			line += "\nVault's answer was lost; this was learnt by asking."
		}
		return line + standing(c, ev.By, e)
	case event.Entered:
		counted, not := enteredWords(c.Plan, ev)
		line := fmt.Sprintf(":inbox_tray: *%s*'s share is counted: %s.", Escape(ev.By.Name), ListAnd(counted))
		if len(not) > 0 {
			line += fmt.Sprintf(" Not counted: %s.", ListAnd(not))
		}
		return line + standing(c, ev.By, e)
	case event.Proven:
		return provenWords(ev)
	case event.PasswordLost:
		return fmt.Sprintf(":recycle: Vault has begun nothing with the one-time password, and Conclave keeps none. *%s* is asked for it again.", requester(c.Plan))
	case event.Declined:
		return fmt.Sprintf(":warning: A message of *%s* was not used. %s", Escape(ev.By.Name), doubted(c, ev).What)
	case event.RoundRefused:
		if len(ev.Nodes) > 0 {
			return fmt.Sprintf(":x: %s refused the shares that had come together there. %s In it were %s.%s They are asked again.",
				ListAnd(nodeNames(ev.Nodes)), blame(c.Plan.Operation, ev.Step), ListAnd(Names(ev.With)), suspicion(ev))
		}
		return fmt.Sprintf(":x: Vault refused round %d. %s In it were %s.%s A new round begins.",
			ev.Round, blame(c.Plan.Operation, ev.Step), ListAnd(Names(ev.With)), suspicion(ev))
	}
	return ""
}

// resultHistory tells of what Vault made with the last share.
func resultHistory(c rules.State, e event.Entry) string {
	switch ev := e.Event.(type) {
	case event.Rekeyed:
		if rules.Elsewhere(ev) {
			return ":key: " + elsewhereWords + " " + keepElsewhere + " Find out who has done it."
		}
		line := fmt.Sprintf(":key: *%s*'s share was the last one needed. Vault has made %s, each encrypted to its holder.", Escape(ev.By.Name), plural.Of(len(ev.Shares), "new share"))
		if !c.Plan.Verification {
			line += " *They are in force now, without verification.*"
		}
		if ev.FromBackup {
			line += "\nVault's answer was lost; they were read from its backup."
		}
		return line + standing(c, ev.By, e)
	case event.TokenIssued:
		return fmt.Sprintf(":key: *%s*'s share was the last one needed. Vault has made the %s, %s.", Escape(ev.By.Name), tokenName(c.Plan.Operation), tokenForm(c.Plan)) + standing(c, ev.By, e)
	case event.Verified:
		switch {
		case ev.Unconfirmed:
			return ":warning: Vault has ended the rekey, but its last answer was lost. Make sure that the new shares work before you throw the old ones away."
		case ev.By == nil:
			return ":white_check_mark: Vault shows that the new key is in force: its verification was completed without an answer that reached Conclave."
		}
		return fmt.Sprintf(":white_check_mark: *%s*'s share was the last one needed. The new key is proven and in force.", Escape(ev.By.Name))
	}
	return ""
}

// againHistory tells of an attempt or a round that begins again.
func againHistory(c rules.State, e event.Entry) string {
	switch ev := e.Event.(type) {
	case event.VerificationDropped:
		return fmt.Sprintf(":raised_hand: *%s* wants the new shares to be proven anew. Vault is asked to forget the proof so far; the old key stays in force.", Escape(ev.By.Name))
	case event.ResetAsked:
		return fmt.Sprintf(":raised_hand: *%s* wants the sealed nodes to forget the shares that they have counted.", Escape(ev.By.Name))
	case event.AttemptLost:
		return lostWords(c.Plan, ev)
	case event.RoundReset:
		if ev.Step == ceremony.StepUnseal {
			return ":recycle: The sealed nodes that answer have forgotten the shares that they had counted. Every holder is asked anew."
		}
		return ":recycle: The verification begins anew, under another nonce. The new shares stay as they are; the old key is still in force."
	}
	return ""
}

// freezeHistory tells of a freeze and its end.
func freezeHistory(c rules.State, e event.Entry) string {
	switch ev := e.Event.(type) {
	case event.Frozen:
		if ev.Why == event.PersonStopped {
			return fmt.Sprintf(":octagonal_sign: Frozen: *%s* wants it so. Vault is asked nothing until people agree.", Escape(ev.Got))
		}
		return ":octagonal_sign: Frozen. " + FreezeReason(c.Plan, ev) + freezeFound(ev)
	case event.ResumeAsked:
		return fmt.Sprintf(":raised_hand: *%s* wants to go on.", Escape(ev.By.Name))
	case event.Resumed:
		return ":arrow_forward: The ceremony goes on. Vault is compared with the plan first."
	}
	return ""
}

// endHistory tells of the end and of the transcripts that follow it.
func endHistory(c rules.State, e event.Entry) string {
	switch ev := e.Event.(type) {
	case event.Closing:
		who := "Conclave"
		if ev.By != nil {
			who = Escape(ev.By.Name)
		}
		return strings.TrimSpace(fmt.Sprintf(":hourglass: *%s* ends the ceremony (%s). %s", who, OutcomeWord(ev.Outcome), closingReason(ev)))
	case event.Ended:
		line := ":checkered_flag: Ended: " + OutcomeWord(ev.Outcome) + "."
		if words := endingWords(c.Plan.Operation, ev.Outcome, ev.Vault); words != "" {
			line += " " + words
		}
		return line
	case event.TranscriptSigned:
		return fmt.Sprintf(":scroll: Conclave's identity has signed transcript %d, of %s of its journal.", ev.Number, plural.Of(ev.Lines, "line"))
	case event.Archived, event.ArchiveFailed:
		return ArchivedWords(ev)
	}
	return ""
}

// actHistory tells of an act that takes no shares.
func actHistory(c rules.State, e event.Entry) string {
	switch ev := e.Event.(type) {
	case event.Initialized:
		return fmt.Sprintf(":key: The cluster has its key: Vault has made %s, each encrypted to its receiver, and the first root token, encrypted to %s.",
			plural.Of(len(ev.Shares), shareName(c.Plan)), requester(c.Plan))
	case event.Rotated:
		return fmt.Sprintf(":key: Vault writes with a new encryption key: term %d, installed %s. Before it: term %d.", ev.Key.Term, When(ev.Key.Installed), c.Plan.KeyTerm)
	case event.RotationSet:
		return fmt.Sprintf(":calendar: From now on Vault rotates its encryption key %s.", PolicyWords(ev.Policy))
	}
	return ""
}

// backupHistory tells of Vault's backup of new shares, until it is gone.
func backupHistory(c rules.State, e event.Entry) string {
	switch ev := e.Event.(type) {
	case event.BackupRead:
		line := fmt.Sprintf(":package: Vault's backup was read. It has something for %s. %s", ListAnd(ReceiversOf(ev)), OriginWords(ev))
		if words := UnclaimedWords(ev); words != "" {
			line += "\n" + words
		}
		return line
	case event.DeletionAsked:
		return fmt.Sprintf(":wastebasket: *%s* agreed that the backup is deleted.", Escape(ev.By.Name))
	case event.BackupReminded:
		return fmt.Sprintf(":bell: Reminder %d goes to *%s*: Vault's backup of the new shares is not known to be gone.", ev.Number, Escape(c.Plan.Initiator.Name))
	case event.BackupLeft:
		return ":package: *Nobody has had Vault's backup of the new shares deleted.* Only their holders can open it. Conclave reminds nobody any more, and no longer asks Vault for it."
	case event.BackupDeleted:
		if c.Plan.Operation.Rekeys() {
			return ":wastebasket: Vault's backup of the new shares is gone."
		}
		return ":wastebasket: Vault keeps no backup any more."
	}
	return ""
}

// tokenHistory tells of a token after it was issued.
func tokenHistory(c rules.State, e event.Entry) string {
	switch ev := e.Event.(type) {
	case event.AccessorGiven:
		return fmt.Sprintf(":label: *%s* named the token: its accessor is `%s`. Vault is asked every minute whether it is gone.", Escape(ev.By.Name), Code(ev.Accessor))
	case event.Reminded:
		return fmt.Sprintf(":bell: Reminder %d goes to *%s*: the token is to be revoked.", ev.Number, requester(c.Plan))
	case event.TokenRevoked:
		if ev.By != nil {
			return fmt.Sprintf(":ballot_box_with_check: *%s* says that the token is revoked. Vault could not be asked: nobody named its accessor.", Escape(ev.By.Name))
		}
		return ":white_check_mark: The token is revoked: Vault does not know it any more."
	case event.TokenLeft:
		return ":rotating_light: *Nobody is known to have revoked the token.* It never expires. Conclave reminds nobody any more, and no longer asks Vault for it."
	}
	return ""
}

// alarmHistory tells of an alarm.
func alarmHistory(c rules.State, e event.Entry) string {
	switch ev := e.Event.(type) {
	case event.Noticed:
		return NoticedWords(c.Plan, e)
	case event.Acknowledged:
		return ":white_check_mark: " + acknowledgedWords(ev)
	}
	return ""
}

// signedWords says that a statement was signed, when it was.
func signedWords(signed string) string {
	if signed == "" {
		return ""
	}
	return ", signed with their PGP key"
}

// watchedHistory tells of a roll call, of witnesses, and of people who object.
func watchedHistory(c rules.State, e event.Entry) string {
	switch ev := e.Event.(type) {
	case event.RollCalled:
		people := make([]string, len(ev.Challenges))
		for i, ch := range ev.Challenges {
			people[i] = Escape(ch.For.Name)
		}
		return fmt.Sprintf(":raising_hand: Roll call: %s are asked to show that they can use their keys. It takes %d of them.", ListAnd(people), c.Plan.Present)
	case event.Present:
		return fmt.Sprintf(":white_check_mark: *%s* has decrypted their challenge, and signed it together with the plan's hash.", Escape(ev.By.Name))
	case event.WitnessAsked:
		return fmt.Sprintf(":eye: Before %s, a witness has to let it happen: %s.", GateWords(c, ev.Gate), ListOr(Names(c.Plan.Witnesses)))
	case event.Proceeded:
		return fmt.Sprintf(":eye: *%s* has watched, and lets it happen%s.", Escape(ev.By.Name), signedWords(ev.Signed))
	case event.ExceptionNoted:
		return fmt.Sprintf(":memo: *%s* notes an exception%s: %s", Escape(ev.By.Name), signedWords(ev.Signed), Escape(ev.Text))
	case event.WitnessStated:
		said := "*agrees* that it went as it stands here"
		if !ev.Agrees {
			said = "*does not agree* that it went as it stands here"
		}
		return fmt.Sprintf(":eye: The witness *%s* %s%s%s", Escape(ev.By.Name), said, signedWords(ev.Signed), because(ev.Why))
	case event.Adopted:
		return fmt.Sprintf(":inbox_tray: An operator has had Conclave take over %s that it had not authenticated.", plural.Of(ev.Lines, "line"))
	case event.WitnessLeft:
		return ":eye: A week after the end no witness has said whether they agree. Nobody is waited for any more."
	case event.FreezeAsked:
		return fmt.Sprintf(":raised_hand: *%s* wants everything to stand still%s%s", Escape(ev.By.Name), signedWords(ev.Signed), because(ev.Why))
	}
	return ""
}

// startedWords says what has begun. Where Vault has no attempt, the nonce is Conclave's
// own.
func startedWords(p ceremony.Plan, ev event.Started) string {
	switch p.Operation {
	case ceremony.Unseal:
		return fmt.Sprintf(":key: Conclave collects shares for the sealed nodes, of which each needs %d. Nonce `%s`.", ev.Required, Code(ev.Nonce))
	case ceremony.Drill:
		return fmt.Sprintf(":fire_extinguisher: The drill has begun, for %s. Nonce `%s`.", plural.Of(ev.Required, "holder"), Code(ev.Nonce))
	}
	return fmt.Sprintf(":key: Vault has begun. It asks for %s. Nonce `%s`.", plural.Of(ev.Required, "share"), Code(ev.Nonce))
}

// askedFor says who is asked for what in a step.
func askedFor(p ceremony.Plan, step ceremony.Step) string {
	switch step {
	case ceremony.StepVerify:
		return "The holders are asked for the new shares, as proof"
	case ceremony.StepUnseal:
		return "The holders are asked for their shares, to unseal"
	case ceremony.StepDrill:
		return "The holders are asked for their shares, as a drill"
	case ceremony.StepOTP:
		return requester(p) + " is asked for the one-time password"
	}
	return "The holders are asked for shares of the key in force"
}

// blame says what a refused round means. Vault refuses good shares of a recovery
// key with the same answer when it can't reach what it unseals itself with, since
// the key that they are compared with is sealed by that. A verification that somebody
// drops, and a node that is started again, show the same as a refusal: no share counted.
func blame(op ceremony.Operation, step ceremony.Step) string {
	switch {
	case step == ceremony.StepVerify:
		return "At least one share is wrong, and Vault can't say whose; or somebody has dropped the verification at that moment."
	case step == ceremony.StepUnseal:
		return "At least one share is wrong, and Vault can't say whose; or the node was started again at that moment."
	case op == ceremony.RekeyRecovery && step == ceremony.StepUpdate:
		return "At least one share is wrong, and Vault can't say whose; or it can't reach the service with which it unseals itself."
	}
	return "At least one share is wrong, and Vault can't say whose."
}
