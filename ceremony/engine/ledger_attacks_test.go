package engine_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/journal"
	"conclave/ceremony/rules"
)

// bring sends a share and returns its outcome. It makes sure that nothing refused reaches
// Vault.
func (s *stage) bring(id ceremony.ID, name, share string) error {
	s.t.Helper()
	before := len(s.vault.Submitted())
	err := s.send(name, s.envelope(id, name, share))
	if sent := len(s.vault.Submitted()) - before; err != nil && sent != 0 {
		s.t.Errorf("%s's %q was refused as %v, and Vault was sent it", name, share, err)
	}
	return err
}

func (s *stage) refuses(id ceremony.ID, name, share string, want ceremony.Refusal) {
	s.t.Helper()
	if err := s.bring(id, name, share); !errors.Is(err, want) {
		s.t.Errorf("%s's %q: %v, want %q", name, share, err, want)
	}
}

// round runs one ceremony with these shares, from the proposal to its end.
func (s *stage) round(op ceremony.Operation, shares map[string]string) rules.State {
	s.t.Helper()
	id := s.begin(op)
	for _, name := range ceremonytest.Holders {
		if share, ok := shares[name]; ok {
			s.share(id, name, share)
		}
	}
	s.settle(time.Minute)
	return s.now(id)
}

// rekeyed replaces the cluster's key: alice, bob and carol have brought old shares and proven
// new ones.
func (s *stage) rekeyed() ceremony.ID {
	s.t.Helper()
	id := s.begin(s.rekey)
	for range 2 {
		s.contribute(id, s.now(id).Round.Step, 3)
		s.settle(time.Minute)
	}
	if c := s.now(id); c.Outcome != event.Completed {
		s.t.Fatalf("outcome %q: %s", c.Outcome, storyOf(c))
	}
	return id
}

func newest[E event.Event](s *stage, id ceremony.ID) E {
	s.t.Helper()
	return lastOf[E](s.now(id))
}

func TestOldShareIsRefusedAfterARekeyBeforeVaultIsAsked(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		rekey := s.rekeyed()
		s.restart() // what is known is in the journal
		id := s.begin(ceremony.GenerateRoot)
		s.refuses(id, "alice", "old-1", ceremony.OutdatedShare)
		if d := newest[event.Declined](s, id); d.See != rekey || d.Tag == "" {
			t.Errorf("it shows %q, tag %q", d.See, d.Tag)
		}
		if s.vault.Attempt == nil || len(s.vault.Attempt.Progress) != 0 {
			t.Error("Vault has counted something")
		}
		for _, name := range ceremonytest.Holders[:3] {
			s.share(id, name, own(ceremony.StepVerify, name))
			if sent := newest[event.Submitting](s, id); !sent.Known || sent.Insisted != "" {
				t.Errorf("%s's new share: %+v", name, sent.TagMatch)
			}
		}
		s.settle(time.Minute)
		if c := s.now(id); c.Outcome != event.Completed {
			t.Errorf("outcome %q", c.Outcome)
		}
	})
}

// Without a verification the old key is gone with the last share, and nobody has
// shown a new one yet.
func TestOldShareIsRefusedAfterARekeyWithoutVerification(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.verify = false
		s.restart()
		s.round(s.rekey, map[string]string{"alice": "old-1", "bob": "old-2", "carol": "old-3"})
		id := s.begin(ceremony.GenerateRoot)
		s.refuses(id, "carol", "old-3", ceremony.OutdatedShare)
		s.share(id, "carol", "new-3")
		s.share(id, "dave", "old-4") // the ledger does not know it
	})
}

func TestOldKeyStaysInForceWhenARekeyIsCancelledBeforeItsProof(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(s.rekey)
		s.contribute(id, ceremony.StepUpdate, 3)
		s.settle(time.Minute)
		s.share(id, "alice", "new-1")
		if _, err := s.engine.Cancel(t.Context(), id, ceremonytest.Person("olga").Account, ""); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		id = s.begin(ceremony.GenerateRoot)
		s.refuses(id, "alice", "new-1", ceremony.UnfamiliarShare)
		s.share(id, "alice", "old-1")
		if sent := newest[event.Submitting](s, id); !sent.Known {
			t.Errorf("alice's share is said to be %+v", sent.TagMatch)
		}
	})
}

func TestOldShareIsNoProofOfTheNewOneWhateverItsHolderInsists(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(s.rekey)
		s.contribute(id, ceremony.StepUpdate, 3)
		s.settle(time.Minute)
		for range 3 {
			s.refuses(id, "alice", "old-1", ceremony.OutdatedShare)
		}
		if d := newest[event.Declined](s, id); d.See != id {
			t.Errorf("it shows %q, want the rekey itself", d.See)
		}
		s.contribute(id, ceremony.StepVerify, 3)
		s.settle(time.Minute)
		if c := s.now(id); c.Outcome != event.Completed {
			t.Errorf("outcome %q", c.Outcome)
		}
	})
}

// numbered returns a share as long as Vault's: 32 bytes, and x.
func numbered(fill byte, x int) string {
	return strings.Repeat(fmt.Sprintf("%02x", fill), 32) + fmt.Sprintf("%02x", x)
}

func TestMistypedShareIsToldFromOneThatIsAnother(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		for i := range s.vault.Shares {
			s.vault.Shares[i] = numbered(byte(i+1), 10*i+7)
		}
		in := s.vault.Shares
		first := s.round(ceremony.GenerateRoot, map[string]string{"alice": in[0], "bob": in[1], "carol": in[2]})
		id := s.begin(ceremony.GenerateRoot)
		s.refuses(id, "alice", strings.Replace(in[0], "01", "10", 1), ceremony.MistypedShare)
		s.refuses(id, "bob", numbered(9, 99), ceremony.UnfamiliarShare)
		s.refuses(id, "dave", numbered(9, 7), ceremony.UnfamiliarShare) // another y of a known x
		if d := newest[event.Declined](s, id); d.See != first.ID() {
			t.Errorf("it shows %q", d.See)
		}
		s.share(id, "dave", in[3])
		s.share(id, "alice", strings.ToUpper(in[0]))
	})
}

func TestTwoHoldersWhoSwapSharesAreNotedAndCount(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.round(ceremony.GenerateRoot, map[string]string{"alice": "old-1", "bob": "old-2", "carol": "old-3"})
		id := s.begin(ceremony.GenerateRoot)
		s.share(id, "alice", "old-2")
		sent := newest[event.Submitting](s, id)
		if !sent.Known || sent.Whose == nil || sent.Whose.Name != "bob" || sent.Insisted != "" {
			t.Errorf("alice with bob's share: %+v", sent.TagMatch)
		}
		s.refuses(id, "bob", "old-2", ceremony.DuplicateShare)
		s.restart()
		s.refuses(id, "bob", "old-2", ceremony.DuplicateShare) // in a later ceremony as well
		s.share(id, "bob", "old-1")
		s.share(id, "carol", "old-3")
		s.settle(time.Minute)
		if c := s.now(id); c.Outcome != event.Completed {
			t.Errorf("outcome %q", c.Outcome)
		}
	})
}

// The cluster was rekeyed past Conclave. A holder of a new share is not believed at first.
// Once the new key has proven itself, nobody has to insist any more.
func TestKeyChangedOutsideIsLearntWhenAQuorumInsists(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.round(ceremony.GenerateRoot, map[string]string{"alice": "old-1", "bob": "old-2", "carol": "old-3"})
		s.vault.Do(func() { s.vault.Shares = []string{"out-1", "out-2", "out-3", "out-4", "out-5"} })
		id := s.begin(ceremony.GenerateRoot)
		for i, name := range ceremonytest.Holders[:3] {
			share := fmt.Sprintf("out-%d", i+1)
			s.refuses(id, name, share, ceremony.UnfamiliarShare)
			if i == 1 {
				s.restart() // what was refused is remembered
				s.settle(time.Minute)
			}
			s.share(id, name, share)
			if sent := newest[event.Submitting](s, id); sent.Insisted != ceremony.UnfamiliarShare || sent.Known {
				t.Errorf("%s insists: %+v", name, sent.TagMatch)
			}
		}
		s.settle(time.Minute)
		if c := s.now(id); c.Outcome != event.Completed {
			t.Fatalf("outcome %q: %s", c.Outcome, storyOf(c))
		}
		next := s.begin(ceremony.GenerateRoot)
		s.refuses(next, "alice", "old-1", ceremony.OutdatedShare)
		if d := newest[event.Declined](s, next); d.See != id {
			t.Errorf("it shows %q, want %q", d.See, id)
		}
		for i, name := range ceremonytest.Holders[:3] {
			s.share(next, name, fmt.Sprintf("out-%d", i+1))
			if sent := newest[event.Submitting](s, next); !sent.Known {
				t.Errorf("%s's share is not known: %+v", name, sent.TagMatch)
			}
		}
	})
}

// A snapshot brings the key of before the rekey back.
func TestRestoredSnapshotBringsOutdatedSharesBackIntoForce(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.rekeyed()
		s.vault.Do(func() { s.vault.Shares = []string{"old-1", "old-2", "old-3", "old-4", "old-5"} })
		id := s.begin(ceremony.GenerateRoot)
		for _, name := range ceremonytest.Holders[:3] {
			s.refuses(id, name, own(ceremony.StepUpdate, name), ceremony.OutdatedShare)
			s.share(id, name, own(ceremony.StepUpdate, name))
		}
		s.settle(time.Minute)
		next := s.begin(ceremony.GenerateRoot)
		s.refuses(next, "bob", "new-2", ceremony.OutdatedShare)
		s.share(next, "bob", "old-2")
		if sent := newest[event.Submitting](s, next); !sent.Known {
			t.Errorf("bob's share is not known: %+v", sent.TagMatch)
		}
	})
}

// A holder who wants to spoil every round is named, and spoils two rounds at most.
func TestHolderWhoInsistsOnGarbageIsNamedAndBounded(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.round(ceremony.GenerateRoot, map[string]string{"alice": "old-1", "bob": "old-2", "carol": "old-3"})
		id := s.begin(ceremony.GenerateRoot)
		for round := range 2 {
			s.share(id, "bob", "old-2")
			s.share(id, "carol", "old-3")
			s.refuses(id, "alice", "garbage", ceremony.UnfamiliarShare)
			if err := s.send("alice", s.envelope(id, "alice", "garbage")); err != nil {
				t.Fatal(err)
			}
			s.settle(10 * time.Second)
			refused := newest[event.RoundRefused](s, id)
			if refused.Round != round+1 || !slices.Equal(refused.Suspects, ceremonytest.People("alice")) {
				t.Fatalf("round %d suspects %v", refused.Round, refused.Suspects)
			}
		}
		s.refuses(id, "alice", "garbage", ceremony.UnfamiliarShare)
		s.refuses(id, "alice", "garbage", ceremony.InsistedInVain)
		for _, name := range []string{"bob", "carol", "dave"} {
			s.share(id, name, own(ceremony.StepUpdate, name))
		}
		s.settle(time.Minute)
		if c := s.now(id); c.Outcome != event.Completed {
			t.Errorf("outcome %q", c.Outcome)
		}
	})
}

// An attacker with a holder's Slack account, and without their key, can post an old envelope
// again. That is not insisting.
func TestP2PostingAnEnvelopeAgainIsNoInsisting(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.rekeyed()
		id := s.begin(ceremony.GenerateRoot)
		envelope := s.envelope(id, "alice", "old-1")
		if err := s.send("alice", envelope); !errors.Is(err, ceremony.OutdatedShare) {
			t.Fatal(err)
		}
		for range 3 {
			if err := s.send("alice", envelope); !errors.Is(err, ceremony.Replayed) {
				t.Errorf("posted again: %v", err)
			}
		}
		// Neither another person nor another share counts as insisting.
		s.refuses(id, "bob", "old-1", ceremony.OutdatedShare)
		s.refuses(id, "alice", "old-2", ceremony.OutdatedShare)
		if got := s.now(id).Round.Counted; len(got) != 0 {
			t.Errorf("counted: %v", got)
		}
	})
}

func TestInsistingEndsWithTheRound(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.rekeyed()
		id := s.begin(ceremony.GenerateRoot)
		s.refuses(id, "alice", "old-1", ceremony.OutdatedShare)
		s.share(id, "bob", "new-2")
		s.share(id, "carol", "new-3")
		s.share(id, "dave", "junk") // the ledger knows nothing of dave
		s.settle(10 * time.Second)
		if refused := newest[event.RoundRefused](s, id); !slices.Equal(refused.Suspects, ceremonytest.People("dave")) {
			t.Errorf("suspects %v", refused.Suspects)
		}
		s.refuses(id, "alice", "old-1", ceremony.OutdatedShare)
	})
}

// The program died after a share was opened, and after it was refused.
func TestP6InsistingSurvivesACrash(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.rekeyed()
		id := s.begin(ceremony.GenerateRoot)
		s.refuses(id, "alice", "old-1", ceremony.OutdatedShare)
		s.restart()
		s.settle(time.Minute)
		if err := s.send("alice", s.envelope(id, "alice", "old-1")); err != nil {
			t.Fatal(err)
		}
		if sent := newest[event.Submitting](s, id); sent.Insisted != ceremony.OutdatedShare {
			t.Errorf("%+v", sent.TagMatch)
		}
	})
}

// The answer of the share that completes a rekey is lost. The ledger learns as much from
// asking.
func TestP5LostAnswerTeachesTheLedgerAsWell(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.vault.Fault = func(method string, n int) (error, error) {
			if method == "submit" && n == 2 {
				return nil, ceremony.ErrUncertain
			}
			return nil, nil
		}
		id := s.begin(s.rekey)
		s.contribute(id, ceremony.StepUpdate, 2)
		_ = s.send("carol", s.envelope(id, "carol", "old-3"))
		s.settle(time.Minute)
		s.contribute(id, ceremony.StepVerify, 3)
		s.settle(time.Minute)
		id = s.begin(ceremony.GenerateRoot)
		for _, name := range ceremonytest.Holders[:3] {
			s.refuses(id, name, own(ceremony.StepUpdate, name), ceremony.OutdatedShare)
		}
	})
}

func TestDrillTellsWhetherAShareIsTheRightOne(t *testing.T) {
	playFor(t, ceremony.Drill, func(t *testing.T, s *stage) {
		s.rekeyed()
		id := s.begin(ceremony.Drill)
		s.share(id, "alice", "new-1")
		if p := newest[event.Proven](s, id); !p.Known {
			t.Errorf("alice has proven %+v", p.TagMatch)
		}
		s.refuses(id, "bob", "old-2", ceremony.OutdatedShare)
		s.share(id, "bob", "new-2")
		s.refuses(id, "carol", "junk", ceremony.UnfamiliarShare)
		s.share(id, "carol", "junk") // she insists
		if p := newest[event.Proven](s, id); p.Known || p.Insisted != ceremony.UnfamiliarShare {
			t.Errorf("carol has proven %+v", p.TagMatch)
		}
		s.share(id, "dave", "anything")
		if p := newest[event.Proven](s, id); p.Known || p.Insisted != "" {
			t.Errorf("dave has proven %+v", p.TagMatch)
		}
		s.share(id, "erin", "new-5")
		s.settle(time.Minute)
		if c := s.now(id); c.Outcome != event.Completed || len(c.KeyFacts) != 0 {
			t.Errorf("outcome %q, key facts %v", c.Outcome, c.KeyFacts)
		}
		// A share that only a drill has seen is not in force.
		next := s.begin(ceremony.GenerateRoot)
		s.share(next, "dave", "new-4")
		if sent := newest[event.Submitting](s, next); sent.Known {
			t.Error("a drill has proven dave's share")
		}
	})
}

func TestSealedClusterIsKnownByItsName(t *testing.T) {
	playFor(t, ceremony.Unseal, func(t *testing.T, s *stage) {
		s.vault.Do(func() {
			for _, n := range s.vault.Members {
				n.Sealed = false
			}
		})
		s.rekeyed()
		s.vault.Do(func() {
			for _, n := range s.vault.Members {
				n.Sealed = true
			}
		})
		id := s.begin(ceremony.Unseal)
		if p := s.now(id).Plan; p.ClusterID != "" {
			t.Fatalf("the plan knows the id %q of a sealed cluster", p.ClusterID)
		}
		if err := s.send("alice", s.envelope(id, "alice", "old-1")); !errors.Is(err, ceremony.OutdatedShare) {
			t.Errorf("alice's old share: %v", err)
		}
		if s.vault.Calls["unseal"] != 0 {
			t.Error("a node was sent it")
		}
		for _, name := range ceremonytest.Holders[1:3] {
			s.share(id, name, own(ceremony.StepVerify, name))
		}
		s.share(id, "dave", "new-4")
		s.settle(time.Minute)
		if c := s.now(id); c.Outcome != event.Completed {
			t.Fatalf("outcome %q: %s", c.Outcome, storyOf(c))
		}
		id = s.begin(ceremony.GenerateRoot)
		s.share(id, "dave", "new-4")
		if sent := newest[event.Submitting](s, id); !sent.Known {
			t.Errorf("the unseal has not proven dave's share: %+v", sent.TagMatch)
		}
	})
}

// A rekey that was set aside may have replaced the key: which shares are in force is not
// known, and an unseal refuses none of them.
func TestUnsealBesideACeremonyThatWasSetAsideIsJudgedByItselfAlone(t *testing.T) {
	playFor(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		s.rekeyed()
		for _, aside := range []bool{false, true} {
			s.stop()
			path := journal.FilePath(s.dir, "prod-rekey-zzzz")
			if aside {
				if err := os.WriteFile(path, []byte("not JSON\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s.prepare(ceremony.Unseal)
			s.start()
			id := s.begin(ceremony.Unseal)
			err := s.bring(id, "alice", "old-1")
			if refused := errors.Is(err, ceremony.OutdatedShare); refused == aside {
				t.Errorf("set aside: %t, the share of before: %v", aside, err)
			}
			if aside {
				s.stop()
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
				s.start()
			}
			if _, err := s.engine.Cancel(t.Context(), id, ceremonytest.Person("olga").Account, ""); err != nil {
				t.Fatal(err)
			}
			s.settle(time.Minute)
		}
	})
}
