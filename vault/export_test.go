package vault

import "time"

// Lease reports what becomes of a token that was given for ttl at since.
func Lease(since, now time.Time, ttl time.Duration) (alive, due bool) {
	l := lease{token: "t", since: since, ttl: ttl}
	return l.alive(now), l.isDue(now)
}
