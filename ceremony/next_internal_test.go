package ceremony

import "testing"

// A program that dies between the two lines "rekeyed" and "froze" finds the
// first one alone. New shares for other keys than the plan's are no result.
func TestResultForOtherKeysIsNeverAnEnd(t *testing.T) {
	alice, mallory := Person{Name: "alice", Key: "aa"}, Fingerprint("ee")
	for _, c := range []Ceremony{
		{Plan: Plan{Operation: Rekey, Receivers: []Person{alice}}, NewShares: []NewShare{{For: alice}}},
		{Plan: Plan{Operation: GenerateRoot, Requester: &alice}, Token: "token"},
	} {
		c.Keys = []Fingerprint{mallory}
		if c.done() {
			t.Errorf("%s for another key counts as done", c.Plan.Operation)
		}
		c.Keys = []Fingerprint{alice.Key}
		if !c.done() {
			t.Errorf("%s for the right key does not count as done", c.Plan.Operation)
		}
	}
}
