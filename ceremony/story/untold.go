package story

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"conclave/ceremony/command"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// Untold returns the events to which no command could have led, in the state before them and at their time. It reads
// no further than [rules.Replay] does.
//
// Several events may follow from one command. After a crash some of them may be missing: what the ceremony does then
// is judged by itself.
func Untold(entries []event.Entry) []Fault {
	var faults []Fault
	var c rules.State
	var expected []event.Event // the rest of what the last command led to
	for _, e := range entries {
		next, err := rules.Apply(c, e)
		if err != nil {
			return faults
		}
		if len(expected) > 0 && same(expected[0], e.Event) {
			expected = expected[1:]
		} else if rest, told := follow(c, e); told {
			expected = rest
		} else {
			expected = nil
			faults = append(faults, Fault{Entry: e, Why: "nothing that a person or Vault could have said leads to it here"})
		}
		c = next
	}
	return faults
}

// follow reports whether a command could have led to an entry in the state before it, and returns what else follows
// from that command.
func follow(c rules.State, e event.Entry) (rest []event.Event, told bool) {
	if byItself(c, e.Event) {
		return nil, true
	}
	for cmd := range commandsOf(c, e) {
		for _, at := range moments(c, e.At) {
			events, err := rules.Decide(c, cmd, at)
			if err == nil && len(events) > 0 && same(events[0], e.Event) {
				return events[1:], true
			}
		}
	}
	return nil, false
}

// clockSlack is how far the clock may have moved, or have been set, from a decision to its line in the journal.
const clockSlack = time.Minute

// moments returns the times at which what was written at a time may have been decided.
func moments(c rules.State, at time.Time) []time.Time {
	times := []time.Time{at, at.Add(-clockSlack), at.Add(clockSlack)}
	if q := c.Plan.Quiet; q != nil && q.Changing(at) {
		// Journals are older than the rule that an hour which the clocks pass twice is quiet both times.
		times = append(times, at.Add(time.Hour))
	}
	return times
}

// same reports whether two events are the same in a journal.
func same(a, b event.Event) bool {
	if event.TypeOf(a) != event.TypeOf(b) {
		return false
	}
	one, err := json.Marshal(a)
	if err != nil {
		return false
	}
	other, err := json.Marshal(b)
	return err == nil && bytes.Equal(one, other)
}

// byItself reports whether an event holds by what [rules.Apply] asks of it and by what is said here. No command can be
// made out of it, or any command may lead to it.
func byItself(c rules.State, e event.Event) bool {
	switch ev := e.(type) {
	case event.Proposed, event.Adopted, event.Posted, event.Undeliverable:
		return true
	case event.TranscriptSigned: // it waits for the messages, which are others in each version of the program
		return true
	case event.Present: // the answer is in what the person has signed
		return c.Phase == rules.PhaseRollCall && c.Closing == nil && c.Stopping == nil
	case event.Frozen: // Vault's backup is not in a command
		ev.Remains = ""
		events, err := rules.Decide(c, command.Stop{Why: ev.Why, Want: ev.Want, Got: ev.Got}, time.Time{})
		return err == nil && slices.ContainsFunc(events, func(decided event.Event) bool { return same(decided, ev) })
	}
	return false
}
