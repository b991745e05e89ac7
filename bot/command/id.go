package command

import (
	"slices"
	"strings"

	"conclave/bot/refusal"
	"conclave/ceremony"
	"conclave/ceremony/rules"
)

// Resolve returns the ceremony that a person means, by its whole id, by its last word,
// which is how people say it, or by its beginning. Open ceremonies win over those that
// have ended. A beginning is not enough for a command that changes something, since
// another ceremony may begin like that by now. The ceremonies are those that the word may
// mean, as the engine has found them.
func Resolve(typed string, open, ended []ceremony.ID, changes bool) (ceremony.ID, error) {
	if typed := ceremony.ID(typed); slices.Contains(open, typed) || slices.Contains(ended, typed) {
		return typed, nil
	}
	if changes {
		vague := func(id ceremony.ID) bool { return !strings.HasSuffix(string(id), "-"+typed) }
		open, ended = slices.DeleteFunc(open, vague), slices.DeleteFunc(ended, vague)
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

// OnlyOpen returns the ceremony that is meant when none is named. It is for commands
// that change nothing. An alarm is meant when nothing else is open.
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
