package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/journal"
	"conclave/ceremony/rules"
)

// keyless makes olga an initiator without a PGP key.
func (s *stage) keyless() {
	s.configure = func(c *ceremony.Cluster) {
		c.Initiators = []ceremony.Person{{Name: "olga", Account: ceremonytest.Person("olga").Account}}
	}
	s.restart()
}

func (s *stage) withPassword() ceremony.ID {
	s.t.Helper()
	c, err := s.engine.Propose(context.Background(), ceremony.Proposal{
		Operation: ceremony.GenerateRoot, Cluster: "prod", By: ceremonytest.Person("olga").Account,
		Options: map[string]string{"otp": ceremonytest.Commitment(ceremonytest.Password)},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.engine.Approve(context.Background(), c.ID(), ceremonytest.Person("paul").Account, ""); err != nil {
		s.t.Fatal(err)
	}
	s.settle(time.Second)
	return c.ID()
}

// password sends olga's one-time password, which she has no key to sign with.
func (s *stage) password(id ceremony.ID, word string) error {
	s.t.Helper()
	return s.send("olga", s.signedBy(id, "", word))
}

func TestRequesterWithoutAKeyGetsATokenByOneTimePassword(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.keyless()
		if _, err := s.engine.Propose(context.Background(), ceremony.Proposal{
			Operation: ceremony.GenerateRoot, Cluster: "prod", By: ceremonytest.Person("olga").Account,
		}); !errors.Is(err, ceremony.NeedsPassword) {
			t.Errorf("without a key and without a password: %v", err)
		}
		id := s.withPassword()
		if err := s.password(id, "another password, of another ceremony"); !errors.Is(err, ceremony.OtherPassword) {
			t.Errorf("another password: %v", err)
		}
		if err := s.password(id, ceremonytest.Password+"x"); !errors.Is(err, ceremony.OtherPassword) {
			t.Errorf("a longer password: %v", err)
		}
		if s.vault.Calls["start"] != 0 {
			t.Fatal("Vault was asked for an attempt before there was a password")
		}
		if err := s.password(id, ceremonytest.Password); err != nil {
			t.Fatal(err)
		}
		c := s.finish(id)
		if c.Outcome != event.Completed || c.Encoded != "token with "+ceremonytest.Password || c.Token != "" {
			t.Fatalf("outcome %q, encoded %q: %s", c.Outcome, c.Encoded, storyOf(c))
		}
	})
}

func TestPasswordOfAnotherLengthThanVaultsIsRefusedBeforeVaultIsAsked(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.keyless()
		s.vault.Do(func() { s.vault.OtpLength = 26 })
		id := s.withPassword()
		if err := s.password(id, ceremonytest.Password); !errors.Is(err, ceremony.BadPassword) ||
			s.vault.Calls["start"] != 0 {
			t.Errorf("answered %v, Vault asked %d times", err, s.vault.Calls["start"])
		}
	})
}

// Two tokens under one password give each other away.
func TestOneTimePasswordIsGoodForOneCeremony(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.keyless()
		id := s.withPassword()
		if _, err := s.engine.Cancel(context.Background(), id, ceremonytest.Person("paul").Account, ""); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		_, err := s.engine.Propose(context.Background(), ceremony.Proposal{
			Operation: ceremony.GenerateRoot, Cluster: "prod", By: ceremonytest.Person("olga").Account,
			Options: map[string]string{"otp": ceremonytest.Commitment(ceremonytest.Password)},
		})
		if !errors.Is(err, ceremony.UsedPassword) {
			t.Fatalf("proposed with %v", err)
		}
	})
}

// A reader of the direct messages in which the password was pasted would have both halves of
// the token.
func TestPasswordThatWasPastedInTheOpenEndsTheCeremony(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.keyless()
		id := s.withPassword()
		if err := s.send("olga", []byte("plain "+ceremonytest.Password)); !errors.Is(err, ceremony.PlainPassword) {
			t.Errorf("answered %v", err)
		}
		s.settle(time.Minute)
		if c := s.now(id); c.Outcome != event.Failed || s.vault.Calls["start"] != 0 {
			t.Errorf("outcome %q: %s", c.Outcome, storyOf(c))
		}
	})
}

// The password is in memory only: when it is gone, its requester is asked again,
// and Vault is never asked for two attempts.
func TestLostPasswordIsAskedForAgain(t *testing.T) {
	for _, way := range []struct {
		name          string
		before, after error
		want          rules.Phase
	}{
		{"never sent", ceremony.ErrNotSent, nil, rules.PhaseApproved},
		{"not applied", ceremony.ErrUncertain, nil, rules.PhaseApproved},
		// Vault does not show whose password an attempt was begun with.
		{"applied", nil, ceremony.ErrUncertain, rules.PhaseFrozen},
	} {
		t.Run(way.name, func(t *testing.T) {
			playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
				s.keyless()
				s.vault.Fault = func(method string, n int) (error, error) {
					if method == "start" && n == 0 {
						return way.before, way.after
					}
					return nil, nil
				}
				id := s.withPassword()
				_ = s.password(id, ceremonytest.Password)
				s.settle(time.Minute)
				c := s.now(id)
				if c.Phase != way.want {
					t.Fatalf("state %s, want %s: %s", c.Phase, way.want, storyOf(c))
				}
				if way.want == rules.PhaseFrozen {
					if c.Freeze.Why != event.ForeignAttempt {
						t.Errorf("frozen for %q", c.Freeze.Why)
					}
					return
				}
				if err := s.password(id, ceremonytest.Password); err != nil {
					t.Fatalf("again: %v", err)
				}
				if c := s.finish(id); c.Outcome != event.Completed {
					t.Fatalf("outcome %q: %s", c.Outcome, storyOf(c))
				}
				once(t, s)
			})
		})
	}
}

func TestRootTokenIsWatchedUntilVaultHasForgottenIt(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.GenerateRoot)
		if c := s.finish(id); !c.OwesRevocation() {
			t.Fatal("a root token is about and nobody looks after it")
		}
		// The cluster is free for the next ceremony meanwhile.
		other := s.begin(ceremony.Drill)
		if _, err := s.engine.Cancel(context.Background(), other, ceremonytest.Person("olga").Account, ""); err != nil {
			t.Fatal(err)
		}
		issued := time.Now()
		name := func(who, accessor string) error {
			_, err := s.engine.NameToken(context.Background(), id, ceremonytest.Person(who).Account, accessor)
			return err
		}
		s.vault.Do(func() {
			s.vault.Tokens["ours"] = ceremony.TokenState{Exists: true, Root: true, Created: issued}
			s.vault.Tokens["an app's"] = ceremony.TokenState{Exists: true, Created: issued}
			s.vault.Tokens["an old one"] = ceremony.TokenState{
				Exists: true, Root: true, Created: issued.Add(-time.Hour),
			}
		})
		for accessor, want := range map[string]error{
			"none": ceremony.UnknownAccessor, "an app's": ceremony.OtherToken, "an old one": ceremony.OtherToken,
		} {
			if err := name("olga", accessor); !errors.Is(err, want) {
				t.Errorf("accessor of %s: %v", accessor, err)
			}
		}
		if err := name("bob", "ours"); !errors.Is(err, ceremony.NotRequester) {
			t.Errorf("a holder names the token: %v", err)
		}
		if err := name("olga", "ours"); err != nil {
			t.Fatal(err)
		}
		s.settle(5 * time.Hour)
		c := s.now(id)
		if c.Revoked != nil || c.Reminders != 2 {
			t.Fatalf("revoked %v, %d reminders in five hours", c.Revoked, c.Reminders)
		}
		s.restart()
		s.settle(time.Hour)
		s.vault.Do(func() { delete(s.vault.Tokens, "ours") })
		s.settle(2 * time.Minute)
		c = s.now(id)
		if c.Revoked == nil || c.Revoked.By != nil || !c.Settled() {
			t.Fatalf("revoked %+v, settled %t: %s", c.Revoked, c.Settled(), storyOf(c))
		}
	})
}

// A root token that Vault made for another key needs to be revoked as well.
func TestRootTokenForAnotherKeyIsOwedHoweverTheCeremonyEnds(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.vault.Do(func() { s.vault.Diverts = ceremonytest.Fpr("mallory") })
		id := s.begin(ceremony.GenerateRoot)
		if c := s.finish(id); c.Phase != rules.PhaseFrozen {
			t.Fatalf("state %s", c.Phase)
		}
		if _, err := s.engine.Cancel(context.Background(), id, ceremonytest.Person("olga").Account, ""); err != nil {
			t.Fatal(err)
		}
		s.settle(2 * time.Hour)
		if c := s.now(id); c.Outcome != event.Cancelled || !c.OwesRevocation() || c.Reminders != 1 {
			t.Fatalf("outcome %q, owed %t, %d reminders", c.Outcome, c.OwesRevocation(), c.Reminders)
		}
	})
}

func TestRootTokenThatNobodyRevokesIsSaidToBeLeft(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.GenerateRoot)
		s.finish(id)
		s.settle(8 * 24 * time.Hour)
		c := s.now(id)
		if !c.Left || c.Revoked != nil || !c.Settled() {
			t.Fatalf("left %t, revoked %v, settled %t", c.Left, c.Revoked, c.Settled())
		}
		if c.Reminders < 5 || c.Reminders > 12 {
			t.Errorf("%d reminders in a week", c.Reminders)
		}
	})
}

func TestWhatSomebodySaysOfATokenIsRecordedAsTheirWord(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.GenerateRoot)
		s.finish(id)
		if _, err := s.engine.TokenRevoked(context.Background(), id,
			ceremonytest.Person("bob").Account); !errors.Is(err, ceremony.NotRequester) {
			t.Errorf("a holder says so: %v", err)
		}
		if _, err := s.engine.TokenRevoked(context.Background(), id, ceremonytest.Person("olga").Account); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		if c := s.now(id); c.Revoked == nil || c.Revoked.By == nil || c.Revoked.By.Name != "olga" || !c.Settled() {
			t.Fatalf("revoked %+v", c.Revoked)
		}
	})
}

func TestDrillSendsNothingToVaultAndTellsWhoCould(t *testing.T) {
	playFor(t, ceremony.Drill, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.Drill)
		writes := len(s.vault.Log)
		s.share(id, "alice", "old-1")
		s.share(id, "bob", "old-2")
		if err := s.send("carol", s.envelope(id, "carol", "old-2")); !errors.Is(err, ceremony.DuplicateShare) {
			t.Errorf("carol has bob's share: %v", err)
		}
		if err := s.send("dave", s.signedBy(id, string(ceremonytest.Fpr("erin")),
			"old-4")); !errors.Is(err, ceremony.WrongSigner) {
			t.Errorf("dave's message signed by erin: %v", err)
		}
		s.settle(5 * time.Hour) // the window is over
		c := s.now(id)
		if c.Outcome != event.Completed || len(c.Round.Counted) != 2 {
			t.Fatalf("outcome %q, %d could: %s", c.Outcome, len(c.Round.Counted), storyOf(c))
		}
		if len(s.vault.Log) != writes || s.vault.Calls["submit"] != 0 {
			t.Errorf("Vault was sent %q", s.vault.Log[writes:])
		}
	})
}

// The program died between a cancellation and the answer to an envelope.
func TestDrillThatWasCancelledAtAnEnvelopeEndsWithoutVault(t *testing.T) {
	playFor(t, ceremony.Drill, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.Drill)
		s.stop()
		file, err := journal.OpenJournal(s.dir, s.openPGP.JournalKey())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.Load(context.Background(), id); err != nil {
			t.Fatal(err)
		}
		_, err = file.Append(context.Background(), id, s.now(id).Seq(),
			event.Offered{
				By: ceremonytest.Person("alice"), Step: ceremony.StepDrill,
				Message: ceremony.Ref{Channel: "D", TS: "1"}, Evidence: ceremony.Evidence{SHA256: "aa"},
			},
			event.Closing{Outcome: event.Cancelled, By: new(ceremonytest.Person("olga"))})
		if err := errors.Join(err, file.Close()); err != nil {
			t.Fatal(err)
		}
		asked := s.vault.Calls["progress"]
		s.start()
		s.settle(time.Minute)
		if c := s.now(id); c.Outcome != event.Cancelled || s.vault.Calls["progress"] != asked {
			t.Fatalf("outcome %q, Vault asked %d times: %s", c.Outcome, s.vault.Calls["progress"]-asked, storyOf(c))
		}
	})
}

func TestVerificationCanBeBegunAgain(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(s.rekey)
		if _, err := s.engine.Reverify(context.Background(), id,
			ceremonytest.Person("paul").Account); !errors.Is(err, ceremony.NotWaiting) {
			t.Errorf("before there is anything to verify: %v", err)
		}
		s.contribute(id, ceremony.StepUpdate, 3)
		s.settle(time.Minute)
		s.contribute(id, ceremony.StepVerify, 2)
		nonce := s.now(id).Round.Nonce
		if _, err := s.engine.Reverify(context.Background(), id,
			ceremonytest.Person("bob").Account); !errors.Is(err, ceremony.MayNotCancel) {
			t.Errorf("a holder: %v", err)
		}
		if _, err := s.engine.Reverify(context.Background(), id, ceremonytest.Person("paul").Account); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		c := s.now(id)
		if c.Round.Nonce == nonce || len(c.Round.Counted) != 0 || len(c.Missing()) != len(ceremonytest.Holders) {
			t.Fatalf("round %+v: %s", c.Round, storyOf(c))
		}
		if c := s.finish(id); c.Outcome != event.Completed || s.vault.Shares[0] != "new-1" {
			t.Fatalf("outcome %q: %s", c.Outcome, storyOf(c))
		}
	})
}

// With a threshold of one, the first share is the last one.
func TestClusterOfASingleShareIsRekeyedAndAWrongShareSpoilsNothing(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.configure = func(c *ceremony.Cluster) {
			c.Holders, c.Receivers, c.NewThreshold = ceremonytest.People("alice"), ceremonytest.People("alice"), 1
		}
		s.vault.Do(func() { s.vault.Shares, s.vault.Threshold = []string{"old-1"}, 1 })
		s.restart()
		id := s.begin(s.rekey)
		_ = s.send("alice", s.envelope(id, "alice", "another")) // Vault answers 500: it is settled by asking
		s.settle(10 * time.Second)
		if c := s.now(id); c.Ended() || c.Phase == rules.PhaseFrozen || c.Pending != nil ||
			c.HasCounted(ceremonytest.Person("alice").Account) {
			t.Fatalf("state %s after a wrong share: %s", c.Phase, storyOf(c))
		}
		if c := s.finish(id); c.Outcome != event.Completed || s.vault.Shares[0] != "new-1" {
			t.Fatalf("outcome %q: %s", c.Outcome, storyOf(c))
		}
	})
}

func TestNewClusterHandsOutEncryptedShares(t *testing.T) {
	playFor(t, ceremony.Init, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.Init)
		c := s.finish(id)
		if c.Outcome != event.Completed || len(c.NewShares) != len(ceremonytest.Holders) ||
			c.Token != ceremonytest.Enc("token for "+string(ceremonytest.Fpr("olga"))) {
			t.Fatalf("outcome %q, %d shares, token %q", c.Outcome, len(c.NewShares), c.Token)
		}
		for i, share := range c.NewShares {
			if share.For.Name != ceremonytest.Holders[i] ||
				share.Ciphertext != ceremonytest.Enc(fmt.Sprintf("first-%d for %s", i+1,
					string(ceremonytest.Fpr(ceremonytest.Holders[i])))) {
				t.Errorf("share %d is for %s: %q", i, share.For.Name, share.Ciphertext)
			}
		}
		s.settle(time.Minute)
		if !s.now(id).Told() {
			t.Error("not everybody has theirs")
		}
	})
}

func TestClusterWithAKeyIsNotInitialisedAgain(t *testing.T) {
	playFor(t, ceremony.Init, func(t *testing.T, s *stage) {
		id := s.propose(ceremony.Init)
		// Others have acted in Vault between proposal and approval.
		s.vault.Do(func() { s.node("n2").Fresh = false })
		if _, err := s.engine.Approve(context.Background(), id, ceremonytest.Person("paul").Account, ""); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		if c := s.now(id); c.Phase != rules.PhaseFrozen || s.vault.Calls["initialize"] != 0 {
			t.Fatalf("state %s, %d calls", c.Phase, s.vault.Calls["initialize"])
		}
		if _, err := s.engine.Cancel(context.Background(), id, ceremonytest.Person("olga").Account, ""); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		if _, err := s.engine.Propose(context.Background(), ceremony.Proposal{
			Operation: ceremony.Init, Cluster: "prod", By: ceremonytest.Person("olga").Account,
		}); !errors.Is(err, ceremony.AlreadyInitialized) {
			t.Fatalf("proposed with %v", err)
		}
	})
}

// Each receiver gets their own shares of the backup, and shares for unknown keys go to nobody.
// The backup is deleted with another person's consent, and never before everybody has their
// shares.
func TestBackupIsHandedOutAndDeletedOnAnApproversWord(t *testing.T) {
	playFor(t, ceremony.ReadBackup, func(t *testing.T, s *stage) {
		s.notifier.Fault = func(m rules.Message, n int) error {
			if m.Kind == rules.DeliveryMessage && m.To.Name == "bob" && n < 5 {
				return ceremony.ErrNotPosted
			}
			return nil
		}
		id := s.begin(ceremony.ReadBackup)
		if _, err := s.engine.Delete(context.Background(), id,
			ceremonytest.Person("paul").Account); !errors.Is(err, ceremony.NotWaiting) {
			t.Errorf("before bob has his: %v", err)
		}
		s.settle(2 * time.Minute)
		c := s.now(id)
		if len(c.NewShares) != 2 || !slices.Equal(c.Backup.Unclaimed,
			[]ceremony.Fingerprint{ceremonytest.Fpr("mallory")}) {
			t.Fatalf("%d shares, unclaimed %v", len(c.NewShares), c.Backup.Unclaimed)
		}
		if _, err := s.engine.Delete(context.Background(), id,
			ceremonytest.Person("olga").Account); !errors.Is(err, ceremony.OwnProposal) {
			t.Errorf("by the one who proposed it: %v", err)
		}
		if s.vault.Deleted != 0 {
			t.Fatal("deleted on nobody's word")
		}
		if _, err := s.engine.Delete(context.Background(), id, ceremonytest.Person("paul").Account); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		if c := s.now(id); c.Outcome != event.Completed || s.vault.Saved != nil {
			t.Fatalf("outcome %q: %s", c.Outcome, storyOf(c))
		}
	})
}

func TestP4BackupOfAnotherRekeyIsNotDeleted(t *testing.T) {
	playFor(t, ceremony.ReadBackup, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.ReadBackup)
		s.settle(time.Minute)
		s.vault.Do(func() { s.vault.Saved.Nonce = "a newer one" })
		if _, err := s.engine.Delete(context.Background(), id, ceremonytest.Person("paul").Account); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		if c := s.now(id); c.Phase != rules.PhaseFrozen || s.vault.Deleted != 0 {
			t.Fatalf("state %s, deleted %d times", c.Phase, s.vault.Deleted)
		}
	})
}

// A rekey leaves its backup in Vault. People are reminded until the backup is gone, no matter
// how, or until a week is over.
func TestBackupOfARekeyIsNeverLeftWithoutAReminder(t *testing.T) {
	reminders := func(c rules.State) (n int) {
		for _, m := range c.Messages() {
			if m.Kind == rules.ReminderMessage {
				n++
			}
		}
		return n
	}
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(s.rekey)
		s.finish(id)
		s.settle(50 * time.Hour)
		if c := s.now(id); !c.OwesDeletion() || reminders(c) != 2 {
			t.Fatalf("owes it: %t, %d reminders in two days", c.OwesDeletion(), reminders(c))
		}
		backup := s.begin(ceremony.ReadBackup)
		if c := s.finish(backup); c.Backup.Of != id || c.Backup.Outcome != event.Completed {
			t.Errorf("the backup is said to be of %q, %q", c.Backup.Of, c.Backup.Outcome)
		}
		s.restart()
		s.settle(time.Hour)
		if c := s.now(id); !c.Settled() || c.OwesDeletion() {
			t.Errorf("settled %t: %s", c.Settled(), storyOf(c))
		}
	})
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(s.rekey)
		s.finish(id)
		s.settle(9 * 24 * time.Hour)
		if c := s.now(id); !c.Left || !c.Settled() || reminders(c) < 5 || reminders(c) > 7 {
			t.Errorf("left %t, %d reminders", c.Left, reminders(c))
		}
	})
}

func TestBackupThatStaysIsSaidToStay(t *testing.T) {
	playFor(t, ceremony.ReadBackup, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.ReadBackup)
		s.settle(5 * time.Hour)
		if c := s.now(id); c.Outcome != event.Completed || c.Result != nil || s.vault.Saved == nil {
			t.Fatalf("outcome %q, result %v", c.Outcome, c.Result)
		}
	})
}

func TestP4KeyThatWasRotatedMeanwhileFreezes(t *testing.T) {
	playFor(t, ceremony.Rotate, func(t *testing.T, s *stage) {
		id := s.propose(ceremony.Rotate)
		s.vault.Do(func() { s.vault.Term++ })
		if _, err := s.engine.Approve(context.Background(), id, ceremonytest.Person("paul").Account, ""); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		if c := s.now(id); c.Phase != rules.PhaseFrozen || s.vault.Rotated != 0 {
			t.Fatalf("state %s, rotated %d times", c.Phase, s.vault.Rotated)
		}
	})
}

func TestRotationPolicyIsChangedAsApproved(t *testing.T) {
	playFor(t, ceremony.RotateConfig, func(t *testing.T, s *stage) {
		for _, options := range []map[string]string{
			{"interval": "1h"}, {"interval": "soon"}, {"max-operations": "1000"}, {"enabled": "maybe"},
			{"otp": ceremonytest.Commitment("x")},
		} {
			_, err := s.engine.Propose(context.Background(), ceremony.Proposal{
				Operation: ceremony.RotateConfig, Cluster: "prod", By: ceremonytest.Person("olga").Account,
				Options: options,
			})
			if !errors.Is(err, ceremony.WrongOption) {
				t.Errorf("%v: %v", options, err)
			}
		}
		if _, err := s.engine.Propose(context.Background(), ceremony.Proposal{
			Operation: ceremony.RotateConfig, Cluster: "prod", By: ceremonytest.Person("olga").Account,
			Options: map[string]string{"enabled": "no"},
		}); !errors.Is(err, ceremony.EnabledAlone) {
			t.Errorf("nothing but enabled: %v", err)
		}
		id := s.begin(ceremony.RotateConfig)
		c := s.finish(id)
		if c.Outcome != event.Completed || s.vault.Policy.Interval != 720*time.Hour || !s.vault.Policy.Enabled {
			t.Fatalf("outcome %q, policy %+v", c.Outcome, s.vault.Policy)
		}
		if _, err := s.engine.Propose(context.Background(), ceremony.Proposal{
			Operation: ceremony.RotateConfig, Cluster: "prod", By: ceremonytest.Person("olga").Account,
			Options: options(ceremony.RotateConfig),
		}); !errors.Is(err, ceremony.SamePolicy) {
			t.Errorf("the same once more: %v", err)
		}
	})
}

func TestTokenThatEndsBeforeTheWindowIsInThePlan(t *testing.T) {
	playFor(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		s.vault.Do(func() { s.vault.Own = ceremony.TokenState{Exists: true, Expires: time.Now().Add(time.Hour)} })
		if c := s.now(s.propose(ceremony.Rekey)); c.Plan.TokenExpires.IsZero() {
			t.Error("the plan does not say it")
		}
	})
	playFor(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		s.vault.Do(func() {
			s.vault.Own = ceremony.TokenState{Exists: true, Renewed: true, Expires: time.Now().Add(time.Hour)}
		})
		if c := s.now(s.propose(ceremony.Rekey)); !c.Plan.TokenExpires.IsZero() {
			t.Error("the plan warns of a token that is renewed")
		}
	})
}
