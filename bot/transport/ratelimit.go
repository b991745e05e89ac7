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
	// CallTimeout ends a call of Slack's API that hangs: without it, one would
	// block until the program ends.
	CallTimeout = 10 * time.Second
	// maxPatience is how often one call is made again because Slack asked to slow
	// down.
	maxPatience = 4
	// defaultRetryAfter is waited when Slack asks to slow down and does not say for
	// how long.
	defaultRetryAfter = 30 * time.Second
)

// rateLimited is an HTTP client that does what Slack's Retry-After says, for the
// whole method and not for one caller alone. It repeats a call only when Slack
// has said that it did nothing (429); what became of a call whose answer was
// lost is never guessed (P5).
type rateLimited struct {
	client *http.Client
	health *Monitor

	mu    sync.Mutex
	until map[string]time.Time // method → not before
}

func NewPatience(client *http.Client, h *Monitor) *rateLimited {
	return &rateLimited{client: client, health: h, until: map[string]time.Time{}}
}

// Do makes the call, after the wait that Slack asked for.
func (p *rateLimited) Do(req *http.Request) (*http.Response, error) {
	method := path.Base(req.URL.Path)
	for try := 0; ; try++ {
		if err := p.wait(req.Context(), method); err != nil {
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
		resp, err := p.client.Do(req)
		if err != nil || resp.StatusCode != http.StatusTooManyRequests {
			return resp, err
		}
		p.slowDown(method, resp.Header)
		if try == maxPatience || (req.Body != nil && req.GetBody == nil) {
			return resp, nil
		}
		_ = resp.Body.Close()
	}
}

func (p *rateLimited) slowDown(method string, h http.Header) {
	wait := defaultRetryAfter
	if s, err := strconv.Atoi(h.Get("Retry-After")); err == nil && s >= 0 {
		wait = max(time.Duration(s)*time.Second, time.Second)
	}
	p.health.throttled()
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := time.Now().Add(wait); t.After(p.until[method]) {
		p.until[method] = t
	}
}

// ErrWaited means that the call was not made: its caller's time was over before
// Slack wanted to be asked again.
type ErrWaited struct {
	method string
	cause  error
}

func (e ErrWaited) Error() string { return "wait before " + e.method + ": " + e.cause.Error() }
func (e ErrWaited) Unwrap() error { return e.cause }

func (p *rateLimited) wait(ctx context.Context, method string) error {
	for {
		p.mu.Lock()
		d := time.Until(p.until[method])
		p.mu.Unlock()
		if d <= 0 {
			return nil
		}
		if err := Sleep(ctx, d); err != nil {
			return ErrWaited{method, err}
		}
	}
}

// Sleep waits, but not longer than the context lives.
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
