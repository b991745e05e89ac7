package vault_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"conclave/ceremony"
	"conclave/vault"
	"conclave/vault/vaulttest"
)

// operations are those that suit the server's seal.
func (s *server) operations() []ceremony.Operation {
	return []ceremony.Operation{
		ceremony.Init, s.rekey, ceremony.GenerateRoot, ceremony.RecoveryToken, ceremony.DRToken,
		ceremony.Rotate, ceremony.RotateConfig, ceremony.ReadBackup, ceremony.Drill,
	}
}

// stops are the findings that would stop a ceremony.
func stops(r vault.Report) []string {
	var texts []string
	for _, f := range r.Findings {
		if f.Stops {
			texts = append(texts, f.Text)
		}
	}
	return texts
}

func wantFinding(t testing.TB, r vault.Report, stop bool, text string) {
	t.Helper()
	for _, f := range r.Findings {
		if f.Stops == stop && strings.Contains(f.Text, text) {
			return
		}
	}
	t.Errorf("the findings are %+v, want one that says %q, stops %v", r.Findings, text, stop)
}

func TestCheckOfAHealthyClusterFindsNothingThatStops(t *testing.T) {
	onEachKind(t, func(t *testing.T, s *server) {
		r := s.client(t).Check(t.Context(), s.operations(), true)
		if found := stops(r); len(found) > 0 {
			t.Errorf("it finds %q", found)
		}
		if r.Active != s.addrs[0] || r.Seal.Threshold != threshold || r.Seal.ClusterID == "" {
			t.Errorf("active %q, seal %+v", r.Active, r.Seal)
		}
		node := r.Nodes[0]
		if node.Role != "active" || node.Err != nil || node.Seal.Version == "" {
			t.Errorf("the node: %+v", node)
		}
		if s.ca != nil && (node.TLS != "TLS 1.3" || time.Until(node.CertificateUntil) > 25*time.Hour) {
			t.Errorf("TLS %q, certificate until %v", node.TLS, node.CertificateUntil)
		}
		if diff := cmp.Diff([]vault.OperationReport{
			{Operation: s.rekey, Dialect: vault.Open, Progress: ceremony.Progress{Required: threshold}},
			{Operation: ceremony.GenerateRoot, Dialect: vault.Open, Progress: ceremony.Progress{Required: threshold, OTPLength: 28}},
			{Operation: ceremony.Rotate, Dialect: vault.Open},
			{Operation: ceremony.RotateConfig, Dialect: vault.Open},
			{Operation: ceremony.ReadBackup, Dialect: vault.Open},
			{Operation: ceremony.Drill, Dialect: vault.Open},
		}, r.Operations); diff != "" {
			t.Errorf("operations (-want +got):\n%s", diff)
		}
		if r.Product != "Vault" {
			t.Errorf("the product is %q", r.Product)
		}
		if diff := cmp.Diff(vault.TokenReport{Given: true, Policies: []string{"root"}}, r.Token); diff != "" {
			t.Errorf("token (-want +got):\n%s", diff)
		}
	})
}

func TestCheckChangesNothing(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{Nodes: 2})
	before := len(s.emulator.Log(""))
	s.client(t).Check(t.Context(), s.operations(), true)
	for _, r := range s.emulator.Log("")[before:] {
		if r.Method != "GET" && r.Path != "sys/capabilities-self" {
			t.Errorf("it sent %v", r)
		}
	}
}

func TestCheckFindsWhatWouldStopACeremony(t *testing.T) {
	t.Parallel()
	t.Run("an attempt in progress", func(t *testing.T) {
		s := startEmulator(t, vaulttest.Options{})
		c := s.client(t)
		begun := start(t, c, rootFor(t, vaulttest.NewPerson(t, "requester")))
		wantFinding(
			t, c.Check(t.Context(), s.operations(), true), true, "an attempt is in progress already, with nonce "+begun.Nonce,
		)
	})
	t.Run("sealed", func(t *testing.T) {
		s := startEmulator(t, vaulttest.Options{})
		s.emulator.Node(1).Seal()
		r := s.client(t).Check(t.Context(), s.operations(), true)
		wantFinding(t, r, true, "none of the addresses is the active node")
		wantFinding(t, r, false, s.addrs[0]+" is sealed")
	})
	t.Run("a standby alone", func(t *testing.T) {
		s := startEmulator(t, vaulttest.Options{Nodes: 2})
		r := s.client(t, func(c *vault.Config) { c.Addresses = s.addrs[1:] }).Check(t.Context(), s.operations(), true)
		wantFinding(t, r, true, s.addrs[0])
		if r.Nodes[0].Role != "standby" || r.Nodes[0].Leader != s.addrs[0] {
			t.Errorf("the node: %+v", r.Nodes[0])
		}
	})
	t.Run("two clusters", func(t *testing.T) {
		one, other := startEmulator(t, vaulttest.Options{}), startEmulator(t, vaulttest.Options{})
		r := one.client(t, func(c *vault.Config) { c.Addresses = append(c.Addresses, other.addrs...) }).Check(
			t.Context(), one.operations(), true,
		)
		wantFinding(t, r, true, "belongs to another cluster")
	})
	t.Run("an operation of the other kind of seal", func(t *testing.T) {
		s := startEmulator(t, vaulttest.Options{Seal: "transit"})
		r := s.client(t).Check(t.Context(), []ceremony.Operation{ceremony.Rekey}, true)
		if len(r.Findings) == 0 || !errors.Is(r.Findings[len(r.Findings)-1].Err, ceremony.WrongSealType) {
			t.Errorf("the findings: %+v", r.Findings)
		}
	})
	t.Run("missing rights", func(t *testing.T) {
		s := startEmulator(t, vaulttest.Options{})
		weak, _ := s.mint(t, map[string]any{"policies": []string{"default"}, "ttl": "48h"})
		r := s.client(t, tokenOf(t, weak)).Check(t.Context(), s.operations(), true)
		wantFinding(t, r, true, "a token with read on sys/rekey/backup is needed")
		wantFinding(t, r, true, "a token with update and sudo on sys/rotate is needed")
		for _, f := range r.Findings {
			if f.Operation == ceremony.Rotate && strings.Contains(f.Text, "sudo") {
				missing, _ := errors.AsType[*vault.MissingRight](f.Err)
				if want := "path \"sys/rotate\" {\n  capabilities = [\"update\", \"sudo\"]\n}\n"; missing.Policy() != want {
					t.Errorf("the line of the policy is\n%s, want\n%s", missing.Policy(), want)
				}
			}
		}
	})
}

// What is done to a cluster without a key, or to a sealed one, is checked before
// there is an active node.
func TestCheckOfAClusterThatWaitsForItsCeremonyFindsNothingThatStops(t *testing.T) {
	t.Parallel()
	check := func(s *server, op ceremony.Operation) vault.Report {
		return s.client(t, withoutToken).Check(t.Context(), []ceremony.Operation{op, ceremony.Drill}, true)
	}
	fresh, sealed, recovering := newEmulator(t, vaulttest.Options{}), sealedCluster(t), startEmulator(
		t, vaulttest.Options{},
	)
	recovering.emulator.RestartInRecoveryMode(t)
	for op, s := range map[ceremony.Operation]*server{ceremony.Init: fresh, ceremony.Unseal: sealed, ceremony.RecoveryToken: recovering} {
		r := check(s, op)
		if found := stops(r); len(found) > 0 || len(r.Operations) != 1 || r.Operations[0].Operation != op {
			t.Errorf("%s: it finds %q, and that these work: %+v", op, found, r.Operations)
		}
		if found := stops(check(s, ceremony.GenerateRoot)); len(found) == 0 {
			t.Errorf("%s: generate-root would work", op)
		}
	}
}

func TestCheckFindsWhatIsWorthKnowing(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{})
	t.Run("no token", func(t *testing.T) {
		r := s.client(t, withoutToken).Check(t.Context(), s.operations(), true)
		wantFinding(t, r, true, "a token with read on sys/rekey/backup is needed")
		if r := s.client(t, withoutToken).Check(t.Context(), []ceremony.Operation{s.rekey}, false); len(r.Findings) > 0 {
			t.Errorf("nothing needs a token, and it finds %+v", r.Findings)
		}
	})
	t.Run("a bad token", func(t *testing.T) {
		bad := writeFile(t, "token", "hvs.unknown")
		r := s.client(t, func(c *vault.Config) { c.TokenFile = bad }).Check(t.Context(), s.operations(), true)
		wantFinding(t, r, false, "the token is not accepted")
	})
	t.Run("a token about to end", func(t *testing.T) {
		s.emulator.Script(vaulttest.Fault{Route: "auth/token/lookup-self", Do: vaulttest.Lie(func(a map[string]any) {
			data := a["data"].(map[string]any)
			data["ttl"], data["expire_time"] = 60, "2026-01-01T00:00:00Z"
		})})
		wantFinding(t, s.client(t).Check(t.Context(), s.operations(), true), false, "the token ends in 1m0s")
	})
	t.Run("a root token", func(t *testing.T) {
		wantFinding(t, s.client(t).Check(t.Context(), s.operations(), true), false, "is a root token")
	})
	t.Run("a backup that was left behind", func(t *testing.T) {
		s := startEmulator(t, vaulttest.Options{})
		c := s.client(t)
		begun := start(t, c, rekeyFor(t, people(t, 2), 2))
		submit(t, c, s.rekey, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[:threshold]...)
		wantFinding(t, c.Check(t.Context(), s.operations(), true), false, "the encrypted new shares of the rekey with nonce "+begun.Nonce)
	})
	t.Run("an unreachable node", func(t *testing.T) {
		r := s.client(t, func(c *vault.Config) { c.Addresses = append(c.Addresses, "http://127.0.0.1:1") }).Check(
			t.Context(), s.operations(), true,
		)
		wantFinding(t, r, false, "http://127.0.0.1:1")
		if len(stops(r)) > 0 {
			t.Errorf("it finds %q", stops(r))
		}
	})
	t.Run("a certificate about to end", func(t *testing.T) {
		authority, err := vaulttest.NewAuthority()
		if err != nil {
			t.Fatal(err)
		}
		secured := startEmulator(t, vaulttest.Options{TLS: authority}) // for a day
		wantFinding(
			t, secured.client(t).Check(t.Context(), secured.operations(), true), false, "has a certificate that ends on",
		)
	})
}
