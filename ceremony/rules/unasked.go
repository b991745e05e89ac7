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
	posted, given := c.posts(), c.GivenUp()
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
	for _, u := range all[event.Undeliverable](c) {
		given[u.Key] = true
	}
	return given
}

// posts returns the keys of the messages that were posted.
func (c State) posts() map[string]bool {
	posted := map[string]bool{}
	for _, p := range all[event.Posted](c) {
		posted[p.Key] = true
	}
	return posted
}
