package transport

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
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
