package slacktest

import (
	"time"

	"conclave/bot/slacktest/record"
)

// rates remembers calls, for the limits, and the waits that the client was told.
type rates struct {
	calls   map[string][]time.Time // method, or method and channel → calls that count
	notTill map[string]time.Time   // the same → end of the wait that Retry-After asked for
}

func newRates() rates {
	return rates{calls: map[string][]time.Time{}, notTill: map[string]time.Time{}}
}

// told notes that the client was told to wait.
func (r *rates) told(key string, now time.Time, wait time.Duration) { r.notTill[key] = now.Add(wait) }

// limitLocked counts a call. It returns how long the client has to wait when the call is above the method's rate.
func (w *Workspace) limitLocked(t tier, method, channel string) time.Duration {
	now := w.cfg.Now()
	// Retry-After is in whole seconds, which Slack rounds up. A client that is this much early has kept to it.
	const grain = 10 * time.Millisecond
	for _, key := range []string{method, method + " " + channel} {
		if till := w.rates.notTill[key]; now.Add(grain).Before(till) {
			w.violateLocked(record.RuleRetryAfter, method, "called %v before the wait was over",
				till.Sub(now).Round(time.Millisecond))
		}
	}
	key, most, window := method, int(t), time.Minute
	if t == perChannel {
		key, most, window = method+" "+channel, 1, time.Second
	}
	recent := w.rates.calls[key]
	for len(recent) > 0 && now.Sub(recent[0]) >= window {
		recent = recent[1:]
	}
	if len(recent) >= most {
		if method == "apps.connections.open" {
			w.violateLocked(record.RuleStorm, method, "more than %d in a minute", most)
		}
		if w.cfg.RateLimits {
			wait := max(recent[0].Add(window).Sub(now), time.Second).Truncate(time.Second) + time.Second
			if t == perChannel {
				wait = time.Second
			}
			w.rates.told(key, now, wait)
			return wait
		}
	}
	w.rates.calls[key] = append(recent, now)
	return 0
}
