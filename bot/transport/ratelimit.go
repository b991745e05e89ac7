package transport

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"sync"
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

// rateLimitedClient is an HTTP client that does what Slack's Retry-After says, for all
// callers of a method and not for one alone. It repeats a call only when Slack has said
// that it did nothing (429). What became of a call whose answer was lost is never
// guessed (P5).
type rateLimitedClient struct {
	client *http.Client
	health *Monitor

	mu    sync.Mutex
	until map[string]time.Time // method → not before
}

// NewRateLimitedClient returns a client whose waits are noted in the health.
func NewRateLimitedClient(client *http.Client, h *Monitor) *rateLimitedClient {
	return &rateLimitedClient{client: client, health: h, until: map[string]time.Time{}}
}

// Do makes the call, after the wait that Slack asked for.
func (c *rateLimitedClient) Do(req *http.Request) (*http.Response, error) {
	method := path.Base(req.URL.Path)
	for try := 0; ; try++ {
		if err := c.wait(req.Context(), method); err != nil {
			return nil, err
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
		if try == maxRepeats || (req.Body != nil && req.GetBody == nil) {
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
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := time.Now().Add(wait); t.After(c.until[method]) {
		c.until[method] = t
	}
}

// ErrWaited means that the call was not made: its caller's context ended before Slack
// wanted to be asked again.
type ErrWaited struct {
	method string
	cause  error
}

func (e ErrWaited) Error() string { return "wait before " + e.method + ": " + e.cause.Error() }
func (e ErrWaited) Unwrap() error { return e.cause }

// wait returns when a method may be called, or with an ErrWaited.
func (c *rateLimitedClient) wait(ctx context.Context, method string) error {
	for {
		c.mu.Lock()
		d := time.Until(c.until[method])
		c.mu.Unlock()
		if d <= 0 {
			return nil
		}
		if err := Sleep(ctx, d); err != nil {
			return ErrWaited{method, err}
		}
	}
}

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
