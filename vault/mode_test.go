package vault_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"conclave/ceremony"
	"conclave/ceremony/secret"
	"conclave/vault"
	"conclave/vault/vaulttest"
)

// recoverer restarts a server in recovery mode.
type recoverer interface{ RestartInRecoveryMode(testing.TB) }

// inRecoveryMode runs a test on each server, restarted in recovery mode.
func inRecoveryMode(t *testing.T, test func(*testing.T, *server, *vault.Client)) {
	t.Parallel()
	run := func(t *testing.T, s *server, r recoverer) {
		c := s.client(t)
		progressOf(t, c, ceremony.GenerateRoot, ceremony.StepUpdate) // the node is known before
		r.RestartInRecoveryMode(t)
		for claim, client := range map[string]*vault.Client{"known before": c, "new": s.client(t)} {
			t.Run(claim, func(t *testing.T) { test(t, s, client) })
			r.RestartInRecoveryMode(t)
		}
	}
	t.Run("emulator", func(t *testing.T) {
		s := startEmulator(t, vaulttest.Options{})
		run(t, s, s.emulator)
	})
	t.Run("real", func(t *testing.T) {
		s := startReal(t)
		run(t, s, s.real)
	})
}

func TestServerInRecoveryModeMakesATokenForAKeyOrAPassword(t *testing.T) {
	inRecoveryMode(t, func(t *testing.T, s *server, c *vault.Client) {
		requester := vaulttest.NewPerson(t, "requester")
		order := rootFor(t, requester)
		order.Operation = ceremony.RecoveryToken
		begun := start(t, c, order)
		want := ceremony.Progress{Started: true, Nonce: begun.Nonce, Required: threshold, OTPLength: 28,
			Fingerprints: []ceremony.Fingerprint{ceremony.Fingerprint(requester.Fingerprint)}}
		if diff := cmp.Diff(want, progressOf(t, c, ceremony.RecoveryToken, ceremony.StepUpdate)); diff != "" {
			t.Fatalf("started (-want +got):\n%s", diff)
		}
		_, err := c.Start(t.Context(), order)
		wantError(t, err, ceremony.ErrRefused)
		if err := c.Cancel(t.Context(), ceremony.RecoveryToken, begun.Nonce); err != nil {
			t.Fatal(err)
		}
		order.Keys, order.OTP = nil, secret.NewSecret([]byte(password))
		begun = start(t, c, order)
		answer := submit(t, c, ceremony.RecoveryToken, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[:threshold]...)
		if !answer.Complete || !strings.HasPrefix(tokenIn(t, answer.Encoded, password), "hvr.") {
			t.Errorf("complete %v, a token of %d characters", answer.Complete, len(answer.Encoded))
		}
	})
}

func TestServerInRecoveryModeOffersNothingElse(t *testing.T) {
	inRecoveryMode(t, func(t *testing.T, s *server, c *vault.Client) {
		_, err := c.Seal(t.Context())
		wantError(t, err, ceremony.ErrUnsupported)
		for _, op := range []ceremony.Operation{ceremony.Rekey, ceremony.GenerateRoot, ceremony.DRToken} {
			_, err := c.Progress(t.Context(), op, ceremony.StepUpdate)
			wantError(t, err, ceremony.ErrUnsupported)
		}
		wantError(t, nodesOf(t, c)[0].Err, ceremony.ErrUnsupported)
		for _, err := range c.Unseal(t.Context(), s.addrs, secret.NewSecret([]byte(s.keys.Shares[0]))) {
			wantError(t, err, ceremony.ErrUnsupported)
		}
		holders := people(t, 2)
		_, err = c.Initialize(t.Context(), s.initOrder(t, holders, 2, holders[0]))
		wantError(t, err, ceremony.ErrNotSent)
	})
}

func TestServerWithoutTheModeMakesNoSuchToken(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		c := s.client(t)
		for _, op := range []ceremony.Operation{ceremony.RecoveryToken, ceremony.DRToken} {
			_, err := c.Progress(t.Context(), op, ceremony.StepUpdate)
			wantError(t, err, ceremony.ErrUnsupported)
			order := rootForPassword(password)
			order.Operation = op
			_, err = c.Start(t.Context(), order)
			wantError(t, err, ceremony.ErrUnsupported)
			wantError(t, c.Cancel(t.Context(), op, "n"), ceremony.ErrUnsupported)
		}
	})
}

func TestDisasterRecoverySecondaryMakesAnOperationToken(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{DRSecondary: true})
	c := s.client(t)
	order := rootForPassword(password)
	order.Operation = ceremony.DRToken
	begun := start(t, c, order)
	answer := submit(t, c, ceremony.DRToken, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[:threshold]...)
	if !answer.Complete || !strings.HasPrefix(tokenIn(t, answer.Encoded, password), "hv") {
		t.Errorf("complete %v, a token of %d characters", answer.Complete, len(answer.Encoded))
	}
	if got := progressOf(t, c, ceremony.DRToken, ceremony.StepUpdate); got.Started {
		t.Errorf("afterwards: %+v", got)
	}
}
