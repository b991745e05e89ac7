package rules

import (
	"errors"
	"fmt"
	"slices"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/secret"
)

// maxInVain is how many rounds of a ceremony one person may spoil by insisting.
const maxInVain = 2

// Judge returns why an opened share can't be used, or "". What the ledger says stands,
// unless its holder insists.
//
// To insist is to sign the same share once more in the same round. It overrides only
// what the ledger says (P2): the envelope passes every other check again. Posting the
// same envelope a second time is no insisting, since it takes the account and not the key.
//
// A new share that a rekey wants as proof was made moments ago. It can't have been seen
// before, so that there is nothing to insist on.
func (c State) Judge(
	offer event.Offered, evidence ceremony.Evidence, share secret.ShareTag, said ceremony.Verdict,
) ceremony.Refusal {
	switch {
	case c.duplicate(offer, share):
		return ceremony.DuplicateShare
	case said.Reason == "":
		return ""
	case offer.Step == ceremony.StepVerify:
		return said.Reason
	}
	first, before := c.doubted(offer.By.Account, share)
	switch {
	case !before:
		return said.Reason
	case !evidence.SignedAt.After(first.Evidence.SignedAt):
		return ceremony.Replayed
	case c.inVain(offer.By.Account) >= maxInVain:
		return ceremony.InsistedInVain
	}
	return ""
}

// doubted returns the newest refusal of this person's share in the current round that
// insisting overrides.
func (c State) doubted(who ceremony.Account, share secret.ShareTag) (event.Declined, bool) {
	for _, e := range slices.Backward(c.History) {
		switch ev := e.Event.(type) {
		case event.Declined:
			if ev.By.Account == who && ev.Reason.Doubts() && ev.Names(share) {
				return ev, true
			}
		case event.Started, event.RoundRefused, event.RoundReset, event.Rekeyed, event.AttemptLost:
			return event.Declined{}, false
		}
	}
	return event.Declined{}, false
}

// inVain returns the number of refused rounds in which this person had insisted.
func (c State) inVain(who ceremony.Account) (rounds int) {
	insisted := false
	for _, e := range c.History {
		switch ev := e.Event.(type) {
		case event.Submitting:
			if ev.By.Account == who {
				insisted = ev.Insisted != ""
			}
		case event.RoundRefused:
			if _, in := ceremony.Find(ev.With, who); in && insisted {
				rounds++
			}
		}
	}
	return rounds
}

// tagMatch returns what the journal keeps of a share that [State.Judge] has let pass.
func tagMatch(share secret.ShareTag, said ceremony.Verdict) ceremony.TagMatch {
	return ceremony.TagMatch{ShareTag: share, Known: said.Known, Whose: said.Whose, Insisted: said.Reason}
}

// allowsUse returns an error where the use of a share breaks the rules of insisting, as
// far as this journal shows it. What the ledger said at the time is in other journals.
func (c State) allowsUse(evidence ceremony.Evidence, r ceremony.TagMatch) error {
	offer, _ := c.Offer()
	switch reason := c.Judge(offer, evidence, r.ShareTag, ceremony.Verdict{Reason: r.Insisted}); {
	case r.Insisted != "" && (!r.Insisted.Doubts() || r.Known), r.Whose != nil && !r.Known:
		return errors.New("the share can't be what it is said to be")
	case reason != "":
		return fmt.Errorf("the share should have been refused: %w", reason)
	}
	return nil
}

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
