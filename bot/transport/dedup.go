package transport

import (
	"sync"
	"time"
)

// memory is how long an envelope is remembered. Slack delivers an event again
// for up to six minutes, and may deliver it once more later.
const memory = 15 * time.Minute

// Dedup remembers which envelopes were taken. Slack delivers some of them twice: after
// a late acknowledgement, on a second connection, and at times under another event id.
type Dedup struct {
	mu    sync.Mutex
	known map[string]time.Time // key → forgotten after
	swept time.Time
}

// NewDedup returns a memory with nothing in it.
func NewDedup() *Dedup { return &Dedup{known: map[string]time.Time{}} }

// Any reports whether one of the keys is remembered.
func (d *Dedup) Any(keys []string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	for _, k := range keys {
		if now.Before(d.known[k]) {
			return true
		}
	}
	return false
}

// Add remembers all keys.
func (d *Dedup) Add(keys []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	if now.Sub(d.swept) > time.Minute {
		for k, t := range d.known {
			if now.After(t) {
				delete(d.known, k)
			}
		}
		d.swept = now
	}
	for _, k := range keys {
		d.known[k] = now.Add(memory)
	}
}
