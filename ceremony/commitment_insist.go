package ceremony

import (
	"errors"
	"fmt"
	"slices"
)

// maxInVain is how many rounds one person's insisting may spoil in a ceremony.
const maxInVain = 2

// doubts says whether a refusal comes from the ledger: the share is most likely the
// wrong one, and its holder may know better. The key may have been changed outside
// of Conclave, or have been restored from a snapshot.
func (r Refusal) doubts() bool {
	return slices.Contains([]Refusal{OutdatedShare, OtherClusterShare, MistypedShare, UnfamiliarShare}, r)
}

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
func (c Ceremony) judge(offer Offered, evidence Evidence, share Commitment, s Standing) Refusal {
	switch {
	case c.duplicate(offer, share):
		return DuplicateShare
	case s.Reason == "":
		return ""
	case offer.Step == Verify:
		return s.Reason
	}
	first, before := c.doubted(offer.By.Account, share)
	switch {
	case !before:
		return s.Reason
	case !evidence.SignedAt.After(first.Evidence.SignedAt):
		return Replayed
	case c.inVain(offer.By.Account) >= maxInVain:
		return InsistedInVain
	}
	return ""
}

// doubted is the newest refusal of this person's share in the current round that
// insisting overrides.
func (c Ceremony) doubted(who Account, share Commitment) (Declined, bool) {
	for _, e := range slices.Backward(c.History) {
		switch ev := e.Event.(type) {
		case Declined:
			if ev.By.Account == who && ev.Reason.doubts() && ev.names(share) {
				return ev, true
			}
		case Started, RoundRefused, RoundReset, Rekeyed, AttemptLost:
			return Declined{}, false
		}
	}
	return Declined{}, false
}

// inVain counts the refused rounds in which this person had insisted.
func (c Ceremony) inVain(who Account) (rounds int) {
	insisted := false
	for _, e := range c.History {
		switch ev := e.Event.(type) {
		case Submitting:
			if ev.By.Account == who {
				insisted = ev.Insisted != ""
			}
		case RoundRefused:
			if _, in := find(ev.With, who); in && insisted {
				rounds++
			}
		}
	}
	return rounds
}

// recognised is what the journal says of a share that judge has let pass.
func recognised(share Commitment, s Standing) Recognition {
	return Recognition{Commitment: share, Known: s.Known, Whose: s.Whose, Insisted: s.Reason}
}

// allowsUse holds the use of a share to the rules of insisting, as far as a journal
// shows them: what the ledger said at the time is in other journals.
func (c Ceremony) allowsUse(evidence Evidence, r Recognition) error {
	offer, _ := c.offer()
	switch reason := c.judge(offer, evidence, r.Commitment, Standing{Reason: r.Insisted}); {
	case r.Insisted != "" && (!r.Insisted.doubts() || r.Known), r.Whose != nil && !r.Known:
		return errors.New("the share can't be what it is said to be")
	case reason != "":
		return fmt.Errorf("the share should have been refused: %w", reason)
	}
	return nil
}
