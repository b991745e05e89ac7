package bot

import (
	"context"
	"sync"
	"time"
)

const (
	// postPace is the least time between two posts in one channel. Slack takes one a
	// second, and counts when they arrive: some of them travel faster than others.
	// Source: docs.slack.dev "Rate limits", chat.postMessage.
	postPace = 1100 * time.Millisecond
	// redrawPace is the least time between two edits of one status post.
	redrawPace = 1500 * time.Millisecond
)

// pacer spaces out what is done under one key. Whoever comes is given the next
// free moment and waits for it.
type pacer struct {
	gap time.Duration

	mu   sync.Mutex
	next map[string]time.Time // key → first free moment
}

func newPacer(gap time.Duration) *pacer { return &pacer{gap: gap, next: map[string]time.Time{}} }

// wait returns when it is this caller's turn. An error means that the caller's
// time was over before that.
func (p *pacer) wait(ctx context.Context, key string) error {
	if d := p.turn(key); d > 0 {
		return sleep(ctx, d)
	}
	return context.Cause(ctx)
}

// free says whether nothing was done under the key for a while, and notes that
// something is done now.
func (p *pacer) free(key string) bool {
	p.mu.Lock()
	busy := time.Now().Before(p.next[key])
	p.mu.Unlock()
	return !busy && p.turn(key) == 0
}

// release lets the next one come at once, since nothing was done under the key.
func (p *pacer) release(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.next, key)
}

// turn takes the next free moment and says how far away it is.
func (p *pacer) turn(key string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for k, t := range p.next {
		if k != key && t.Before(now) {
			delete(p.next, k)
		}
	}
	at := p.next[key]
	if at.Before(now) {
		at = now
	}
	p.next[key] = at.Add(p.gap)
	return at.Sub(now)
}
