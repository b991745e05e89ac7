package story

import (
	"fmt"

	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// Doubt returns the first thing in a ceremony's story that can't be, as a difference for which it freezes, or nil.
func Doubt(c rules.State) *rules.Difference {
	for _, f := range append(Untold(c.History), Unmet(c.History)...) {
		return &rules.Difference{
			Why: event.NotTold, Want: "a story that the rules and the plan allow",
			Got: fmt.Sprintf("line %d (%s): %s", f.Entry.Seq, event.TypeOf(f.Entry.Event), f.Why),
		}
	}
	return nil
}
