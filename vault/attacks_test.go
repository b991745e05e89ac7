package vault_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/secret"
	"conclave/vault"
	"conclave/vault/vaulttest"
)

// An answer that leaves the effect open, with a Location: the share is sent twice.
func TestUncertainWriteWithALocationIsNotRepeated(t *testing.T) {
	for _, status := range []int{http.StatusCreated, http.StatusAccepted, http.StatusFound, http.StatusPermanentRedirect} {
		s := startEmulator(t, vaulttest.Options{Nodes: 2})
		c := s.client(t)
		a := begin(t, s, c)
		before := len(s.emulator.Log("PUT sys/rekey/update"))
		s.emulator.Script(vaulttest.Fault{Route: "PUT sys/rekey/update", Do: func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", s.addrs[1]+r.URL.RequestURI())
				w.WriteHeader(status)
			})
		}})
		_, err := c.Submit(t.Context(), submission(ceremony.Rekey, ceremony.StepUpdate, a.rekey.Nonce, a.share))
		if n := len(s.emulator.Log("PUT sys/rekey/update")) - before; n != 1 {
			t.Errorf("%d: the share was sent %d times (%v)", status, n, err)
		}
	}
}

func odd(field, value string) vaulttest.Act {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := &recorder{header: http.Header{}}
			next.ServeHTTP(rec, r)
			body := rec.body
			i := strings.Index(body, `"`+field+`":"`)
			if i >= 0 {
				i += len(field) + 4
				j := i + strings.Index(body[i:], `"`)
				body = body[:i] + value + body[j:]
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(body))
		})
	}
}

type recorder struct {
	header http.Header
	body   string
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(int)             {}
func (r *recorder) Write(p []byte) (int, error) { r.body += string(p); return len(p), nil }

// What goes into plans, posts and pasted commands has the shape of what Vault makes.
func TestIDsAndNoncesHaveTheirShape(t *testing.T) {
	s := startEmulator(t, vaulttest.Options{})
	c := s.client(t)
	a := begin(t, s, c)
	_ = a
	s.emulator.Script(vaulttest.Fault{Route: "GET sys/seal-status", Do: odd("cluster_id", `x\nholder 9: mallory\u001b[2J`)})
	if seal, err := c.Seal(t.Context()); err == nil {
		t.Errorf("cluster id %q goes into the canonical plan", seal.ClusterID)
	}
	s.emulator.Script(vaulttest.Fault{Route: "GET sys/rekey/init", Do: odd("nonce", `x\n*Resume is safe*\u001b[2J`)})
	if p, err := c.Progress(t.Context(), ceremony.Rekey, ceremony.StepUpdate); err == nil {
		t.Errorf("nonce %q goes on", p.Nonce)
	}
	s.emulator.Script(vaulttest.Fault{Route: "GET sys/rekey/init", Times: vaulttest.Always, Do: odd("nonce", `x\u001b[2J\u001b[Hok    everything`)})
	for _, f := range c.Check(t.Context(), ceremony.Operations(), true).Findings {
		if strings.ContainsRune(f.Text, 0x1b) {
			t.Errorf("for the operator's terminal: %q", f.Text)
		}
	}
}

// Something between, or Vault itself when it can't answer now, turns a question
// away. That is no answer, or a token that is alive would be recorded as revoked,
// and new shares that Vault keeps would be given up.
func TestOddRefusalOfAQuestionIsNoAnswer(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{})
	c := s.client(t)
	_, accessor := s.mint(t, map[string]any{"policies": []string{"root"}})
	for claim, do := range map[string]vaulttest.Act{
		"not caught up yet":         vaulttest.Refuse(http.StatusPreconditionFailed, "required index state not present"),
		"headers too long":          vaulttest.Refuse(http.StatusRequestHeaderFieldsTooLarge, "too large"),
		"a proxy that wants a name": vaulttest.Refuse(http.StatusProxyAuthRequired, "who are you"),
		"a proxy's own page":        page(http.StatusBadRequest),
	} {
		s.emulator.Script(
			vaulttest.Fault{Route: "PUT auth/token/lookup-accessor", Do: do},
			vaulttest.Fault{Route: "GET sys/rekey/backup", Do: do},
		)
		if state, err := c.Accessor(t.Context(), accessor); !errors.Is(err, ceremony.ErrUncertain) {
			t.Errorf("%s: the accessor of a token that is alive: %+v, %v", claim, state, err)
		}
		if _, err := c.Backup(t.Context(), ceremony.Rekey); !errors.Is(err, ceremony.ErrUncertain) {
			t.Errorf("%s: the backup: %v", claim, err)
		}
	}
}

// page returns as something that is not Vault.
func page(status int) vaulttest.Act {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<h1>Sorry</h1>", status) })
	}
}

// The seal's type is part of the plan that people approve and hash.
func TestSealTypeHasItsShape(t *testing.T) {
	t.Parallel()
	s := newEmulator(t, vaulttest.Options{})
	s.emulator.Script(vaulttest.Fault{Route: "GET sys/seal-status", Times: vaulttest.Always, Do: odd("type", `shamir\nreceiver 1: mallory`)})
	c := newClient(t, vault.Config{Addresses: s.addrs})
	for _, n := range nodesOf(t, c) {
		if n.Err == nil {
			t.Errorf("seal type %q goes into the canonical plan", n.Seal.Type)
		}
	}
}

// A node may be written in more ways than one.
func TestShareOfAnUnsealingIsSentOnceToANodeOfTwoNames(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{})
	s.emulator.Node(1).Seal()
	before := len(s.emulator.Log("PUT sys/unseal"))
	s.client(t).Unseal(
		t.Context(), []string{s.addrs[0], s.addrs[0] + "/", s.addrs[0]}, secret.NewSecret([]byte(s.keys.Shares[0])),
	)
	if n := len(s.emulator.Log("PUT sys/unseal")) - before; n != 1 {
		t.Errorf("the share was sent %d times", n)
	}
}

func TestAddressIsListedTwiceHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	for _, pair := range [][]string{
		{"https://[2001:db8::1]:8200", "https://[2001:DB8:0:0:0:0:0:1]:8200"},
		{"https://vault.example.org", "https://VAULT.example.org:443/"},
	} {
		if _, err := vault.New(vault.Config{Addresses: pair}); err == nil {
			t.Errorf("%q are taken for two nodes", pair)
		}
	}
}

// Rekey's endpoints were looked for before the server was upgraded, and from then
// on only the backup is asked for.
func TestBackupIsFoundAfterAnUpgrade(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{Dialect: vaulttest.OpenBao, OpenEndpoints: []string{"rekey"}})
	c := s.client(t)
	progressOf(t, c, ceremony.Rekey, ceremony.StepUpdate)
	for _, path := range []string{"sys/rekey/init", "sys/rekey/backup"} {
		s.emulator.Script(
			vaulttest.Fault{Route: path, Times: vaulttest.Always, Do: vaulttest.Refuse(http.StatusMethodNotAllowed)},
		)
	}
	_, err := c.Backup(t.Context(), ceremony.Rekey)
	wantError(t, err, ceremony.ErrNoBackup)
}
