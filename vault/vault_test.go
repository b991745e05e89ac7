package vault_test

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"conclave/ceremony"
	"conclave/ceremony/secret"
	"conclave/vault"
	"conclave/vault/vaulttest"
)

func TestRekeyWithVerificationReplacesTheShares(t *testing.T) {
	onEachKind(t, func(t *testing.T, s *server) {
		c := s.client(t)
		receivers := people(t, 4)
		order := s.rekeyFor(t, receivers, 2)

		begun := start(t, c, order)
		want := ceremony.Progress{
			Started:              true,
			Nonce:                begun.Nonce,
			Required:             threshold,
			Shares:               4,
			Threshold:            2,
			Fingerprints:         fingerprintsOf(receivers),
			Backup:               true,
			VerificationRequired: true,
		}
		if diff := cmp.Diff(want, begun); diff != "" || begun.Nonce == "" {
			t.Fatalf("started (-want +got):\n%s", diff)
		}

		submit(t, c, s.rekey, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[0], s.keys.Shares[3])
		want.Progress = 2
		if diff := cmp.Diff(want, progressOf(t, c, s.rekey, ceremony.StepUpdate)); diff != "" {
			t.Fatalf("progress after two shares (-want +got):\n%s", diff)
		}

		answer := submit(t, c, s.rekey, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[4])
		if !answer.Complete || answer.VerificationNonce == "" {
			t.Fatalf("the last share completed nothing: %+v", answer)
		}
		if diff := cmp.Diff(fingerprintsOf(receivers), answer.Fingerprints); diff != "" {
			t.Fatalf("receivers (-want +got):\n%s", diff)
		}
		var renewed []string
		for i, person := range receivers {
			renewed = append(renewed, person.Read(t, answer.Ciphertexts[i]))
		}
		backup, err := c.Backup(t.Context(), s.rekey)
		if err != nil {
			t.Fatal(err)
		}
		kept := map[ceremony.Fingerprint][]string{}
		for i, print := range answer.Fingerprints {
			kept[print] = []string{answer.Ciphertexts[i]}
		}
		if diff := cmp.Diff(ceremony.Backup{Nonce: begun.Nonce, Ciphertexts: kept}, backup); diff != "" {
			t.Fatalf("backup (-want +got):\n%s", diff)
		}

		wantProof := ceremony.Progress{Started: true, Nonce: answer.VerificationNonce, Required: 2}
		if diff := cmp.Diff(wantProof, progressOf(t, c, s.rekey, ceremony.StepVerify)); diff != "" {
			t.Fatalf("verification (-want +got):\n%s", diff)
		}
		if got := progressOf(t, c, s.rekey, ceremony.StepUpdate); got.VerificationNonce != answer.VerificationNonce {
			t.Fatalf("the attempt's verification nonce is %q, want %q", got.VerificationNonce, answer.VerificationNonce)
		}
		first := submit(t, c, s.rekey, ceremony.StepVerify, answer.VerificationNonce, renewed[1])
		if first.Complete {
			t.Fatal("one of two new shares completed the verification")
		}
		if last := submit(t, c, s.rekey, ceremony.StepVerify, answer.VerificationNonce, renewed[2]); !last.Complete {
			t.Fatal("two of two new shares did not complete the verification")
		}

		seal, err := c.Seal(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if seal.Shares != 4 || seal.Threshold != 2 {
			t.Errorf("the seal has %d shares and threshold %d, want 4 and 2", seal.Shares, seal.Threshold)
		}
		if opened, err := s.operator.UnsealWorks(t.Context(), s.keys.Shares[:threshold]...); err != nil || opened {
			t.Errorf("the old shares open it: %v, %v", opened, err)
		}
		if err := s.operator.Unseal(t.Context(), renewed[:2]...); err != nil {
			t.Errorf("the new shares do not open it: %v", err)
		}
	})
}

func TestGeneratedRootTokenIsForTheRequesterAlone(t *testing.T) {
	onEachKind(t, func(t *testing.T, s *server) {
		c := s.client(t)
		requester := vaulttest.NewPerson(t, "requester")
		begun := start(t, c, rootFor(t, requester))
		want := ceremony.Progress{
			Started:      true,
			Nonce:        begun.Nonce,
			Required:     threshold,
			Fingerprints: []ceremony.Fingerprint{ceremony.Fingerprint(requester.Fingerprint)},
			OTPLength:    begun.OTPLength,
		}
		if diff := cmp.Diff(want, begun); diff != "" || begun.Nonce == "" {
			t.Fatalf("started (-want +got):\n%s", diff)
		}
		if early := submit(t, c, ceremony.GenerateRoot, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[:2]...); early.Complete {
			t.Fatal("two of three shares completed it")
		}
		want.Progress = 2
		if diff := cmp.Diff(want, progressOf(t, c, ceremony.GenerateRoot, ceremony.StepUpdate)); diff != "" {
			t.Fatalf("progress after two shares (-want +got):\n%s", diff)
		}
		answer := submit(t, c, ceremony.GenerateRoot, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[2])
		if !answer.Complete || len(answer.Ciphertexts) != 1 {
			t.Fatalf("three shares brought %d ciphertexts, complete %v", len(answer.Ciphertexts), answer.Complete)
		}
		if diff := cmp.Diff(want.Fingerprints, answer.Fingerprints); diff != "" {
			t.Fatalf("requester (-want +got):\n%s", diff)
		}
		token := requester.Read(t, answer.Ciphertexts[0])
		if ok, err := s.operator.IsRootToken(t.Context(), token); err != nil || !ok {
			t.Errorf("the decrypted token is a root token: %v, %v", ok, err)
		}
	})
}

func TestNothingToVerifyIsNotAnError(t *testing.T) {
	onEachKind(t, func(t *testing.T, s *server) {
		c := s.client(t)
		if got := progressOf(t, c, s.rekey, ceremony.StepVerify); !cmp.Equal(got, ceremony.Progress{}) {
			t.Errorf("without an attempt: %+v", got)
		}
		start(t, c, s.rekeyFor(t, people(t, 2), 2))
		if got := progressOf(t, c, s.rekey, ceremony.StepVerify); !cmp.Equal(got, ceremony.Progress{}) {
			t.Errorf("before the new shares are made: %+v", got)
		}
	})
}

func TestIdleOperationTellsHowManySharesItWillNeed(t *testing.T) {
	onEachKind(t, func(t *testing.T, s *server) {
		c := s.client(t)
		for _, op := range []ceremony.Operation{s.rekey, ceremony.GenerateRoot} {
			got := progressOf(t, c, op, ceremony.StepUpdate)
			want := ceremony.Progress{Required: threshold}
			if op == ceremony.GenerateRoot {
				want.OTPLength = 28
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", op, diff)
			}
		}
	})
}

func TestSecondAttemptIsRefused(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		c := s.client(t)
		holders := people(t, 2)
		for _, order := range []ceremony.Order{s.rekeyFor(t, holders, 2), rootFor(t, holders[0])} {
			first := start(t, c, order)
			_, err := c.Start(t.Context(), order)
			wantError(t, err, ceremony.ErrRefused)
			if got := progressOf(t, c, order.Operation, ceremony.StepUpdate); got.Nonce != first.Nonce {
				t.Errorf("%s: the nonce is %q, want the first attempt's %q", order.Operation, got.Nonce, first.Nonce)
			}
		}
	})
}

func TestCancelDropsTheAttempt(t *testing.T) {
	onEachKind(t, func(t *testing.T, s *server) {
		c := s.client(t)
		holders := people(t, 2)
		for _, order := range []ceremony.Order{s.rekeyFor(t, holders, 2), rootFor(t, holders[0])} {
			begun := start(t, c, order)
			if err := c.Cancel(t.Context(), order.Operation, begun.Nonce); err != nil {
				t.Errorf("%s: %v", order.Operation, err)
			}
			if got := progressOf(t, c, order.Operation, ceremony.StepUpdate); got.Started {
				t.Errorf("%s is still in progress", order.Operation)
			}
		}
	})
}

func TestCancelWithAnotherNonceIsRefused(t *testing.T) {
	onEachKind(t, func(t *testing.T, s *server) {
		c := s.client(t)
		begun := start(t, c, s.rekeyFor(t, people(t, 2), 2))
		wantError(t, c.Cancel(t.Context(), s.rekey, "11111111-2222-3333-4444-555555555555"), ceremony.ErrRefused)
		if got := progressOf(t, c, s.rekey, ceremony.StepUpdate); got.Nonce != begun.Nonce {
			t.Errorf("the nonce is %q, want %q", got.Nonce, begun.Nonce)
		}
	})
}

func TestCancelledVerificationBeginsAgainUnderANewNonce(t *testing.T) {
	onEachKind(t, func(t *testing.T, s *server) {
		c := s.client(t)
		receivers := people(t, 3)
		begun := start(t, c, s.rekeyFor(t, receivers, 2))
		made := submit(t, c, s.rekey, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[:threshold]...)
		submit(t, c, s.rekey, ceremony.StepVerify, made.VerificationNonce, receivers[0].Read(t, made.Ciphertexts[0]))
		again, err := c.CancelVerification(t.Context(), s.rekey, made.VerificationNonce)
		if err != nil {
			t.Fatal(err)
		}
		if !again.Started || again.Progress != 0 || again.Required != 2 || again.Nonce == made.VerificationNonce {
			t.Errorf("after the cancellation: %+v", again)
		}
		if diff := cmp.Diff(again, progressOf(t, c, s.rekey, ceremony.StepVerify)); diff != "" {
			t.Errorf("asked again (-want +got):\n%s", diff)
		}
		if err := c.Cancel(t.Context(), s.rekey, begun.Nonce); err != nil {
			t.Fatal(err)
		}
		if opened, err := s.operator.UnsealWorks(t.Context(), s.keys.Shares[:threshold]...); err != nil || !opened {
			t.Errorf("the old shares still open it: %v, %v", opened, err)
		}
	})
}

func TestRefusedSharesAreNotCounted(t *testing.T) {
	onEachKind(t, func(t *testing.T, s *server) {
		c := s.client(t)
		begun := start(t, c, s.rekeyFor(t, people(t, 2), 2))
		submit(t, c, s.rekey, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[0])
		for claim, bad := range map[string]ceremony.Submission{
			"too short":        submission(s.rekey, ceremony.StepUpdate, begun.Nonce, "abcd"),
			"another nonce":    submission(s.rekey, ceremony.StepUpdate, "11111111-2222-3333-4444-555555555555", s.keys.Shares[1]),
			"no root attempt":  submission(ceremony.GenerateRoot, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[1]),
			"nothing to prove": submission(s.rekey, ceremony.StepVerify, begun.Nonce, s.keys.Shares[1]),
		} {
			t.Run(claim, func(t *testing.T) {
				_, err := c.Submit(t.Context(), bad)
				wantError(t, err, ceremony.ErrRefused)
				if got := progressOf(t, c, s.rekey, ceremony.StepUpdate); got.Progress != 1 || got.Nonce != begun.Nonce {
					t.Errorf("progress is %d under %s, want 1 under %s", got.Progress, got.Nonce, begun.Nonce)
				}
			})
		}
	})
}

func TestDuplicateShareIsRefused(t *testing.T) {
	again := func(t *testing.T, s *server) {
		c := s.client(t)
		begun := start(t, c, s.rekeyFor(t, people(t, 2), 2))
		submit(t, c, s.rekey, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[0])
		_, err := c.Submit(t.Context(), submission(s.rekey, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[0]))
		wantError(t, err, ceremony.ErrRefused)
		if got := progressOf(t, c, s.rekey, ceremony.StepUpdate); got.Progress != 1 {
			t.Errorf("progress is %d, want 1", got.Progress)
		}
	}
	// Sending a share twice is a breach of the emulator's rules, and the point here.
	t.Run("emulator", func(t *testing.T) { again(t, startEmulator(t, vaulttest.Options{Unruly: true})) })
	t.Run("emulator that unseals itself", func(t *testing.T) {
		again(t, startEmulator(t, vaulttest.Options{Seal: "transit", Unruly: true}))
	})
	t.Run("real", func(t *testing.T) { again(t, startReal(t)) })
}

// Vault answers 500 to a wrong quorum of a rekey, which could be anything; that
// the round began again is seen only by asking (P5).
func TestWrongQuorumIsUncertainUntilAsked(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		c := s.client(t)
		begun := start(t, c, s.rekeyFor(t, people(t, 2), 2))
		submit(t, c, s.rekey, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[:2]...)
		wrong := strings.Repeat("5a", 33)
		_, err := c.Submit(t.Context(), submission(s.rekey, ceremony.StepUpdate, begun.Nonce, wrong))
		wantError(t, err, ceremony.ErrUncertain)
		got := progressOf(t, c, s.rekey, ceremony.StepUpdate)
		if !got.Started || got.Progress != 0 || got.Nonce != begun.Nonce {
			t.Errorf("afterwards: %+v, want a new round of the same attempt", got)
		}
		answer := submit(t, c, s.rekey, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[1:4]...)
		if !answer.Complete {
			t.Error("the second round did not complete")
		}
	})
}

// A wrong quorum of recovery keys is a 400, where unseal keys are answered 500;
// the round began again all the same.
func TestWrongQuorumOfARecoveryKeyIsRefusedAndBeginsAgain(t *testing.T) {
	test := func(t *testing.T, s *server) {
		c := s.client(t)
		begun := start(t, c, s.rekeyFor(t, people(t, 2), 2))
		submit(t, c, s.rekey, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[:2]...)
		_, err := c.Submit(t.Context(), submission(s.rekey, ceremony.StepUpdate, begun.Nonce, strings.Repeat("5a", 33)))
		wantError(t, err, ceremony.ErrRefused)
		if got := progressOf(t, c, s.rekey, ceremony.StepUpdate); !got.Started || got.Progress != 0 || got.Nonce != begun.Nonce {
			t.Errorf("afterwards: %+v, want a new round of the same attempt", got)
		}
	}
	t.Parallel()
	t.Run("emulator", func(t *testing.T) { test(t, startEmulator(t, vaulttest.Options{Seal: "transit"})) })
	t.Run("real", func(t *testing.T) { test(t, startRealAuto(t)) })
}

// Package api has a call for this that cancels the rekey of the barrier's key.
func TestCancelOfARecoveryRekeyLeavesTheBarriersAlone(t *testing.T) {
	t.Parallel()
	test := func(t *testing.T, s *server) {
		c := s.client(t)
		barrier, err := s.operator.Do(
			t.Context(), "PUT", "sys/rekey/init", map[string]int{"secret_shares": 1, "secret_threshold": 1},
		)
		if err != nil || barrier.Status != 200 {
			t.Fatalf("start: %d %v, %v", barrier.Status, barrier.Errors, err)
		}
		begun := start(t, c, s.rekeyFor(t, people(t, 2), 2))
		if err := c.Cancel(t.Context(), s.rekey, begun.Nonce); err != nil {
			t.Fatal(err)
		}
		if got := progressOf(t, c, s.rekey, ceremony.StepUpdate); got.Started {
			t.Error("it is still in progress")
		}
		if got := progressOf(t, c, ceremony.Rekey, ceremony.StepUpdate); got.Nonce != barrier.String("nonce") {
			t.Errorf("the barrier's rekey has the nonce %q, want %q", got.Nonce, barrier.String("nonce"))
		}
	}
	t.Run("emulator", func(t *testing.T) { test(t, startEmulator(t, vaulttest.Options{Seal: "transit"})) })
	t.Run("real", func(t *testing.T) { test(t, startRealAuto(t)) })
}

func TestShareIsTakenInEveryEncodingOfVault(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		c := s.client(t)
		begun := start(t, c, rootFor(t, vaulttest.NewPerson(t, "requester")))
		raw, err := hex.DecodeString(s.keys.Shares[1])
		if err != nil {
			t.Fatal(err)
		}
		submit(t, c, ceremony.GenerateRoot, ceremony.StepUpdate, begun.Nonce, strings.ToUpper(s.keys.Shares[0]))
		submit(t, c, ceremony.GenerateRoot, ceremony.StepUpdate, begun.Nonce, base64Of(raw))
		if got := progressOf(t, c, ceremony.GenerateRoot, ceremony.StepUpdate); got.Progress != 2 {
			t.Errorf("progress is %d, want 2", got.Progress)
		}
	})
}

func TestSealedVaultIsToldApart(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		c := s.client(t)
		begun := start(t, c, s.rekeyFor(t, people(t, 2), 2))
		if err := s.operator.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := c.Submit(t.Context(), submission(s.rekey, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[0]))
		wantError(t, err, ceremony.ErrSealed)
		_, err = c.Progress(t.Context(), s.rekey, ceremony.StepUpdate)
		wantError(t, err, ceremony.ErrSealed)
		seal, err := c.Seal(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !seal.Sealed || !seal.Initialized || seal.Threshold != threshold {
			t.Errorf("seal status: %+v", seal)
		}
	})
}

func TestSealStatusNamesTheCluster(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		seal, err := s.client(t).Seal(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if seal.ClusterID == "" || seal.ClusterName == "" || seal.Version == "" {
			t.Errorf("something has no name: %+v", seal)
		}
		want := ceremony.Seal{Initialized: true, Type: "shamir", Shares: shares, Threshold: threshold,
			Version: seal.Version, ClusterID: seal.ClusterID, ClusterName: seal.ClusterName}
		if diff := cmp.Diff(want, seal); diff != "" {
			t.Errorf("seal status (-want +got):\n%s", diff)
		}
	})
}

func TestBackupNeedsATokenAndABackup(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		_, err := s.client(t).Backup(t.Context(), s.rekey)
		wantError(t, err, ceremony.ErrNoBackup)
		_, err = s.client(t, func(c *vault.Config) { c.TokenFile = "" }).Backup(t.Context(), s.rekey)
		wantError(t, err, ceremony.ErrForbidden)
		unknown := writeFile(t, "token", "hvs.unknown")
		_, err = s.client(t, func(c *vault.Config) { c.TokenFile = unknown }).Backup(t.Context(), s.rekey)
		wantError(t, err, ceremony.ErrForbidden)
	})
}

func TestWhatVaultHasNoEndpointForIsUnsupported(t *testing.T) {
	c := startEmulator(t, vaulttest.Options{}).client(t)
	_, err := c.Progress(t.Context(), ceremony.GenerateRoot, ceremony.StepVerify)
	wantError(t, err, ceremony.ErrUnsupported)
	_, err = c.Progress(t.Context(), "unseal", ceremony.StepUpdate)
	wantError(t, err, ceremony.ErrUnsupported)
	_, err = c.Start(t.Context(), ceremony.Order{Operation: "unseal"})
	wantError(t, err, ceremony.ErrUnsupported)
	wantError(t, c.Cancel(t.Context(), "unseal", ""), ceremony.ErrUnsupported)
	_, err = c.CancelVerification(t.Context(), ceremony.GenerateRoot, "")
	wantError(t, err, ceremony.ErrUnsupported)
	_, err = c.Backup(t.Context(), ceremony.GenerateRoot)
	wantError(t, err, ceremony.ErrUnsupported)
	_, err = c.Submit(t.Context(), submission(ceremony.GenerateRoot, ceremony.StepVerify, "n", "abcd"))
	wantError(t, err, ceremony.ErrUnsupported)
}

func TestRootTokenIsNotStartedWithoutExactlyOneKeyOrPassword(t *testing.T) {
	s := startEmulator(t, vaulttest.Options{})
	c := s.client(t)
	for _, n := range []int{0, 2} {
		_, err := c.Start(t.Context(), ceremony.Order{Operation: ceremony.GenerateRoot, Keys: keysOf(t, people(t, n))})
		wantError(t, err, ceremony.ErrNotSent)
	}
	both := rootFor(t, vaulttest.NewPerson(t, "requester"))
	both.OTP = secret.NewSecret([]byte(strings.Repeat("p", 28)))
	_, err := c.Start(t.Context(), both)
	wantError(t, err, ceremony.ErrNotSent)
	if err := both.OTP.Use(func([]byte) error { return nil }); !errors.Is(err, secret.ErrSecretSpent) {
		t.Error("the password can be used again")
	}
	if sent := s.emulator.Log("PUT sys/generate-root/attempt"); len(sent) > 0 {
		t.Errorf("it was sent: %v", sent)
	}
}

// outcomes are the errors of which an adapter's error must be exactly one.
var outcomes = []error{
	ceremony.ErrNotSent, ceremony.ErrUncertain, ceremony.ErrRefused, ceremony.ErrForbidden, ceremony.ErrSealed,
	ceremony.ErrThrottled, ceremony.ErrNoLeader, ceremony.ErrUnsupported, ceremony.ErrNoBackup,
}

func wantError(t testing.TB, err, want error) {
	t.Helper()
	for _, outcome := range outcomes {
		if errors.Is(err, outcome) != (outcome == want) {
			t.Errorf("the error is %q, want %q and nothing else", err, want)
			return
		}
	}
}
