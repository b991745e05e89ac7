package engine_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/mark"
)

// lateSlack puts an older copy of everything back, and starts. Slack does not answer before
// the function that it returns is called.
func (s *stage) lateSlack(id ceremony.ID, journal, marks map[string][]byte) (answer func()) {
	s.t.Helper()
	token := mark.Token(s.openPGP.JournalKey(), mark.Of(s.now(id)))
	s.stop()
	putBack(s.t, s.dir, journal)
	putBack(s.t, filepath.Dir(s.marks), marks)
	up := make(chan struct{})
	s.recall = func(ctx context.Context, _ string, _ []ceremony.Ref) ([]string, error) {
		select {
		case <-up:
			return []string{token}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	s.notifier = ceremonytest.NewFakeNotifier()
	s.start()
	s.settle(time.Minute)
	return func() { close(up) }
}

// freezes has a person freeze a ceremony.
func (s *stage) freezes(id ceremony.ID) {
	s.t.Helper()
	if _, err := s.engine.Freeze(context.Background(), id, ceremonytest.Person("paul").Account, ""); err != nil {
		s.t.Fatal(err)
	}
	s.settle(time.Second)
}

// whileAsked calls f while Vault is asked for its seal the next time, and has posts compared
// meanwhile. It returns whether that was.
func (s *stage) whileAsked(f func()) *bool {
	called := false
	s.vault.Do(func() {
		s.vault.Fault = func(m string, _ int) (before, after error) {
			if m == "seal" && !called {
				called = true
				f()
				time.Sleep(time.Second)
			}
			return nil, nil
		}
	})
	return &called
}

// A share was opened and Vault is being asked when Slack answers that the journal is older.
func TestP4ShareIsNotSentOnceAMarkHasComeToLight(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.remembers()
		id := s.begin(ceremony.GenerateRoot)
		journal, marks := copyOf(t, s.dir), copyOf(t, filepath.Dir(s.marks))
		s.freezes(id)
		answer := s.lateSlack(id, journal, marks)
		s.settle(time.Minute)
		envelope := s.envelope(id, "alice", "old-1")
		answered := s.whileAsked(answer)
		if err := s.send("alice", envelope); !errors.Is(err, ceremony.IsFrozen) {
			t.Errorf("the share: %v", err)
		}
		s.settle(time.Minute)
		c := s.now(id)
		if !*answered || !c.FrozenFor(event.RolledBack) || s.vault.Count("submit") > 0 {
			t.Errorf("%d shares were sent: %s", s.vault.Count("submit"), storyOf(c))
		}
		if told := s.told(id); !slices.Contains(told, "receipt") && !slices.Contains(told, "frozen") {
			t.Errorf("people are told %v", told)
		}
	})
}

// A start was approved, and Vault is being asked before it, when Slack answers.
func TestP4NothingIsBegunOnceAMarkHasComeToLight(t *testing.T) {
	for _, op := range []ceremony.Operation{ceremony.GenerateRoot, ceremony.Rotate} {
		t.Run(string(op), func(t *testing.T) {
			playFor(t, op, func(t *testing.T, s *stage) {
				s.remembers()
				id := s.propose(op)
				s.settle(time.Second)
				journal, marks := copyOf(t, s.dir), copyOf(t, filepath.Dir(s.marks))
				s.freezes(id)
				answer := s.lateSlack(id, journal, marks)
				writes := s.writes()
				answered := s.whileAsked(answer)
				if err := s.approve(id, "paul"); err != nil {
					t.Fatal(err)
				}
				s.settle(time.Minute)
				if c := s.now(id); !*answered || !c.FrozenFor(event.RolledBack) || s.writes() != writes {
					t.Errorf("%d writes: %s", s.writes()-writes, storyOf(c))
				}
			})
		})
	}
}

// slowDisk is a journal that takes its time.
type slowDisk struct{ event.Journal }

func (j slowDisk) Append(ctx context.Context, id ceremony.ID, after int, events ...event.Event) ([]event.Entry, error) {
	time.Sleep(time.Minute)
	return j.Journal.Append(ctx, id, after, events...)
}

// What is older than its marks is told while commands are taken already.
func TestCommandsAreTakenBeforeEverybodyIsToldOfAnOlderCopy(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.remembers()
		backup := copyOf(t, s.dir)
		s.finish(s.begin(ceremony.GenerateRoot))
		s.settle(time.Minute)
		s.stop()
		putBack(t, s.dir, backup)
		s.journal = func(j event.Journal) event.Journal { return slowDisk{j} }
		s.notifier = ceremonytest.NewFakeNotifier()
		s.start()
		select {
		case <-s.engine.Ready():
		default:
			t.Error("the start waits until everything is told")
		}
		s.settle(10 * time.Minute)
		if found := s.lost(); len(found) != 1 {
			t.Errorf("people are told of %+v", found)
		}
	})
}
