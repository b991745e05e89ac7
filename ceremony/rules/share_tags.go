package rules

import (
	"slices"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/secret"
)

// duplicate reports whether this share is in the round already. In an unseal, the same
// person's share may be wanted again, for another node.
func (c State) duplicate(offer event.Offered, share secret.ShareTag) bool {
	if offer.Step != ceremony.StepUnseal {
		return slices.ContainsFunc(c.Round.Counted, func(s Contribution) bool {
			return c.used(s.By.Account, "").Names(share)
		})
	}
	for _, n := range c.Nodes {
		if n.Reached && n.Sealed && slices.ContainsFunc(n.With, func(p ceremony.Person) bool {
			return p.Account != offer.By.Account && c.used(p.Account, n.Address).Names(share)
		}) {
			return true
		}
	}
	return false
}

// used returns what was known of the share that a person brought last: in an unseal, to
// the node at this address.
func (c State) used(who ceremony.Account, address string) ceremony.TagMatch {
	for _, e := range slices.Backward(c.History) {
		switch ev := e.Event.(type) {
		case event.Submitting:
			if ev.By.Account == who && (address == "" || slices.Contains(ev.Nodes, address)) {
				return ev.TagMatch
			}
		case event.Proven:
			if ev.By.Account == who {
				return ev.TagMatch
			}
		}
	}
	return ceremony.TagMatch{}
}

// Brought returns what was known of the share that a person brought last before an entry
// of the journal.
func (c State) Brought(by ceremony.Person, before event.Entry) ceremony.TagMatch {
	c.History = c.History[:min(max(before.Seq, 0), len(c.History))]
	return c.used(by.Account, "")
}

// suspects returns those of a refused round whose share was not known to be one of the key
// in force. It returns nobody when no share was: then each is as suspect as the others.
func (c State) suspects(with []ceremony.Person) []ceremony.Person {
	var unknown []ceremony.Person
	for _, p := range with {
		if !c.used(p.Account, "").Known {
			unknown = append(unknown, p)
		}
	}
	if len(unknown) == len(with) {
		return nil
	}
	return unknown
}
