package vault_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"conclave/ceremony"
	"conclave/vault"
	"conclave/vault/vaulttest"
)

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
		r := s.client(t).Check(t.Context())
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
		if diff := cmp.Diff([]vault.Attempt{
			{Operation: s.rekey, Progress: ceremony.Progress{Required: threshold}},
			{Operation: ceremony.GenerateRoot, Progress: ceremony.Progress{Required: threshold, OTPLength: 28}},
		}, r.Attempts); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
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
	s.client(t).Check(t.Context())
	for _, r := range s.emulator.Log("")[before:] {
		if r.Method != "GET" {
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
		wantFinding(t, c.Check(t.Context()), true, "a generate-root is in progress already, with nonce "+begun.Nonce)
	})
	t.Run("sealed", func(t *testing.T) {
		s := startEmulator(t, vaulttest.Options{})
		s.emulator.Node(1).Seal()
		r := s.client(t).Check(t.Context())
		wantFinding(t, r, true, "none of the addresses is the active node")
		wantFinding(t, r, false, s.addrs[0]+" is sealed")
	})
	t.Run("a standby alone", func(t *testing.T) {
		s := startEmulator(t, vaulttest.Options{Nodes: 2})
		r := s.client(t, func(c *vault.Config) { c.Addresses = s.addrs[1:] }).Check(t.Context())
		wantFinding(t, r, true, s.addrs[0])
		if r.Nodes[0].Role != "standby" || r.Nodes[0].Leader != s.addrs[0] {
			t.Errorf("the node: %+v", r.Nodes[0])
		}
	})
	t.Run("two clusters", func(t *testing.T) {
		one, other := startEmulator(t, vaulttest.Options{}), startEmulator(t, vaulttest.Options{})
		r := one.client(t, func(c *vault.Config) { c.Addresses = append(c.Addresses, other.addrs...) }).Check(t.Context())
		wantFinding(t, r, true, "belongs to another cluster")
	})
	t.Run("endpoints that want a token", func(t *testing.T) {
		s := startEmulator(t, vaulttest.Options{})
		s.emulator.Script(vaulttest.Fault{Route: "GET sys/rekey/init", Times: vaulttest.Always, Do: vaulttest.Refuse(403, "permission denied")})
		wantFinding(t, s.client(t).Check(t.Context()), true, "rekey can't be asked about")
	})
}

func TestCheckFindsWhatIsWorthKnowing(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{})
	t.Run("no token", func(t *testing.T) {
		r := s.client(t, func(c *vault.Config) { c.TokenFile = "" }).Check(t.Context())
		wantFinding(t, r, false, "there is no token")
	})
	t.Run("a bad token", func(t *testing.T) {
		bad := writeFile(t, "token", "hvs.unknown")
		r := s.client(t, func(c *vault.Config) { c.TokenFile = bad }).Check(t.Context())
		wantFinding(t, r, false, "the token is not accepted")
	})
	t.Run("a token about to end", func(t *testing.T) {
		s.emulator.Script(vaulttest.Fault{Route: "auth/token/lookup-self", Do: vaulttest.Lie(func(a map[string]any) {
			data := a["data"].(map[string]any)
			data["ttl"], data["expire_time"] = 60, "2026-01-01T00:00:00Z"
		})})
		wantFinding(t, s.client(t).Check(t.Context()), false, "the token ends in 1m0s")
	})
	t.Run("a token without the right", func(t *testing.T) {
		s.emulator.Script(vaulttest.Fault{Route: "sys/rekey/backup", Do: vaulttest.Refuse(403, "permission denied")})
		wantFinding(t, s.client(t).Check(t.Context()), false, "the backup of new shares can't be read")
	})
	t.Run("an unreachable node", func(t *testing.T) {
		r := s.client(t, func(c *vault.Config) { c.Addresses = append(c.Addresses, "http://127.0.0.1:1") }).Check(t.Context())
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
		wantFinding(t, secured.client(t).Check(t.Context()), false, "has a certificate that ends on")
	})
}

func TestPolicyIsWhatReadingTheBackupTakes(t *testing.T) {
	t.Parallel()
	t.Run("unseal keys", func(t *testing.T) { policyIsEnough(t, startReal(t)) })
	t.Run("recovery keys", func(t *testing.T) { policyIsEnough(t, startRealAuto(t)) })
}

func policyIsEnough(t *testing.T, s *server) {
	ctx := t.Context()
	if answer, err := s.operator.Do(ctx, "PUT", "sys/policies/acl/conclave", map[string]string{"policy": vault.Policy()}); err != nil || answer.Status != 204 {
		t.Fatalf("write policy: %d %v, %v", answer.Status, answer.Errors, err)
	}
	for policy, want := range map[string]error{"conclave": ceremony.ErrNoBackup, "default": ceremony.ErrForbidden} {
		answer, err := s.operator.Do(ctx, "PUT", "auth/token/create",
			map[string]any{"policies": []string{policy}, "no_parent": true, "ttl": "1h"})
		if err != nil || answer.Status != 200 {
			t.Fatalf("make token: %d %v, %v", answer.Status, answer.Errors, err)
		}
		token, _ := answer.Body["auth"].(map[string]any)["client_token"].(string)
		path := writeFile(t, "token", token)
		c := s.client(t, func(c *vault.Config) { c.TokenFile = path })
		_, err = c.Backup(ctx, s.rekey)
		wantError(t, err, want)
		r := c.Check(ctx)
		if (r.Token.ReadBackup == nil) != (policy == "conclave") || !r.Token.Expires || r.Token.TTL > time.Hour {
			t.Errorf("%s: the report of its token: %+v", policy, r.Token)
		}
	}
}
