package slacktest_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"conclave/bot/slacktest"
)

// hang is how long a test waits before it fails, on however busy a machine.
const hang = time.Minute

// start returns a workspace that ends with the test.
func start(t *testing.T, cfg slacktest.Config) *slacktest.Workspace {
	t.Helper()
	if cfg.Events == nil { // a test that reads the next envelope does not mean the app's own post
		cfg.Events = slices.DeleteFunc(slacktest.DefaultEvents(), func(e string) bool {
			return e == "message.channels" || e == "message.groups"
		})
	}
	w, err := slacktest.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// within returns a context that ends with the test or after d.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func waitFor(t *testing.T, w *slacktest.Workspace, what string, holds func() bool) {
	t.Helper()
	if err := w.WaitFor(within(t, hang), holds); err != nil {
		t.Fatalf("waiting for %s: %v", what, err)
	}
}

func find(t *testing.T, ch *slacktest.Channel, fits func(slacktest.Message) bool) slacktest.Message {
	t.Helper()
	m, err := ch.Find(within(t, hang), fits)
	if err != nil {
		t.Fatalf("looking for a message in %s: %v", ch.Name(), err)
	}
	return m
}

// clock stands still until it is told to go on.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Unix(1_800_000_000, 0)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
