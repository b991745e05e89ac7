package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// lines returns the numbers of the thread's lines in the order in which they were posted.
func (s *stage) lines() (all []int) {
	s.notifier.Mu.Lock()
	defer s.notifier.Mu.Unlock()
	for _, key := range s.notifier.Order {
		var n int
		if _, err := fmt.Sscanf(key, "history/%d", &n); err == nil {
			all = append(all, n)
		}
	}
	return all
}

// TestThreadTellsThingsInTheirOrderAfterAnOutage: lines 3, 5 and 6 had come after line 19,
// since each line that failed was left for later.
func TestThreadTellsThingsInTheirOrderAfterAnOutage(t *testing.T) {
	playFor(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		s.notifier.Fault = func(m rules.Message, n int) error {
			switch {
			case m.Kind == rules.HistoryMessage && n == 0 && m.Entry.Seq%2 == 1:
				return ceremony.ErrNotPosted
			case m.Kind == rules.HistoryMessage && n == 0 && m.Entry.Seq%3 == 0:
				return fmt.Errorf("the answer got lost")
			}
			return nil
		}
		id := s.begin(s.rekey)
		c := s.finish(id)
		s.settle(10 * time.Minute)
		got := s.lines()
		if c.Outcome != event.Completed || len(got) < 10 || !slices.IsSorted(got) {
			t.Errorf("%s, lines %v", c.Outcome, got)
		}
	})
}

// TestWhatHindersAnUploadHoldsUpNoLine: it comes after the lines that are due before it, and
// no line waits for it.
func TestWhatHindersAnUploadHoldsUpNoLine(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		hindered := true
		s.notifier.Fault = func(m rules.Message, _ int) error {
			if m.Kind == rules.TranscriptMessage && hindered {
				return ceremony.ErrNotPosted
			}
			return nil
		}
		id := s.begin(ceremony.GenerateRoot)
		s.finish(id)
		s.settle(2 * time.Hour) // it reminds of the token
		if !slices.ContainsFunc(s.now(id).History, func(e event.Entry) bool { return rules.Is[event.Reminded](e.Event) }) {
			t.Fatal("no line follows the transcript")
		}
		lines := func() (due int) {
			for _, m := range s.now(id).Due() {
				if m.Kind == rules.HistoryMessage {
					due++
				}
			}
			return due
		}
		if n := lines(); n > 0 {
			t.Errorf("%d lines wait", n)
		}
		hindered = false
		s.settle(2 * time.Minute)
		if due := s.now(id).Due(); slices.ContainsFunc(due, func(m rules.Message) bool { return m.Kind == rules.TranscriptMessage }) {
			t.Errorf("not told: %+v", due)
		}
	})
}

// TestNobodyWaitsForAnothersMessage: every message to bob takes an hour, as it may in Slack
// when others write to him.
func TestNobodyWaitsForAnothersMessage(t *testing.T) {
	playFor(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		bob := ceremonytest.Person("bob").Account
		s.notifier.Fault = func(m rules.Message, _ int) error {
			if m.To != nil && m.To.Account == bob || m.Kind == rules.HistoryMessage {
				time.Sleep(time.Hour)
			}
			return nil
		}
		id := s.begin(s.rekey)
		s.settle(time.Minute)
		var asked []string
		s.notifier.Mu.Lock()
		for _, key := range s.notifier.Order {
			if _, who, ok := strings.Cut(key, string(rules.AskMessage)+"/"); ok {
				asked = append(asked, who[strings.LastIndex(who, "U"):])
			}
		}
		s.notifier.Mu.Unlock()
		slices.Sort(asked)
		if want := []string{"UALICE", "UCAROL", "UDAVE", "UERIN"}; !slices.Equal(asked, want) {
			t.Errorf("%v were asked of %s", asked, id)
		}
	})
}
