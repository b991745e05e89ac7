package page

import (
	"fmt"

	"conclave/ceremony"
	"conclave/plural"
)

// silent is a word for what nobody was told of: an intent, or where a message lies.
func silent(e ceremony.Event) (words string, ok bool) {
	switch ev := e.(type) {
	case ceremony.Proposed:
		return fmt.Sprintf("%s proposed the plan.", ev.Plan.Initiator.Name), true
	case ceremony.Starting:
		return fmt.Sprintf("Vault is about to be asked to begin (attempt %d).", ev.Attempt), true
	case ceremony.Offered:
		return fmt.Sprintf("An envelope of %s came.", ev.By.Name), true
	case ceremony.Submitting:
		return fmt.Sprintf("%s's envelope was opened and checked; the share is about to be sent.", ev.By.Name), true
	case ceremony.AnswerLost:
		return "No answer came.", true
	case ceremony.Dropping:
		return "Vault is about to be asked to forget what can't be used any more.", true
	case ceremony.Acting:
		return fmt.Sprintf("Vault is about to be asked: %s.", ev.Act), true
	case ceremony.NodesSeen:
		return "What the nodes show has changed.", true
	case ceremony.Posted:
		return "Posted: " + ev.Key + ".", true
	case ceremony.Undeliverable:
		return "Can never be delivered: " + ev.Key + ".", true
	case ceremony.TranscriptSigned:
		return fmt.Sprintf("The identity signed transcript %d, of %s.", ev.Number, plural.Of(ev.Lines, "line")), true
	}
	return "", false
}

// deviates says whether an event is one that a ceremony in which everything goes as
// planned does not have.
func deviates(e ceremony.Event) bool {
	switch ev := e.(type) {
	case ceremony.Rejected, ceremony.Declined, ceremony.AnswerLost, ceremony.RoundRefused, ceremony.PasswordLost,
		ceremony.BackupReminded, ceremony.BackupLeft, ceremony.Reminded, ceremony.TokenLeft, ceremony.VerificationDropped,
		ceremony.ResetAsked, ceremony.Froze, ceremony.ResumeAsked, ceremony.Resumed, ceremony.AttemptLost, ceremony.RoundReset,
		ceremony.Dropping, ceremony.Undeliverable, ceremony.ExceptionNoted, ceremony.FreezeAsked, ceremony.WitnessLeft,
		ceremony.Noticed, ceremony.NotKept:
		return true
	case ceremony.WitnessStated:
		return !ev.Agrees
	case ceremony.Counted:
		return ev.Asked
	case ceremony.Entered:
		return len(ev.Not) > 0
	case ceremony.Rekeyed:
		return ev.FromBackup
	case ceremony.Verified:
		return ev.By == nil || ev.Unconfirmed
	case ceremony.TokenRevoked:
		return ev.By != nil
	case ceremony.Closing:
		return ev.Outcome != ceremony.Completed
	case ceremony.Ended:
		return ev.Outcome != ceremony.Completed || ev.Vault == ceremony.AttemptForeign
	}
	return false
}

// testimonies are what witnesses have said of the whole ceremony.
func testimonies(c ceremony.Ceremony) (said []testimony, watched bool) {
	for _, e := range c.History {
		if w, ok := e.Event.(ceremony.WitnessStated); ok {
			said = append(said, testimony{Name: clean(w.By.Name), Agrees: w.Agrees, Why: clean(w.Why), At: stamp(e.At), Signed: w.Signed != ""})
		}
	}
	return said, len(c.Plan.Witnesses) > 0
}
