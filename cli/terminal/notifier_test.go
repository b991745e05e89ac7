package terminal

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// newTestNotifier returns a notifier, and what it prints.
func newTestNotifier(t *testing.T) (*notifier, *strings.Builder) {
	t.Helper()
	f, err := openFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	return newNotifier(newScreen(&out), f, nil, func(ceremony.Account) (ceremony.Person, bool) { return ceremony.Person{}, false }), &out
}

func replayed(t *testing.T, events ...event.Event) rules.State {
	t.Helper()
	plan := ceremonytest.ScriptPlan("prod-rekey-k7m2", ceremony.Fingerprint(strings.Repeat("7", 40)))
	var entries []event.Entry
	prev := ""
	for i, ev := range append([]event.Event{event.Proposed{Plan: plan, PlanHash: plan.Hash()}}, events...) {
		e := event.Entry{Seq: i + 1, Prev: prev, At: time.Now(), Hash: strings.Repeat("0", i+1), Event: ev}
		entries, prev = append(entries, e), e.Hash
	}
	c, err := rules.Replay(entries)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func messageOf(t *testing.T, c rules.State, kind rules.MessageKind) rules.Message {
	t.Helper()
	for _, m := range c.Due() {
		if m.Kind == kind {
			return m
		}
	}
	t.Fatalf("no %s is due", kind)
	return rules.Message{}
}

// A request to decide that was shown here and not answered is one that the bot has
// to post when it takes the ceremony up.
func TestRequestToDecideStaysDueAndIsShownOnce(t *testing.T) {
	m, out := newTestNotifier(t)
	c := replayed(t)
	for range 3 {
		if ref, err := m.Deliver(context.Background(), still(c), messageOf(t, c, rules.ApprovalMessage), false); !errors.Is(err, ceremony.ErrNotPosted) {
			t.Errorf("posted: %v, %v", ref, err)
		}
	}
	if n := strings.Count(out.String(), "bob has no PGP key"); n != 1 {
		t.Errorf("shown %d times:\n%s", n, out)
	}
}

func TestThreadOfAStatusPostInSlackIsLeftToSlack(t *testing.T) {
	m, out := newTestNotifier(t)
	slack, here := ceremony.Ref{Channel: "C1", TS: "1.2"}, ceremony.Ref{Channel: ceremony.Terminal, TS: "board"}
	plan := ceremonytest.ScriptPlan("prod-rekey-k7m2", ceremony.Fingerprint(strings.Repeat("7", 40)))
	rejected := event.Rejected{By: plan.Approvers[0], Why: "not today"}
	for _, board := range []ceremony.Ref{slack, here} {
		c := replayed(t, event.Posted{Key: "board", Ref: board}, rejected, event.Ended{Outcome: event.WasRejected, Vault: event.NothingToCancel})
		_, posting := m.Deliver(context.Background(), still(c), messageOf(t, c, rules.HistoryMessage), false)
		at, drawing := m.Redraw(context.Background(), shows(c, rules.Live{}), board)
		if at != board {
			t.Errorf("the status post moved to %v", at)
		}
		inSlack := board == slack
		if errors.Is(posting, ceremony.ErrNotPosted) != inSlack || (drawing != nil) != inSlack {
			t.Errorf("%s: posted %v, drawn %v", board.Channel, posting, drawing)
		}
		if inSlack && !toldHere(c) {
			t.Error("nothing is left to be said here, and it goes on")
		}
	}
	if n := strings.Count(out.String(), "bob rejected the plan: not today"); n != 1 {
		t.Errorf("shown %d times:\n%s", n, out)
	}
}

// still returns a ceremony in which nothing happens any more.
func still(c rules.State) func() rules.State { return func() rules.State { return c } }

// shows returns what a status post of such a ceremony is to show.
func shows(c rules.State, live rules.Live) func() (rules.State, rules.Live) {
	return func() (rules.State, rules.Live) { return c, live }
}
