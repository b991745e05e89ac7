package rules

import (
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/secret"
)

// KeyFact is what one event of a ceremony shows about a cluster's shares, by what
// Vault has done with them. A drill shows nothing: Vault has not seen its shares.
type KeyFact struct {
	At time.Time
	// Proven are shares that Vault has just combined to the key in force.
	Proven   []Held
	Replaced bool   // from here on another key is in force
	New      []Held // shares of that key, as far as they were proven
	Doubtful bool   // nobody can say which key is in force
}

// Held is a share and the person who has brought it.
type Held struct {
	By    ceremony.Person
	Share secret.ShareTag
}

// keyFact returns what an event shows, if anything. The state is the one before the event.
func (c State) keyFact(e event.Entry) (KeyFact, bool) {
	f := KeyFact{At: e.At}
	switch ev := e.Event.(type) {
	case event.Rekeyed:
		if Elsewhere(ev) {
			f.Doubtful = true // the backup shows that they were made, and no more
			break
		}
		f.Proven = c.round()
		// Without a verification to come the new key is in force already, whatever the
		// plan says.
		f.Replaced = ev.VerificationNonce == ""
	case event.TokenIssued:
		f.Proven = c.round()
	case event.Verified:
		f.Doubtful = ev.Unconfirmed
		if f.Replaced = !ev.Unconfirmed; f.Replaced {
			f.New = c.round()
		}
	case event.Entered:
		f.Proven = c.unsealedWith(ev)
	case event.Closing:
		f.Doubtful = ev.Fault == ceremony.SharesLost
	case event.AttemptLost:
		f.Doubtful = ev.Unproven && c.Plan.Operation.Rekeys()
	case event.Initialized:
		f.Replaced = true
	}
	return f, len(f.Proven) > 0 || f.Replaced || f.Doubtful
}

// round returns every share in the current round, and the one that completes it.
func (c State) round() []Held {
	var all []Held
	for _, s := range c.Round.Counted {
		all = append(all, Held{By: s.By, Share: c.used(s.By.Account, "").ShareTag})
	}
	if sent, ok := c.Pending.Submitting(); ok {
		all = append(all, Held{By: sent.By, Share: sent.ShareTag})
	}
	return all
}

// unsealedWith returns the shares with which nodes were unsealed just now. It leaves out a
// node that had counted other shares besides: it may have dropped ours and been given
// others in between.
func (c State) unsealedWith(ev event.Entered) []Held {
	var all []Held
	for _, after := range ev.Nodes {
		before := c.node(after.Address)
		whole := len(before.With) == c.Plan.Threshold-1 && before.Progress == len(before.With)
		unsealed := before.Reached && before.Sealed && after.Reached && !after.Sealed
		if !whole || !unsealed || !slices.Contains(ev.At, after.Address) {
			continue
		}
		for _, p := range append(slices.Clip(before.With), ev.By) {
			h := Held{By: p, Share: c.used(p.Account, after.Address).ShareTag}
			if !slices.Contains(all, h) {
				all = append(all, h)
			}
		}
	}
	return all
}
