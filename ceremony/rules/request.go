package rules

import (
	"slices"

	"conclave/ceremony"
	"conclave/ceremony/event"
)

// asks reports whether a message wants something of the person whom it is for.
func (k MessageKind) asks() bool {
	switch k {
	case ApprovalMessage, AskMessage, FrozenMessage, DeletionMessage, ReminderMessage, AlarmMessage, RollCallMessage, GateMessage, WitnessMessage:
		return true
	}
	return false
}

// Unasked are the requests that are still wanted and that the person has not got:
// those that wait to be posted, and those that can never be delivered. Nobody is to be
// shown as asked whose request is among them (P10).
func (c State) Unasked() (waiting, lost []Message) {
	posted, given := map[string]bool{}, c.GivenUp()
	for _, e := range c.History {
		if p, ok := e.Event.(event.Posted); ok {
			posted[p.Key] = true
		}
	}
	for _, m := range c.Messages() {
		switch {
		case !m.Kind.asks() || posted[m.Key] || c.overtaken(m) || c.answered(m):
		case given[m.Key]:
			lost = append(lost, m)
		default:
			waiting = append(waiting, m)
		}
	}
	return waiting, lost
}

// answered reports whether a person has done what a request wants, or nothing is
// wanted of them any more, beyond what makes it [State.overtaken].
func (c State) answered(m Message) bool {
	switch m.Kind {
	case ApprovalMessage:
		return slices.ContainsFunc(c.Approvals, func(a ceremony.Approval) bool { return a.By.Account == m.To.Account })
	case AlarmMessage:
		return c.Ended()
	}
	return false
}

// GivenUp has the keys of the messages that can never be delivered.
func (c State) GivenUp() map[string]bool {
	given := map[string]bool{}
	for _, e := range c.History {
		if u, ok := e.Event.(event.Undeliverable); ok {
			given[u.Key] = true
		}
	}
	return given
}
