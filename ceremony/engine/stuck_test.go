package engine_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// The answer to the last share is lost, others spoil the round, and finish it just when the
// bot is about to drop it. The shares are recorded all the same.
func TestP7RekeyIsFinishedWhileItIsDroppedAfterAnAnswerWasLost(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.restartWith(false)
		id := s.begin(s.rekey)
		s.share(id, "alice", "old-1")
		s.share(id, "bob", "old-2")
		hit(s, "submit", 2, func() (error, error) { return ceremony.ErrUncertain, nil })
		_ = s.send("carol", s.envelope(id, "carol", "old-3"))
		s.settle(time.Minute)
		s.vault.Do(func() { s.vault.Attempt.Progress = nil })
		s.settle(time.Minute)
		if c := s.now(id); c.Freeze == nil || c.Freeze.Why != event.ForeignShare {
			t.Fatalf("%s", storyOf(c))
		}
		hit(s, "cancel", 0, func() (error, error) {
			for _, share := range []string{"old-1", "old-2", "old-3"} {
				_, _ = s.vault.Update(s.vault.Attempt.Nonce, share)
			}
			return ceremony.ErrRefused, nil
		})
		s.thaw(id)
		s.settle(time.Minute)
		if c := s.now(id); c.Outcome != event.Completed || len(c.NewShares) != len(ceremonytest.Holders) {
			t.Fatalf("pending %+v, outcome %q: %s", c.Pending, c.Outcome, storyOf(c))
		}
		s.restart() // the journal is read back
	})
}

// The end reports a foreign attempt in Vault even when the ceremony froze for another reason
// after it was found.
func TestForeignAttemptIsNotForgottenForADoubt(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.propose(s.rekey)
		s.settle(time.Second)
		s.vault.Do(func() {
			s.vault.Attempt = &ceremonytest.FakeAttempt{Op: s.rekey, Nonce: "foreign"}
		})
		s.approve(id, "paul")
		s.settle(time.Minute)
		if c := s.now(id); c.Freeze == nil || c.Freeze.Why != event.ForeignAttempt {
			t.Fatalf("%s", storyOf(c))
		}
		s.stop()
		s.configure = func(c *ceremony.Cluster) { c.Holders = c.Holders[1:] }
		s.start()
		s.settle(time.Minute)
		if c := s.now(id); c.Freeze == nil || c.Freeze.Why != event.OtherConfig {
			t.Fatalf("%s", storyOf(c))
		}
		s.cancels(id)
		if c := s.now(id); c.Ending != event.AttemptForeign {
			t.Errorf("ending %q, and Vault has an attempt of somebody else's", c.Ending)
		}
	})
}

// A backup that can never be read does not keep a ceremony open whose attempt is gone.
func TestBackupThatCanNeverBeReadHoldsUpNothing(t *testing.T) {
	unreadable := func(m string, _ int) (error, error) {
		if m == "backup" {
			return ceremony.ErrUncertain, nil // like an answer that can't be read
		}
		return nil, nil
	}
	play(t, func(t *testing.T, s *stage) {
		s.restartWith(false)
		id := s.begin(s.rekey)
		s.share(id, "alice", "old-1")
		s.vault.Do(func() { s.vault.Fault = unreadable; s.vault.Attempt = nil })
		s.settle(30 * time.Minute)
		if c := s.now(id); c.Phase != rules.PhaseFrozen || c.Freeze.Why != event.AttemptGone || c.Freeze.Remains != "" {
			t.Errorf("nobody is told that the attempt is gone: %s", storyOf(c))
		}
		s.giveUp(id)
		s.settle(30 * time.Minute)
		s.unknown(id)
	})
	play(t, func(t *testing.T, s *stage) {
		s.restartWith(false)
		id := s.begin(s.rekey)
		s.share(id, "alice", "old-1")
		s.vault.Do(func() { s.vault.Attempt.Progress = nil })
		s.settle(time.Minute)
		hit(s, "cancel", 0, func() (error, error) {
			s.vault.Attempt, s.vault.Fault = nil, unreadable
			return ceremony.ErrRefused, nil
		})
		s.thaw(id)
		s.settle(30 * time.Minute)
		if c := s.now(id); c.Pending != nil || !c.Unproven {
			t.Errorf("what was dropped is never settled, pending %+v: %s", c.Pending, storyOf(c))
		}
	})
}

// The end of a ceremony whose token Vault has made for another key is not unknown.
func TestTokenForSomebodyElseIsNoAttemptOfWhichNothingIsKnown(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.GenerateRoot)
		s.vault.Do(func() { s.vault.Diverts = ceremonytest.Fpr("mallory") })
		s.share(id, "alice", "old-1")
		s.share(id, "bob", "old-2")
		_ = s.send("carol", s.envelope(id, "carol", "old-3"))
		s.settle(time.Minute)
		c := s.now(id)
		if c.Phase != rules.PhaseFrozen || c.Token == "" {
			t.Fatalf("%s: %s", c.Phase, storyOf(c))
		}
		if _, err := s.engine.Cancel(context.Background(), id, ceremonytest.Person("olga").Account, ""); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		if c := s.now(id); c.Ending != event.AttemptUsed || c.Unproven {
			t.Errorf("ending %q, unproven %t: %s", c.Ending, c.Unproven, storyOf(c))
		}
	})
}

// A proposal that no later start could read is not written.
func TestP8ProposalThatCannotBeReadBackIsNotWritten(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.stop()
		s.configure = func(c *ceremony.Cluster) {
			c.Initiators = append(slices.Clone(c.Initiators), ceremony.Person{
				Name: "no name", Account: ceremonytest.Person("zoe").Account,
			})
		}
		s.start()
		_, err := s.engine.Propose(context.Background(), ceremony.Proposal{
			Operation: s.rekey, Cluster: "prod", Reason: "a test", By: ceremonytest.Person("zoe").Account,
			Options: options(s.rekey),
		})
		if err == nil || !strings.Contains(err.Error(), "is no name of a person") {
			t.Errorf("proposed by somebody with no name: %v", err)
		}
		s.restart()
		s.begin(s.rekey)
	})
}

// A foreign attempt that was begun later has no effect on our shares.
func TestSharesFromTheBackupHaveNoNonceOfAForeignVerification(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.restartWith(false)
		id := s.begin(s.rekey)
		s.share(id, "alice", "old-1")
		s.others("old-2", "old-3")
		s.vault.Do(func() {
			s.vault.Attempt = &ceremonytest.FakeAttempt{
				Op: s.rekey, Nonce: "foreign", Verify: "of-foreign",
				Order: ceremony.Order{Operation: s.rekey, Verification: true},
			}
		})
		s.settle(time.Minute)
		s.handsOut(id)
		if made := lastOf[event.Rekeyed](s.now(id)); made.VerificationNonce != "" {
			t.Errorf("the new shares wait for the verification %q", made.VerificationNonce)
		}
	})
}

// When others have made the new shares, only the backup shows that they are in force, and not
// since when. So an exposed share stays exposed.
func TestExposedShareIsNotReplacedPastConclave(t *testing.T) {
	guarded(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		s.restartWith(false)
		s.exposed("alice", ceremony.ExposedShare)
		id := s.begin(ceremony.Rekey)
		s.share(id, "bob", "old-2")
		s.others("old-3", "old-4")
		s.settle(time.Minute)
		s.handsOut(id)
		if len(s.engine.Exposures("prod")) != 1 {
			t.Error("the share that was exposed is forgotten")
		}
	})
}

// After a reminder that reached nobody the status post is drawn again. No start depends on
// that: old journals lack it, and their cluster may be gone.
func TestStatusPostOfAClusterThatIsGoneStopsNoStart(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.GenerateRoot)
		s.finish(id)
		s.settle(14 * 24 * time.Hour)
		if c := s.now(id); !c.Settled() {
			t.Fatalf("%s", storyOf(c))
		}
		s.stop()
		s.forge(id, event.Undeliverable{Key: string(rules.ReminderMessage) + "/1/T1/U1"})
		s.configure = func(c *ceremony.Cluster) { c.Name = "other" }
		s.start()
		s.settle(time.Minute)
		if _, _, err := s.engine.Ceremony(id); err != nil {
			t.Error(err)
		}
	})
}

// Vault refuses the last share because the attempt is gone. The share has made nothing.
func TestRefusedLastShareHasNotMadeWhatIsGone(t *testing.T) {
	refused := func(t *testing.T, s *stage, op ceremony.Operation, gone func()) ceremony.ID {
		s.restartWith(false)
		id := s.begin(op)
		s.share(id, "alice", "old-1")
		s.share(id, "bob", "old-2")
		hit(s, "submit", 2, func() (error, error) { gone(); return ceremony.ErrRefused, nil })
		_ = s.send("carol", s.envelope(id, "carol", "old-3"))
		s.settle(time.Minute)
		return id
	}
	for _, op := range []ceremony.Operation{ceremony.Rekey, ceremony.GenerateRoot} {
		playFor(t, op, func(t *testing.T, s *stage) {
			id := refused(t, s, op, func() { s.vault.Attempt = nil })
			if c := s.now(id); c.Phase != rules.PhaseFrozen || c.Freeze.Why != event.AttemptGone {
				t.Errorf("%s: %s", op, storyOf(c))
			}
			s.giveUp(id)
			s.unknown(id)
		})
	}
	playFor(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		id := refused(t, s, ceremony.Rekey, func() { _, _ = s.vault.Update(s.vault.Attempt.Nonce, "old-4") })
		if c := s.handsOut(id); slices.ContainsFunc(c.KeyFacts,
			func(f rules.KeyFact) bool { return len(f.Proven) > 0 }) {
			t.Errorf("a share that Vault refused counts as proven: %+v", c.KeyFacts)
		}
	})
}
