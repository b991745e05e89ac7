package transport

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Budget bounds the work that is done under each key, and under all of them together.
type Budget struct {
	each  rate.Limit // a second
	burst int

	mu   sync.Mutex
	all  *rate.Limiter
	keys map[string]*rate.Limiter // by key; one whose budget is whole is not kept for long
}

// NewBudget returns a budget of so much a second under each key, which is saved up to burst
// and, under all keys together, to shared times that much.
func NewBudget(each float64, burst, shared int) *Budget {
	return &Budget{each: rate.Limit(each), burst: burst, keys: map[string]*rate.Limiter{},
		all: rate.NewLimiter(rate.Limit(each*float64(shared)), burst*shared)}
}

// Spend reports whether the key has so much left, and takes it.
func (b *Budget) Spend(key string, work int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.keys) > forgetful {
		for k, l := range b.keys {
			if l.Tokens() >= float64(b.burst) {
				delete(b.keys, k)
			}
		}
	}
	own, known := b.keys[key]
	if !known {
		own = rate.NewLimiter(b.each, b.burst)
		b.keys[key] = own
	}
	now := time.Now()
	if own.TokensAt(now) < float64(work) || !b.all.AllowN(now, work) {
		return false
	}
	return own.AllowN(now, work)
}
