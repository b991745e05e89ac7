package rules

import (
	"errors"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
)

// AlarmWindow is how long an alarm waits to be acknowledged.
const AlarmWindow = 7 * 24 * time.Hour

// ForeignEnd means that the rekey of a ceremony was carried through with shares that
// did not come through Conclave.
const ForeignEnd ceremony.Finding = "foreign-end"

// The journal takes manyFindings of each kind, and from then on one every findingPause:
// it must not grow by a node that flaps, or by attempts that are begun and cancelled all
// day.
const (
	manyFindings = 20
	findingPause = time.Hour
)

// alert adds a finding unless it is in the alarm already.
func (c State) alert(cmd command.Alert, now time.Time) ([]event.Event, error) {
	switch {
	case c.Plan.Operation != ceremony.Alarm:
		return nil, ceremony.NotAnAlarm
	case c.Ended() || c.Closing != nil || !now.Before(c.Plan.Closes):
		return nil, ceremony.Closed
	}
	number := 0
	var last time.Time
	for _, e := range c.History {
		n, ok := e.Event.(event.Noticed)
		switch {
		case !ok || n.Kind != cmd.Found.Kind:
		case n.Same(cmd.Found):
			return nil, nil
		default:
			number, last = number+1, e.At
		}
	}
	if number >= manyFindings && now.Sub(last) < findingPause {
		return nil, nil
	}
	return one(cmd.Found)
}

// acknowledge ends the alarm.
func (c State) acknowledge(cmd command.Acknowledge) ([]event.Event, error) {
	switch {
	case c.Plan.Operation != ceremony.Alarm:
		return nil, ceremony.NotAnAlarm
	case c.Ended() || c.Closing != nil:
		return nil, ceremony.Closed
	}
	by, ok := ceremony.Find(c.Plan.Acknowledgers(), cmd.By)
	if !ok {
		return nil, ceremony.MayNotAcknowledge
	}
	return []event.Event{
		event.Acknowledged{By: by, Why: cmd.Why, Signed: cmd.Signed},
		event.Ended{Outcome: event.Completed, Vault: event.NothingToCancel},
	}, nil
}

// Findings returns what an alarm is about, in the order in which it was noticed.
func (c State) Findings() []event.Entry {
	return slices.DeleteFunc(slices.Clone(c.History), func(e event.Entry) bool { return !Is[event.Noticed](e.Event) })
}

var (
	errNoAlarm   = errors.New("it belongs to an alarm")
	errWatchOnly = errors.New("nobody but the interference watch raises an alarm, and it does nothing else")
)

// allowsAlarm holds what belongs to an alarm to the promises that a journal shows
// by itself.
func (c State) allowsAlarm(e event.Event) error {
	switch ev := e.(type) {
	case event.Proposed:
		if (ev.Plan.Operation == ceremony.Alarm) != (ev.Plan.Initiator == ceremony.InterferenceWatch) {
			return errWatchOnly
		}
	case event.Noticed:
		if c.Plan.Operation != ceremony.Alarm {
			return errNoAlarm
		}
	case event.Acknowledged:
		if c.Plan.Operation != ceremony.Alarm {
			return errNoAlarm
		}
		if p, ok := ceremony.Find(c.Plan.Acknowledgers(), ev.By.Account); !ok || p != ev.By {
			return errors.New("they may not acknowledge it")
		}
	}
	return nil
}

// alarm has the owners hear directly of the first finding of each kind and person.
func (o *outbox) alarm(p ceremony.Plan, e event.Entry, n event.Noticed) {
	about := string(n.Kind) + " " + n.Whose().String()
	if o.noticed[about] {
		return
	}
	o.noticed[about] = true
	o.toEach(AlarmMessage, p.Owners, e)
}
