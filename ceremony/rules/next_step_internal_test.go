package rules

import (
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/event"
)

// A program that dies between the two lines "rekeyed" and "froze" finds the first one
// alone. New shares for other keys than the plan's are no result.
func TestResultForOtherKeysIsNeverAnEnd(t *testing.T) {
	alice, mallory := ceremony.Person{Name: "alice", Key: "aa"}, ceremony.Fingerprint("ee")
	for _, c := range []State{
		{
			Plan:      ceremony.Plan{Operation: ceremony.Rekey, Receivers: []ceremony.Person{alice}},
			NewShares: []event.NewShare{{For: alice}},
		},
		{Plan: ceremony.Plan{Operation: ceremony.GenerateRoot, Requester: &alice}, Token: "token"},
	} {
		c.Keys = []ceremony.Fingerprint{mallory}
		if c.done() {
			t.Errorf("%s for another key counts as done", c.Plan.Operation)
		}
		c.Keys = []ceremony.Fingerprint{alice.Key}
		if !c.done() {
			t.Errorf("%s for the right key does not count as done", c.Plan.Operation)
		}
	}
}
