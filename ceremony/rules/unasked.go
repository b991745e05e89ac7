package rules

import "conclave/ceremony/event"

// asks reports whether a message of this kind wants something of its receiver.
func (k MessageKind) asks() bool {
	switch k {
	case ApprovalMessage, AskMessage, FrozenMessage, DeletionMessage, ReminderMessage, AlarmMessage,
		RollCallMessage, GateMessage, WitnessMessage:
		return true
	}
	return false
}

// Unasked returns the requests that are still wanted and that have not reached the person:
// those that wait to be posted, and those that can never be delivered. Nobody may be shown
// as asked whose request is among them (P10).
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

// answered reports whether the person has done what a request wants, or nothing is wanted
// of them any more. It leaves out what makes a request [State.overtaken].
func (c State) answered(m Message) bool {
	switch m.Kind {
	case ApprovalMessage:
		return c.hasApproved(m.To.Account)
	case AlarmMessage:
		return c.Ended()
	}
	return false
}

// GivenUp returns the keys of the messages that can never be delivered.
func (c State) GivenUp() map[string]bool {
	given := map[string]bool{}
	for _, e := range c.History {
		if u, ok := e.Event.(event.Undeliverable); ok {
			given[u.Key] = true
		}
	}
	return given
}
