package bot

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"conclave/ceremony"
)

// renderHistory is one event in the status post's thread: who, what, when.
func renderHistory(c ceremony.Ceremony, e ceremony.Entry) message {
	text := historyWords(c, e)
	return message{
		line:   plainText(text),
		blocks: []slack.Block{section("%s", text), footnote("%s · entry %d · `%s`", when(e.At), e.Seq, short(e.Hash))},
	}
}

// historyWords tells an event from the event alone: the ceremony has moved on
// since, and a message says the same whenever it is posted.
func historyWords(c ceremony.Ceremony, e ceremony.Entry) string {
	switch ev := e.Event.(type) {
	case ceremony.Approved:
		return fmt.Sprintf(":white_check_mark: *%s* approved the plan `%s`.", escape(ev.By.Name), short(ev.PlanHash))
	case ceremony.Rejected:
		return fmt.Sprintf(":no_entry_sign: *%s* rejected the plan%s", escape(ev.By.Name), because(ev.Why))
	case ceremony.Started:
		return fmt.Sprintf(":key: Vault has begun. It asks for %s. Nonce `%s`.", plural(ev.Required, "share"), code(ev.Nonce))
	case ceremony.KeyAnnounced:
		what := "shares of the key in force"
		if ev.Key.Step == ceremony.Verify {
			what = "the new shares, as proof"
		}
		return fmt.Sprintf(":envelope: The holders are asked for %s, encrypted to this ceremony's key `%s`.", what, code(ev.Key.Subkey))
	case ceremony.Counted:
		line := fmt.Sprintf(":inbox_tray: *%s*'s share is counted: %s  %d of %d", escape(ev.By.Name),
			squares(ev.Progress, c.Plan.Needed(ev.Step)), ev.Progress, c.Plan.Needed(ev.Step))
		if ev.Asked {
			line += "\nVault's answer was lost; this was learnt by asking."
		}
		return line
	case ceremony.Declined:
		return fmt.Sprintf(":warning: A message of *%s* was not used. %s", escape(ev.By.Name), explainRefusal(ev.Reason).what)
	case ceremony.RoundRefused:
		return fmt.Sprintf(":x: Vault refused round %d. %s In it were %s. A new round begins.",
			ev.Round, blame(c.Plan.Operation, ev.Step), listAnd(names(ev.With)))
	case ceremony.Rekeyed:
		line := fmt.Sprintf(":key: *%s*'s share was the last one needed. Vault has made %s, each encrypted to its holder.", escape(ev.By.Name), plural(len(ev.Shares), "new share"))
		if ev.FromBackup {
			line += "\nVault's answer was lost; they were read from its backup."
		}
		return line
	case ceremony.TokenIssued:
		return fmt.Sprintf(":key: *%s*'s share was the last one needed. Vault has made the root token, encrypted to %s.", escape(ev.By.Name), escape(receiverOfToken(c)))
	case ceremony.Verified:
		switch {
		case ev.Unconfirmed:
			return ":warning: Vault has ended the rekey, but its last answer was lost. Make sure that the new shares work before you throw the old ones away."
		case ev.By == nil:
			return ":white_check_mark: Vault shows that the new key is in force: its verification was completed without an answer that reached Conclave."
		}
		return fmt.Sprintf(":white_check_mark: *%s*'s share was the last one needed. The new key is proven and in force.", escape(ev.By.Name))
	case ceremony.Froze:
		line := ":octagonal_sign: Frozen. " + freezeReason(ev.Why)
		if ev.Want != "" || ev.Got != "" {
			line += fmt.Sprintf("\nThe plan says: `%s`\nVault says: `%s`", code(ev.Want), code(ev.Got))
		}
		return line
	case ceremony.ResumeAsked:
		return fmt.Sprintf(":raised_hand: *%s* wants to go on.", escape(ev.By.Name))
	case ceremony.Resumed:
		return ":arrow_forward: The ceremony goes on. Vault is compared with the plan first."
	case ceremony.AttemptLost:
		if ev.Unproven {
			return fmt.Sprintf(":warning: Vault does not have the attempt with nonce `%s` any more, and its numbers don't tell whether the new shares came into force: "+keepBoth, code(ev.Nonce))
		}
		return fmt.Sprintf(":recycle: The attempt with nonce `%s` is given up; nothing of it has taken effect. A new one follows.", code(ev.Nonce))
	case ceremony.RoundReset:
		return ":recycle: The verification begins anew, under another nonce. The new shares stay as they are; the old key is still in force."
	case ceremony.Closing:
		who := "Conclave"
		if ev.By != nil {
			who = escape(ev.By.Name)
		}
		return strings.TrimSpace(fmt.Sprintf(":hourglass: *%s* ends the ceremony (%s). %s", who, outcomeWord(ev.Outcome), closingReason(ev)))
	case ceremony.Ended:
		line := ":checkered_flag: Ended: " + outcomeWord(ev.Outcome) + "."
		if words := endingWords(ev.Vault); words != "" {
			line += " " + words
		}
		return line
	}
	return fmt.Sprintf("Entry %d of the journal: %s.", e.Seq, ceremony.TypeOf(e.Event))
}

func because(why string) string {
	if why == "" {
		return "."
	}
	return ": " + escape(why)
}

func names(people []ceremony.Person) []string {
	all := make([]string, len(people))
	for i, p := range people {
		all[i] = escape(p.Name)
	}
	return all
}

// blame says what a refused round means. Vault refuses good shares of a recovery
// key with the same answer when it can't reach what it unseals itself with, since
// the key that they are compared with is sealed by that.
func blame(op ceremony.Operation, step ceremony.Step) string {
	if op == ceremony.RekeyRecovery && step == ceremony.Update {
		return "At least one share is wrong, and Vault can't say whose; or it can't reach the service with which it unseals itself."
	}
	return "At least one share is wrong, and Vault can't say whose."
}
