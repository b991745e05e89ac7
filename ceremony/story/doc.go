// Package story judges the story that a journal tells: whether the rules could have told it, and whether it shows what
// its plan demands.
//
// [rules.Apply] reads whatever an authenticated journal holds, since what Vault has made is written in any case. This
// package judges it afterwards, in two ways that share nothing. [Untold] asks [rules.Decide] for each event. [Unmet]
// goes by the plan alone, so that a fault of the rules does not bless itself.
package story

import "conclave/ceremony/event"

// Fault is an event that can't have come about as the journal says, or that lacks what the plan demands before it.
type Fault struct {
	Entry event.Entry
	Why   string
}
