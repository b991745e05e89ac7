package vault_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"conclave/ceremony"
	"conclave/ceremony/secret"
	"conclave/vault"
	"conclave/vault/vaulttest"
)

// uses are all operations that the token is used for, in a server's dialect.
func (s *server) uses(d vault.Dialect) []vault.Use {
	var uses []vault.Use
	for _, op := range s.operations() {
		if op == ceremony.DRToken {
			continue // of another kind of server
		}
		uses = append(uses, vault.Use{Operation: op, Dialect: d, Backup: true})
	}
	return uses
}

// with makes a token that has these rights and no others, not even those of the
// policy default.
func (s *server) with(t testing.TB, rights []vault.Right) func(*vault.Config) {
	t.Helper()
	s.must(t, "PUT", "sys/policies/acl/conclave", map[string]string{"policy": vault.Policy(rights)})
	token, _ := s.mint(
		t, map[string]any{"policies": []string{"conclave"}, "no_default_policy": true, "no_parent": true, "ttl": "48h"},
	)
	return tokenOf(t, token)
}

// play does everything that ceremonies do to a cluster, and returns the first error.
func (s *server) play(t testing.TB, c *vault.Client) error {
	t.Helper()
	ctx := t.Context()
	return firstError(
		func() error { _, err := c.OwnToken(ctx); return err },
		func() error { _, err := c.KeyStatus(ctx); return err },
		func() error { return c.Rotate(ctx) },
		func() error {
			policy, err := c.RotationPolicy(ctx)
			return errors.Join(err, func() error {
				if err != nil {
					return nil
				}
				return c.SetRotationPolicy(ctx, policy)
			}())
		},
		func() error { return s.playRekey(t, c) },
		func() error { return s.playRoot(t, c) },
		func() error { return s.playCheck(ctx, c) },
	)
}

func firstError(deeds ...func() error) error {
	for _, deed := range deeds {
		if err := deed(); err != nil {
			return err
		}
	}
	return nil
}

// playRekey replaces the shares, and has the server forget what it kept of them.
func (s *server) playRekey(t testing.TB, c *vault.Client) error {
	ctx := t.Context()
	if s.receivers == nil {
		s.receivers = people(t, shares)
	}
	receivers := s.receivers
	var begun, proof ceremony.Progress
	var made ceremony.Answer
	hand := func(step ceremony.Step, nonce string, shares []string) (answer ceremony.Answer, err error) {
		for _, share := range shares {
			if answer, err = c.Submit(ctx, submission(s.rekey, step, nonce, share)); err != nil {
				return answer, err
			}
		}
		return answer, nil
	}
	var renewed []string
	return firstError(
		func() (err error) { begun, err = c.Start(ctx, s.rekeyFor(t, receivers, threshold)); return err },
		func() error { return c.Cancel(ctx, s.rekey, begun.Nonce) },
		func() (err error) { begun, err = c.Start(ctx, s.rekeyFor(t, receivers, threshold)); return err },
		func() (err error) {
			made, err = hand(ceremony.StepUpdate, begun.Nonce, s.keys.Shares[:threshold])
			return err
		},
		func() error { _, err := c.Progress(ctx, s.rekey, ceremony.StepUpdate); return err },
		func() error { _, err := c.CancelVerification(ctx, s.rekey, made.VerificationNonce); return err },
		func() (err error) { proof, err = c.Progress(ctx, s.rekey, ceremony.StepVerify); return err },
		func() error {
			for i, ciphertext := range made.Ciphertexts {
				renewed = append(renewed, receivers[i].Read(t, ciphertext))
			}
			_, err := hand(ceremony.StepVerify, proof.Nonce, renewed[:threshold])
			if err == nil {
				s.keys.Shares = renewed
			}
			return err
		},
		func() error { _, err := c.Backup(ctx, s.rekey); return err },
		func() error { return c.DeleteBackup(ctx, s.rekey) },
		// A team has both lines, whichever kind of seal it has in the end.
		func() error { return c.DeleteBackup(ctx, s.otherRekey()) },
		func() error {
			if _, err := c.Backup(ctx, s.otherRekey()); !errors.Is(err, ceremony.ErrNoBackup) {
				return err
			}
			return nil
		},
	)
}

func (s *server) otherRekey() ceremony.Operation {
	if s.rekey == ceremony.Rekey {
		return ceremony.RekeyRecovery
	}
	return ceremony.Rekey
}

// playRoot makes a root token, and looks what becomes of one.
func (s *server) playRoot(t testing.TB, c *vault.Client) error {
	ctx := t.Context()
	order := rootFor(t, s.receivers[0])
	var begun ceremony.Progress
	return firstError(
		func() (err error) { begun, err = c.Start(ctx, order); return err },
		func() error { return c.Cancel(ctx, ceremony.GenerateRoot, begun.Nonce) },
		func() (err error) { begun, err = c.Start(ctx, order); return err },
		func() error { _, err := c.Progress(ctx, ceremony.GenerateRoot, ceremony.StepUpdate); return err },
		func() error {
			for _, share := range s.keys.Shares[:threshold] {
				if _, err := c.Submit(ctx, submission(ceremony.GenerateRoot, ceremony.StepUpdate, begun.Nonce, share)); err != nil {
					return err
				}
			}
			return nil
		},
		func() error {
			own, _ := s.must(t, "GET", "auth/token/lookup-self", nil).Body["data"].(map[string]any)
			accessor, _ := own["accessor"].(string)
			state, err := c.Accessor(ctx, accessor)
			if err == nil && !state.Exists {
				return errors.New("a token that exists is said to be gone")
			}
			return err
		},
	)
}

// playCheck returns the first finding that stops a ceremony.
func (s *server) playCheck(ctx context.Context, c *vault.Client) error {
	for _, f := range c.Check(ctx, s.operations(), true).Findings {
		if f.Stops {
			return fmt.Errorf("check: %s: %s", f.Operation, f.Text)
		}
	}
	return nil
}

// sweep drops what a play that stopped half-way has left.
func (s *server) sweep(t testing.TB) {
	t.Helper()
	c := s.client(t)
	for _, op := range []ceremony.Operation{s.rekey, ceremony.GenerateRoot} {
		if at := progressOf(t, c, op, ceremony.StepUpdate); at.Started {
			if err := c.Cancel(t.Context(), op, at.Nonce); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// without takes one capability away from the right with index i.
func without(rights []vault.Right, i int, capability string) []vault.Right {
	less := slices.Clone(rights)
	less[i].Capabilities = slices.DeleteFunc(
		slices.Clone(less[i].Capabilities), func(c string) bool { return c == capability },
	)
	if len(less[i].Capabilities) == 0 {
		return slices.Delete(less, i, i+1)
	}
	return less
}

// policyIsLeast plays everything with exactly the policy, and again with each of its
// capabilities taken away.
func policyIsLeast(t *testing.T, s *server, d vault.Dialect) {
	rights := vault.Rights(s.uses(d), false)
	if err := s.play(t, s.client(t, s.with(t, rights))); err != nil {
		t.Fatalf("with the whole policy: %v", err)
	}
	for i, r := range rights {
		for _, capability := range r.Capabilities {
			err := s.play(t, s.client(t, s.with(t, without(rights, i, capability))))
			s.sweep(t)
			missing, named := errors.AsType[*vault.MissingRight](err)
			switch {
			case err == nil:
				t.Errorf("nothing breaks without %s on %s", capability, r.Path)
			case r.Path == "sys/capabilities-self":
			case !named || missing.Path != r.Path || !slices.Contains(missing.Capabilities, capability):
				t.Errorf("without %s on %s: %v", capability, r.Path, err)
			default:
				wantError(t, err, ceremony.ErrForbidden)
			}
		}
	}
}

func TestPolicyIsEnoughAndNoLineOfItIsTooMuch(t *testing.T) {
	t.Parallel()
	t.Run(
		"emulator", func(t *testing.T) { policyIsLeast(t, startEmulator(t, vaulttest.Options{Unruly: true}), vault.Open) },
	)
	for d, o := range closedDialects {
		t.Run("emulator, "+string(d), func(t *testing.T) {
			o.Unruly = true
			policyIsLeast(t, startEmulator(t, o), d)
			o.Seal = "transit"
			policyIsLeast(t, startEmulator(t, o), d)
		})
	}
	t.Run("real", func(t *testing.T) { policyIsLeast(t, startReal(t), vault.Open) })
	t.Run("real that unseals itself", func(t *testing.T) { policyIsLeast(t, startRealAuto(t), vault.Open) })
}

func TestTokenOfADisasterRecoverySecondaryNeedsItsLinesOfThePolicy(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{Dialect: vaulttest.Vault2, DRSecondary: true, Unruly: true})
	rights := vault.Use{Operation: ceremony.DRToken, Dialect: vault.Closed}.Rights()
	play := func(rights []vault.Right) error {
		c := s.client(t, s.with(t, rights))
		order := func() ceremony.Order {
			return ceremony.Order{Operation: ceremony.DRToken, OTP: secret.NewSecret([]byte(password))}
		}
		var begun ceremony.Progress
		return firstError(
			func() (err error) { begun, err = c.Start(t.Context(), order()); return err },
			func() error { return c.Cancel(t.Context(), ceremony.DRToken, begun.Nonce) },
			func() (err error) { begun, err = c.Start(t.Context(), order()); return err },
			func() error { _, err := c.Progress(t.Context(), ceremony.DRToken, ceremony.StepUpdate); return err },
			func() error {
				for _, share := range s.keys.Shares[:threshold] {
					if _, err := c.Submit(t.Context(), submission(ceremony.DRToken, ceremony.StepUpdate, begun.Nonce, share)); err != nil {
						return err
					}
				}
				return nil
			},
		)
	}
	if err := play(rights); err != nil {
		t.Fatal(err)
	}
	for i, r := range rights {
		for _, capability := range r.Capabilities {
			wantError(t, play(without(rights, i, capability)), ceremony.ErrForbidden)
			s.must(t, "DELETE", "sys/replication/dr/secondary/generate-operation-token/attempt", nil)
		}
	}
}

func TestClientThatLogsInRenewsByItsPolicy(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{})
	login := s.appRole(t, map[string]any{"token_ttl": "2s"})
	s.must(t, "PUT", "sys/policies/acl/default", map[string]string{"policy": `path "none" { capabilities = ["deny"] }`})
	for _, renews := range []bool{true, false} {
		s.must(t, "PUT", "sys/policies/acl/reader", map[string]string{"policy": vault.Policy(vault.Rights(nil, renews))})
		before := len(s.emulator.Log("PUT auth/token/renew-self"))
		c := s.client(t, loginBy(login))
		var status int
		eventually(t, "a renewal", func() bool {
			if _, err := c.OwnToken(t.Context()); err != nil {
				t.Fatal(err)
			}
			if renewals := s.emulator.Log("PUT auth/token/renew-self"); len(renewals) > before {
				status = renewals[before].Status
			}
			return status != 0
		})
		if (status == 200) != renews {
			t.Errorf("with the line %v, a renewal is answered %d", renews, status)
		}
	}
}

func TestPolicySaysWhatEachLineIsFor(t *testing.T) {
	t.Parallel()
	got := vault.Policy(vault.Rights([]vault.Use{{Operation: ceremony.Rekey, Dialect: vault.Open, Backup: true}, {Operation: ceremony.Rotate}}, true))
	want := `# To keep the token alive.
path "auth/token/renew-self" {
  capabilities = ["update"]
}

# To give the token back when the program ends.
path "auth/token/revoke-self" {
  capabilities = ["update"]
}
`
	if !strings.Contains(got, want) {
		t.Errorf("the policy is\n%s, want in it\n%s", got, want)
	}
	for line := range strings.Lines(got) {
		if len(line) > 81 {
			t.Errorf("too long a line: %s", line)
		}
	}
	for _, op := range []ceremony.Operation{ceremony.Init, ceremony.Unseal, ceremony.Drill, ceremony.RecoveryToken} {
		for _, d := range vault.Dialects() {
			if rights := (vault.Use{Operation: op, Dialect: d, Backup: true}).Rights(); len(rights) > 0 {
				t.Errorf("%s needs no token: %v", op, rights)
			}
		}
	}
	var paths []string
	for _, r := range (vault.Use{Operation: ceremony.Rekey, Dialect: vault.OpenBao, Backup: true}).Rights() {
		paths = append(paths, r.Path)
	}
	want4 := []string{"sys/rotate/root/backup", "sys/rotate/root/init", "sys/rotate/root/update", "sys/rotate/root/verify"}
	if diff := cmp.Diff(want4, paths); diff != "" {
		t.Errorf("OpenBao's paths (-want +got):\n%s", diff)
	}
}
