package vault_test

import (
	"net/http"
	"strings"
	"testing"

	"conclave/ceremony"
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
		_, err := c.Submit(t.Context(), submission(ceremony.Rekey, ceremony.Update, a.rekey.Nonce, a.share))
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
	if p, err := c.Progress(t.Context(), ceremony.Rekey, ceremony.Update); err == nil {
		t.Errorf("nonce %q goes on", p.Nonce)
	}
	s.emulator.Script(vaulttest.Fault{Route: "GET sys/rekey/init", Times: vaulttest.Always, Do: odd("nonce", `x\u001b[2J\u001b[Hok    everything`)})
	for _, f := range c.Check(t.Context(), ceremony.Operations(), true).Findings {
		if strings.ContainsRune(f.Text, 0x1b) {
			t.Errorf("for the operator's terminal: %q", f.Text)
		}
	}
}
