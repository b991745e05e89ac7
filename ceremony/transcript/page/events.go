package page

import (
	"fmt"

	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/plural"
)

// silent returns the words for an event that nobody was told of: an intent, or where a
// message lies. It reports whether the event is one.
func silent(e event.Event) (words string, ok bool) {
	switch ev := e.(type) {
	case event.Proposed:
		return fmt.Sprintf("%s proposed the plan.", ev.Plan.Initiator.Name), true
	case event.Starting:
		return fmt.Sprintf("Vault is about to be asked to begin (attempt %d).", ev.Attempt), true
	case event.Offered:
		return fmt.Sprintf("An envelope of %s came.", ev.By.Name), true
	case event.Submitting:
		return fmt.Sprintf("%s's envelope was opened and checked; the share is about to be sent.", ev.By.Name), true
	case event.AnswerLost:
		return "No answer came.", true
	case event.Dropping:
		return "Vault is about to be asked to forget what can't be used any more.", true
	case event.Acting:
		return fmt.Sprintf("Vault is about to be asked: %s.", ev.Act), true
	case event.NodesSeen:
		return "What the nodes show has changed.", true
	case event.Posted:
		return "Posted: " + ev.Key + ".", true
	case event.Undeliverable:
		return "Can never be delivered: " + ev.Key + ".", true
	case event.TranscriptSigned:
		return fmt.Sprintf("The identity signed transcript %d, of %s.", ev.Number, plural.Of(ev.Lines, "line")), true
	}
	return "", false
}

// deviates reports whether an event shows that not everything went as planned.
func deviates(e event.Event) bool {
	switch ev := e.(type) {
	case event.Rejected, event.Declined, event.AnswerLost, event.RoundRefused, event.PasswordLost,
		event.BackupReminded, event.BackupLeft, event.Reminded, event.TokenLeft, event.VerificationDropped,
		event.ResetAsked, event.Frozen, event.ResumeAsked, event.Resumed, event.AttemptLost, event.RoundReset,
		event.Dropping, event.Undeliverable, event.ExceptionNoted, event.FreezeAsked, event.WitnessLeft,
		event.Adopted, event.Noticed, event.ArchiveFailed:
		return true
	case event.WitnessStated:
		return !ev.Agrees
	case event.Counted:
		return ev.Asked
	case event.Entered:
		return len(ev.Not) > 0
	case event.Rekeyed:
		return ev.FromBackup
	case event.Verified:
		return ev.By == nil || ev.Unconfirmed
	case event.TokenRevoked:
		return ev.By != nil
	case event.Closing:
		return ev.Outcome != event.Completed
	case event.Ended:
		return ev.Outcome != event.Completed || ev.Vault == event.AttemptForeign
	}
	return false
}

// testimonies returns what witnesses have stated about the whole ceremony. It reports whether
// the plan has witnesses.
func testimonies(c rules.State) (said []testimony, watched bool) {
	for _, e := range c.History {
		if w, ok := e.Event.(event.WitnessStated); ok {
			said = append(said, testimony{
				Name: clean(w.By.Name), Agrees: w.Agrees, Why: clean(w.Why), At: stamp(e.At), Signed: w.Signed != "",
			})
		}
	}
	return said, len(c.Plan.Witnesses) > 0
}
