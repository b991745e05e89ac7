package command

import (
	"strings"

	"conclave/bot/refusal"
	"conclave/ceremony"
	"conclave/ceremony/rules"
)

// Resolve finds the ceremony that a person means: by its whole id, by the
// beginning of it, or by its last word, which is how people say it. Open
// ceremonies win over those that have ended. A beginning is enough only where a
// mistake does no harm: another ceremony may begin like that by now.
func Resolve(typed string, all []rules.State, changes bool) (ceremony.ID, error) {
	var open, ended []ceremony.ID
	for _, c := range all {
		id := string(c.ID())
		switch {
		case id == typed:
			return c.ID(), nil
		case (changes || !strings.HasPrefix(id, typed)) && !strings.HasSuffix(id, "-"+typed):
		case c.Ended():
			ended = append(ended, c.ID())
		default:
			open = append(open, c.ID())
		}
	}
	if len(open) == 0 {
		open = ended
	}
	switch len(open) {
	case 0:
		return "", refusal.NoSuchID
	case 1:
		return open[0], nil
	default:
		return "", refusal.ManyIDs
	}
}

// OnlyOpen is the ceremony that is meant when nobody names one. It is offered
// where a mistake does no harm. An alarm is meant when nothing else is open.
func OnlyOpen(all []rules.State) (ceremony.ID, error) {
	var open, alarms []ceremony.ID
	for _, c := range all {
		switch {
		case c.Ended():
		case c.Plan.Operation == ceremony.Alarm:
			alarms = append(alarms, c.ID())
		default:
			open = append(open, c.ID())
		}
	}
	if len(open) == 0 {
		open = alarms
	}
	switch len(open) {
	case 0:
		return "", refusal.NoneOpen
	case 1:
		return open[0], nil
	}
	return "", refusal.ManyOpen
}
