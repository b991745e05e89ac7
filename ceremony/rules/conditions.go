package rules

import (
	"slices"

	"conclave/ceremony/command"
	"conclave/ceremony/event"
)

// Changed returns the conditions that an entry has changed. It returns nothing for the
// first ones, which are the ceremony's beginning.
func (c State) Changed(e event.Entry) []event.Condition {
	all := event.ConditionsOf(c.History)
	if len(all) == 0 || all[0].Seq == e.Seq {
		return nil
	}
	return slices.DeleteFunc(all, func(k event.Condition) bool { return k.Seq != e.Seq })
}

// observe records what the ceremony runs under, unless nothing of it is new.
func (c State) observe(cmd command.Observe) ([]event.Event, error) {
	seen := event.Entry{Seq: c.Seq() + 1, Event: cmd.Seen.Known()}
	known, now := event.ConditionsOf(c.History), event.ConditionsOf(append(slices.Clip(c.History), seen))
	if c.Ended() || len(now) == len(known) {
		return nil, nil
	}
	return one(seen.Event)
}
