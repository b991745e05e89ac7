package rules

import (
	"errors"
	"fmt"
	"slices"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/secret"
)

// maxInVain is how many rounds one person's insisting may spoil in a ceremony.
const maxInVain = 2

// judge is why an opened share can't be used, empty when it can: what the ledger
// says stands, unless its holder insists.
//
// To insist is to sign the same share once more in the same round. It overrides
// nothing but what the ledger says (P2): the envelope passes every other check
// again. That the same envelope lies in Slack a second time is no insisting: to
// post it again takes the account and not the key.
//
// A new share that a rekey wants as proof was made moments ago and can't have been
// seen before, so that there is nothing to insist on.
func (c Ceremony) Judge(offer event.Offered, evidence ceremony.Evidence, share secret.Commitment, s ceremony.Standing) ceremony.Refusal {
	switch {
	case c.duplicate(offer, share):
		return ceremony.DuplicateShare
	case s.Reason == "":
		return ""
	case offer.Step == ceremony.Verify:
		return s.Reason
	}
	first, before := c.doubted(offer.By.Account, share)
	switch {
	case !before:
		return s.Reason
	case !evidence.SignedAt.After(first.Evidence.SignedAt):
		return ceremony.Replayed
	case c.inVain(offer.By.Account) >= maxInVain:
		return ceremony.InsistedInVain
	}
	return ""
}

// doubted is the newest refusal of this person's share in the current round that
// insisting overrides.
func (c Ceremony) doubted(who ceremony.Account, share secret.Commitment) (event.Declined, bool) {
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

// inVain counts the refused rounds in which this person had insisted.
func (c Ceremony) inVain(who ceremony.Account) (rounds int) {
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

// recognised is what the journal says of a share that judge has let pass.
func recognised(share secret.Commitment, s ceremony.Standing) ceremony.Recognition {
	return ceremony.Recognition{Commitment: share, Known: s.Known, Whose: s.Whose, Insisted: s.Reason}
}

// allowsUse holds the use of a share to the rules of insisting, as far as a journal
// shows them: what the ledger said at the time is in other journals.
func (c Ceremony) allowsUse(evidence ceremony.Evidence, r ceremony.Recognition) error {
	offer, _ := c.Offer()
	switch reason := c.Judge(offer, evidence, r.Commitment, ceremony.Standing{Reason: r.Insisted}); {
	case r.Insisted != "" && (!r.Insisted.Doubts() || r.Known), r.Whose != nil && !r.Known:
		return errors.New("the share can't be what it is said to be")
	case reason != "":
		return fmt.Errorf("the share should have been refused: %w", reason)
	}
	return nil
}
