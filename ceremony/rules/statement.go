package rules

import (
	"fmt"
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/event"
)

// StatementFor is what somebody signs to say verb of the ceremony as it stands, up to what
// they add themselves. So that an earlier word is good for nothing now, resuming
// carries the number of the entry by which the ceremony froze, freezing again that of
// the freeze before, proving new shares
// again the nonce of the round, having nodes forget their shares its number, what a
// witness lets happen the entry that asked them, and what they say at the end the
// beginning of the hash of its last entry.
func (c State) StatementFor(verb ceremony.Verb) ceremony.Statement {
	w := ceremony.Statement{Of: string(c.ID()), Hash: c.PlanHash, Verb: verb}
	switch verb {
	case ceremony.SayResume:
		w.More = fmt.Sprint(c.Last(Is[event.Frozen]))
	case ceremony.SayFreeze:
		if before := c.Last(Is[event.Frozen]); before > 0 {
			w.More = fmt.Sprint(before)
		}
	case ceremony.SayReset:
		w.More = fmt.Sprint(c.Round.Number)
	case ceremony.SayReverify:
		w.More = c.Round.Nonce
	case ceremony.SayProceed:
		w.More = fmt.Sprint(c.Last(Is[event.WitnessAsked]))
	case ceremony.SayAgree, ceremony.SayDisagree:
		if i := c.Last(Is[event.Ended]); i > 0 {
			w.More = c.History[i-1].Hash[:16]
		}
	}
	return w
}

// Fits reports whether a signed word is what would be signed for the ceremony as it
// stands: by [ceremony.PlanChanged] when it was signed for another plan, by [ceremony.OldWord] when
// for another moment.
func (c State) Fits(said ceremony.Statement) error {
	want := c.StatementFor(said.Verb)
	switch {
	case said.Of != want.Of || said.Hash != want.Hash:
		return ceremony.PlanChanged
	case !said.Verb.Adds() && said.More != want.More:
		return ceremony.OldWord
	case said.Verb.Adds() && want.More != "" && said.More != want.More && !strings.HasPrefix(said.More, want.More+" "):
		return ceremony.OldWord
	}
	return nil
}

// Added is what the speaker has added to the word that [State.WordFor] gives.
func (c State) Added(said ceremony.Statement) string {
	return strings.TrimSpace(strings.TrimPrefix(said.More, c.StatementFor(said.Verb).More))
}
