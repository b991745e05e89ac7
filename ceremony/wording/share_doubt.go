package wording

import (
	"fmt"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// insistHint says what a holder may do who knows better than the ledger. It has to be
// clear at 3 a.m. what follows when they are wrong.
const insistHint = "If you are *sure* that it is the right one, since the key was changed without Conclave or restored from a snapshot: run the same command again, so that you sign it anew, and send me what it prints. Then I use it on your word. If it is wrong after all, Vault throws away everybody's share of this round."

// doubted returns the words for a share that was not used because Conclave knows better,
// with the ceremony that it knows that from.
func doubted(c rules.State, ev event.Declined) Words {
	w := ExplainRefusal(ev.Reason)
	if ev.See == "" {
		return w
	}
	see := fmt.Sprintf(" It was used in `%s`.", ev.See)
	switch ev.Reason {
	case ceremony.OutdatedShare:
		see = fmt.Sprintf(" See `%s`: since then another key is in force.", ev.See)
		if ev.See == c.ID() {
			w.What, see = "This is a share of the key that this rekey replaces.", ""
		}
	case ceremony.MistypedShare, ceremony.UnfamiliarShare:
		see = fmt.Sprintf(" The right one was used in `%s`.", ev.See)
	}
	w.What += see
	switch ev.Step {
	case ceremony.StepVerify:
		w.Hint = "Nothing was sent to Vault. What is wanted is the *new* share, in the file that I gave you in this ceremony. " + sendAgain
	case ceremony.StepDrill:
		w.Hint = "Look for the newest share that you were given for this cluster, and send that. If you have no other, run the same command again, so that you sign it anew: then the report says that you can decrypt and sign, and that Conclave doubts the share."
	}
	return w
}

// standing returns a line about a share that has just come, or nothing when nothing about
// it is remarkable.
func standing(c rules.State, by ceremony.Person, e event.Entry) string {
	switch r := c.Brought(by, e); {
	case r.Insisted != "":
		return fmt.Sprintf("\n:raised_hand: *On %s's word*: Conclave had refused it, and they signed it once more. %s", Escape(by.Name), ExplainRefusal(r.Insisted).What)
	case r.Whose != nil:
		return fmt.Sprintf("\n:information_source: It is the share that %s has brought before.", Escape(r.Whose.Name))
	}
	return ""
}

// suspicion names the holders of a refused round whose shares were not known to be right.
// It is empty when that would not tell one holder from another.
func suspicion(ev event.RoundRefused) string {
	if len(ev.Suspects) == 0 {
		return ""
	}
	return fmt.Sprintf(" The other shares are known from earlier ceremonies; *not known: %s*.", ListAnd(Names(ev.Suspects)))
}

// onTheirWord returns a mark for a share that Conclave had refused before its holder
// insisted.
func onTheirWord(c rules.State, by ceremony.Person) string {
	if c.Brought(by, c.History[len(c.History)-1]).Insisted == "" {
		return ""
	}
	return ", on their word: Conclave had refused it"
}
