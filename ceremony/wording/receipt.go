package wording

import (
	"fmt"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/plural"
)

const lastOne = ":white_check_mark: *Your share is counted, and it was the last one needed.* "

// ReceiptWords tells a holder what became of their message.
func ReceiptWords(c rules.State, e event.Entry) string {
	switch ev := e.Event.(type) {
	case event.Started:
		return ":white_check_mark: *Your one-time password is the one that you have committed to, and Vault has it.* The holders are asked for their shares now. Keep the file with the password: without it nobody can read the token."
	case event.Counted:
		of := c.Plan.Needed(ev.Step)
		text := fmt.Sprintf(":white_check_mark: *Your share is counted.* %s  %d of %d", squares(ev.Progress, of), ev.Progress, of)
		if missing := of - ev.Progress; missing > 0 {
			text += fmt.Sprintf("\nThank you. %s still needed from the others; nothing more is wanted from you now.", plural.Of(missing, "share"))
		}
		return text
	case event.Present:
		return ":white_check_mark: *You are present:* you can use your key, and have signed the plan's hash. Nothing more is wanted from you until the ceremony begins."
	case event.Proceeded:
		return ":arrow_forward: *The witness has let it happen.* Send your message again, the very same one: it was not opened before."
	case event.Entered:
		return enteredReceipt(c.Plan, ev)
	case event.Proven:
		return provenReceipt(ev)
	case event.Declined:
		w := doubted(c, ev)
		text := ":warning: *Your message was not used.* " + w.What
		if w.Hint != "" {
			text += "\n" + w.Hint
		}
		return text
	case event.Frozen:
		return frozenReceipt(c.Plan, ev)
	case event.RoundRefused:
		who := "Vault"
		if len(ev.Nodes) > 0 {
			who = ListAnd(nodeNames(ev.Nodes))
		}
		return fmt.Sprintf(":x: *%s refused the round that your share was in.* %s In it were %s.%s\n"+
			"Check that you used the newest share that you were given for this cluster. A new round begins, and I ask you again in a moment.", who, blame(c.Plan.Operation, ev.Step), ListAnd(Names(ev.With)), suspicion(ev))
	case event.Rekeyed:
		return lastOne + "Vault has made the new shares."
	case event.TokenIssued:
		return lastOne + fmt.Sprintf("Vault has made the %s for %s.", tokenName(c.Plan.Operation), requester(c.Plan))
	case event.Verified:
		if ev.Unconfirmed {
			return ":warning: *Your share was the last one needed, and Vault's answer to it was lost.* Vault has ended the rekey: " + KeepBoth
		}
		return lastOne + "The new key is in force."
	}
	return HistoryWords(c, e)
}

// frozenReceipt tells a holder that their share was sent to Vault and that the ceremony froze
// before it was known what came of it.
func frozenReceipt(p ceremony.Plan, ev event.Frozen) string {
	text := ":octagonal_sign: *Your share was sent to Vault, and the ceremony froze on what Vault showed then.* It is not known whether Vault has counted it. " + FreezeReason(p, ev)
	if ev.Why != event.AttemptGone {
		text += "\n*Keep every share that you have for this cluster.*"
	}
	return text + "\nSend nothing now. The initiator and an approver decide whether it goes on; then I ask you again, or tell you that it has ended."
}

// enteredReceipt says on which nodes a share counts, and what is to be done about
// the others.
func enteredReceipt(p ceremony.Plan, ev event.Entered) string {
	counted, not := enteredWords(p, ev)
	text := fmt.Sprintf(":white_check_mark: *Your share is counted:* %s.", ListAnd(counted))
	if len(not) == 0 {
		return text + "\nThank you. Should a node come back sealed, I ask you again; until then nothing more is wanted from you."
	}
	text += fmt.Sprintf("\n:warning: *Not counted:* %s.", ListAnd(not))
	if declinedBy(ev) {
		return text + " Run the same command once more, and send me what it prints: I keep no share, and take no message twice."
	}
	return text + " Nothing is wanted from you now: I ask you again when it is back, since I keep no share."
}
