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

// grain is how much early a client may be that waits as Retry-After has said: it is in whole seconds, rounded up.
const grain = 10 * time.Millisecond

// rate is how many calls Slack takes in a window.
type rate struct {
	key    string
	most   int
	window time.Duration
}

// ratesOfLocked returns the rates of a method.
func (w *Workspace) ratesOfLocked(t tier, method, channel string) []rate {
	if t != perChannel {
		return []rate{{method, int(t), time.Minute}}
	}
	if ch := w.channelByIDLocked(channel); ch != nil && ch.kind == directMessage {
		channel = ch.members[0].id // which stands for the same place
	}
	return []rate{{method, postsAMinute, time.Minute}, {method + " " + channel, 1, time.Second}}
}

// limitLocked counts a call. It returns how long the client has to wait when the call is above one of the method's rates.
func (w *Workspace) limitLocked(t tier, method, channel string) time.Duration {
	now, limits := w.cfg.Now(), w.ratesOfLocked(t, method, channel)
	for _, l := range limits {
		if till := w.rates.notTill[l.key]; now.Add(grain).Before(till) {
			w.violateLocked(record.RuleRetryAfter, method, "called %v before the wait was over",
				till.Sub(now).Round(time.Millisecond))
		}
	}
	for _, l := range limits {
		recent := w.rates.calls[l.key]
		for len(recent) > 0 && now.Sub(recent[0]) >= l.window {
			recent = recent[1:]
		}
		w.rates.calls[l.key] = recent
		if len(recent) < l.most {
			continue
		}
		if method == "apps.connections.open" {
			w.violateLocked(record.RuleStorm, method, "more than %d in a minute", l.most)
		}
		if w.cfg.RateLimits {
			wait := max(recent[0].Add(l.window).Sub(now), time.Second).Truncate(time.Second) + time.Second
			if l.window == time.Second {
				wait = time.Second
			}
			w.rates.told(l.key, now, wait)
			return wait
		}
	}
	for _, l := range limits {
		w.rates.calls[l.key] = append(w.rates.calls[l.key], now)
	}
	return 0
}
