package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/journal"
	"conclave/ceremony/rules"
	"conclave/ceremony/transcript"
)

// adopt has the identity of now take over ceremonies, as conclave journal adopt does.
func (s *stage) adopt(ids ...ceremony.ID) {
	s.t.Helper()
	j, err := journal.OpenJournal(s.dir, s.openPGP.JournalKey())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, id := range ids {
		err = errors.Join(err, j.Adopt(context.Background(), id))
	}
	if err := errors.Join(err, j.Close()); err != nil {
		s.t.Fatal(err)
	}
}

// age rewrites a ceremony's journal as an earlier program wrote it: without codes, and without an index.
func (s *stage) age(id ceremony.ID) {
	s.t.Helper()
	path := journal.FilePath(s.dir, id)
	file, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	chain, err := journal.ReadChain(bytes.NewReader(file))
	if err != nil {
		s.t.Fatal(err)
	}
	var old bytes.Buffer
	prev := ""
	for _, e := range chain.Entries {
		e.Prev, e.MACKey, e.MAC = prev, "", ""
		raw, err := journal.EncodeLine(id, e)
		if err != nil {
			s.t.Fatal(err)
		}
		prev = journal.HashLine(raw)
		old.Write(append(raw, '\n'))
	}
	if err := os.WriteFile(path, old.Bytes(), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Remove(s.index()); err != nil && !errors.Is(err, os.ErrNotExist) {
		s.t.Fatal(err)
	}
}

// append adds lines behind a file as who lacks the key can: chained, without codes or with
// the name of a key.
func (s *stage) append(id ceremony.ID, key string, events ...event.Event) {
	s.t.Helper()
	path := journal.FilePath(s.dir, id)
	file, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		s.t.Fatal(err)
	}
	chain, err := journal.ReadChain(bytes.NewReader(file))
	if err != nil {
		s.t.Fatal(err)
	}
	e := event.Entry{MACKey: key}
	if key != "" {
		e.MAC = strings.Repeat("5e", 32)
	}
	if n := len(chain.Entries); n > 0 {
		e.Seq, e.Prev = n, chain.Entries[n-1].Hash
	}
	for _, ev := range events {
		e.Seq, e.At, e.Event = e.Seq+1, time.Now().UTC(), ev
		raw, err := journal.EncodeLine(id, e)
		if err != nil {
			s.t.Fatal(err)
		}
		e.Prev = journal.HashLine(raw)
		file = append(append(file, raw...), '\n')
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// proposed returns the error of a proposal.
func (s *stage) proposed(op ceremony.Operation) error {
	_, err := s.engine.Propose(context.Background(), ceremony.Proposal{
		Operation: op, Cluster: "prod", Reason: "a test", By: ceremonytest.Person("olga").Account, Options: options(op),
	})
	return err
}

// found returns the findings of one kind that people are told of.
func (s *stage) found(kind ceremony.Finding) []event.Noticed {
	var all []event.Noticed
	for _, c := range s.engine.Current() {
		for _, e := range c.Findings() {
			if n, _ := e.Event.(event.Noticed); n.Kind == kind {
				all = append(all, n)
			}
		}
	}
	return all
}

// Whoever can write the journal's folder and lacks the identity's key.
func TestNothingIsDoneForALineThatTheIdentityHasNotWritten(t *testing.T) {
	for what, key := range map[string]string{
		"without a code": "", "with the name of our key": ceremonytest.JournalKey().Name(), "with another key": "0123456789abcdef",
	} {
		t.Run(what, func(t *testing.T) {
			playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
				id := s.propose(ceremony.GenerateRoot)
				s.settle(time.Second)
				c := s.now(id)
				s.stop()
				path := journal.FilePath(s.dir, id)
				good, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				s.append(id, key, event.Approved{By: ceremonytest.Person("paul"), PlanHash: c.PlanHash})

				evil := c.Plan // and a whole ceremony
				evil.Ceremony = "prod-generate-root-evil"
				s.append(evil.Ceremony, key, event.Proposed{Plan: evil, PlanHash: evil.Hash()},
					event.Approved{By: ceremonytest.Person("paul"), PlanHash: evil.Hash()})
				s.start()
				s.settle(10 * time.Minute)
				if n := s.vault.Count("start"); n > 0 {
					t.Errorf("Vault was asked for %d attempts", n)
				}
				for _, of := range []ceremony.ID{id, evil.Ceremony} {
					if _, _, err := s.engine.Ceremony(of); !errors.Is(err, ceremony.ErrChain) && !errors.Is(err, ceremony.ErrNotAdopted) {
						t.Errorf("%s is obeyed: %v", of, err)
					}
				}
				if len(s.engine.SetAside()) != 2 {
					t.Errorf("set aside: %+v", s.engine.SetAside())
				}
				s.stop()
				if err := errors.Join(os.WriteFile(path, good, 0o600), os.Remove(journal.FilePath(s.dir, evil.Ceremony))); err != nil {
					t.Fatal(err)
				}
				s.start()
				if c := s.now(id); c.Phase != rules.PhaseProposed || len(s.engine.SetAside()) > 0 {
					t.Errorf("with the file from a backup: %s, aside %+v", c.Phase, s.engine.SetAside())
				}
			})
		})
	}
}

// A file that can't be obeyed stops neither the bot nor an unseal, and nothing on a cluster
// that it can't be of.
func TestAFileThatIsNotObeyedHoldsUpItsOwnClusterOnly(t *testing.T) {
	proposed := func(cluster string, id ceremony.ID) string {
		plan := ceremonytest.SamplePlan(id)
		plan.Cluster = cluster
		fields, err := json.Marshal(event.Proposed{Plan: plan, PlanHash: plan.Hash()})
		if err != nil {
			t.Fatal(err)
		}
		return `{"seq":1,"prev":"","at":"2026-11-22T03:00:00Z","ceremony":"` + string(id) + `","type":"proposed","event":` + string(fields) + "}\n"
	}
	for what, row := range map[string]struct {
		name, text string
		holdsUp    bool
		kind       ceremony.Finding
	}{
		"no codes":                           {"prod-rekey-zzzz", proposed("prod", "prod-rekey-zzzz"), true, ceremony.NotAdopted},
		"not JSON":                           {"prod-rekey-zzzz", "not JSON\n", true, ceremony.JournalBroken},
		"torn in the middle":                 {"prod-rekey-zzzz", proposed("prod", "prod-rekey-zzzz")[:100] + "\n{}\n", true, ceremony.JournalBroken},
		"overlong":                           {"prod-rekey-zzzz", strings.Repeat("x", 17<<20), true, ceremony.JournalBroken},
		"another ceremony's":                 {"prod-rekey-zzzz", proposed("prod", "prod-rekey-yyyy"), true, ceremony.JournalBroken},
		"an unseal's":                        {"prod-unseal-zzzz", "not JSON\n", true, ceremony.JournalBroken},
		"of a longer name":                   {"prod-eu-rekey-zzzz", proposed("prod-eu", "prod-eu-rekey-zzzz"), false, ""},
		"of another cluster":                 {"dev-rekey-zzzz", proposed("dev", "dev-rekey-zzzz"), false, ""},
		"another cluster's by its name":      {"dev-rekey-zzzz", proposed("prod", "dev-rekey-zzzz"), true, ceremony.NotAdopted},
		"another cluster's by its content":   {"prod-rekey-zzzz", proposed("dev", "prod-rekey-zzzz"), true, ceremony.NotAdopted},
		"nobody knows whose":                 {"zzzz", "not JSON\n", true, ceremony.JournalBroken},
		"of a cluster that can't be told by": {"dev-rekey-zzzz", "not JSON\n", true, ceremony.JournalBroken},
	} {
		t.Run(what, func(t *testing.T) {
			playFor(t, ceremony.Unseal, func(t *testing.T, s *stage) {
				var log bytes.Buffer
				s.log = &log
				s.stop()
				path := filepath.Join(s.dir, row.name+".jsonl")
				if err := os.WriteFile(path, []byte(row.text), 0o600); err != nil {
					t.Fatal(err)
				}
				for range 2 { // and a second start tells nobody again
					s.start()
					s.settle(time.Minute)
					if err := s.proposed(ceremony.Init); errors.Is(err, ceremony.JournalAside) != row.holdsUp {
						t.Errorf("a new ceremony: %v", err)
					}
					if got := slices.Concat(s.found(ceremony.NotAdopted), s.found(ceremony.JournalBroken)); row.holdsUp != (len(got) == 1) ||
						row.holdsUp && got[0].Kind != row.kind {
						t.Errorf("people are told of %+v", got)
					}
					s.stop()
				}
				if !strings.Contains(log.String(), "a ceremony is set aside") || !strings.Contains(log.String(), row.name) {
					t.Errorf("the operator is not told: %s", &log)
				}
				s.start()
				id := s.begin(ceremony.Unseal)
				for _, name := range []string{"alice", "bob", "carol"} {
					if err := s.enter(id, name); err != nil {
						t.Fatalf("%s: %v", name, err)
					}
				}
				s.settle(time.Minute)
				if c := s.now(id); c.Outcome != event.Completed {
					t.Errorf("the unseal: %q: %s", c.Outcome, storyOf(c))
				}
				s.stop()
				if now, err := os.ReadFile(path); err != nil || string(now) != row.text {
					t.Errorf("the file was changed: %v", err)
				}
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
				s.start()
				if err := s.proposed(ceremony.Drill); errors.Is(err, ceremony.JournalAside) || len(s.engine.SetAside()) > 0 {
					t.Errorf("settled, and still held up: %v", err)
				}
			})
		})
	}
}

// What was written before, or under another identity, is taken up when people have decided.
func TestAnAdoptedCeremonyWaitsForPeople(t *testing.T) {
	for what, make := range map[string]func(s *stage, id ceremony.ID){
		"proposed": func(*stage, ceremony.ID) {},
		"approved": func(s *stage, id ceremony.ID) {
			s.forge(id, event.Approved{By: ceremonytest.Person("paul"), PlanHash: s.planHash(id)})
		},
		"collecting": func(s *stage, id ceremony.ID) {
			s.start()
			s.approved(id)
			s.contribute(id, ceremony.StepUpdate, 1)
			s.stop()
		},
		"frozen": func(s *stage, id ceremony.ID) {
			s.forge(id, event.FreezeAsked{By: ceremonytest.Person("paul")}, event.Frozen{Why: event.PersonStopped, Got: "paul"},
				event.ResumeAsked{By: ceremonytest.Person("olga")})
		},
	} {
		t.Run(what, func(t *testing.T) {
			playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
				id := s.propose(ceremony.GenerateRoot)
				s.settle(time.Second)
				s.stop()
				make(s, id)
				s.age(id)
				started, submitted := s.vault.Count("start"), s.vault.Count("submit")
				s.start()
				s.settle(time.Minute)
				if _, _, err := s.engine.Ceremony(id); !errors.Is(err, ceremony.ErrNotAdopted) {
					t.Errorf("it is obeyed before anybody has taken it over: %v", err)
				}
				s.stop()
				s.adopt(id)
				s.adopt(id) // a second time changes nothing
				for range 2 {
					s.start()
					s.settle(10 * time.Minute)
					c := s.now(id)
					if c.Phase != rules.PhaseFrozen || c.Freeze.Why != event.TakenOver || c.Freeze.Initiator ||
						strings.Count(storyOf(c), "adopted froze") != 1 {
						t.Fatalf("%s, %+v: %s", c.Phase, c.Freeze, storyOf(c))
					}
					s.stop()
				}
				if s.vault.Count("start") != started || s.vault.Count("submit") != submitted {
					t.Error("something was sent to Vault")
				}
				s.start()
				s.thaw(id)
				s.settle(time.Minute)
				if s.now(id).Phase == rules.PhaseProposed {
					s.approved(id)
				}
				s.restart() // it does not freeze again
				if c := s.finish(id); c.Outcome != event.Completed {
					t.Errorf("%s %s: %s", c.Phase, c.Outcome, storyOf(c))
				}
			})
		})
	}
}

func (s *stage) planHash(id ceremony.ID) string { s.t.Helper(); return s.now(id).PlanHash }

// Ended ceremonies are taken over as they are, and tell nothing.
func TestAnEndedCeremonyIsAdoptedWithoutANewWord(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		id := s.propose(ceremony.GenerateRoot)
		if _, err := s.engine.Reject(context.Background(), id, ceremonytest.Person("paul").Account, ""); err != nil {
			t.Fatal(err)
		}
		s.settle(24 * time.Hour)
		if !s.now(id).Settled() {
			t.Fatal("not settled")
		}
		posts := len(s.notifier.Order)
		s.stop()
		s.age(id)
		s.adopt(id)
		s.start()
		s.settle(48 * time.Hour)
		c := s.now(id)
		if !c.Settled() || !strings.HasSuffix(storyOf(c), "adopted") || len(s.notifier.Order) != posts {
			t.Errorf("%d posts, were %d: %s", len(s.notifier.Order), posts, storyOf(c))
		}
		if err := s.proposed(ceremony.GenerateRoot); err != nil {
			t.Errorf("its cluster is held up: %v", err)
		}
	})
}

// What was sent to Vault before the adoption is settled first (P5, P6).
func TestP6AShareThatWasOnItsWayIsSettledBeforeTheAdoptionFreezes(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.GenerateRoot)
		s.vault.Fault = func(m string, n int) (before, after error) {
			switch {
			case m == "submit":
				return nil, ceremony.ErrUncertain
			case s.vault.Calls["submit"] > 0:
				return ceremony.ErrNotSent, nil // what came of it can't be asked
			}
			return nil, nil
		}
		name := s.now(id).Missing()[0].Name
		_ = s.send(name, s.envelope(id, name, own(ceremony.StepUpdate, name)))
		if s.now(id).Pending == nil {
			t.Fatalf("nothing is on its way: %s", storyOf(s.now(id)))
		}
		s.stop()
		s.vault.Fault = nil
		s.age(id)
		s.adopt(id)
		s.start()
		s.settle(10 * time.Minute)
		c := s.now(id)
		if c.Phase != rules.PhaseFrozen || !c.HasCounted(ceremonytest.Person(name).Account) || c.Pending != nil {
			t.Errorf("%s, counted %v: %s", c.Phase, c.HasCounted(ceremonytest.Person(name).Account), storyOf(c))
		}
	})
}

// An auditor has no key, and sees a line that lacks the code which the line before it has.
func TestP8ATranscriptWhoseCodesEndIsFaulty(t *testing.T) {
	path := kept(t, "adopted/*.jsonl")[0]
	entries := rewritten(t, path)
	id := ceremony.ID(strings.TrimSuffix(filepath.Base(path), ".jsonl"))
	for strip, want := range map[int]bool{len(entries) + 1: false, len(entries): true} {
		made := transcript.Transcript{Format: "conclave-transcript1", Ceremony: id}
		for _, e := range entries {
			if e.Seq >= strip {
				e.MACKey, e.MAC = "", ""
			}
			e.Prev = made.Head
			raw, err := journal.EncodeLine(id, e)
			if err != nil {
				t.Fatal(err)
			}
			made.Journal, made.Head = append(made.Journal, string(raw)), journal.HashLine(raw)
		}
		file, err := made.Encode()
		if err != nil {
			t.Fatal(err)
		}
		faults := strings.Join(transcript.VerifyTranscript(file, ceremonytest.Fpr("identity"), ceremonytest.SpokenSignatures{}).Faults(), "\n")
		if strings.Contains(faults, "has no authentication code") != want {
			t.Errorf("codes up to line %d: %s", strip-1, faults)
		}
	}
}

// Lines that have the identity's codes and are no story that the rules allow: a defect, or a
// stolen key.
func TestAJournalThatTheRulesRefuseIsSetAside(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		id := s.propose(ceremony.GenerateRoot)
		s.settle(time.Second)
		c := s.now(id)
		s.stop()
		good, err := os.ReadFile(journal.FilePath(s.dir, id))
		if err != nil {
			t.Fatal(err)
		}
		s.forge(id, event.Approved{By: ceremonytest.Person("mallory"), PlanHash: c.PlanHash})
		s.start()
		s.settle(time.Minute)
		if _, _, err := s.engine.Ceremony(id); !errors.Is(err, ceremony.ErrChain) {
			t.Errorf("it is obeyed: %v", err)
		}
		if err := s.proposed(ceremony.Drill); !errors.Is(err, ceremony.JournalAside) {
			t.Errorf("its cluster is not held up: %v", err)
		}
		if got := s.found(ceremony.JournalBroken); len(got) != 1 || got[0].Subject != string(id) {
			t.Errorf("people are told of %+v", got)
		}
		s.stop()
		if err := os.WriteFile(journal.FilePath(s.dir, id), good, 0o600); err != nil {
			t.Fatal(err)
		}
		s.start()
	})
}
