package engine_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// node returns one of the fake cluster's nodes.
func (s *stage) node(address string) *ceremonytest.FakeNode {
	i := slices.IndexFunc(s.vault.Members, func(n *ceremonytest.FakeNode) bool { return n.Address == address })
	return s.vault.Members[i]
}

// enter sends a holder's share and returns its outcome.
func (s *stage) enter(id ceremony.ID, name string) error {
	s.t.Helper()
	return s.send(name, s.envelope(id, name, own(ceremony.StepUnseal, name)))
}

func TestOneShareOfEachHolderUnsealsEveryNode(t *testing.T) {
	playFor(t, ceremony.Unseal, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.Unseal)
		for _, name := range []string{"alice", "bob", "carol"} {
			if err := s.enter(id, name); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		s.settle(time.Minute)
		c := s.now(id)
		if c.Outcome != event.Completed || c.Ending != event.NothingToCancel {
			t.Fatalf("outcome %q, %q: %s", c.Outcome, c.Ending, storyOf(c))
		}
		for _, n := range s.vault.Members {
			if n.Sealed {
				t.Errorf("%s is sealed", n.Address)
			}
		}
		if c.Plan.Approvals != 0 || len(c.Approvals) != 0 {
			t.Error("an unseal waited for an approval")
		}
	})
}

// Holders send again for a node that comes back late: their first shares are not kept.
func TestNodeThatComesBackLateIsCaughtUpByHoldersWhoSendAgain(t *testing.T) {
	playFor(t, ceremony.Unseal, func(t *testing.T, s *stage) {
		s.vault.Do(func() { s.node("n3").Away = true })
		id := s.begin(ceremony.Unseal)
		for _, name := range []string{"alice", "bob", "carol"} {
			if err := s.enter(id, name); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		s.settle(time.Minute)
		if c := s.now(id); c.Ended() || c.Wants() {
			t.Fatalf("with one node away: state %s, wants %t", c.Phase, c.Wants())
		}
		before := len(s.vault.Log)
		s.vault.Do(func() { s.node("n3").Away = false })
		s.settle(time.Minute)
		if len(s.vault.Log) != before {
			t.Fatalf("something was sent without anybody's share: %q", s.vault.Log[before:])
		}
		c := s.now(id)
		if !c.Wants() || len(c.Missing()) != len(ceremonytest.Holders) {
			t.Fatalf("nobody is asked for the late node: wants %t, missing %v", c.Wants(), c.Missing())
		}
		for _, name := range []string{"alice", "bob", "erin"} {
			if err := s.enter(id, name); err != nil {
				t.Fatalf("%s, again: %v", name, err)
			}
		}
		s.settle(time.Minute)
		if c := s.now(id); c.Outcome != event.Completed || s.node("n3").Sealed {
			t.Fatalf("outcome %q: %s", c.Outcome, storyOf(c))
		}
	})
}

// A node that joins while shares are being collected needs those that were sent
// before it came.
func TestNodeThatComesInTheMiddleIsAskedForAnew(t *testing.T) {
	playFor(t, ceremony.Unseal, func(t *testing.T, s *stage) {
		s.vault.Do(func() { s.node("n3").Away = true })
		id := s.begin(ceremony.Unseal)
		if err := s.enter(id, "alice"); err != nil {
			t.Fatal(err)
		}
		key := s.now(id).Key.Subkey
		s.vault.Do(func() { s.node("n3").Away = false })
		s.settle(time.Minute)
		c := s.now(id)
		if c.Key == nil || c.Key.Subkey == key || c.HasCounted(ceremonytest.Person("alice").Account) {
			t.Fatalf("alice was not asked again: %s", storyOf(c))
		}
		if c = s.finish(id); c.Outcome != event.Completed {
			t.Fatalf("outcome %q: %s", c.Outcome, storyOf(c))
		}
	})
}

func TestWrongShareInAnUnsealNamesWhoWasInTheRoundAndBeginsAnother(t *testing.T) {
	playFor(t, ceremony.Unseal, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.Unseal)
		_ = s.enter(id, "alice")
		_ = s.send("bob", s.envelope(id, "bob", "another cluster's"))
		_ = s.enter(id, "carol")
		s.settle(time.Second)
		c := s.now(id)
		i := slices.IndexFunc(c.History, func(e event.Entry) bool { _, ok := e.Event.(event.RoundRefused); return ok })
		if i < 0 {
			t.Fatalf("no round was refused: %s", storyOf(c))
		}
		refused := c.History[i].Event.(event.RoundRefused)
		if len(refused.With) != 3 || len(refused.Nodes) != 3 {
			t.Errorf("refused with %v at %v", refused.With, refused.Nodes)
		}
		if c = s.finish(id); c.Outcome != event.Completed {
			t.Fatalf("outcome %q: %s", c.Outcome, storyOf(c))
		}
	})
}

// When one node has counted a share and another has not, the holder sends again for the
// other.
func TestShareThatOneNodeMissedIsWantedForThatNodeOnly(t *testing.T) {
	playFor(t, ceremony.Unseal, func(t *testing.T, s *stage) {
		s.vault.Fault = func(method string, n int) (error, error) {
			if method == "unseal" && n == 1 {
				return ceremony.ErrUncertain, nil
			}
			return nil, nil
		}
		id := s.begin(ceremony.Unseal)
		err := s.enter(id, "alice")
		s.settle(time.Minute)
		c := s.now(id)
		if err != nil || c.HasCounted(ceremonytest.Person("alice").Account) {
			t.Fatalf("error %v, counted everywhere: %t: %s", err, c.HasCounted(ceremonytest.Person("alice").Account),
				storyOf(c))
		}
		if err := s.enter(id, "alice"); err != nil {
			t.Fatalf("again: %v", err)
		}
		sent := map[string]int{}
		for _, l := range s.vault.Log {
			sent[l]++
		}
		for line, n := range sent {
			if n > 1 {
				t.Errorf("%q %d times", line, n)
			}
		}
		if c = s.finish(id); c.Outcome != event.Completed {
			t.Fatalf("outcome %q: %s", c.Outcome, storyOf(c))
		}
	})
}

func TestP4NodeOfAnotherClusterFreezesAnUnseal(t *testing.T) {
	playFor(t, ceremony.Unseal, func(t *testing.T, s *stage) {
		s.vault.Do(func() { s.node("n2").Sealed = false }) // the cluster's id is known
		id := s.begin(ceremony.Unseal)
		s.vault.Do(func() { s.node("n2").Other = "cluster-2" })
		if err := s.enter(id, "alice"); err == nil {
			t.Error("a share went to a cluster of which one node is another's")
		}
		s.settle(time.Second)
		c := s.now(id)
		if c.Phase != rules.PhaseFrozen || c.Freeze.Why != event.VaultDiffers {
			t.Fatalf("state %s: %s", c.Phase, storyOf(c))
		}
		if len(s.vault.Log) != 0 {
			t.Errorf("sent: %q", s.vault.Log)
		}
		s.vault.Do(func() { s.node("n2").Other = "" })
		s.thaw(id)
		if c = s.finish(id); c.Outcome != event.Completed {
			t.Fatalf("outcome %q: %s", c.Outcome, storyOf(c))
		}
	})
}

func TestCancelledUnsealLeavesNoShareInANode(t *testing.T) {
	playFor(t, ceremony.Unseal, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.Unseal)
		_ = s.enter(id, "alice")
		if _, err := s.engine.Cancel(context.Background(), id, ceremonytest.Person("olga").Account,
			"not now"); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		c := s.now(id)
		if c.Outcome != event.Cancelled || c.Ending != event.AttemptDropped {
			t.Fatalf("outcome %q, %q", c.Outcome, c.Ending)
		}
		for _, n := range s.vault.Members {
			if len(n.Progress) > 0 {
				t.Errorf("%s still has %d shares", n.Address, len(n.Progress))
			}
		}
	})
}

// Junk was entered by hand: at the threshold Vault would discard all shares with it.
func TestResetForgetsAShareThatCamePastConclave(t *testing.T) {
	playFor(t, ceremony.Unseal, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.Unseal)
		_ = s.enter(id, "alice")
		s.vault.Do(func() { s.node("n2").Progress = append(s.node("n2").Progress, "junk") })
		s.settle(time.Minute)
		if _, err := s.engine.Reset(context.Background(), id,
			ceremonytest.Person("bob").Account); !errors.Is(err, ceremony.MayNotCancel) {
			t.Errorf("a holder: %v", err)
		}
		if _, err := s.engine.Reset(context.Background(), id, ceremonytest.Person("paul").Account); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		c := s.now(id)
		for _, n := range s.vault.Members {
			if len(n.Progress) > 0 {
				t.Errorf("%s still has %q", n.Address, n.Progress)
			}
		}
		if len(c.Missing()) != len(ceremonytest.Holders) || len(c.Round.Counted) != 0 {
			t.Fatalf("missing %v: %s", c.Missing(), storyOf(c))
		}
		if c := s.finish(id); c.Outcome != event.Completed || s.vault.Calls["unseal"] != 12 {
			t.Fatalf("outcome %q after %d entries: %s", c.Outcome, s.vault.Calls["unseal"], storyOf(c))
		}
	})
}

func TestUnsealRunsBesideACeremonyThatASealStopped(t *testing.T) {
	playFor(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		rekey := s.begin(ceremony.Rekey)
		s.vault.Do(func() {
			s.vault.Sealed = true
			for _, n := range s.vault.Members {
				n.Sealed = true
			}
		})
		s.settle(time.Minute)
		if c := s.now(rekey); c.Phase != rules.PhaseFrozen {
			t.Fatalf("the rekey is %s", c.Phase)
		}
		id := s.begin(ceremony.Unseal)
		if _, err := s.engine.Propose(context.Background(), ceremony.Proposal{
			Operation: ceremony.Unseal, Cluster: "prod", By: ceremonytest.Person("olga").Account,
		}); !errors.Is(err, ceremony.ClusterBusy) {
			t.Errorf("a second unseal: %v", err)
		}
		if c := s.finish(id); c.Outcome != event.Completed {
			t.Fatalf("outcome %q: %s", c.Outcome, storyOf(c))
		}
	})
}

func TestClusterThatUnsealsItselfSaysSo(t *testing.T) {
	playFor(t, ceremony.RekeyRecovery, func(t *testing.T, s *stage) {
		s.vault.Do(func() { s.node("n1").Sealed = true })
		_, err := s.engine.Propose(context.Background(), ceremony.Proposal{
			Operation: ceremony.Unseal, Cluster: "prod", By: ceremonytest.Person("olga").Account,
		})
		if !errors.Is(err, ceremony.SelfUnsealing) {
			t.Fatalf("proposed with %v", err)
		}
	})
}

// watched returns the unseals that the seal watch has opened.
func (s *stage) watched() []rules.State {
	return slices.DeleteFunc(s.engine.Current(), func(c rules.State) bool {
		return c.Plan.Initiator != ceremony.SealWatch
	})
}

func TestSealedNodeIsNoticedWithinThePollIntervalAndAnnouncedOnce(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.watch = true
		s.restart()
		s.settle(time.Minute)
		if n := len(s.watched()); n != 0 {
			t.Fatalf("%d unseals of a cluster that is unsealed", n)
		}
		s.vault.Do(func() { s.node("n2").Sealed = true })
		s.settle(16 * time.Second) // the poll interval, and one second
		if n := len(s.watched()); n != 1 {
			t.Fatalf("%d unseals one poll later", n)
		}
		id := s.watched()[0].ID()
		for range 10 { // it flaps
			s.vault.Do(func() { s.node("n2").Away = !s.node("n2").Away })
			s.settle(20 * time.Second)
		}
		if n := len(s.watched()); n != 1 {
			t.Fatalf("%d unseals of a node that flaps", n)
		}
		// People end it. The same sealed node is not announced again, not even after a restart.
		if _, err := s.engine.Cancel(context.Background(), id, ceremonytest.Person("paul").Account, ""); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Hour)
		s.restart()
		s.settle(time.Hour)
		if n := len(s.watched()); n != 1 {
			t.Fatalf("%d unseals after people had ended it", n)
		}
		s.vault.Do(func() { s.node("n2").Sealed = false })
		s.settle(time.Minute)
		s.vault.Do(func() { s.node("n1").Sealed = true })
		s.settle(time.Minute)
		if n := len(s.watched()); n != 2 {
			t.Fatalf("%d unseals after another node was sealed", n)
		}
		if c := s.finish(s.watched()[0].ID()); c.Outcome != event.Completed {
			t.Fatalf("outcome %q: %s", c.Outcome, storyOf(c))
		}
	})
}

// Nobody can act for the seal watch, so that one approver is enough to thaw an unseal that it
// has opened.
func TestFrozenUnsealOfTheSealWatchIsThawedByAnApprover(t *testing.T) {
	playFor(t, ceremony.Unseal, func(t *testing.T, s *stage) {
		s.watch = true
		s.restart()
		s.settle(time.Minute)
		id := s.watched()[0].ID()
		s.vault.Do(func() { s.vault.Threshold = 2 })
		s.settle(time.Minute)
		if c := s.now(id); c.Phase != rules.PhaseFrozen {
			t.Fatalf("state %s", c.Phase)
		}
		s.vault.Do(func() { s.vault.Threshold = 3 })
		if _, err := s.engine.Resume(context.Background(), id,
			ceremony.SealWatch.Account); !errors.Is(err, ceremony.MayNotResume) && err == nil {
			c := s.now(id)
			if c.Phase != rules.PhaseFrozen {
				t.Fatal("an account that nobody has thawed a ceremony")
			}
		}
		if _, err := s.engine.Resume(context.Background(), id, ceremonytest.Person("paul").Account); err != nil {
			t.Fatal(err)
		}
		if c := s.finish(id); c.Outcome != event.Completed {
			t.Fatalf("outcome %q: %s", c.Outcome, storyOf(c))
		}
	})
}
