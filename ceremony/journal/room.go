package journal

import (
	"fmt"

	"conclave/ceremony"
	"conclave/ceremony/event"
)

// What is left free in a ceremony's journal, in bytes. Vault's answer is always written (P7),
// and what follows from it: nothing is sent to Vault unless there is room for the longest
// answer that is read. What people send meets its bound before that, so that nobody can fill
// a journal up to the point where a ceremony stands still.
const (
	roomForAnswers = 16 << 20
	roomForPeople  = 24 << 20 // what they send must leave this free
)

// fits returns an error when a journal of this size may not take the events: nothing is
// written. It wraps ErrNoLine where the ceremony goes on without them.
func fits(id ceremony.ID, size int, events []event.Event) error {
	if size > maxCeremony {
		return fmt.Errorf("append to %s: its journal would have %d bytes; %d are the most", id, size, maxCeremony)
	}
	for _, ev := range events {
		if most := maxCeremony - reserve(ev); size > most {
			return fmt.Errorf("append %q to %s: its journal would have %d bytes, and beyond %d there is room for answers alone: %w",
				event.TypeOf(ev), id, size, most, ceremony.ErrNoLine)
		}
	}
	return nil
}

// reserve returns how many bytes an event must leave free. People can send as many as they
// like of those that come first.
func reserve(ev event.Event) int {
	switch ev.(type) {
	case event.Offered, event.ExceptionNoted, event.ResumeAsked, event.Noticed:
		return roomForPeople
	}
	if event.Intends(ev) {
		return roomForAnswers
	}
	return 0
}
