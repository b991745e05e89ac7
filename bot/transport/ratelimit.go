package transport

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"time"
)

const (
	// CallTimeout ends a call of Slack's API that hangs. Without it, the call would
	// block until the program ends.
	CallTimeout = 10 * time.Second
	// maxRepeats is how often one call is repeated because Slack asked to slow down.
	maxRepeats = 4
	// defaultRetryAfter is how long to wait when Slack asks to slow down and does not
	// say for how long.
	defaultRetryAfter = 30 * time.Second
)

// rateLimitedClient is an HTTP client that keeps the pace of Slack's API, and does what its
// Retry-After says for all callers of a method and not for one alone. It repeats a call only
// when Slack has said that it did nothing (429). What became of a call whose answer was lost
// is never guessed (P5).
type rateLimitedClient struct {
	client *http.Client
	pace   *Pace
	health *Monitor
}

// NewRateLimitedClient returns a client whose waits are noted in the health.
func NewRateLimitedClient(client *http.Client, pace *Pace, h *Monitor) *rateLimitedClient {
	return &rateLimitedClient{client: client, pace: pace, health: h}
}

// Do makes the call when its turn has come.
func (c *rateLimitedClient) Do(req *http.Request) (*http.Response, error) {
	method, how := path.Base(req.URL.Path), rankOf(req.Context())
	for try := 0; ; try++ {
		if !how.taken {
			if err := c.pace.Wait(req.Context(), how.rank, method); err != nil {
				return nil, ErrWaited{method, err}
			}
		}
		if try > 0 {
			body, err := req.GetBody()
			if err != nil {
				return nil, fmt.Errorf("repeat %s: %w", method, err)
			}
			req = req.Clone(req.Context())
			req.Body = body
		}
		resp, err := c.client.Do(req)
		if err != nil || resp.StatusCode != http.StatusTooManyRequests {
			return resp, err
		}
		c.slowDown(method, resp.Header)
		if how.taken || try == maxRepeats || (req.Body != nil && req.GetBody == nil) {
			return resp, nil
		}
		_ = resp.Body.Close()
	}
}

// slowDown notes until when a method must not be called.
func (c *rateLimitedClient) slowDown(method string, h http.Header) {
	wait := defaultRetryAfter
	if s, err := strconv.Atoi(h.Get("Retry-After")); err == nil && s >= 0 {
		wait = max(time.Duration(s)*time.Second, time.Second)
	}
	c.health.throttled()
	c.pace.Hold(method, wait)
}

// ErrWaited means that the call was not made: its caller's context ended before Slack
// wanted to be asked again.
type ErrWaited struct {
	method string
	cause  error
}

func (e ErrWaited) Error() string { return "wait before " + e.method + ": " + e.cause.Error() }
func (e ErrWaited) Unwrap() error { return e.cause }

// Sleep waits for d. It returns earlier, with the cause, when the context ends.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
