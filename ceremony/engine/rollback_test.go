package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/mark"
	"conclave/ceremony/rules"
	"conclave/needs"
)

// recall returns what the posts about a cluster carry.
type recall func(ctx context.Context, cluster string, boards []ceremony.Ref) ([]string, error)

// recalling is a notifier whose posts carry marks.
type recalling struct {
	*ceremonytest.FakeNotifier
	recall recall
}

func (r recalling) Recall(ctx context.Context, cluster string, boards []ceremony.Ref) ([]string, error) {
	return r.recall(ctx, cluster, boards)
}

// remembers has the stage keep marks, from its next start on.
func (s *stage) remembers() {
	s.stop()
	s.marks = filepath.Join(s.dir+"-marks", "marks")
	if err := os.MkdirAll(filepath.Dir(s.marks), 0o700); err != nil {
		s.t.Fatal(err)
	}
	s.start()
}

// copyOf returns the files of a folder: name → content.
func copyOf(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name()] = data
	}
	return files
}

// putBack makes a folder have these files and no others.
func putBack(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	for name := range copyOf(t, dir) {
		if _, kept := files[name]; !kept {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// writes returns how often Vault was asked for anything but its state.
func (s *stage) writes() int {
	n := 0
	s.vault.Do(func() {
		for method, calls := range s.vault.Calls {
			if !slices.Contains([]string{"seal", "key-status", "policy", "accessor", "own-token", "progress", "backup", "nodes"}, method) {
				n += calls
			}
		}
	})
	return n
}

// restored starts with the files of a copy, and people who have not been told of anything.
func (s *stage) restored(files map[string][]byte) {
	s.t.Helper()
	s.stop()
	putBack(s.t, s.dir, files)
	s.notifier = ceremonytest.NewFakeNotifier()
	s.start()
	s.settle(2 * time.Minute)
}

// told returns what people were told since the last start of a ceremony, by kind.
func (s *stage) told(id ceremony.ID) []string {
	s.notifier.Mu.Lock()
	defer s.notifier.Mu.Unlock()
	var kinds []string
	for key := range s.notifier.Posted {
		if rest, ok := strings.CutPrefix(key, string(id)+" "); ok {
			kind, _, _ := strings.Cut(rest, "/")
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

// drawn returns how often a ceremony's status post was edited since the last start.
func (s *stage) drawn(id ceremony.ID) int {
	s.notifier.Mu.Lock()
	defer s.notifier.Mu.Unlock()
	n := 0
	for _, c := range s.notifier.Drawn {
		if c.ID() == id {
			n++
		}
	}
	return n
}

// lost returns what the open alarm says about the journal.
func (s *stage) lost() []event.Noticed {
	var all []event.Noticed
	if c, ok := s.openAlarm(); ok {
		for _, e := range c.Findings() {
			if n := e.Event.(event.Noticed); n.Kind == ceremony.RolledBack {
				all = append(all, n)
			}
		}
	}
	return all
}

// A journal of an earlier program is not obeyed before it is adopted. None is missing meanwhile.
func TestCeremoniesThatAreSetAsideAreNotMissing(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.GenerateRoot)
		s.finish(id)
		s.settle(time.Minute)
		s.stop()
		s.age(id)
		s.start()
		s.remembers()
		for _, when := range []string{"at the first start with marks", "at the next", "once it is adopted", "afterwards"} {
			s.settle(time.Minute)
			if found := s.lost(); len(found) > 0 {
				t.Errorf("%s: %+v", when, found)
			}
			s.stop()
			if when == "at the next" {
				s.adopt(id)
			}
			s.start()
		}
	})
}

// A journal is put back to each of its lines. Whatever it then says comes next is not done:
// nothing is sent to Vault and no post is edited before people have decided.
func TestP4OlderCopyOfAJournalIsNotGoneOnWith(t *testing.T) {
	step := needs.Step(5)
	for _, op := range []ceremony.Operation{
		ceremony.Rekey, ceremony.GenerateRoot, ceremony.Unseal, ceremony.Rotate, ceremony.ReadBackup, ceremony.Init, ceremony.Drill,
	} {
		t.Run(string(op), func(t *testing.T) {
			playFor(t, op, func(t *testing.T, s *stage) {
				s.remembers()
				id := s.begin(op)
				if c := s.finish(id); c.Outcome != event.Completed {
					t.Fatalf("%s", storyOf(c))
				}
				s.settle(5 * time.Minute)
				s.stop()
				name := string(id) + ".jsonl"
				lines := bytes.SplitAfter(copyOf(t, s.dir)[name], []byte("\n"))
				lines = lines[:len(lines)-1]
				marks := copyOf(t, filepath.Dir(s.marks))
				for n := 1; n < len(lines); n += step {
					putBack(t, s.dir, map[string][]byte{name: bytes.Join(lines[:n], nil)})
					putBack(t, filepath.Dir(s.marks), marks)
					s.notifier = ceremonytest.NewFakeNotifier()
					before := s.writes()
					s.start()
					s.settle(2 * time.Minute)
					c := s.now(id)
					if s.writes() > before || s.drawn(id) > 0 {
						t.Errorf("line %d: OBEYED: %d writes to Vault, %d edits: %s", n, s.writes()-before, s.drawn(id), storyOf(c))
					}
					switch found := s.lost(); {
					case c.Seq() > n && (c.Phase != rules.PhaseFrozen || c.Freeze.Why != event.RolledBack):
						t.Errorf("line %d: it goes on, %s: %s", n, c.Phase, storyOf(c))
					case c.Seq() > n && slices.ContainsFunc(s.told(id), func(k string) bool { return k == "ask" || k == "delivery" || k == "token" && c.Token == "" }):
						t.Errorf("line %d: people were told %v", n, s.told(id))
					case c.Seq() == n && (len(found) != 1 || found[0].Of != id || len(s.told(id)) > 0):
						t.Errorf("line %d: nobody hears of it, but %+v; told %v", n, found, s.told(id))
					}
					s.stop()
				}
				s.start()
			})
		})
	}
}

// The copy is of the middle. Everything went well after it, and people decide.
func TestPeopleDecideAboutAnOlderCopy(t *testing.T) {
	for _, row := range []struct {
		name string
		op   ceremony.Operation
		then func(s *stage, id ceremony.ID)
	}{
		{"resume a rekey", ceremony.Rekey, func(s *stage, id ceremony.ID) {
			s.thaw(id)
			s.settle(time.Minute)
			if c := s.now(id); c.Phase != rules.PhaseFrozen || c.Freeze.Why != event.AttemptGone {
				s.t.Errorf("it goes on past what Vault shows: %s", storyOf(c))
			}
			s.cancels(id)
		}},
		{"cancel a root token", ceremony.GenerateRoot, func(s *stage, id ceremony.ID) {
			s.cancels(id)
			s.unknown(id)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			playFor(t, row.op, func(t *testing.T, s *stage) {
				s.remembers()
				id := s.begin(row.op)
				s.share(id, "alice", "old-1")
				backup := copyOf(t, s.dir)
				s.finish(id)
				s.settle(time.Minute)
				s.restored(backup)
				c := s.now(id)
				if c.Phase != rules.PhaseFrozen || c.Freeze.Why != event.RolledBack {
					t.Fatalf("%s", storyOf(c))
				}
				s.restart() // it is asked once
				s.settle(time.Minute)
				if n := strings.Count(storyOf(s.now(id)), "froze"); n != 1 {
					t.Errorf("froze %d times: %s", n, storyOf(s.now(id)))
				}
				row.then(s, id)
				s.settle(time.Minute)
				if s.drawn(id) == 0 {
					t.Error("its post is never edited again")
				}
				s.restart() // with the marks of what was done since
				s.settle(time.Minute)
				if found := s.lost(); len(found) > 0 {
					t.Errorf("told although people have decided: %+v", found)
				}
			})
		})
	}
}

// The operator has put back the wrong copy, sees it freeze, and puts the newest one back.
func TestNewestCopyThatIsPutBackAfterAnOlderOneGoesOn(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.remembers()
		id := s.begin(ceremony.GenerateRoot)
		older := copyOf(t, s.dir)
		s.share(id, "alice", "old-1")
		s.settle(time.Minute)
		for range 2 {
			s.stop()
			newest := copyOf(t, s.dir)
			putBack(t, s.dir, older)
			s.notifier = ceremonytest.NewFakeNotifier()
			s.start()
			s.restart()
			s.settle(time.Minute)
			if c := s.now(id); !c.FrozenFor(event.RolledBack) {
				t.Fatalf("%s", storyOf(c))
			}
			s.restored(newest)
			if c := s.now(id); c.Phase != rules.PhaseCollecting {
				t.Fatalf("%+v: %s", c.Freeze, storyOf(c))
			}
		}
		if c := s.finish(id); c.Outcome != event.Completed {
			t.Errorf("%s", storyOf(c))
		}
	})
}

// A ceremony that was proposed, and never begun by its copy, may have been begun since.
func TestCancelledCopyOfAProposalIsNotSaidToHaveDoneNothing(t *testing.T) {
	for _, op := range []ceremony.Operation{ceremony.GenerateRoot, ceremony.Rotate} {
		t.Run(string(op), func(t *testing.T) {
			playFor(t, op, func(t *testing.T, s *stage) {
				s.remembers()
				id := s.propose(op)
				s.settle(time.Second)
				backup := copyOf(t, s.dir)
				if err := s.approve(id, "paul"); err != nil {
					t.Fatal(err)
				}
				s.finish(id)
				s.restored(backup)
				s.cancels(id)
				if c := s.now(id); c.Ending != event.AttemptUnknown || !c.Unproven {
					t.Errorf("ending %q: %s", c.Ending, storyOf(c))
				}
			})
		})
	}
}

// The freeze could not be written. The marks still know how far the journal was.
func TestMarkIsKeptUntilTheFreezeIsWritten(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.remembers()
		id := s.begin(ceremony.GenerateRoot)
		backup := copyOf(t, s.dir)
		s.share(id, "alice", "old-1")
		s.stop()
		putBack(t, s.dir, backup)
		s.journal = func(j event.Journal) event.Journal { return fullDisk{j} }
		s.start()
		s.settle(time.Minute)
		s.journal = nil
		s.restart()
		s.settle(time.Minute)
		if c := s.now(id); c.Phase != rules.PhaseFrozen || c.Freeze.Why != event.RolledBack {
			t.Errorf("%s", storyOf(c))
		}
	})
}

// fullDisk is a journal to which nothing can be added.
type fullDisk struct{ event.Journal }

func (fullDisk) Append(context.Context, ceremony.ID, int, ...event.Event) ([]event.Entry, error) {
	return nil, ceremony.ErrJournal
}

// A copy has less ceremonies than there were. The newest is not in it.
func TestCeremonyThatTheJournalHasLostHoldsUpItsCluster(t *testing.T) {
	playFor(t, ceremony.Rotate, func(t *testing.T, s *stage) {
		s.remembers()
		backup := copyOf(t, s.dir)
		id := s.begin(ceremony.Rotate)
		s.finish(id)
		s.settle(time.Minute)
		proposes := func(op ceremony.Operation) error {
			_, err := s.engine.Propose(context.Background(), ceremony.Proposal{
				Operation: op, Cluster: "prod", By: ceremonytest.Person("olga").Account,
			})
			return err
		}
		s.restored(backup)
		for range 2 {
			found := s.lost()
			if len(found) != 1 || found[0].Of != id || found[0].Got != "not there" {
				t.Fatalf("%+v", found)
			}
			if err := proposes(ceremony.Rotate); !errors.Is(err, ceremony.JournalLost) {
				t.Errorf("proposed: %v", err)
			}
			if err := proposes(ceremony.Unseal); !errors.Is(err, ceremony.NotSealed) {
				t.Errorf("unseal is held up: %v", err)
			}
			s.restart()
			s.settle(time.Minute)
		}
		alarm, _ := s.openAlarm()
		if err := s.acknowledge(alarm.ID(), "paul"); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		s.restart()
		s.settle(time.Minute)
		if found := s.lost(); len(found) > 0 {
			t.Errorf("told again: %+v", found)
		}
		if c := s.finish(s.begin(ceremony.Rotate)); c.Outcome != event.Completed {
			t.Errorf("%s", storyOf(c))
		}
	})
}

// What has ended can't freeze. It stands still until somebody acknowledges the alarm.
func TestEndedCeremonyThatIsOlderStandsStillUntilItIsAcknowledged(t *testing.T) {
	playFor(t, ceremony.Drill, func(t *testing.T, s *stage) {
		s.remembers()
		id := s.begin(ceremony.Drill)
		s.finish(id)
		s.settle(time.Minute)
		s.stop()
		files := copyOf(t, s.dir)
		name := string(id) + ".jsonl"
		end := bytes.Index(files[name], []byte(`"type":"ended"`))
		end += bytes.IndexByte(files[name][end:], '\n') + 1
		s.start()
		s.restored(map[string][]byte{name: files[name][:end]})
		seq := s.now(id).Seq()
		s.settle(time.Hour)
		if c := s.now(id); c.Seq() != seq || s.drawn(id) > 0 || len(s.told(id)) > 0 || len(s.lost()) != 1 {
			t.Fatalf("it goes on: told %v, alarm %+v: %s", s.told(id), s.lost(), storyOf(c))
		}
		alarm, _ := s.openAlarm()
		if err := s.acknowledge(alarm.ID(), "paul"); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		if c := s.now(id); c.Seq() == seq || s.drawn(id) == 0 {
			t.Errorf("it still stands: %s", storyOf(c))
		}
	})
}

// The file names every open ceremony. One that it has forgotten had ended long ago.
func TestCeremonyThatTheMarksHaveForgottenIsOlder(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.remembers()
		id := s.begin(ceremony.GenerateRoot)
		s.settle(2 * time.Minute)
		s.stop()
		was := mark.Memory{Written: time.Now(), Ceremonies: 1}
		if err := os.WriteFile(s.marks, was.Encode(s.openPGP.JournalKey()), 0o600); err != nil {
			t.Fatal(err)
		}
		s.start()
		s.settle(time.Minute)
		if c := s.now(id); c.Phase != rules.PhaseFrozen || c.Freeze.Why != event.RolledBack {
			t.Errorf("%s", storyOf(c))
		}
		s.restart()
		s.settle(time.Minute)
		if n := strings.Count(storyOf(s.now(id)), "froze"); n != 1 {
			t.Errorf("froze %d times", n)
		}
	})
}

// Files were removed that the marks do not name any more.
func TestFewerCeremoniesThanThereWereAreTold(t *testing.T) {
	playFor(t, ceremony.Drill, func(t *testing.T, s *stage) {
		s.remembers()
		s.stop()
		was := mark.Memory{Written: time.Now(), Ceremonies: 3}
		if err := os.WriteFile(s.marks, was.Encode(s.openPGP.JournalKey()), 0o600); err != nil {
			t.Fatal(err)
		}
		s.start()
		s.settle(time.Minute)
		if found := s.lost(); len(found) != 1 || found[0].Of != "" || found[0].Want != "3 ceremonies" {
			t.Errorf("%+v", found)
		}
	})
}

// A crash comes before the file is written, or the file alone is put back. It is older than
// the journal, and proves nothing.
func TestOlderMarksRaiseNoAlarm(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.remembers()
		s.settle(time.Minute)
		var older []map[string][]byte
		keep := func() { older = append(older, copyOf(t, filepath.Dir(s.marks))) }
		keep()
		id := s.begin(ceremony.GenerateRoot)
		s.settle(time.Minute)
		keep()
		s.share(id, "alice", "old-1")
		for _, files := range older {
			s.stop()
			putBack(t, filepath.Dir(s.marks), files)
			s.start()
			s.settle(2 * time.Minute)
			if c := s.now(id); c.Phase != rules.PhaseCollecting || len(s.lost()) > 0 {
				t.Fatalf("%s, alarm %+v", storyOf(c), s.lost())
			}
		}
		if c := s.finish(id); c.Outcome != event.Completed {
			t.Errorf("%s", storyOf(c))
		}
	})
}

// A file that can't be believed stops nothing, and is told, set aside and written anew.
func TestFileOfMarksThatIsNotOursIsToldAndSetAside(t *testing.T) {
	foreign := (&ceremonytest.FakeOpenPGP{Name: "another"}).JournalKey()
	for name, row := range map[string]struct {
		spoil func(was []byte) []byte // nil for a file that is gone
		says  string
		aside bool
	}{
		"changed": {func(was []byte) []byte { return bytes.Replace(was, []byte("ceremonies 1"), []byte("ceremonies 0"), 1) },
			"The file of marks can't be used", true},
		"of another identity": {func([]byte) []byte { return mark.Memory{}.Encode(foreign) }, "it names the key", true},
		"cut off":             {func(was []byte) []byte { return was[:len(was)/2] }, "it is no file of marks", true},
		"gone":                {nil, "There is no file of marks", false},
	} {
		t.Run(name, func(t *testing.T) {
			playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
				s.remembers()
				id := s.begin(ceremony.GenerateRoot)
				s.stop()
				was := copyOf(t, filepath.Dir(s.marks))["marks"]
				spoilt := map[string][]byte{}
				if row.spoil != nil {
					spoilt["marks"] = row.spoil(was)
				}
				putBack(t, filepath.Dir(s.marks), spoilt)
				log := &lockedBuffer{}
				s.log = log
				s.start()
				s.settle(time.Minute)
				if !strings.Contains(log.String(), row.says) {
					t.Errorf("the log does not say %q:\n%s", row.says, log)
				}
				if aside := copyOf(t, filepath.Dir(s.marks))["marks.not-ours"]; row.aside && !bytes.Equal(aside, spoilt["marks"]) {
					t.Errorf("set aside: %q", aside)
				}
				if now, err := mark.Read(s.marks, s.openPGP.JournalKey()); err != nil || len(now.Open) != 1 || now.Ceremonies != 1 {
					t.Errorf("written anew: %+v, %v", now, err)
				}
				if c := s.now(id); c.Phase != rules.PhaseCollecting {
					t.Errorf("%s", storyOf(c))
				}
			})
		})
	}
}

// lockedBuffer is a log that tests read while the engine writes it.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// The whole host was put back, the file of marks too. What Conclave has posted is newer.
func TestPostsThatAreNewerThanTheJournalFreeze(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.remembers()
		id := s.begin(ceremony.GenerateRoot)
		backup, marks := copyOf(t, s.dir), copyOf(t, filepath.Dir(s.marks))
		s.finish(id)
		s.settle(time.Minute)
		key := s.openPGP.JournalKey()
		token := mark.Token(key, mark.Of(s.now(id)))
		lost := mark.Token(key, mark.Mark{Ceremony: "prod-rekey-gone", Line: 9, Hash: strings.Repeat("ab", 32)})
		forged := strings.Replace(token, string(id), "prod-rekey-made", 1)
		s.stop()
		var up atomic.Bool
		s.recall = func(context.Context, string, []ceremony.Ref) ([]string, error) {
			if !up.Load() {
				return nil, ceremony.ErrNotPosted
			}
			return []string{"anything", forged, token, lost}, nil
		}
		log := &lockedBuffer{}
		s.log = log
		s.start()
		writes := s.writes()
		putMarks := func() { putBack(t, filepath.Dir(s.marks), marks) }
		s.stop()
		putMarks()
		putBack(t, s.dir, backup)
		s.notifier = ceremonytest.NewFakeNotifier()
		s.start()
		s.settle(2 * time.Minute)
		// Slack does not answer: it goes on, and says nothing to anybody before it does.
		if c := s.now(id); c.FrozenFor(event.RolledBack) || s.drawn(id) > 0 || len(s.told(id)) > 0 ||
			!strings.Contains(log.String(), "was not compared yet") {
			t.Fatalf("drawn %d times, told %v: %s\n%s", s.drawn(id), s.told(id), storyOf(c), log)
		}
		up.Store(true)
		s.settle(time.Minute)
		c := s.now(id)
		if !c.FrozenFor(event.RolledBack) || s.drawn(id) > 0 || s.writes() != writes {
			t.Errorf("drawn %d times, %d writes: %s", s.drawn(id), s.writes()-writes, storyOf(c))
		}
		if told := s.told(id); !slices.Contains(told, "frozen") {
			t.Errorf("deciders are told %v", told)
		}
		found := s.lost()
		if len(found) != 1 || found[0].Of != "prod-rekey-gone" {
			t.Errorf("the alarm says %+v", found)
		}
	})
}

// Slack answers at the start, before anything else is done.
func TestPostsAreComparedBeforeAnythingIsDone(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.remembers()
		id := s.propose(ceremony.GenerateRoot)
		if err := s.approve(id, "paul"); err != nil {
			t.Fatal(err)
		}
		files := copyOf(t, s.dir)
		s.settle(time.Minute)
		s.finish(id)
		token := mark.Token(s.openPGP.JournalKey(), mark.Of(s.now(id)))
		s.stop()
		putBack(t, s.dir, files)
		putBack(t, filepath.Dir(s.marks), nil)
		s.notifier = ceremonytest.NewFakeNotifier()
		s.recall = func(context.Context, string, []ceremony.Ref) ([]string, error) {
			time.Sleep(3 * time.Second) // Slack takes its time
			return []string{token}, nil
		}
		before := s.writes()
		s.start()
		s.settle(time.Minute)
		if c := s.now(id); !c.FrozenFor(event.RolledBack) || s.writes() != before {
			t.Errorf("%d writes: %s", s.writes()-before, storyOf(c))
		}
	})
}

// What a stranger writes in Slack proves nothing.
func TestForgedMarksInPostsProveNothing(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.remembers()
		id := s.begin(ceremony.GenerateRoot)
		at := mark.Of(s.now(id))
		at.Line += 5
		foreign := mark.Token((&ceremonytest.FakeOpenPGP{Name: "another"}).JournalKey(), at)
		at.Line -= 5
		genuine := mark.Token(s.openPGP.JournalKey(), at)
		changed := strings.Replace(genuine, fmt.Sprintf(" %d ", at.Line), fmt.Sprintf(" %d ", at.Line+5), 1)
		s.stop()
		s.recall = func(context.Context, string, []ceremony.Ref) ([]string, error) {
			return []string{foreign, changed, genuine, "", "conclave-mark1"}, nil
		}
		s.start()
		s.settle(time.Minute)
		if c := s.now(id); c.Phase != rules.PhaseCollecting || len(s.lost()) > 0 || s.drawn(id) == 0 {
			t.Errorf("%s, alarm %+v", storyOf(c), s.lost())
		}
		if c := s.finish(id); c.Outcome != event.Completed {
			t.Errorf("%s", storyOf(c))
		}
	})
}

// A channel that can't be read is told, and holds nothing up.
func TestPostsThatCanNeverBeReadHoldNothingUp(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.remembers()
		id := s.begin(ceremony.GenerateRoot)
		s.stop()
		log := &lockedBuffer{}
		s.log = log
		s.recall = func(context.Context, string, []ceremony.Ref) ([]string, error) { return nil, ceremony.ErrUndeliverable }
		s.start()
		if c := s.finish(id); c.Outcome != event.Completed || !strings.Contains(log.String(), "can't be compared") {
			t.Errorf("%s\n%s", storyOf(c), log)
		}
	})
}
