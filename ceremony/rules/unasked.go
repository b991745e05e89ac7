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
	return m.Kind == ApprovalMessage && c.hasApproved(m.To.Account) || m.Kind == AlarmMessage && c.Ended()
}

// GivenUp returns the keys of the messages that can never be delivered.
func (c State) GivenUp() map[string]bool {
	return keys(c, func(u event.Undeliverable) string { return u.Key })
}

// posts returns the keys of the messages that were posted.
func (c State) posts() map[string]bool { return keys(c, func(p event.Posted) string { return p.Key }) }

// keys returns the keys in the events of one type.
func keys[E event.Event](c State, of func(E) string) map[string]bool {
	set := map[string]bool{}
	for _, e := range all[E](c) {
		set[of(e)] = true
	}
	return set
}
