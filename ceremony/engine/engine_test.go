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
	"conclave/ceremony/rules"
)

func TestRekeyGoesFromProposalToNewShares(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(s.rekey)
		for _, name := range []string{"alice", "carol", "erin"} {
			s.share(id, name, own(ceremony.StepUpdate, name))
		}
		s.settle(time.Second)
		c := s.now(id)
		if c.Phase != rules.PhaseVerifying {
			t.Fatalf("state %s after the last share, want verifying", c.Phase)
		}
		if s.vault.Shares[0] != "old-1" {
			t.Error("the new key is in force before anybody has proven a new share (P7)")
		}
		for _, name := range []string{"bob", "carol", "dave"} {
			s.share(id, name, own(ceremony.StepVerify, name))
		}
		s.settle(time.Minute)
		c = s.now(id)
		if c.Outcome != event.Completed || c.Ending != event.AttemptUsed {
			t.Fatalf("outcome %q, %q", c.Outcome, c.Ending)
		}
		if got := s.vault.Shares[0]; got != "new-1" {
			t.Errorf("the key in force has share %q", got)
		}
		if !c.Told() {
			t.Errorf("still due: %v", c.Due())
		}
		for i, name := range ceremonytest.Holders {
			ref, ok := c.Where("delivery/" + strings.Split(deliveryKey(c, name),
				"/")[1] + "/" + ceremonytest.Person(name).Account.String())
			if !ok {
				t.Errorf("share %d was not delivered to %s: %v", i+1, name, ref)
			}
		}
	})
}

func deliveryKey(c rules.State, name string) string {
	for _, m := range c.Messages() {
		if m.Kind == rules.DeliveryMessage && m.To.Name == name {
			return m.Key
		}
	}
	return "none/none"
}

func TestGenerateRootGivesTheTokenToTheRequester(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.GenerateRoot)
		c := s.finish(id)
		if c.Outcome != event.Completed || c.Token != ceremonytest.Enc("token for "+string(ceremonytest.Fpr("olga"))) {
			t.Fatalf("outcome %q, token %q", c.Outcome, c.Token)
		}
		s.settle(time.Minute)
		if n := s.notifier.Posted[string(id)+" "+tokenKey(s.now(id))]; n != 1 {
			t.Errorf("the token was posted %d times", n)
		}
	})
}

func tokenKey(c rules.State) string {
	for _, m := range c.Messages() {
		if m.Kind == rules.TokenMessage {
			return m.Key
		}
	}
	return ""
}

func TestNothingIsSentBeforeASecondPersonApproves(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.propose(s.rekey)
		s.settle(time.Minute)
		approve := func(name, hash string) error {
			_, err := s.engine.Approve(context.Background(), id, ceremonytest.Person(name).Account, hash)
			return err
		}
		for _, row := range []struct {
			name, hash string
			want       ceremony.Refusal
		}{
			{"olga", "", ceremony.OwnProposal},
			{"bob", "", ceremony.NotApprover},
			{"mallory", "", ceremony.NotApprover},
			{"paul", "0123", ceremony.PlanChanged},
			{"paul", strings.Repeat("0", 64), ceremony.PlanChanged},
		} {
			if err := approve(row.name, row.hash); !errors.Is(err, row.want) {
				t.Errorf("approval by %s with %q: %v, want %s", row.name, row.hash, err, row.want)
			}
		}
		if len(s.vault.Log) != 0 {
			t.Fatalf("Vault was sent %q before the approval", s.vault.Log)
		}
		if err := approve("paul", s.now(id).PlanHash[:8]); err != nil {
			t.Fatal(err)
		}
		if err := approve("quin", ""); !errors.Is(err, ceremony.NotProposed) {
			t.Errorf("second approval: %v", err)
		}
		if err := approve("paul", ""); !errors.Is(err, ceremony.AlreadyApproved) {
			t.Errorf("same approval again: %v", err)
		}
		s.settle(time.Second)
		if got := s.now(id).Phase; got != rules.PhaseCollecting {
			t.Errorf("state %s after the approval", got)
		}
	})
}

func TestRejectedProposalNeverReachesVault(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.propose(s.rekey)
		if _, err := s.engine.Reject(context.Background(), id, ceremonytest.Person("alice").Account,
			""); !errors.Is(err, ceremony.NotApprover) {
			t.Errorf("rejection by a holder: %v", err)
		}
		if _, err := s.engine.Reject(context.Background(), id, ceremonytest.Person("paul").Account,
			"not\ntoday"); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		c := s.now(id)
		if c.Outcome != event.WasRejected || len(s.vault.Log) != 0 || !c.Settled() {
			t.Errorf("outcome %q, vault %q, due %v", c.Outcome, s.vault.Log, c.Due())
		}
		if _, err := s.engine.Approve(context.Background(), id, ceremonytest.Person("quin").Account,
			""); !errors.Is(err, ceremony.Closed) {
			t.Errorf("approval after the rejection: %v", err)
		}
	})
}

func TestProposalIsRefusedWhereItCanNotWork(t *testing.T) {
	for _, row := range []struct {
		name    string
		prepare func(s *stage)
		p       ceremony.Proposal
		want    error
	}{
		{"unknown cluster", nil, ceremony.Proposal{
			Operation: ceremony.Rekey, Cluster: "dev", By: ceremonytest.Person("olga").Account,
		}, ceremony.UnknownCluster},
		{"unknown operation", nil, ceremony.Proposal{
			Operation: "explode", Cluster: "prod", By: ceremonytest.Person("olga").Account,
		}, ceremony.UnknownOperation},
		{"not an initiator", nil, ceremony.Proposal{
			Operation: ceremony.Rekey, Cluster: "prod", By: ceremonytest.Person("bob").Account,
		}, ceremony.NotInitiator},
		{"direction overrides", nil, ceremony.Proposal{
			Operation: ceremony.Rekey, Cluster: "prod", Reason: "a\u202eb", By: ceremonytest.Person("olga").Account,
		}, ceremony.BadReason},
		{"control characters", nil, ceremony.Proposal{
			Operation: ceremony.Rekey, Cluster: "prod", Reason: "a\nholder 9: x",
			By: ceremonytest.Person("olga").Account,
		}, ceremony.BadReason},
		{"sealed", func(s *stage) { s.vault.Sealed = true }, ceremony.Proposal{}, ceremony.ErrSealed},
		{"in progress", func(s *stage) {
			s.vault.Attempt = &ceremonytest.FakeAttempt{Op: s.rekey, Nonce: "theirs"}
		}, ceremony.Proposal{}, ceremony.AlreadyStarted},
		{"bad key", func(s *stage) {
			s.openPGP.Bad = map[ceremony.Fingerprint]bool{ceremonytest.Fpr("dave"): true}
		}, ceremony.Proposal{}, ceremony.HolderKeyInvalid},
		{"too few holders", func(s *stage) { s.vault.Threshold = 6 }, ceremony.Proposal{}, ceremony.TooFewHolders},
		{"cluster busy", func(s *stage) {
			s.propose(ceremony.GenerateRoot)
		}, ceremony.Proposal{}, ceremony.ClusterBusy},
	} {
		t.Run(row.name, func(t *testing.T) {
			play(t, func(t *testing.T, s *stage) {
				if row.prepare != nil {
					s.prepared(row.prepare)
				}
				p := row.p
				if p.Cluster == "" {
					p = ceremony.Proposal{Operation: s.rekey, Cluster: "prod", By: ceremonytest.Person("olga").Account}
				}
				if _, err := s.engine.Propose(context.Background(), p); !errors.Is(err, row.want) {
					t.Errorf("got %v, want %v", err, row.want)
				}
				if len(s.vault.Log) != 0 {
					t.Errorf("Vault was sent %q", s.vault.Log)
				}
			})
		})
	}
}

func TestOperationThatDoesNotSuitTheSealIsRefusedAndTheOtherNamed(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		other, want := ceremony.RekeyRecovery, ceremony.NoRecoveryKey
		if s.rekey == other {
			other, want = ceremony.Rekey, ceremony.WrongSealType
		}
		_, err := s.engine.Propose(context.Background(), ceremony.Proposal{
			Operation: other, Cluster: "prod", By: ceremonytest.Person("olga").Account,
		})
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", other, err, want)
		}
		if s.vault.Calls["progress"] != 0 || len(s.vault.Log) != 0 {
			t.Errorf("Vault was asked about it: %v, sent %q", s.vault.Calls, s.vault.Log)
		}
	})
}

func (s *stage) prepared(f func(*stage)) { f(s); s.settle(0) }

func TestP2OnlyHoldersOfThePlanContributeOnceARound(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(s.rekey)
		good := s.envelope(id, "alice", "old-1")
		refused := func(what, name string, envelope []byte, want ceremony.Refusal) {
			t.Helper()
			before := len(s.vault.Submitted())
			if err := s.send(name, envelope); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %s", what, err, want)
			}
			if len(s.vault.Submitted()) != before {
				t.Errorf("%s reached Vault", what)
			}
		}
		refused("a stranger's share", "mallory", s.envelope(id, "mallory", "old-1"), ceremony.NotAHolder)
		refused("alice's envelope from bob's account", "bob", good, ceremony.WrongSigner)
		refused("an envelope signed by mallory from alice's account", "alice", s.envelope(id, "mallory", "old-1"),
			ceremony.WrongSigner)
		refused("an envelope for another step", "alice",
			[]byte(strings.Replace(string(s.envelope(id, "alice", "old-1")), "|update|", "|verify|", 1)),
			ceremony.OtherStep)
		if err := s.send("alice", good); err != nil {
			t.Fatal(err)
		}
		refused("the same envelope again", "alice", good, ceremony.AlreadyCounted)
		refused("alice's second share", "alice", s.envelope(id, "alice", "old-2"), ceremony.AlreadyCounted)
		refused("alice's share from bob", "bob", s.envelope(id, "bob", "old-1"), ceremony.DuplicateShare)
		if got := len(s.now(id).Round.Counted); got != 1 {
			t.Errorf("%d shares counted, want 1", got)
		}
	})
}

func TestRedeliveredMessageIsLookedAtOnce(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(s.rekey)
		offer := ceremony.Envelope{
			By: ceremonytest.Person("alice").Account, Message: ceremony.Ref{Channel: "D1", TS: "1"},
			Envelope: s.envelope(id, "alice", "old-1"),
		}
		for range 3 {
			if _, err := s.engine.Share(context.Background(), offer); err != nil {
				t.Fatal(err)
			}
		}
		if got := s.vault.Submitted(); len(got) != 1 {
			t.Errorf("Vault got %q", got)
		}
	})
}

func TestRefusedMessagesOfOnePersonAreLimited(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(s.rekey)
		for i := range 25 {
			err := s.send("mallory", fmt.Appendf(nil, "%s|noise %d", s.now(id).Key.Subkey, i))
			want := ceremony.NotAHolder
			if i >= 20 {
				want = ceremony.TooManyRefusals
			}
			if !errors.Is(err, want) {
				t.Fatalf("message %d: %v, want %s", i+1, err, want)
			}
		}
		s.share(id, "alice", "old-1")
	})
}

func TestWrongShareEndsTheRoundAndNamesWhoTookPart(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(s.rekey)
		first := s.envelope(id, "alice", "old-1")
		if err := s.send("alice", first); err != nil {
			t.Fatal(err)
		}
		s.share(id, "bob", "stale")
		if err := s.send("carol", s.envelope(id, "carol", "old-3")); err != nil {
			t.Fatal(err)
		}
		s.settle(10 * time.Second)
		c := s.now(id)
		if c.Round.Number != 2 || len(c.Round.Counted) != 0 || c.Phase != rules.PhaseCollecting {
			t.Fatalf("round %d with %d shares, %s", c.Round.Number, len(c.Round.Counted), c.Phase)
		}
		refused := lastOf[event.RoundRefused](c)
		var names []string
		for _, p := range refused.With {
			names = append(names, p.Name)
		}
		if !slices.Equal(names, []string{"alice", "bob", "carol"}) {
			t.Errorf("the refused round names %q", names)
		}
		if err := s.send("alice", first); err == nil {
			t.Error("the first round's envelope was taken in the second")
		}
		for _, name := range ceremonytest.Holders {
			if !slices.ContainsFunc(c.Messages(), func(m rules.Message) bool {
				return m.Kind == rules.AskMessage && m.To.Name == name && m.Entry.Seq > lastSeq[event.RoundRefused](c)
			}) {
				t.Errorf("%s is not asked again", name)
			}
		}
		if c := s.finish(id); c.Outcome != event.Completed {
			t.Errorf("outcome %q after the second round", c.Outcome)
		}
	})
}

func TestRefusedVerificationGoesOnUnderItsNewNonce(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(s.rekey)
		for _, n := range ceremonytest.Holders[:3] {
			s.share(id, n, own(ceremony.StepUpdate, n))
		}
		s.settle(time.Second)
		nonce := s.now(id).Round.Nonce
		s.share(id, "alice", "new-1")
		s.share(id, "erin", "old-5") // the old share, as people do; nobody has seen it before
		if err := s.send("carol", s.envelope(id, "carol", "new-3")); err != nil {
			t.Fatal(err)
		}
		s.settle(10 * time.Second)
		c := s.now(id)
		if c.Round.Nonce == nonce || c.Key == nil || c.Key.Nonce != c.Round.Nonce {
			t.Fatalf("round %+v, key %+v: want a new nonce, announced", c.Round, c.Key)
		}
		if s.vault.Shares[0] != "old-1" {
			t.Error("the new key is in force")
		}
		if c := s.finish(id); c.Outcome != event.Completed {
			t.Errorf("outcome %q", c.Outcome)
		}
	})
}

func lastOf[E event.Event](c rules.State) (e E) {
	for _, entry := range slices.Backward(c.History) {
		if e, ok := entry.Event.(E); ok {
			return e
		}
	}
	return e
}

func lastSeq[E event.Event](c rules.State) int {
	for _, entry := range slices.Backward(c.History) {
		if _, ok := entry.Event.(E); ok {
			return entry.Seq
		}
	}
	return 0
}

// Vault did not count an envelope's share, and its answer was lost. The envelope is not taken
// a second time: a new one has to be signed.
func TestReplayedEnvelopeIsRefused(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.vault.Fault = func(m string, n int) (error, error) {
			if m == "submit" && n == 0 {
				return ceremony.ErrNotSent, nil
			}
			return nil, nil
		}
		id := s.begin(s.rekey)
		first := s.envelope(id, "alice", "old-1")
		if err := s.send("alice", first); !errors.Is(err, ceremony.VaultUnreachable) {
			t.Fatal(err)
		}
		if err := s.send("alice", first); !errors.Is(err, ceremony.Replayed) {
			t.Errorf("the same bytes: %v, want replayed", err)
		}
		if err := s.send("alice", append(first[:len(first):len(first)], "  "...)); !errors.Is(err, ceremony.Replayed) {
			t.Errorf("the same signature in other bytes: %v, want replayed", err)
		}
		s.share(id, "alice", "old-1")
	})
}

// Signatures have whole seconds. A holder whose computer makes the new share's envelope within the second of the
// old share's has not sent it twice.
func TestEnvelopesOfTwoStepsMayBeSignedInOneSecond(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(s.rekey)
		s.share(id, "alice", "old-1")
		s.share(id, "bob", "old-2")
		update := s.envelope(id, "carol", "old-3")
		if err := s.send("carol", update); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Second)
		const signedAt = 2 // place of the signature's time in an envelope
		verify := strings.Split(string(s.envelope(id, "carol", "new-3")), "|")
		verify[signedAt] = strings.Split(string(update), "|")[signedAt]
		if err := s.send("carol", []byte(strings.Join(verify, "|"))); err != nil {
			t.Errorf("a new share that was signed in the second of the old one: %v", err)
		}
	})
}

func TestLateShareIsRefused(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.GenerateRoot)
		late := s.envelope(id, "erin", "old-5")
		s.finish(id)
		if err := s.send("erin", late); !errors.Is(err, ceremony.Closed) {
			t.Errorf("a share after the end: %v", err)
		}
	})
}

func TestExpiredCeremonyIsCancelledInVault(t *testing.T) {
	for _, op := range []ceremony.Operation{
		ceremony.Rekey, ceremony.RekeyRecovery, ceremony.GenerateRoot, ceremony.RecoveryToken, ceremony.DRToken,
	} {
		t.Run(string(op), func(t *testing.T) {
			playFor(t, op, func(t *testing.T, s *stage) {
				id := s.begin(op)
				s.share(id, "alice", "old-1")
				late := s.envelope(id, "bob", "old-2")
				s.settle(4 * time.Hour)
				c := s.now(id)
				if c.Outcome != event.Expired || c.Ending != event.AttemptDropped || s.vault.Attempt != nil {
					t.Fatalf("outcome %q, %q, Vault has %+v", c.Outcome, c.Ending, s.vault.Attempt)
				}
				if err := s.send("bob", late); err == nil {
					t.Error("a share after the window was taken")
				}
			})
		})
	}
}

func TestUnapprovedProposalExpires(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.propose(s.rekey)
		s.settle(4*time.Hour + time.Second)
		if c := s.now(id); c.Outcome != event.Expired || c.Ending != event.NothingToCancel {
			t.Errorf("outcome %q, %q", c.Outcome, c.Ending)
		}
	})
}

func TestCancelledCeremonyIsCancelledInVaultEvenWhenItIsAwayForAWhile(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(s.rekey)
		s.share(id, "alice", "old-1")
		if _, err := s.engine.Cancel(context.Background(), id, ceremonytest.Person("bob").Account,
			""); !errors.Is(err, ceremony.MayNotCancel) {
			t.Errorf("cancelled by a holder: %v", err)
		}
		s.vault.Do(func() { s.vault.Fault = func(string, int) (error, error) { return ceremony.ErrNotSent, nil } })
		if _, err := s.engine.Cancel(context.Background(), id, ceremonytest.Person("olga").Account,
			"wrong day"); err != nil {
			t.Fatal(err)
		}
		s.settle(10 * time.Minute)
		if c := s.now(id); c.Ended() || c.Closing == nil {
			t.Fatalf("ended %v, closing %v while Vault is away", c.Ended(), c.Closing)
		}
		s.vault.Do(func() { s.vault.Fault = nil })
		s.settle(time.Minute)
		c := s.now(id)
		if c.Outcome != event.Cancelled || c.Ending != event.AttemptDropped || s.vault.Attempt != nil {
			t.Errorf("outcome %q, %q, Vault has %+v", c.Outcome, c.Ending, s.vault.Attempt)
		}
	})
}

func TestForeignAttemptIsNeverCancelled(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.GenerateRoot)
		s.vault.Do(func() {
			s.vault.Attempt = &ceremonytest.FakeAttempt{
				Op: ceremony.GenerateRoot, Nonce: "theirs", Keys: []ceremony.Fingerprint{ceremonytest.Fpr("mallory")},
			}
		})
		s.settle(time.Minute)
		if c := s.now(id); c.Phase != rules.PhaseFrozen || c.Freeze.Why != event.ForeignAttempt {
			t.Fatalf("state %s, %+v", c.Phase, c.Freeze)
		}
		if _, err := s.engine.Cancel(context.Background(), id, ceremonytest.Person("olga").Account, ""); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		if c := s.now(id); c.Ending != event.AttemptForeign || s.vault.Attempt == nil ||
			s.vault.Attempt.Nonce != "theirs" {
			t.Errorf("ending %q, Vault has %+v", c.Ending, s.vault.Attempt)
		}
	})
}

// Cancelling a verification that has not begun leaves a nonce in Vault's status. Anybody on
// the network can cause that, so it must stop nothing.
func TestStrayVerificationNonceStopsNothing(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(s.rekey)
		s.share(id, "alice", "old-1")
		s.vault.Do(func() { s.vault.Attempt.Stray = "stray" })
		s.settle(16 * time.Second)
		if c := s.finish(id); c.Outcome != event.Completed || c.Attempt.Number != 1 {
			t.Errorf("state %s, outcome %q in attempt %d", c.Phase, c.Outcome, c.Attempt.Number)
		}
	})
}

func TestThawTakesTheInitiatorAndAnApprover(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(s.rekey)
		s.share(id, "alice", "old-1")
		s.vault.Do(func() { s.vault.Attempt = nil })
		s.settle(16 * time.Second)
		resume := func(name string) error {
			_, err := s.engine.Resume(context.Background(), id, ceremonytest.Person(name).Account)
			s.settle(0)
			return err
		}
		if err := resume("bob"); !errors.Is(err, ceremony.MayNotResume) {
			t.Errorf("resumed by a holder: %v", err)
		}
		for range 2 {
			if err := resume("paul"); err != nil {
				t.Fatal(err)
			}
		}
		if err := resume("quin"); err != nil {
			t.Fatal(err)
		}
		if c := s.now(id); c.Phase != rules.PhaseFrozen {
			t.Fatalf("thawed by two approvers: %s", c.Phase)
		}
		if err := resume("olga"); err != nil {
			t.Fatal(err)
		}
		if c := s.finish(id); c.Outcome != event.Completed || c.Attempt.Number != 2 {
			t.Errorf("outcome %q in attempt %d, want completed in the second", c.Outcome, c.Attempt.Number)
		}
		if err := resume("olga"); !errors.Is(err, ceremony.Closed) {
			t.Errorf("resumed after the end: %v", err)
		}
	})
}

// After a thaw our own spoilt attempt is dropped and begun again. A foreign one freezes the
// ceremony again.
func TestThawReconcilesWithVault(t *testing.T) {
	for _, row := range []struct {
		name    string
		change  func(v *ceremonytest.FakeVault)
		want    event.Outcome // empty: it freezes again
		verify  bool          // the change comes during the verification
		attempt int
	}{
		{name: "foreign share", change: func(v *ceremonytest.FakeVault) {
			v.Attempt.Progress = append(v.Attempt.Progress, "x")
		}, want: event.Completed, attempt: 2},
		{name: "foreign attempt", change: func(v *ceremonytest.FakeVault) { v.Attempt.Nonce = "theirs" }},
		{name: "verification cancelled", change: func(v *ceremonytest.FakeVault) {
			v.Attempt.Verify = "nonce-x"
			v.Attempt.Proven = nil
		}, want: event.Completed, verify: true, attempt: 1},
		{name: "foreign share in the verification", change: func(v *ceremonytest.FakeVault) {
			v.Attempt.Proven = append(v.Attempt.Proven, "x")
		}, want: event.Completed, verify: true, attempt: 1},
		{name: "rekey cancelled during the verification", change: func(v *ceremonytest.FakeVault) {
			v.Attempt = nil
		}, want: event.Completed, verify: true, attempt: 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			play(t, func(t *testing.T, s *stage) {
				id := s.begin(s.rekey)
				s.share(id, "alice", "old-1")
				if row.verify {
					s.share(id, "bob", "old-2")
					s.share(id, "carol", "old-3")
					s.settle(time.Second)
					s.share(id, "alice", "new-1")
				}
				s.vault.Do(func() { row.change(s.vault) })
				s.settle(16 * time.Second)
				if c := s.now(id); c.Phase != rules.PhaseFrozen {
					t.Fatalf("not frozen: %s", c.Phase)
				}
				s.thaw(id)
				s.settle(time.Second)
				if row.want == "" {
					if c := s.now(id); c.Phase != rules.PhaseFrozen || c.Freeze.Why != event.ForeignAttempt {
						t.Errorf("state %s, %+v, want frozen again", c.Phase, c.Freeze)
					}
					return
				}
				if c := s.finish(id); c.Outcome != row.want || c.Attempt.Number != row.attempt {
					t.Errorf("outcome %q in attempt %d, want %q in %d", c.Outcome, c.Attempt.Number, row.want,
						row.attempt)
				}
			})
		})
	}
}

func TestCeremonyOfAHangingVaultDelaysNoQuestion(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(s.rekey)
		s.vault.Do(func() { s.vault.Fault = func(string, int) (error, error) { return ceremony.ErrUncertain, nil } })
		if err := s.send("alice", s.envelope(id, "alice", "old-1")); !errors.Is(err, ceremony.VaultUnreachable) {
			t.Errorf("a share while Vault is away: %v", err)
		}
		c, live, err := s.engine.Ceremony(id)
		if err != nil || live.Vault == nil || c.Phase != rules.PhaseCollecting {
			t.Errorf("state %s, live %v, %v", c.Phase, live, err)
		}
		s.vault.Do(func() { s.vault.Fault = nil })
		s.share(id, "alice", "old-1")
	})
}
