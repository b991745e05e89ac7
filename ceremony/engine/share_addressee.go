package engine

import (
	"time"

	"conclave/ceremony"
	"conclave/ceremony/rules"
)

// addressee returns the actor of the ceremony that an envelope is for.
func (e *Engine) addressee(offer ceremony.Envelope) (*actor, error) {
	// Envelopes are taken apart without the lock: their sender decides how long that takes.
	type candidate struct {
		o *actor
		k snapshot
	}
	var open []candidate
	e.mu.Lock()
	if e.run == nil {
		e.mu.Unlock()
		return nil, ceremony.ErrNotRunning
	}
	for id, a := range e.actors {
		open = append(open, candidate{a, e.snapshots[id]})
	}
	e.mu.Unlock()
	// Best is the ceremony that the envelope is encrypted for; then one that waits for this
	// sender; then one in which the sender has a part, which tells them why it does not wait.
	const (
		none = iota
		involved
		wanted
		fitting
	)
	var best candidate
	rank := none
	for _, it := range open {
		r := none
		switch k := it.k; {
		case k.c.Ended():
		case k.fits != nil && k.fits(offer.Envelope):
			r = fitting
		case k.c.Contributes(offer.By) && k.c.Wants():
			r = wanted
		case k.c.Contributes(offer.By):
			r = involved
		}
		if r > rank || r == rank && best.o != nil && newer(it.k.c, best.k.c) {
			best, rank = it, r
		}
	}
	if best.o != nil {
		return best.o, nil
	}
	if e.endedEarly(offer.By) {
		return nil, ceremony.Closed // this share comes late
	}
	return nil, ceremony.NotCollecting
}

// endedEarly reports whether a ceremony to which this account contributes ended before its
// window closed. Such a ceremony is held in memory until then.
func (e *Engine) endedEarly(by ceremony.Account) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, k := range e.snapshots {
		if k.c.Ended() && time.Since(k.c.Plan.Closes) < 0 && k.c.Contributes(by) {
			return true
		}
	}
	return false
}

func newer(a, b rules.State) bool { return a.Plan.Proposed.After(b.Plan.Proposed) }
