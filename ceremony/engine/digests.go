package engine

import (
	"sync"

	"conclave/ceremony/rules"
)

// digests are those that people were shown: hashes of plans, commitments to one-time
// passwords, hashes of lines in journals. They have a lock of their own, so that who
// asks waits for no disk.
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

// learn adds what a ceremony has come to show since before, which is its zero value at
// first.
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
