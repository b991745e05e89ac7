package engine

import (
	"sync"

	"conclave/ceremony/rules"
)

// digests holds every digest that people were shown: hashes of plans, commitments to
// one-time passwords, hashes of journal lines. It has a lock of its own, so that a reader
// never waits for a disk.
type digests struct {
	mu  sync.RWMutex
	all map[string]struct{}
}

// IsDigest reports whether a word is a digest that people were shown, in lower-case
// hexadecimal digits. Its cost does not grow with what has happened so far.
func (e *Engine) IsDigest(word string) bool {
	e.digests.mu.RLock()
	defer e.digests.mu.RUnlock()
	_, ok := e.digests.all[word]
	return ok
}

// learn adds the digests of the lines that a ceremony has gained since before. The first
// time before is the zero value.
func (d *digests) learn(before, now rules.State) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all == nil {
		d.all = map[string]struct{}{}
	}
	if before.Seq() == 0 {
		d.all[now.PlanHash] = struct{}{}
		if now.Plan.OTP != "" {
			d.all[now.Plan.OTP] = struct{}{}
		}
	}
	for _, entry := range now.History[before.Seq():] {
		d.all[entry.Hash] = struct{}{}
	}
}
