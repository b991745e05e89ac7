package wording

import (
	"slices"
	"strconv"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// Sign makes of a parcel what its receiver gets.
type Sign func(ceremony.Parcel) (ceremony.SignedParcel, error)

// ButtonValue names the ceremony and the plan that a button stands under.
func ButtonValue(c rules.State) string { return string(c.ID()) + " " + c.PlanHash }

// FreezeValue names the freeze, too: who agreed that one was harmless has said
// nothing about the next.
func FreezeValue(c rules.State) string {
	return ButtonValue(c) + " " + strconv.Itoa(LastFreeze(c))
}

// LastFreeze is the entry by which the ceremony froze most lately.
func LastFreeze(c rules.State) int {
	for _, e := range slices.Backward(c.History) {
		if _, ok := e.Event.(event.Frozen); ok {
			return e.Seq
		}
	}
	return 0
}

// Cancelled says what a cancellation does.
func Cancelled(c rules.State) string {
	op := c.Plan.Operation
	switch {
	case c.FrozenFor(event.AttemptGone):
		return "Vault does not have its attempt any more. If nothing shows until then what came of it, the ceremony ends with that, and says so."
	case op == ceremony.Unseal:
		return "The nodes forget the shares that they were sent. Those that are sealed stay so."
	case op == ceremony.ReadBackup:
		return "The backup stays in Vault, and what was handed out stays with its receivers."
	case op.HasAttempt():
		return "Its attempt in Vault is cancelled, too. The key in force stays as it is."
	}
	return "Nothing more is sent to Vault."
}
