package archivetest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"conclave/needs"
)

// stamping is the configuration of "openssl ts" for a time-stamping server.
const stamping = `
[tsa]
default_tsa = server
[server]
serial = %s
default_policy = 1.2.3.4.1
digests = sha256
signer_digest = sha256
accuracy = secs:1
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
`

// Stamp has OpenSSL answer a time-stamp query.
func (i Issued) Stamp(t testing.TB, query []byte) []byte {
	t.Helper()
	needs.Programs(t, "openssl")
	dir := t.TempDir()
	config, asked := filepath.Join(dir, "openssl.cnf"), filepath.Join(dir, "query.tsq")
	answered := filepath.Join(dir, "reply.tsr")
	settings := fmt.Appendf(nil, stamping, filepath.Join(dir, "serial"))
	for path, text := range map[string][]byte{config: settings, asked: query} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "openssl", "ts", "-reply", "-config", config, "-queryfile", asked,
		"-signer", i.CertificateFile, "-inkey", i.KeyFile, "-out", answered)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, text)
	}
	reply, err := os.ReadFile(answered)
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

// ServeStamps starts a time-stamping server on loopback, and returns its URL. alter may be
// nil; otherwise it is called with each answer, and its result is sent instead.
func (i Issued) ServeStamps(t testing.TB, alter func(query, reply []byte) []byte) (url string) {
	t.Helper()
	needs.Programs(t, "openssl") // a test is ended by its own goroutine, not by the server's
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/timestamp-query" {
			t.Errorf("asked by %s with %q", r.Method, r.Header.Get("Content-Type"))
		}
		query, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		reply := i.Stamp(t, query)
		if alter != nil {
			reply = alter(query, reply)
		}
		w.Header().Set("Content-Type", "application/timestamp-reply")
		_, _ = w.Write(reply)
	}))
	t.Cleanup(s.Close)
	return s.URL
}
