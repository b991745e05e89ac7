package wording

import (
	"slices"
	"strconv"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// ButtonValue is the value of a button. It names the ceremony and the plan.
func ButtonValue(c rules.State) string { return string(c.ID()) + " " + c.PlanHash }

// FreezeValue is the value of a button that decides about a freeze. It is not good for the
// next freeze.
func FreezeValue(c rules.State) string {
	return ButtonValue(c) + " " + strconv.Itoa(LastFreeze(c))
}

// LastFreeze returns the number of the entry by which the ceremony froze last, or 0.
func LastFreeze(c rules.State) int {
	for _, e := range slices.Backward(c.History) {
		if _, ok := e.Event.(event.Frozen); ok {
			return e.Seq
		}
	}
	return 0
}

// Cancelled says what a cancellation would do.
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
