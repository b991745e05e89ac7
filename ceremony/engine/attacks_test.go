package engine_test

import (
	"context"
	"errors"
	"fmt"
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
)

func hit(s *stage, method string, n int, f func() (before, after error)) {
	s.vault.Fault = func(m string, i int) (error, error) {
		if m == method && i == n {
			return f()
		}
		return nil, nil
	}
}

// The last new share is refused because the rekey was cancelled in Vault just before.
func TestRefusedLastVerificationIsNotSuccess(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		hit(s, "submit", 5, func() (error, error) { s.vault.Attempt = nil; return ceremony.ErrRefused, nil })
		id := s.begin(s.rekey)
		c := s.finish(id)
		if c.Outcome == event.Completed && s.vault.Shares[0] == "old-1" {
			t.Errorf("completed, verified %+v, but the old key is in force", *c.Verified)
		}
	})
}

// The answer is lost and a failover dropped the rekey. The seal still shows the old numbers:
// 6 shares, and the new key has 5.
func TestLostLastVerificationWithOldSealNumbersIsNotSuccess(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.vault.Shares = append(s.vault.Shares, "old-6")
		hit(s, "submit", 5, func() (error, error) { s.vault.Attempt = nil; return ceremony.ErrUncertain, nil })
		id := s.begin(s.rekey)
		c := s.finish(id)
		if c.Outcome == event.Completed && s.vault.Shares[0] == "old-1" {
			t.Errorf("completed, verified %+v, but the seal shows 6 shares: the old key is in force", *c.Verified)
		}
	})
}

// Without verification a freeze is followed at once by Completed.
func TestFreezeIsNotOverruledByFinish(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.restartWith(false)
		hit(s, "submit", 2, func() (error, error) { slices.Reverse(s.vault.Attempt.Keys); return nil, nil })
		id := s.begin(s.rekey)
		c := s.finish(id)
		if strings.Contains(storyOf(c), "froze ended") || c.Outcome == event.Completed {
			t.Errorf("outcome %q: %s", c.Outcome, storyOf(c))
		}
	})
}

func (s *stage) restartWith(verify bool) { s.stop(); s.verify = verify; s.start() }

// A share is refused, and a foreign one was counted meanwhile.
func TestRefusedShareIsNotCounted(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		hit(s, "submit", 0, func() (error, error) {
			s.vault.Attempt.Progress = append(s.vault.Attempt.Progress, "junk")
			return ceremony.ErrRefused, nil
		})
		id := s.begin(s.rekey)
		err := s.send("alice", s.envelope(id, "alice", "old-1"))
		c := s.now(id)
		if c.Phase != rules.PhaseFrozen || c.HasCounted(ceremonytest.Person("alice").Account) {
			t.Errorf("err %v, state %s, alice counted: %v: %s", err, c.Phase,
				c.HasCounted(ceremonytest.Person("alice").Account), storyOf(c))
		}
	})
}

// Vault refuses our start, and a foreign attempt with the same terms is there.
func TestForeignAttemptIsNotAdoptedWhenStartIsRefused(t *testing.T) {
	for _, e := range []error{ceremony.ErrRefused, ceremony.ErrNotSent} {
		play(t, func(t *testing.T, s *stage) {
			hit(s, "start", 0, func() (error, error) {
				a := &ceremonytest.FakeAttempt{
					Op: s.rekey, Nonce: "mallorys", Order: ceremony.Order{
						Operation: s.rekey, Shares: 5, Threshold: 3, Verification: true, Backup: true,
					},
				}
				for _, h := range ceremonytest.Holders {
					a.Keys = append(a.Keys, ceremonytest.Fpr(h)) // same primaries; subkeys as mallory likes
				}
				s.vault.Attempt = a
				return e, nil
			})
			id := s.begin(s.rekey)
			s.settle(time.Minute)
			if c := s.now(id); c.Attempt.Nonce == "mallorys" {
				t.Errorf("%v: adopted: state %s, %s", e, c.Phase, storyOf(c))
			}
		})
	}
}

// A sender's context ends while their envelope is waiting: it must be plain whether anything
// was recorded.
func TestAskerWhoLeavesIsToldTheTruth(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		hit(s, "submit", 0, func() (error, error) { time.Sleep(time.Minute); return nil, nil })
		id := s.begin(s.rekey)
		e := s.envelope(id, "alice", "old-1")
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		got, err := s.engine.Share(ctx, ceremony.Envelope{
			By: ceremonytest.Person("alice").Account, Message: ceremony.Ref{Channel: "D", TS: "1"}, Envelope: e,
		})
		s.settle(5 * time.Minute)
		c := s.now(id)
		if got == "" && c.HasCounted(ceremonytest.Person("alice").Account) {
			t.Errorf("%v and no id: nothing was recorded, says the contract; but: %s", err, storyOf(c))
		}
	})
}

func TestCommanderWhoLeavesRacesNothing(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.journal = func(j event.Journal) event.Journal { return slowJournal{j} }
		s.restart()
		id := s.propose(s.rekey)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		c, err := s.engine.Cancel(ctx, id, ceremonytest.Person("olga").Account, "x")
		_ = c
		t.Log(c.Phase, err)
		s.settle(5 * time.Minute)
	})
}

type slowJournal struct{ event.Journal }

func (j slowJournal) Append(ctx context.Context, id ceremony.ID, after int, e ...event.Event) ([]event.Entry, error) {
	time.Sleep(10 * time.Second)
	return j.Journal.Append(ctx, id, after, e...)
}

// The status post shows since when Vault does not answer.
func TestSinceIsWhenVaultStoppedAnswering(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(s.rekey)
		down := time.Now()
		s.vault.Do(func() {
			s.vault.Fault = func(string, int) (error, error) { return fmt.Errorf("get: %w", ceremony.ErrNotSent), nil }
		})
		s.settle(30 * time.Minute)
		_, live, _ := s.engine.Ceremony(id)
		if live.Vault == nil || live.Since.Sub(down) > time.Minute {
			t.Errorf("%v since %v after it went down", live.Vault, live.Since.Sub(down))
		}
		s.vault.Do(func() { s.vault.Fault = nil })
	})
}

// A status post that can never be posted holds nothing up.
func TestUndeliverableBoardSettles(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.notifier.Fault = func(m rules.Message, _ int) error {
			if m.Key == "board" {
				return ceremony.ErrUndeliverable
			}
			return nil
		}
		id := s.propose(s.rekey)
		s.settle(time.Minute)
		if _, err := s.engine.Reject(context.Background(), id, ceremonytest.Person("paul").Account, ""); err != nil {
			t.Fatal(err)
		}
		s.settle(24 * time.Hour)
		if c := s.now(id); !c.Told() {
			var keys []string
			for _, m := range c.Due() {
				keys = append(keys, m.Key)
			}
			t.Errorf("never settled: %q", keys)
		}
	})
}

// A journal that breaks the rules must not verify.
func TestVerifyKnowsTheRules(t *testing.T) {
	dir := t.TempDir()
	j := ceremonytest.OpenJournal(t, dir)
	plan := ceremonytest.SamplePlan("prod-rekey-aaaa")
	events := []event.Event{
		event.Proposed{Plan: plan, PlanHash: plan.Hash()},
		event.Approved{By: plan.Initiator, PlanHash: "another plan's"}, // self-approval of another plan
		event.Starting{Attempt: 1}, event.Started{Nonce: "n", Required: 1},
		// mallory is no holder and has submitted nothing
		event.Counted{By: ceremonytest.Person("mallory"), Step: ceremony.StepUpdate, Progress: 1},
		event.Verified{By: new(ceremonytest.Person("mallory"))},
		event.Ended{Outcome: event.Completed, Vault: event.AttemptUsed},
	}
	if _, err := j.Append(t.Context(), plan.Ceremony, 0, events...); err != nil {
		t.Fatal(err)
	}
	r, err := journal.VerifyFile(j.Path(plan.Ceremony))
	if err == nil {
		t.Errorf("verified: %s %s", r.State, r.Outcome)
	}
}

// The clock is stepped back between two ceremonies.
func TestClockStepBreaksNoChain(t *testing.T) {
	dir := t.TempDir()
	j := ceremonytest.OpenJournal(t, dir)
	a, b := ceremonytest.SamplePlan("prod-rekey-aaaa"), ceremonytest.SamplePlan("prod-rekey-bbbb")
	if _, err := j.Append(t.Context(), a.Ceremony, 0, event.Proposed{Plan: a, PlanHash: a.Hash()}); err != nil {
		t.Fatal(err)
	}
	// The clock was an hour ahead then.
	raw, _ := os.ReadFile(j.Path(a.Ceremony))
	i := strings.Index(string(raw), `"at":"`) + len(`"at":"`)
	end := i + strings.IndexByte(string(raw[i:]), '"')
	at, _ := time.Parse(time.RFC3339Nano, string(raw[i:end]))
	later := string(raw[:i]) + at.Add(time.Hour).Format(time.RFC3339Nano) + string(raw[end:])
	if err := os.WriteFile(j.Path(a.Ceremony), []byte(later), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append(t.Context(), b.Ceremony, 0, event.Proposed{
		Plan: b, PlanHash: b.Hash(), Previous: journal.HashLine([]byte(strings.TrimSpace(later))),
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.VerifyDir(dir); err != nil {
		t.Errorf("an honest journal: %v", err)
	}
}

// The name of the journal's directory has a bracket.
func TestJournalDirMayHaveAnyName(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "conclave[prod]")
	j := ceremonytest.OpenJournal(t, dir)
	plan := ceremonytest.SamplePlan("prod-rekey-aaaa")
	if _, err := j.Append(t.Context(), plan.Ceremony, 0,
		event.Proposed{Plan: plan, PlanHash: plan.Hash()}); err != nil {
		t.Fatal(err)
	}
	if ids, err := j.List(t.Context()); len(ids) != 1 || err != nil {
		t.Errorf("list: %v %v: the open ceremony is forgotten", ids, err)
	}
}

// A foreign attempt has stopped the start: the end must say what Vault has.
func TestCancelBesideAForeignAttemptSaysSo(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.propose(s.rekey)
		s.vault.Do(func() { s.vault.Attempt = &ceremonytest.FakeAttempt{Op: s.rekey, Nonce: "mallorys"} })
		if _, err := s.engine.Approve(context.Background(), id, ceremonytest.Person("paul").Account, ""); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Second)
		if _, err := s.engine.Cancel(context.Background(), id, ceremonytest.Person("olga").Account, ""); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		if c := s.now(id); c.Ending != event.AttemptForeign {
			t.Errorf("vault: %q", c.Ending)
		}
	})
}

// The last new share is brought past Conclave (vault CLI); the key is in force.
func TestVerifiedElsewhereIsNotNothing(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.vault.Shares = append(s.vault.Shares, "old-6") // 6 → 5, so that the seal tells
		id := s.begin(s.rekey)
		s.contribute(id, ceremony.StepUpdate, 3)
		s.settle(time.Minute)
		s.vault.Do(func() { s.vault.Commit() })
		s.settle(time.Minute)
		s.thaw(id)
		s.settle(time.Minute)
		c := s.now(id)
		if len(c.NewShares) == 0 && s.vault.Shares[0] == "new-1" {
			t.Errorf("the new key is in force, and the new shares are given up: %s", storyOf(c))
		}
	})
}

// A stale copy of the ceremony asks for what has been decided. The fake notifier calls its
// fault without its lock.
func TestNobodyIsAskedToApproveWhatIsDecided(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		var late []string
		s.notifier.Fault = func(m rules.Message, n int) error {
			if m.Kind != rules.ApprovalMessage {
				return nil
			}
			if n == 0 && strings.Contains(m.Key, "PAUL") {
				time.Sleep(10 * time.Minute)
				return errors.New("timeout")
			}
			for _, c := range s.engine.Current() {
				if c.Phase != rules.PhaseProposed {
					late = append(late, m.Key)
				}
			}
			return nil
		}
		id := s.propose(s.rekey)
		s.settle(time.Minute)
		if _, err := s.engine.Approve(context.Background(), id, ceremonytest.Person("quin").Account, ""); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Hour)
		if len(late) > 0 {
			t.Errorf("asked after the decision: %q", late)
		}
	})
}

// One person's consent does not count twice.
func TestResumeIsCountedOnce(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(s.rekey)
		s.vault.Do(func() { s.vault.Attempt = nil })
		s.settle(time.Minute)
		before := s.now(id).Seq()
		for range 50 {
			_, _ = s.engine.Resume(context.Background(), id, ceremonytest.Person("paul").Account)
		}
		n := 0
		for _, e := range s.now(id).History[before:] {
			if _, ok := e.Event.(event.ResumeAsked); ok {
				n++
			}
		}
		if n > 1 {
			t.Errorf("%d events of one voice", n)
		}
	})
}

// Some refusals are not the sender's fault.
func TestOtherPeoplesFaultsDoNotLockAHolderOut(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(s.rekey)
		s.vault.Do(func() {
			s.vault.Fault = func(string, int) (error, error) { return ceremony.ErrNotSent, nil }
		})
		for range 21 {
			_ = s.send("alice", s.envelope(id, "alice", "old-1"))
		}
		s.vault.Do(func() { s.vault.Fault = nil })
		s.settle(time.Minute)
		if err := s.send("alice", s.envelope(id, "alice", "old-1")); err != nil {
			t.Errorf("Vault was away; now it is back, and alice hears: %v", err)
		}
	})
}

// Everything that is written can be read back.
func TestWhatIsWrittenIsReadBack(t *testing.T) {
	for name, e := range map[string]event.Event{
		"invalid UTF-8": event.Rejected{By: ceremonytest.Person("paul"), Why: "caf\xe9"},
		"no team": event.Declined{
			By: ceremony.Person{Account: ceremony.Account{User: "U1"}}, Reason: ceremony.NotAHolder,
		},
	} {
		t.Run(name, func(t *testing.T) {
			j := ceremonytest.OpenJournal(t, t.TempDir())
			plan := ceremonytest.SamplePlan("prod-rekey-aaaa")
			if _, err := j.Append(t.Context(), plan.Ceremony, 0,
				event.Proposed{Plan: plan, PlanHash: plan.Hash()}); err != nil {
				t.Fatal(err)
			}
			if _, err := j.Append(t.Context(), plan.Ceremony, 1, e); err != nil {
				return // refused before it was written, which is right
			}
			if _, err := j.Load(t.Context(), plan.Ceremony); err != nil {
				t.Errorf("the bot does not start any more: %v", err)
			}
		})
	}
}

func TestInvalidUTF8InAReasonBricksNothing(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.propose(s.rekey)
		if _, err := s.engine.Cancel(context.Background(), id, ceremonytest.Person("olga").Account,
			"caf\xe9"); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		if _, err := s.file.Load(context.Background(), id); err != nil {
			t.Errorf("after a restart: %v", err)
		}
	})
}

// Vault has encrypted a token to another key.
func TestTokenForAnotherKeyIsNotCompleted(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		hit(s, "submit", 2, func() (error, error) {
			s.vault.Attempt.Keys = []ceremony.Fingerprint{ceremonytest.Fpr("mallory")}
			return nil, nil
		})
		id := s.begin(ceremony.GenerateRoot)
		if c := s.finish(id); c.Outcome == event.Completed {
			t.Errorf("completed: %s", storyOf(c))
		}
	})
}

// The last new share arrives late, between the two requests of one view.
func TestViewIsNotTakenInTwoHalves(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		sent, asked := false, 0
		s.vault.Fault = func(m string, n int) (error, error) {
			switch {
			case m == "submit" && n == 5:
				sent = true
				return ceremony.ErrUncertain, nil // still on its way
			case sent && m == "progress":
				if asked++; asked == 2 {
					s.vault.Commit() // now it is there
				}
			}
			return nil, nil
		}
		id := s.begin(s.rekey)
		c := s.finish(id)
		if c.Phase == rules.PhaseFrozen {
			t.Errorf("frozen %q though the new key is in force", c.Freeze.Why)
			s.thaw(id)
			s.settle(time.Minute)
			t.Errorf("after a thaw: %s, new shares kept: %d, %s", s.now(id).Phase, len(s.now(id).NewShares),
				storyOf(s.now(id))[300:])
		}
	})
}

// The journal fails while the status post can't be edited any more.
func TestBrokenJournalFloodsNoChannel(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		broken := false
		s.journal = func(j event.Journal) event.Journal { return breakingJournal{j, &broken} }
		s.restart()
		id := s.begin(s.rekey)
		broken = true
		_ = s.send("alice", s.envelope(id, "alice", "old-1"))
		replaced := 0
		s.notifier.Mu.Lock()
		s.notifier.Replace = func() bool { replaced++; return true }
		s.notifier.Mu.Unlock()
		s.settle(24 * time.Hour)
		if replaced > 2 {
			t.Errorf("%d new status posts in a day", replaced)
		}
	})
}

type breakingJournal struct {
	event.Journal
	broken *bool
}

func (j breakingJournal) Append(ctx context.Context, id ceremony.ID, after int,
	e ...event.Event) ([]event.Entry, error) {
	if *j.broken {
		return nil, ceremony.ErrJournal
	}
	return j.Journal.Append(ctx, id, after, e...)
}

// Nobody is asked for a share while the ceremony stands still.
func TestNobodyIsAskedWhileFrozen(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		var asked []string
		var id ceremony.ID
		s.notifier.Fault = func(m rules.Message, n int) error {
			if m.Kind == rules.AskMessage && s.now(id).Phase != rules.PhaseFrozen {
				return ceremony.ErrNotPosted
			}
			if m.Kind == rules.AskMessage {
				asked = append(asked, m.Key)
			}
			return nil
		}
		id = s.propose(s.rekey)
		if _, err := s.engine.Approve(context.Background(), id, ceremonytest.Person("paul").Account, ""); err != nil {
			t.Fatal(err)
		}
		s.settle(5 * time.Second)
		s.vault.Do(func() { s.vault.Attempt = nil })
		s.settle(10 * time.Minute)
		if s.now(id).Phase == rules.PhaseFrozen && len(asked) > 0 {
			t.Errorf("asked while frozen: %q", asked)
		}
	})
}

// Another identity after a restart is not the plan's.
func TestKeyOfAnotherIdentityIsNotAnnounced(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(s.rekey)
		s.stop()
		s.openPGP.Name = "other identity"
		s.adopt(id)
		s.start()
		s.settle(time.Minute)
		if c := s.now(id); c.Key != nil && c.Key.Identity != c.Plan.Identity {
			t.Errorf("announced by %s, approved was %s, state %s", c.Key.Identity, c.Plan.Identity, c.Phase)
		}
	})
}

// Same numbers before and after; the last new share lands after the grace.
func TestLateProofIsNotGivenUp(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		hit(s, "submit", 5, func() (error, error) {
			time.AfterFunc(20*time.Second, func() { s.vault.Do(s.vault.Commit) })
			return ceremony.ErrUncertain, nil
		})
		id := s.begin(s.rekey)
		s.contribute(id, ceremony.StepUpdate, 3)
		s.settle(time.Minute)
		for range 3 {
			n := s.now(id).Missing()[0].Name
			_ = s.send(n, s.envelope(id, n, own(ceremony.StepVerify, n)))
		}
		s.settle(time.Minute)
		s.thaw(id)
		s.settle(time.Minute)
		c := s.now(id)
		if s.vault.Shares[0] == "new-1" && len(c.NewShares) == 0 && c.Round.Step == ceremony.StepUpdate {
			t.Errorf("the new key is in force; holders are asked for the old shares: %s", storyOf(c)[250:])
		}
	})
}

func (s *stage) lateProof(d time.Duration) ceremony.ID {
	hit(s, "submit", 5, func() (error, error) {
		time.AfterFunc(d, func() { s.vault.Do(s.vault.Commit) })
		return ceremony.ErrUncertain, nil
	})
	id := s.begin(s.rekey)
	s.contribute(id, ceremony.StepUpdate, 3)
	s.settle(time.Minute)
	for range 3 {
		n := s.now(id).Missing()[0].Name
		_ = s.send(n, s.envelope(id, n, own(ceremony.StepVerify, n)))
	}
	s.settle(time.Minute)
	return id
}

func (s *stage) verdict(t *testing.T, id ceremony.ID) {
	c := s.now(id)
	if s.vault.Shares[0] == "new-1" && c.Ended() && c.Verified == nil {
		t.Errorf("new key in force; ended %s/%s, verified nil => people read 'new share is not valid, delete it'",
			c.Outcome, c.Ending)
	}
}

func TestExpiryAfterALateProofGivesNothingUp(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.vault.Shares = append(s.vault.Shares, "old-6")
		id := s.lateProof(20 * time.Second)
		s.settle(5 * time.Hour)
		s.verdict(t, id)
	})
}

func TestCancelAfterALateProofGivesNothingUp(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.vault.Shares = append(s.vault.Shares, "old-6")
		id := s.lateProof(20 * time.Second)
		if _, err := s.engine.Cancel(context.Background(), id, ceremonytest.Person("olga").Account, "x"); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		s.verdict(t, id)
	})
}

// same numbers (the usual rekey): the missing new share came by the vault CLI
func TestSharesThatMayBeInForceAreSaidToBe(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(s.rekey)
		s.contribute(id, ceremony.StepUpdate, 3)
		s.settle(time.Minute)
		s.contribute(id, ceremony.StepVerify, 2)
		s.vault.Do(s.vault.Commit)
		s.settle(time.Minute)
		s.thaw(id)
		s.settle(time.Minute)
		if c := s.now(id); !c.Unproven {
			t.Errorf("the new key is in force, and nobody is told to keep both shares: %s", storyOf(c))
		}
	})
}

// another cluster answers (DNS, DR): nothing started there, numbers as ours would be
func TestOtherClusterProvesNothing(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.vault.Shares = append(s.vault.Shares, "old-6")
		id := s.begin(s.rekey)
		s.contribute(id, ceremony.StepUpdate, 3)
		s.settle(time.Minute)
		s.vault.Do(func() {
			s.vault.Attempt, s.vault.ClusterID = nil, "cluster-2"
			s.vault.Shares = []string{"x1", "x2", "x3", "x4", "x5"}
		})
		s.settle(time.Minute)
		s.thaw(id)
		s.settle(time.Minute)
		if c := s.now(id); c.Verified != nil {
			t.Errorf("verified %+v, outcome %s: by another cluster's seal", *c.Verified, c.Outcome)
		}
	})
}

func TestP8ForgedStoriesAreFound(t *testing.T) {
	plan := ceremonytest.SamplePlan("prod-rekey-aaaa")
	plan.Approvals = 2
	var by ceremony.Person
	for _, a := range plan.Approvers {
		if a.Account != plan.Initiator.Account {
			by = a
		}
	}
	p, a := event.Proposed{Plan: plan, PlanHash: plan.Hash()}, event.Approved{By: by, PlanHash: plan.Hash()}
	for name, events := range map[string][]event.Event{
		"one approves twice":       {p, a, a, event.Starting{Attempt: 1}},
		"completed out of nothing": {p, event.Ended{Outcome: event.Completed, Vault: event.AttemptUsed}},
		"verified out of nothing":  {p, event.Verified{}},
		"started without starting": {p, event.Started{Nonce: "n", Required: 3}},
		"thawed by nobody":         {p, event.Frozen{Why: event.VaultDiffers}, event.Resumed{}},
		"rejected by a stranger":   {p, event.Rejected{By: ceremonytest.Person("mallory")}},
		"cancelled by a stranger": {
			p, event.Closing{Outcome: event.Cancelled, By: new(ceremonytest.Person("mallory"))},
		},
		"one share counts twice": append(append([]event.Event{p, a, event.Approved{
			By: secondApprover(plan, by), PlanHash: plan.Hash(),
		},
			event.Starting{Attempt: 1}, event.Started{Nonce: "n", Required: 3}}, counts(plan, "1", 1)...),
			counts(plan, "2", 2)...),
		"share of a stranger's key": {
			p, event.Frozen{Why: event.VaultDiffers}, event.ResumeAsked{By: ceremonytest.Person("mallory")},
		},
	} {
		var entries []event.Entry
		for i, e := range events {
			entries = append(entries, event.Entry{Seq: i + 1, At: time.Now(), Event: e})
		}
		if _, err := rules.Replay(entries); err == nil {
			t.Errorf("%s: replays", name)
		}
	}
}

// secondApprover returns another person who may approve.
func secondApprover(p ceremony.Plan, but ceremony.Person) ceremony.Person {
	i := slices.IndexFunc(p.Approvers, func(a ceremony.Person) bool {
		return a != but && a.Account != p.Initiator.Account
	})
	return p.Approvers[i]
}

// counts returns the events of the first holder's share on its way to Vault and back.
func counts(p ceremony.Plan, ts string, progress int) []event.Event {
	at := ceremony.Ref{Channel: "D1", TS: ts}
	return []event.Event{
		event.Offered{By: p.Holders[0], Step: ceremony.StepUpdate, Message: at},
		event.Submitting{By: p.Holders[0], Step: ceremony.StepUpdate, Nonce: "n", Message: at, Before: progress - 1},
		event.Counted{By: p.Holders[0], Step: ceremony.StepUpdate, Progress: progress},
	}
}

func TestOneAccountFloodsNoJournal(t *testing.T) {
	playFor(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		id := s.propose(s.rekey) // not approved yet: NotCollecting
		before := s.now(id).Seq()
		for i := range 300 {
			_ = s.send("alice", fmt.Appendf(nil, "junk %d", i))
		}
		if n := s.now(id).Seq() - before; n > 250 {
			t.Errorf("%d journal lines of one account's junk", n)
		}
		s.settle(2 * time.Hour)
	})
}

// last share of a rekey without verification arrives after the grace
func TestLateLastShareWithoutVerificationIsReadFromTheBackup(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.restartWith(false)
		hit(s, "submit", 2, func() (error, error) {
			time.AfterFunc(20*time.Second, func() {
				s.vault.Do(func() { _, _ = s.vault.Update(s.vault.Attempt.Nonce, "old-3") })
			})
			return ceremony.ErrUncertain, nil
		})
		id := s.begin(s.rekey)
		for range 3 {
			n := s.now(id).Missing()[0].Name
			_ = s.send(n, s.envelope(id, n, own(ceremony.StepUpdate, n)))
		}
		s.settle(time.Minute)
		c := s.now(id)
		if s.vault.Shares[0] != "new-1" || c.Outcome != event.Completed || len(c.NewShares) != 5 {
			t.Errorf("new key in force (backup kept: %v), and the new shares are given up: %s, state %s",
				s.vault.Saved != nil, storyOf(c), c.Phase)
		}
		if by := lastOf[event.Rekeyed](c).By; by != ceremonytest.Person("carol") {
			t.Errorf("completed by %q, whose share was the last that was sent", by.Name)
		}
	})
}
