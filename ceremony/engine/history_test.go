package engine_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/needs"
)

// countingJournal counts what is read of a journal.
type countingJournal struct {
	event.Journal
	mu    sync.Mutex
	read  []ceremony.ID
	lines int
}

func (j *countingJournal) Load(ctx context.Context, id ceremony.ID) ([]event.Entry, error) {
	entries, err := j.Journal.Load(ctx, id)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.read, j.lines = append(j.read, id), j.lines+len(entries)
	return entries, err
}

// take returns the ceremonies that were read since it was last called, and how many lines.
func (j *countingJournal) take() ([]ceremony.ID, int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	read, lines := j.read, j.lines
	j.read, j.lines = nil, 0
	slices.Sort(read)
	return read, lines
}

// long plays a test on a cluster with so many settled ceremonies, of long ago. The index has
// not been made yet. The newest unseal of the copies is read at each start.
func long(t *testing.T, ended int, f func(t *testing.T, s *stage, count *countingJournal, ids []ceremony.ID)) {
	t.Helper()
	playFor(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		s.stop()
		ids := ceremonytest.WriteEnded(t, s.dir, ended)
		time.Sleep(30 * 24 * time.Hour)
		count := &countingJournal{}
		s.journal = func(j event.Journal) event.Journal { count.Journal = j; return count }
		s.start()
		f(t, s, count, ids)
	})
}

// newestUnseal returns the one of these copies that was proposed last.
func newestUnseal(ids []ceremony.ID) ceremony.ID {
	var unseals []ceremony.ID
	for _, id := range ids {
		if strings.Contains(string(id), "-unseal-") {
			unseals = append(unseals, id)
		}
	}
	return slices.Max(unseals)
}

// nextLog returns what the next start logs.
func (s *stage) nextLog() *bytes.Buffer {
	var text bytes.Buffer
	s.log = &text
	return &text
}

func TestStartReadsWhatTheIndexDoesNotHave(t *testing.T) {
	ended := 200 / needs.Step(4)
	long(t, ended, func(t *testing.T, s *stage, count *countingJournal, ids []ceremony.ID) {
		if read, lines := count.take(); len(read) < ended || lines < 20*ended {
			t.Fatalf("without an index %d ceremonies of %d lines were read", len(read), lines)
		}
		unseal := newestUnseal(ids)
		s.restart()
		if read, lines := count.take(); !slices.Equal(read, []ceremony.ID{unseal}) || lines > 100 {
			t.Errorf("with an index %d lines were read: of %v", lines, read)
		}
		open := s.begin(ceremony.GenerateRoot)
		s.restart()
		if read, _ := count.take(); !slices.Equal(read, []ceremony.ID{open, unseal}) {
			t.Errorf("with an open ceremony these were read: %v", read)
		}
		if c := s.finish(open); c.Outcome != event.Completed {
			t.Fatal(storyOf(c))
		}
		s.settle(8 * 24 * time.Hour) // until nobody asks for the token any more
		if _, lines := count.take(); lines != 0 {
			t.Errorf("a ceremony has read %d lines", lines)
		}
		if n := len(s.engine.Current()); n != 1 {
			t.Errorf("%d ceremonies are in memory, and all but the newest unseal are settled for long", n)
		}
		if newest, all := s.engine.Past("prod", 5); len(newest) != 5 || all != ended+1 || newest[0].ID() != open {
			t.Errorf("%d of %d past ceremonies are listed", len(newest), all)
		}
		if read, _ := count.take(); len(read) > 5 {
			t.Errorf("to list 5 ceremonies %d were read", len(read))
		}
	})
}

// allocated returns how many bytes are allocated while f runs.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// The ledger was once worked out of all ceremonies for each share.
func TestShareCostsTheSameHoweverMuchHasHappened(t *testing.T) {
	var cost [2]uint64
	for i, ended := range []int{7, 280} {
		long(t, ended, func(t *testing.T, s *stage, count *countingJournal, _ []ceremony.ID) {
			id := s.begin(ceremony.GenerateRoot)
			s.contribute(id, ceremony.StepUpdate, 1)
			count.take()
			cost[i] = allocated(func() { s.contribute(id, ceremony.StepUpdate, 1) })
			if _, lines := count.take(); lines != 0 {
				t.Errorf("%d lines were read for a share", lines)
			}
			if c := s.finish(id); c.Outcome != event.Completed {
				t.Error(storyOf(c))
			}
		})
	}
	if cost[1] > cost[0]+cost[0]/4 {
		t.Errorf("a share takes %d bytes after 7 ceremonies, and %d after 280", cost[0], cost[1])
	}
}

// answers returns what the engine says of the past.
func (s *stage) answers(ids []ceremony.ID) []any {
	s.t.Helper()
	newest, all := s.engine.Past("", 1000)
	open, ended := s.engine.Named("prod")
	slices.Sort(ended)
	said := []any{all, open, ended, s.engine.Exposures("prod")}
	for _, c := range newest {
		said = append(said, c.ID(), c.Outcome, c.Seq(), c.EndedAt())
		for _, e := range c.History {
			if !s.engine.IsDigest(e.Hash) {
				s.t.Errorf("%s: the hash of line %d is not known", c.ID(), e.Seq)
			}
			if started, ok := e.Event.(event.Started); ok && !s.engine.Begun(started.Nonce) {
				s.t.Errorf("%s: its attempt %s is not known", c.ID(), started.Nonce)
			}
		}
	}
	report, err := s.engine.KeyReport(context.Background(), "prod")
	return append(said, len(ids), report, err)
}

func TestIndexSaysWhatTheJournalsSay(t *testing.T) {
	long(t, 14, func(t *testing.T, s *stage, count *countingJournal, ids []ceremony.ID) {
		if _, err := s.engine.Exposed(context.Background(), ceremonytest.Person("alice").Account,
			ceremony.ExposedShare); err != nil {
			t.Fatal(err)
		}
		s.settle(40 * 24 * time.Hour) // the alarm expires and is settled
		s.restart()
		count.take()
		with := s.answers(ids)
		if len(s.engine.Exposures("prod")) != 1 {
			t.Error("the index does not know of an exposed share")
		}
		s.stop()
		if err := os.Remove(s.index()); err != nil {
			t.Fatal(err)
		}
		log := s.nextLog()
		s.start()
		if diff := cmp.Diff(s.answers(ids), with); diff != "" {
			t.Errorf("said by the journals (-) and by the index (+):\n%s", diff)
		}
		if !strings.Contains(log.String(), "there is no index of settled ceremonies") {
			t.Errorf("nothing is said of the missing index: %s", log)
		}
	})
}

// index returns the path of the index.
func (s *stage) index() string { return filepath.Join(s.dir, ".index") }

func TestJournalThatChangedBehindTheIndexIsReadAgain(t *testing.T) {
	long(t, 14, func(t *testing.T, s *stage, count *countingJournal, ids []ceremony.ID) {
		unseal := newestUnseal(ids)
		path := func(id ceremony.ID) string { return filepath.Join(s.dir, string(id)+".jsonl") }
		restarted := func(change func()) ([]ceremony.ID, string) {
			t.Helper()
			s.stop()
			change()
			count.take()
			log := s.nextLog()
			s.start()
			read, _ := count.take()
			s.restart()
			expected := func(id ceremony.ID) bool { // an alarm tells of a journal that is gone, and is open
				return id == unseal || strings.HasPrefix(string(id), "prod-alarm-")
			}
			again, _ := count.take()
			if again = slices.DeleteFunc(again, expected); len(again) > 0 {
				t.Errorf("the next start reads %v once more", again)
			}
			return slices.DeleteFunc(read, expected), log.String()
		}
		grown, gone := ids[0], ids[1]

		read, log := restarted(func() {
			j := ceremonytest.OpenJournal(t, s.dir)
			entries, err := j.Load(t.Context(), grown)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := j.Append(t.Context(), grown, len(entries), event.Posted{
				Key: rules.BoardKey, Ref: ceremony.Ref{Channel: "C", TS: "9.9"},
			}); err != nil {
				t.Fatal(err)
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
		})
		if !slices.Equal(read, []ceremony.ID{grown}) || !strings.Contains(log, "are not as they were") {
			t.Errorf("one has grown, and these were read: %v; %s", read, log)
		}
		if ref, _ := s.now(grown).Board(); ref.TS != "9.9" {
			t.Error("what was added is not known")
		}

		var kept []byte
		read, log = restarted(func() {
			var err error
			if kept, err = os.ReadFile(path(gone)); err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(path(gone)); err != nil {
				t.Fatal(err)
			}
		})
		if len(read) != 0 || !strings.Contains(log, "whose journals are gone") {
			t.Errorf("one is gone, and these were read: %v; %s", read, log)
		}
		if _, _, err := s.engine.Ceremony(gone); !errors.Is(err, ceremony.ErrUnknownCeremony) {
			t.Errorf("the one that is gone: %v", err)
		}

		read, _ = restarted(func() {
			if err := os.WriteFile(path(gone), kept, 0o600); err != nil {
				t.Fatal(err)
			}
		})
		if !slices.Equal(read, []ceremony.ID{gone}) {
			t.Errorf("one was added, and these were read: %v", read)
		}
		if c := s.now(gone); !c.Ended() {
			t.Error("the one that was added is not known")
		}
	})
}

func TestCrashBeforeTheIndexIsWrittenIsHarmless(t *testing.T) {
	long(t, 7, func(t *testing.T, s *stage, count *countingJournal, ids []ceremony.ID) {
		old, err := os.ReadFile(s.index())
		if err != nil {
			t.Fatal(err)
		}
		id := s.begin(ceremony.Rotate)
		s.finish(id)
		s.settle(time.Hour)
		if written, _ := os.ReadFile(s.index()); bytes.Equal(written, old) {
			t.Fatal("the index has not been told of the end")
		}
		s.stop()
		if err := os.WriteFile(s.index(), old, 0o600); err != nil {
			t.Fatal(err)
		}
		s.start()
		count.take()
		if c := s.now(id); !c.Ended() || !s.engine.IsDigest(c.PlanHash) {
			t.Error("the ceremony that has ended is not known")
		}
		s.settle(48 * time.Hour)
		s.restart()
		if read, _ := count.take(); slices.Contains(read, id) {
			t.Error("the index still lacks it")
		}
	})
}

func TestIndexThatIsNotOursIsMadeAnew(t *testing.T) {
	for name, spoil := range map[string]func([]byte) []byte{
		"another identity": func(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\n"), []byte(" \n")) },
		"nothing readable": func([]byte) []byte { return []byte("nothing\n") },
	} {
		t.Run(name, func(t *testing.T) {
			long(t, 7, func(t *testing.T, s *stage, count *countingJournal, ids []ceremony.ID) {
				s.stop()
				text, err := os.ReadFile(s.index())
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(s.index(), spoil(text), 0o600); err != nil {
					t.Fatal(err)
				}
				log := s.nextLog()
				count.take()
				s.start()
				if read, _ := count.take(); len(read) < len(ids) {
					t.Errorf("only %d of %d were read", len(read), len(ids))
				}
				if !strings.Contains(log.String(), "not as this identity has written it") {
					t.Errorf("nothing is said of it: %s", log)
				}
				s.restart()
				if read, _ := count.take(); len(read) != 1 {
					t.Errorf("the next start reads %v", read)
				}
			})
		})
	}
}

// Neither a record that stands twice nor a file whose first line was never finished harms.
func TestIndexTakesARecordOnce(t *testing.T) {
	long(t, 7, func(t *testing.T, s *stage, count *countingJournal, ids []ceremony.ID) {
		s.stop()
		text, err := os.ReadFile(s.index())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.index(), append(text, text...), 0o600); err != nil {
			t.Fatal(err)
		}
		unfinished := filepath.Join(s.dir, "prod-rekey-zzzz.jsonl")
		if err := os.WriteFile(unfinished, []byte(`{"seq":1`), 0o600); err != nil {
			t.Fatal(err)
		}
		s.start()
		if _, all := s.engine.Past("", 1); all != len(ids) {
			t.Errorf("%d ceremonies have ended, not %d", all, len(ids))
		}
		if again, _ := os.ReadFile(s.index()); !bytes.Equal(again, text) {
			t.Errorf("the index has %d bytes, not %d", len(again), len(text))
		}
		if err := os.Remove(unfinished); err != nil {
			t.Fatal(err)
		}
	})
}

// A start does not look at the lines of a settled ceremony. Who asks for it does.
func TestSettledCeremonyIsCheckedWhenItIsRead(t *testing.T) {
	long(t, 7, func(t *testing.T, s *stage, count *countingJournal, ids []ceremony.ID) {
		id, path := ids[0], filepath.Join(s.dir, string(ids[0])+".jsonl")
		count.take()
		if c := s.now(id); !c.Ended() {
			t.Error("it has not ended")
		}
		if read, _ := count.take(); !slices.Equal(read, []ceremony.ID{id}) {
			t.Errorf("these were read: %v", read)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.SplitAfter(bytes.TrimSpace(text), []byte("\n"))
		if err := os.WriteFile(path, bytes.Join(lines[:len(lines)-1], nil), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.engine.Ceremony(id); !errors.Is(err, ceremony.ErrChain) {
			t.Errorf("without its last line: %v", err)
		}
		if newest, all := s.engine.Past("prod", 100); len(newest) != 6 || all != 6 {
			t.Errorf("%d of %d are listed without the one that can't be read", len(newest), all)
		}
		s.settle(time.Minute)
		if found := s.found(ceremony.JournalBroken); len(found) != 1 || found[0].Subject != string(id) {
			t.Errorf("nobody but the asker is told: %+v", found)
		}
		if err := s.proposed(ceremony.GenerateRoot); !errors.Is(err, ceremony.JournalAside) {
			t.Errorf("its cluster is not held up: %v", err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	})
}
