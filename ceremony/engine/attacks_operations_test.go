package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/ledger"
	"conclave/ceremony/rules"
)

// count returns how many events of a type a ceremony has.
func count[E event.Event](c rules.State) (n int) {
	for _, e := range c.History {
		if _, ok := e.Event.(E); ok {
			n++
		}
	}
	return n
}

// approved proposes an operation and approves it.
func (s *stage) approved(id ceremony.ID) {
	s.t.Helper()
	if _, err := s.engine.Approve(context.Background(), id, ceremonytest.Person("paul").Account, ""); err != nil {
		s.t.Fatal(err)
	}
	s.settle(time.Minute)
}

// A node that flaps must not announce a new key each time it returns: no envelope would
// ever be in time for the other nodes, and the journal would fill.
func TestNodeThatFlapsKeepsNobodyFromUnsealingTheOthers(t *testing.T) {
	playFor(t, ceremony.Unseal, func(t *testing.T, s *stage) {
		s.vault.Do(func() { s.node("n3").Away = true })
		id := s.begin(ceremony.Unseal)
		if err := s.enter(id, "alice"); err != nil {
			t.Fatal(err)
		}
		flap := func(times int) {
			for range times {
				s.vault.Do(func() { s.node("n3").Away = !s.node("n3").Away })
				s.settle(15 * time.Second)
			}
		}
		flap(4)
		slow := s.envelope(id, "bob", own(ceremony.StepUnseal, "bob")) // made now, sent later
		flap(600)
		if err := s.send("bob", slow); err != nil {
			t.Errorf("bob's share: %v", err)
		}
		c := s.now(id)
		if keys := count[event.KeyAnnounced](c); keys > 3 {
			t.Errorf("%d keys were announced", keys)
		}
		if seen := count[event.NodesSeen](c); seen > 140 {
			t.Errorf("%d lines of what flaps", seen)
		}
		s.vault.Do(func() { s.node("n3").Away = false })
		if c = s.finish(id); c.Outcome != event.Completed {
			t.Fatalf("outcome %q: %s", c.Outcome, storyOf(c))
		}
	})
}

// The configuration may gain a node while an unseal is open.
func TestP4NodeThatThePlanDoesNotNameGetsNoShare(t *testing.T) {
	playFor(t, ceremony.Unseal, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.Unseal)
		s.vault.Do(func() {
			s.vault.Members = append(s.vault.Members, &ceremonytest.FakeNode{Address: "n4", Sealed: true})
		})
		s.restart()
		s.settle(time.Minute)
		if c := s.finish(id); c.Outcome != event.Completed {
			t.Fatalf("outcome %q: %s", c.Outcome, storyOf(c))
		}
		for _, l := range s.vault.Log {
			if strings.Contains(l, "n4") {
				t.Errorf("sent to a node of which nobody was told: %q", l)
			}
		}
	})
}

// The cluster's id is not known while every node is sealed. Two unsealed nodes show whether
// they have the same id.
func TestP4NodesOfTwoClustersFreezeAnUnsealOfWhichNoIDIsKnown(t *testing.T) {
	playFor(t, ceremony.Unseal, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.Unseal)
		s.vault.Do(func() {
			s.node("n1").Sealed, s.node("n2").Sealed = false, false
			s.node("n2").Other = "cluster-2"
		})
		_ = s.enter(id, "alice")
		if c := s.now(id); c.Phase != rules.PhaseFrozen || len(s.vault.Log) != 0 {
			t.Fatalf("state %s, sent %q", c.Phase, s.vault.Log)
		}
	})
}

func TestCancelledUnsealLeavesNoShareInANodeThatGaveNoAnswer(t *testing.T) {
	playFor(t, ceremony.Unseal, func(t *testing.T, s *stage) {
		s.vault.Fault = func(method string, n int) (error, error) {
			switch {
			case method == "unseal" && n == 1:
				return nil, ceremony.ErrUncertain // n2 counts it
			case method == "unseal" && n == 2:
				s.node("n2").Away = true // and is gone before anybody can ask
			}
			return nil, nil
		}
		id := s.begin(ceremony.Unseal)
		_ = s.enter(id, "alice")
		s.vault.Do(func() { s.node("n2").Away = false })
		s.settle(time.Minute)
		if _, err := s.engine.Cancel(context.Background(), id, ceremonytest.Person("olga").Account, ""); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		for _, n := range s.vault.Members {
			if len(n.Progress) > 0 {
				t.Errorf("%s still has %d shares", n.Address, len(n.Progress))
			}
		}
	})
}

// A node that can't be reset does not keep the others from forgetting their shares.
func TestNodeThatRefusesToForgetKeepsTheOthersFromNothing(t *testing.T) {
	playFor(t, ceremony.Unseal, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.Unseal)
		_ = s.enter(id, "alice")
		s.vault.Fault = func(method string, n int) (error, error) {
			if method == "reset" && n == 0 {
				return ceremony.ErrNotSent, nil
			}
			return nil, nil
		}
		if _, err := s.engine.Cancel(context.Background(), id, ceremonytest.Person("olga").Account, ""); err != nil {
			t.Fatal(err)
		}
		s.settle(0)
		if len(s.node("n2").Progress) > 0 || len(s.node("n3").Progress) > 0 {
			t.Error("nodes wait for another one's answer")
		}
		s.settle(time.Minute)
		if c := s.now(id); !c.Ended() || len(s.node("n1").Progress) > 0 {
			t.Errorf("state %s", c.Phase)
		}
	})
}

func TestSealWatchOpensAnUnsealOfManyNodesWithLongNames(t *testing.T) {
	playFor(t, ceremony.Unseal, func(t *testing.T, s *stage) {
		s.vault.Do(func() {
			s.vault.Members = nil
			for i := range 9 {
				s.vault.Members = append(s.vault.Members, &ceremonytest.FakeNode{
					Address: fmt.Sprintf("https://vault-%d.vault-internal.vault.svc.cluster.local:8200", i),
					Sealed:  true,
				})
			}
		})
		s.watch = true
		s.restart()
		s.settle(time.Minute)
		if n := len(s.watched()); n != 1 {
			t.Fatalf("%d unseals", n)
		}
		if reason := s.watched()[0].Plan.Reason; len(reason) > 300 || !strings.HasSuffix(reason, " and 5 more") {
			t.Errorf("the reason is %q", reason)
		}
	})
}

// People were told that the unseal is done. A node that was away then and comes back sealed
// is announced.
func TestSealWatchTellsOfANodeThatComesBackSealedAfterTheEnd(t *testing.T) {
	playFor(t, ceremony.Unseal, func(t *testing.T, s *stage) {
		s.watch = true
		s.restart()
		s.settle(time.Minute)
		id := s.watched()[0].ID()
		s.vault.Do(func() {
			s.node("n1").Sealed, s.node("n2").Sealed, s.node("n3").Away = false, false, true
		})
		s.settle(5 * time.Hour)
		if c := s.now(id); c.Outcome != event.Completed {
			t.Fatalf("outcome %q: %s", c.Outcome, storyOf(c))
		}
		s.vault.Do(func() { s.node("n3").Away = false })
		s.settle(time.Minute)
		if n := len(s.watched()); n != 2 {
			t.Errorf("%d unseals", n)
		}
	})
}

// The sealed nodes of an unseal that people have opened and ended are not announced.
func TestSealWatchDoesNotRepeatWhatPeopleHaveEnded(t *testing.T) {
	playFor(t, ceremony.Unseal, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.Unseal)
		s.watch = true
		s.restart()
		s.settle(time.Minute)
		if _, err := s.engine.Cancel(context.Background(), id, ceremonytest.Person("olga").Account, ""); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Hour)
		if n := len(s.watched()); n != 0 {
			t.Errorf("%d unseals of nodes that people know to be sealed", n)
		}
	})
}

func TestExpiredKeyOfOneHolderKeepsNoClusterDown(t *testing.T) {
	playFor(t, ceremony.Unseal, func(t *testing.T, s *stage) {
		s.openPGP.Bad = map[ceremony.Fingerprint]bool{
			ceremonytest.Fpr("alice"): true, ceremonytest.Fpr("bob"): true, ceremonytest.Fpr("carol"): true,
		}
		_, err := s.engine.Propose(context.Background(), ceremony.Proposal{
			Operation: ceremony.Unseal, Cluster: "prod", By: ceremonytest.Person("olga").Account,
		})
		if !errors.Is(err, ceremony.HolderKeyInvalid) {
			t.Errorf("with two good keys of five, where three are needed: %v", err)
		}
		s.openPGP.Bad = map[ceremony.Fingerprint]bool{ceremonytest.Fpr("dave"): true, ceremonytest.Fpr("erin"): true}
		if c := s.finish(s.begin(ceremony.Unseal)); c.Outcome != event.Completed {
			t.Errorf("outcome %q: %s", c.Outcome, storyOf(c))
		}
	})
}

// An act that could not be sent before the window closed is not sent afterwards.
func TestNothingIsSentForTheFirstTimeAfterTheWindow(t *testing.T) {
	for op, method := range map[ceremony.Operation]string{
		ceremony.Rotate: "rotate", ceremony.RotateConfig: "set-policy", ceremony.Init: "initialize",
		ceremony.ReadBackup: "delete-backup", ceremony.Rekey: "start",
	} {
		t.Run(string(op), func(t *testing.T) {
			playFor(t, op, func(t *testing.T, s *stage) {
				over := time.Now().Add(4 * time.Hour)
				s.vault.Fault = func(m string, n int) (error, error) {
					if m != method {
						return nil, nil
					}
					if time.Now().After(over) {
						t.Errorf("%s %s after the window", m, time.Since(over))
					}
					return ceremony.ErrNotSent, nil
				}
				id := s.begin(op)
				if op == ceremony.ReadBackup {
					s.settle(time.Minute)
					if _, err := s.engine.Delete(context.Background(), id,
						ceremonytest.Person("paul").Account); err != nil {
						t.Fatal(err)
					}
				}
				s.settle(4*time.Hour + 5*time.Minute)
				if c := s.now(id); !c.Ended() {
					t.Errorf("state %s, pending %+v", c.Phase, c.Pending)
				}
			})
		})
	}
}

// A request whose answer was given up after half a minute may arrive a moment later.
func TestActThatArrivesLateIsNotSentTwice(t *testing.T) {
	playFor(t, ceremony.Rotate, func(t *testing.T, s *stage) {
		s.vault.Fault = func(method string, n int) (error, error) {
			if method != "rotate" || n > 0 {
				return nil, nil
			}
			time.AfterFunc(32*time.Second, func() { s.vault.Do(func() { s.vault.Term++; s.vault.Rotated++ }) })
			time.Sleep(30 * time.Second)
			return ceremony.ErrUncertain, nil
		}
		id := s.begin(ceremony.Rotate)
		s.settle(time.Minute)
		if c := s.now(id); c.Outcome != event.Completed || s.vault.Rotated != 1 {
			t.Errorf("outcome %q, rotated %d times: %s", c.Outcome, s.vault.Rotated, storyOf(c))
		}
	})
}

// Between an act that was lost and its repetition others may have acted in Vault.
func TestP4LostActIsNotRepeatedOverWhatOthersDid(t *testing.T) {
	playFor(t, ceremony.RotateConfig, func(t *testing.T, s *stage) {
		s.vault.Fault = func(method string, n int) (error, error) {
			if method == "set-policy" && n == 0 {
				s.vault.Policy.Interval = 48 * time.Hour
				return ceremony.ErrUncertain, nil
			}
			return nil, nil
		}
		id := s.begin(ceremony.RotateConfig)
		s.settle(time.Minute)
		if c := s.now(id); c.Phase != rules.PhaseFrozen || s.vault.Policy.Interval != 48*time.Hour {
			t.Errorf("state %s, policy %s: %s", c.Phase, s.vault.Policy, storyOf(c))
		}
	})
	playFor(t, ceremony.ReadBackup, func(t *testing.T, s *stage) {
		s.vault.Fault = func(method string, n int) (error, error) {
			if method == "delete-backup" && n == 0 {
				s.vault.Saved.Nonce = "a newer one"
				return ceremony.ErrUncertain, nil
			}
			return nil, nil
		}
		id := s.begin(ceremony.ReadBackup)
		s.settle(time.Minute)
		if _, err := s.engine.Delete(context.Background(), id, ceremonytest.Person("paul").Account); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		if c := s.now(id); c.Phase != rules.PhaseFrozen || s.vault.Deleted != 0 {
			t.Errorf("state %s, deleted %d times", c.Phase, s.vault.Deleted)
		}
	})
}

// A secondary of disaster recovery takes no request with a token, not even about the bot's
// own token.
func TestOperationTokenIsProposedWhereNoTokenIsTaken(t *testing.T) {
	playFor(t, ceremony.DRToken, func(t *testing.T, s *stage) {
		s.vault.Fault = func(method string, _ int) (error, error) {
			if method == "own-token" {
				return ceremony.ErrRefused, nil
			}
			return nil, nil
		}
		if c := s.finish(s.begin(ceremony.DRToken)); c.Outcome != event.Completed {
			t.Errorf("outcome %q: %s", c.Outcome, storyOf(c))
		}
	})
}

func TestP10BackupThatCanNotBeReadIsNotSaidToBeNone(t *testing.T) {
	playFor(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		report := func(answer error) ledger.KeyReport {
			s.vault.Do(func() {
				s.vault.Fault = func(method string, _ int) (error, error) {
					if method == "backup" {
						return answer, nil
					}
					return nil, nil
				}
			})
			r, err := s.engine.KeyReport(context.Background(), "prod")
			if err != nil && !errors.Is(err, answer) {
				t.Error(err)
			}
			return r
		}
		if r := report(ceremony.ErrForbidden); r.Backup || !r.Unread {
			t.Errorf("without the right: %+v", r)
		}
		if r := report(ceremony.ErrNoBackup); r.Backup || r.Unread {
			t.Errorf("without a backup: %+v", r)
		}
		if _, err := s.engine.KeyReport(context.Background(), "prod"); err != nil {
			t.Error(err)
		}
	})
}

// Another cluster answers when Vault is asked what came of an act.
func TestAnotherClusterIsNotBelievedToHaveActed(t *testing.T) {
	playFor(t, ceremony.Rotate, func(t *testing.T, s *stage) {
		s.vault.Fault = func(method string, n int) (error, error) {
			if method == "rotate" {
				s.vault.ClusterID, s.vault.Term = "cluster-2", 9
				return ceremony.ErrUncertain, nil
			}
			return nil, nil
		}
		id := s.begin(ceremony.Rotate)
		s.settle(time.Minute)
		if c := s.now(id); c.Phase != rules.PhaseFrozen || c.Result != nil {
			t.Errorf("state %s, result %v", c.Phase, c.Result)
		}
	})
}

func TestP4NewClusterIsMadeAtTheNodesOfThePlan(t *testing.T) {
	playFor(t, ceremony.Init, func(t *testing.T, s *stage) {
		id := s.propose(ceremony.Init)
		s.vault.Do(func() { s.vault.Members[0].Address = "elsewhere" })
		s.approved(id)
		if c := s.now(id); c.Phase != rules.PhaseFrozen || s.vault.Calls["initialize"] != 0 {
			t.Errorf("state %s, %d calls", c.Phase, s.vault.Calls["initialize"])
		}
	})
}

// An attempt that can't be told from a foreign one stays in Vault when its ceremony is
// cancelled, and the end says so.
func TestCancelledStartWithAPasswordSaysThatAnAttemptIsThere(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.keyless()
		lost := false
		s.vault.Fault = func(method string, _ int) (error, error) {
			switch {
			case method == "start":
				lost = true
				return nil, ceremony.ErrUncertain
			case lost && method == "progress":
				return ceremony.ErrNotSent, nil
			}
			return nil, nil
		}
		id := s.withPassword()
		_ = s.password(id, ceremonytest.Password)
		if _, err := s.engine.Cancel(context.Background(), id, ceremonytest.Person("paul").Account, ""); err != nil {
			t.Fatal(err)
		}
		s.vault.Do(func() { s.vault.Fault = nil })
		s.settle(time.Minute)
		if c := s.now(id); c.Outcome != event.Cancelled || c.Ending != event.AttemptForeign || s.vault.Attempt == nil {
			t.Errorf("outcome %q, %q: %s", c.Outcome, c.Ending, storyOf(c))
		}
	})
}

// Between a share's coming and its sending the last sealed node may have been
// unsealed by hand.
func TestShareThatNoNodeNeedsAnyMoreIsNotSaidToHaveBeenSent(t *testing.T) {
	playFor(t, ceremony.Unseal, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.Unseal)
		envelope := s.envelope(id, "alice", own(ceremony.StepUnseal, "alice"))
		s.vault.Do(func() {
			s.node("n1").Sealed, s.node("n2").Sealed, s.node("n3").Away = false, false, true
		})
		if err := s.send("alice", envelope); !errors.Is(err, ceremony.NotCollecting) {
			t.Errorf("answered %v", err)
		}
		if n := count[event.Submitting](s.now(id)); n != 0 {
			t.Error("it is said to be on its way to no node")
		}
	})
}

func TestP4BackupOfAnotherClusterIsNotHandedOut(t *testing.T) {
	playFor(t, ceremony.ReadBackup, func(t *testing.T, s *stage) {
		id := s.propose(ceremony.ReadBackup)
		s.vault.Do(func() { s.vault.ClusterID = "cluster-2" })
		s.approved(id)
		if c := s.now(id); c.Phase != rules.PhaseFrozen || c.Backup != nil {
			t.Errorf("state %s, backup %+v", c.Phase, c.Backup)
		}
	})
}

func TestP7BackupThatIsAnybodysOnlyCopyIsNotDeleted(t *testing.T) {
	playFor(t, ceremony.ReadBackup, func(t *testing.T, s *stage) {
		s.notifier.Fault = func(m rules.Message, _ int) error {
			if m.Kind == rules.DeliveryMessage && m.To.Name == "bob" {
				return ceremony.ErrUndeliverable
			}
			return nil
		}
		id := s.begin(ceremony.ReadBackup)
		s.settle(time.Minute)
		if _, err := s.engine.Delete(context.Background(), id,
			ceremonytest.Person("paul").Account); !errors.Is(err, ceremony.NotDelivered) {
			t.Errorf("bob never got his share: %v", err)
		}
		s.settle(time.Minute)
		if s.vault.Deleted != 0 {
			t.Error("bob's only copy is deleted")
		}
	})
}

func TestP7BackupIsNotDeletedWhileItsRekeyWaitsForProof(t *testing.T) {
	playFor(t, ceremony.ReadBackup, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.ReadBackup)
		s.vault.Do(func() {
			// by hand
			s.vault.Attempt = &ceremonytest.FakeAttempt{Op: ceremony.Rekey, Nonce: "of-long-ago", Verify: "v"}
		})
		s.settle(time.Minute)
		if _, err := s.engine.Delete(context.Background(), id, ceremonytest.Person("paul").Account); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		if c := s.now(id); c.Phase != rules.PhaseFrozen || s.vault.Deleted != 0 {
			t.Fatalf("state %s, deleted %d times", c.Phase, s.vault.Deleted)
		}
		s.vault.Do(func() { s.vault.Attempt = nil })
		s.thaw(id)
		if c := s.finish(id); c.Outcome != event.Completed || s.vault.Deleted != 1 {
			t.Errorf("outcome %q, deleted %d times", c.Outcome, s.vault.Deleted)
		}
	})
}

// A cancelled rekey may have made its backup already.
func TestBackupOfACancelledRekeyIsNotLeftWithoutAReminder(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(s.rekey)
		s.contribute(id, ceremony.StepUpdate, 3)
		s.settle(time.Minute)
		if _, err := s.engine.Cancel(context.Background(), id, ceremonytest.Person("olga").Account, ""); err != nil {
			t.Fatal(err)
		}
		s.settle(25 * time.Hour)
		if c := s.now(id); c.Outcome != event.Cancelled || c.Reminders != 1 {
			t.Errorf("outcome %q, %d reminders", c.Outcome, c.Reminders)
		}
		s.vault.Do(func() { s.vault.Saved = nil })
		s.settle(time.Hour)
		if c := s.now(id); !c.Settled() {
			t.Errorf("not settled: %s", storyOf(c))
		}
	})
	play(t, func(t *testing.T, s *stage) { // before there was one
		id := s.begin(s.rekey)
		if _, err := s.engine.Cancel(context.Background(), id, ceremonytest.Person("olga").Account, ""); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Hour)
		if c := s.now(id); !c.Settled() {
			t.Errorf("not settled: %s", storyOf(c))
		}
	})
}

// named issues a root token and names its accessor.
func (s *stage) named() ceremony.ID {
	s.t.Helper()
	id := s.begin(ceremony.GenerateRoot)
	s.finish(id)
	s.vault.Do(func() {
		s.vault.Tokens["ours"] = ceremony.TokenState{Exists: true, Root: true, Created: time.Now()}
	})
	if _, err := s.engine.NameToken(context.Background(), id, ceremonytest.Person("olga").Account, "ours"); err != nil {
		s.t.Fatal(err)
	}
	s.settle(time.Minute)
	return id
}

func TestTokenThatWentWhileTheProgramWasOffIsAskedForBeforeAnythingIsSaid(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		id := s.named()
		s.stop()
		s.vault.Do(func() { delete(s.vault.Tokens, "ours") })
		time.Sleep(9 * 24 * time.Hour)
		s.start()
		s.settle(time.Minute)
		if c := s.now(id); c.Revoked == nil || c.Left || c.Reminders != 0 {
			t.Errorf("revoked %v, left %t, %d reminders", c.Revoked, c.Left, c.Reminders)
		}
	})
}

func TestRemindersThatWereMissedDoNotComeAllAtOnce(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		id := s.named()
		s.stop()
		time.Sleep(5 * 24 * time.Hour)
		s.start()
		s.settle(time.Minute)
		if n := count[event.Reminded](s.now(id)); n != 1 {
			t.Errorf("%d reminders in a minute", n)
		}
	})
}

// Another cluster in the place of the one that made a token does not know the token.
func TestAnotherClusterRevokesNoToken(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		id := s.named()
		s.vault.Do(func() { s.vault.ClusterID = "cluster-2"; delete(s.vault.Tokens, "ours") })
		s.settle(10 * time.Minute)
		if c := s.now(id); c.Revoked != nil {
			t.Error("revoked, by the word of another cluster")
		}
	})
}

// A right that the bot's token lacks must not leave an open ceremony that nothing ends.
func TestVerificationThatVaultWillNotDropFreezes(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.vault.Fault = func(method string, _ int) (error, error) {
			if method == "cancel-verification" {
				return ceremony.ErrForbidden, nil
			}
			return nil, nil
		}
		id := s.begin(s.rekey)
		s.contribute(id, ceremony.StepUpdate, 3)
		s.settle(time.Minute)
		s.contribute(id, ceremony.StepVerify, 1)
		if _, err := s.engine.Reverify(context.Background(), id, ceremonytest.Person("paul").Account); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		if c := s.now(id); c.Phase != rules.PhaseFrozen {
			t.Fatalf("state %s, pending %+v", c.Phase, c.Pending)
		}
		s.thaw(id)
		if c := s.finish(id); c.Outcome != event.Completed || s.vault.Shares[0] != "new-1" {
			t.Errorf("outcome %q: %s", c.Outcome, storyOf(c))
		}
	})
}

func TestP8ForgedStoriesOfOperationsAreFound(t *testing.T) {
	type events = []event.Event
	proposed := func(p ceremony.Plan) event.Event { return event.Proposed{Plan: p, PlanHash: p.Hash()} }
	begun := func(op ceremony.Operation) events {
		p := ceremonytest.PlanOf(op)
		e := events{proposed(p)}
		if op.NeedsApproval() {
			e = append(e, event.Approved{By: ceremonytest.Person("paul"), PlanHash: p.Hash()})
		}
		return e
	}
	alice, mallory := ceremonytest.Person("alice"), ceremonytest.Person("mallory")
	at := ceremony.Ref{Channel: "D", TS: "1"}
	watched := ceremonytest.PlanOf(ceremony.Rekey)
	watched.Initiator = ceremony.SealWatch
	nobodys, empty := ceremonytest.PlanOf(ceremony.GenerateRoot), ceremonytest.PlanOf(ceremony.RotateConfig)
	nobodys.Requester, empty.NewPolicy = nil, nil
	nodes := func(addresses ...string) (states []ceremony.NodeState) {
		for _, a := range addresses {
			states = append(states, ceremony.NodeState{Address: a, Reached: true, Sealed: true})
		}
		return states
	}
	backup := append(begun(ceremony.ReadBackup), event.BackupRead{
		Nonce: "n", Shares: []event.NewShare{{For: alice, Ciphertext: "c"}},
	})
	unsealing := append(begun(ceremony.Unseal), event.Started{Nonce: "n", Required: 3},
		event.NodesSeen{Nodes: nodes("n1", "n2")})
	offered := append(slices.Clip(unsealing), event.Offered{By: alice, Step: ceremony.StepUnseal, Message: at})
	sent := append(slices.Clip(offered), event.Submitting{
		By: alice, Step: ceremony.StepUnseal, Nonce: "n", Nodes: []string{"n1"}, Message: at,
	})
	drill := append(begun(ceremony.Drill), event.Started{Nonce: "n", Required: 5})

	replay := func(story events) error {
		var entries []event.Entry
		for i, e := range story {
			entries = append(entries, event.Entry{Seq: i + 1, At: time.Now(), Event: e})
		}
		_, err := rules.Replay(entries)
		return err
	}
	for name, story := range map[string]events{"backup": backup, "unseal": sent, "drill": drill} {
		if err := replay(story); err != nil {
			t.Fatalf("%s, as it should be: %v", name, err)
		}
	}
	for name, story := range map[string]events{
		"the seal watch proposes a rekey": {proposed(watched)},
		"a token for nobody":              {proposed(nobodys)},
		"a policy that is none":           {proposed(empty)},
		"a backup deleted unread": append(begun(ceremony.ReadBackup),
			event.Acting{Act: event.DeletingBackup}),
		"a backup deleted on nobody's word": append(slices.Clip(backup), event.Acting{Act: event.DeletingBackup}),
		"a backup let go before it was read": append(begun(ceremony.ReadBackup),
			event.DeletionAsked{By: ceremonytest.Person("paul")}),
		"a backup's share for a stranger": append(begun(ceremony.ReadBackup), event.BackupRead{
			Nonce: "n", Shares: []event.NewShare{{For: mallory}},
		}),
		"a first share for a stranger": append(begun(ceremony.Init), event.Acting{Act: event.Initializing},
			event.Initialized{Shares: []event.NewShare{{For: mallory}}}),
		"two acts at once": append(begun(ceremony.Rotate), event.Acting{Act: event.Rotating},
			event.Acting{Act: event.Rotating}),
		"nodes that are not the plan's": append(slices.Clip(unsealing),
			event.NodesSeen{Nodes: nodes("n1", "elsewhere")}),
		"a node left out":  append(slices.Clip(unsealing), event.NodesSeen{Nodes: nodes("n1")}),
		"nodes of a rekey": append(begun(ceremony.Rekey), event.NodesSeen{Nodes: nodes("n1")}),
		"a share sent elsewhere": append(slices.Clip(offered), event.Submitting{
			By: alice, Step: ceremony.StepUnseal, Nonce: "n", Nodes: []string{"elsewhere"}, Message: at,
		}),
		"another's share than was offered": append(slices.Clip(offered), event.Submitting{
			By: ceremonytest.Person("bob"), Step: ceremony.StepUnseal, Nonce: "n", Message: at,
		}),
		"counted where it was not sent": append(slices.Clip(sent), event.Entered{
			By: alice, At: []string{"n2"}, Nodes: nodes("n1", "n2"),
		}),
		"refused without a share": append(slices.Clip(unsealing),
			event.RoundRefused{Step: ceremony.StepUnseal, Round: 1}),
		"a drill completed before its time": append(slices.Clip(drill), event.Ended{
			Outcome: event.Completed, Vault: event.NothingToCancel,
		}),
		"a password lost that nobody has":       append(begun(ceremony.GenerateRoot), event.PasswordLost{}),
		"a token given up before it is there":   append(begun(ceremony.GenerateRoot), event.TokenLeft{}),
		"reminded of a token that is not there": append(begun(ceremony.GenerateRoot), event.Reminded{Number: 1}),
		"a backup given up before it is there":  append(begun(ceremony.Rekey), event.BackupLeft{}),
		"reminded of no backup":                 append(begun(ceremony.Rekey), event.BackupReminded{Number: 1}),
	} {
		if replay(story) == nil {
			t.Errorf("%s: replays", name)
		}
	}
}
