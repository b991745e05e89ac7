package wording

import (
	"fmt"

	"conclave/ceremony"
	"conclave/ceremony/rules"
)

// rollCallWords says how many have answered a roll call, and who has not.
func rollCallWords(c rules.State) string {
	var missing []ceremony.Person
	for _, p := range c.Plan.RollCall {
		if !c.IsPresent(p.Account) {
			missing = append(missing, p)
		}
	}
	return fmt.Sprintf(":raising_hand: *Roll call*: %d of %d have shown that they can use their keys. Nothing has been sent to Vault.\nWaiting for: %s",
		len(c.Present), c.Plan.Present, ListAnd(wanted(c, missing)))
}
