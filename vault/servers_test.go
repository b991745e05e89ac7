package vault_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"conclave/ceremony"
	"conclave/vault"
	"conclave/vault/vaulttest"
)

// A server says what it is in whatever state it is in, and to everybody.
func TestServersSayWhatTheyAre(t *testing.T) {
	onEachKind(t, func(t *testing.T, s *server) {
		c := s.client(t, withoutToken)
		seal, err := c.Seal(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := []ceremony.Server{{Address: s.addrs[0], Product: "Vault", Version: seal.Version, Seal: seal.Type}}
		if want[0].Version == "" || want[0].Seal == "" {
			t.Fatalf("the server says %+v", seal)
		}
		if diff := cmp.Diff(want, c.Servers(t.Context())); diff != "" {
			t.Errorf("unsealed (-want +got):\n%s", diff)
		}
		if s.rekey == ceremony.RekeyRecovery {
			return
		}
		if err := s.operator.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, c.Servers(t.Context())); diff != "" {
			t.Errorf("sealed (-want +got):\n%s", diff)
		}
	})
}

func TestServersOfEachDialectSayTheirProduct(t *testing.T) {
	onEachDialect(t, func(t *testing.T, s *server, d vault.Dialect) {
		want := "Vault"
		if d == vault.OpenBao {
			want = "OpenBao"
		}
		if got := s.client(t).Servers(t.Context()); len(got) != 1 || got[0].Product != want {
			t.Errorf("the servers are %+v", got)
		}
	})
}

func TestStandbysAndSecondariesSayWhatTheyAre(t *testing.T) {
	for name, s := range map[string]*server{
		"a cluster":                     startEmulator(t, vaulttest.Options{Nodes: 3}),
		"a disaster recovery secondary": startEmulator(t, vaulttest.Options{DRSecondary: true}),
	} {
		for _, got := range s.client(t).Servers(t.Context()) {
			if got.Product != "Vault" || got.Version == "" || got.Seal == "" {
				t.Errorf("%s: %+v", name, got)
			}
		}
	}
}

// A node that never answers holds nobody up for longer than the asker's patience.
func TestServerThatHangsIsNotKnown(t *testing.T) {
	s := startEmulator(t, vaulttest.Options{})
	s.emulator.Script(vaulttest.Fault{
		Route: "GET sys/seal-status", Times: vaulttest.Always, Do: func(http.Handler) http.Handler {
			return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		},
	})
	c := s.client(t, func(c *vault.Config) { c.Timeout = time.Hour })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if diff := cmp.Diff([]ceremony.Server{{Address: s.addrs[0]}}, c.Servers(ctx)); diff != "" {
		t.Errorf("servers (-want +got):\n%s", diff)
	}
}

// What can't be learnt is missing, and what has no shape is not passed on.
func TestServerThatDoesNotAnswerOrSaysNonsenseIsNotKnown(t *testing.T) {
	s := startEmulator(t, vaulttest.Options{})
	c := s.client(t, func(c *vault.Config) { c.Addresses = append(c.Addresses, "https://127.0.0.1:1") })
	s.emulator.Script(vaulttest.Fault{
		Route: "GET sys/seal-status", Times: vaulttest.Always, Do: odd("version", `1.2\n<!channel>`),
	})
	want := []ceremony.Server{{Address: s.addrs[0], Product: "Vault", Seal: "shamir"}, {Address: "https://127.0.0.1:1"}}
	if diff := cmp.Diff(want, c.Servers(t.Context())); diff != "" {
		t.Errorf("servers (-want +got):\n%s", diff)
	}
	s.emulator.Script(vaulttest.Fault{
		Route: "GET sys/health", Times: vaulttest.Always, Do: page(http.StatusForbidden),
	})
	if got := c.Servers(t.Context())[0]; got.Product != "" {
		t.Errorf("the product is %q by a page of a proxy", got.Product)
	}
}
