package transport

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// PostPace is the least time between two posts in one channel. Slack takes one a
	// second, and counts when they arrive: some of them travel faster than others.
	// Source: docs.slack.dev "Rate limits", chat.postMessage.
	PostPace = 1100 * time.Millisecond
	// RedrawPace is the least time between two edits of one status post.
	RedrawPace = 1500 * time.Millisecond
)

// Pacer spaces out what is done under one key. Each key has a limiter.
type Pacer struct {
	Gap time.Duration

	mu       sync.Mutex
	limiters map[string]*rate.Limiter // by key; one that was idle for a gap is not kept
}

// NewPacer returns a pacer with so much time between two acts.
func NewPacer(gap time.Duration) *Pacer {
	return &Pacer{Gap: gap, limiters: map[string]*rate.Limiter{}}
}

// Wait returns when it is this caller's turn. An error means that the caller's context
// ended before that, and that the turn was given back.
func (p *Pacer) Wait(ctx context.Context, key string) error {
	p.mu.Lock()
	turn := p.limiterLocked(key).Reserve()
	p.mu.Unlock()
	d := turn.Delay()
	if d == 0 {
		return context.Cause(ctx)
	}
	err := Sleep(ctx, d)
	if err != nil {
		turn.Cancel()
	}
	return err
}

// Free reports whether nothing was done under the key for a while, and notes that
// something is done now.
func (p *Pacer) Free(key string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limiterLocked(key).Allow()
}

// Release lets the next act under the key happen at once. It is called after Free when
// nothing was done after all.
func (p *Pacer) Release(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.limiters, key)
}

// limiterLocked returns the limiter of a key.
func (p *Pacer) limiterLocked(key string) *rate.Limiter {
	for k, l := range p.limiters {
		if k != key && l.Tokens() >= 1 {
			delete(p.limiters, k)
		}
	}
	l, known := p.limiters[key]
	if !known {
		l = rate.NewLimiter(rate.Every(p.Gap), 1)
		p.limiters[key] = l
	}
	return l
}
