package ceremony

import "slices"

// duplicate says whether this share is in the round already. To unseal, the same
// person's share may be wanted again, for another node.
func (c Ceremony) duplicate(offer Offered, share Commitment) bool {
	if offer.Step != Enter {
		return slices.ContainsFunc(c.Round.Counted, func(s Contribution) bool {
			return c.used(s.By.Account, "").names(share)
		})
	}
	for _, n := range c.Nodes {
		if n.Reached && n.Sealed && slices.ContainsFunc(n.With, func(p Person) bool {
			return p.Account != offer.By.Account && c.used(p.Account, n.Address).names(share)
		}) {
			return true
		}
	}
	return false
}

// used is the share that somebody brought last: of an unseal, to the node at this
// address.
func (c Ceremony) used(who Account, address string) Recognition {
	for _, e := range slices.Backward(c.History) {
		switch ev := e.Event.(type) {
		case Submitting:
			if ev.By.Account == who && (address == "" || slices.Contains(ev.Nodes, address)) {
				return ev.Recognition
			}
		case Proven:
			if ev.By.Account == who {
				return ev.Recognition
			}
		}
	}
	return Recognition{}
}

// Brought is what was known of the share that somebody brought last before an entry
// of the journal.
func (c Ceremony) Brought(by Person, before Entry) Recognition {
	c.History = c.History[:min(max(before.Seq, 0), len(c.History))]
	return c.used(by.Account, "")
}

// suspects are those of a refused round whose share was not known to be one of the
// key in force, nobody when none was: then each is as suspect as the others.
func (c Ceremony) suspects(with []Person) []Person {
	var unknown []Person
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
