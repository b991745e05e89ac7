package vault_test

import (
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/vault"
	"conclave/vault/vaulttest"
	"conclave/vault/vaulttest/record"
)

// impostor is a server over TLS that counts the requests that it could read.
func impostor(t *testing.T, alter func(*tls.Config)) (addr string, read *atomic.Int32) {
	t.Helper()
	authority, err := vaulttest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := authority.Issue()
	if err != nil {
		t.Fatal(err)
	}
	read = new(atomic.Int32)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		read.Add(1)
		io.WriteString(w, `{"ha_enabled": false, "started": true, "complete": false}`)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	alter(server.TLS)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL, read
}

func TestServerThatIsNotTrustedGetsNoByteOfAShare(t *testing.T) {
	t.Parallel()
	pinned, err := vaulttest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	pin := writeFile(t, "ca.pem", string(pinned.PEM))
	for claim, o := range map[string]struct {
		alter  func(*tls.Config)
		config vault.Config
	}{
		"another authority": {func(*tls.Config) {}, vault.Config{CAFile: pin}},
		"the system's":      {func(*tls.Config) {}, vault.Config{}},
		"another name": {func(c *tls.Config) {
			certificate, err := pinned.Issue()
			if err != nil {
				t.Fatal(err)
			}
			c.Certificates = []tls.Certificate{certificate}
		}, vault.Config{CAFile: pin, ServerName: "vault.example.org"}},
		"TLS 1.1": {func(c *tls.Config) {
			certificate, err := pinned.Issue()
			if err != nil {
				t.Fatal(err)
			}
			c.Certificates = []tls.Certificate{certificate}
			c.MinVersion, c.MaxVersion = tls.VersionTLS11, tls.VersionTLS11
		}, vault.Config{CAFile: pin}},
	} {
		t.Run(claim, func(t *testing.T) {
			addr, read := impostor(t, o.alter)
			o.config.Addresses, o.config.Timeout = []string{addr}, 20*time.Second
			c := newClient(t, o.config)
			for name, call := range calls {
				if err := call.make(t.Context(), c, attempt{share: "abcd"}); err == nil {
					t.Errorf("%s: no error", name)
				} else {
					wantError(t, err, ceremony.ErrNotSent)
				}
			}
			if n := read.Load(); n > 0 {
				t.Errorf("it could read %d requests", n)
			}
		})
	}
}

// The active node may change its certificate while it is remembered: the share
// is not sent then, and not sent elsewhere either.
func TestServerThatLosesTrustGetsNoShare(t *testing.T) {
	t.Parallel()
	pinned, err := vaulttest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	good, err := pinned.Issue()
	if err != nil {
		t.Fatal(err)
	}
	var isBad atomic.Bool
	addr, read := impostor(t, func(c *tls.Config) {
		bad := c.Certificates[0]
		c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
			if isBad.Load() {
				return &tls.Config{Certificates: []tls.Certificate{bad}}, nil
			}
			return &tls.Config{Certificates: []tls.Certificate{good}}, nil
		}
	})
	c := newClient(t, vault.Config{Addresses: []string{addr}, CAFile: writeFile(t, "ca.pem", string(pinned.PEM))})
	progressOf(t, c, ceremony.Rekey, ceremony.StepUpdate)
	before := read.Load()
	isBad.Store(true)
	_, err = c.Submit(t.Context(), submission(ceremony.Rekey, ceremony.StepUpdate, "n", "abcd"))
	wantError(t, err, ceremony.ErrNotSent)
	if read.Load() != before {
		t.Error("it could read the request")
	}
}

func TestServerIsTrustedByItsConfiguredName(t *testing.T) {
	t.Parallel()
	authority, err := vaulttest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	s := startEmulator(t, vaulttest.Options{TLS: authority})
	progressOf(t, s.client(t, func(c *vault.Config) { c.ServerName = "localhost" }), ceremony.Rekey, ceremony.StepUpdate)
}

// None of what package api reads from the environment has any effect. Each
// variable is set to what would do harm, or be refused.
func TestEnvironmentHasNoEffect(t *testing.T) {
	var visits atomic.Int32
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits.Add(1) }))
	defer stranger.Close()
	authority, err := vaulttest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	s := startEmulator(t, vaulttest.Options{TLS: authority})
	for name, value := range map[string]string{
		"VAULT_ADDR":              stranger.URL,
		"VAULT_AGENT_ADDR":        stranger.URL,
		"VAULT_CACERT":            "/nonexistent",
		"VAULT_CACERT_BYTES":      "no certificate",
		"VAULT_CAPATH":            "/nonexistent",
		"VAULT_CLIENT_CERT":       "/nonexistent",
		"VAULT_CLIENT_KEY":        "/nonexistent",
		"VAULT_CLIENT_TIMEOUT":    "no duration",
		"VAULT_DISABLE_REDIRECTS": "no bool",
		"VAULT_HEADERS":           "no JSON",
		"VAULT_HTTP_PROXY":        stranger.URL,
		"VAULT_MAX_RETRIES":       "no number",
		"VAULT_MFA":               "mfa",
		"VAULT_NAMESPACE":         "elsewhere",
		"VAULT_PROXY_ADDR":        stranger.URL,
		"VAULT_RATE_LIMIT":        "no rate",
		"VAULT_SKIP_VERIFY":       "true",
		"VAULT_SRV_LOOKUP":        "true",
		"VAULT_TLS_SERVER_NAME":   "vault.example.org",
		"VAULT_TOKEN":             "hvs.environment",
		"VAULT_WRAP_TTL":          "60",
		"HTTP_PROXY":              stranger.URL,
		"HTTPS_PROXY":             stranger.URL,
		"ALL_PROXY":               stranger.URL,
	} {
		t.Setenv(name, value)
	}
	c := s.client(t, func(c *vault.Config) { c.TokenFile = "" })
	a := begin(t, s, c)
	submit(t, c, ceremony.Rekey, ceremony.StepUpdate, a.rekey.Nonce, a.share)
	for _, r := range s.emulator.Log("") {
		if r.Token != "" && r.Token != record.Mark(s.keys.RootToken) {
			t.Errorf("a token was sent: %v", r)
		}
	}
	if _, err := c.Backup(t.Context(), ceremony.Rekey); err == nil {
		t.Error("a token was found somewhere")
	}
	untrusting := newClient(t, vault.Config{Addresses: s.addrs})
	_, err = untrusting.Progress(t.Context(), ceremony.Rekey, ceremony.StepUpdate)
	wantError(t, err, ceremony.ErrNotSent)
	if n := visits.Load(); n > 0 {
		t.Errorf("the stranger got %d requests", n)
	}
}

func TestRequestCarriesWhatIsConfiguredAndNoMore(t *testing.T) {
	t.Parallel()
	headers := make(chan http.Header, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers <- r.Header
		io.WriteString(w, `{"ha_enabled": false, "started": false}`)
	}))
	defer server.Close()
	c := newClient(t, vault.Config{
		Addresses: []string{server.URL},
		Namespace: "team",
		TokenFile: writeFile(t, "token", "hvs.configured\n"),
	})
	progressOf(t, c, ceremony.Rekey, ceremony.StepUpdate)
	leader, progress := <-headers, <-headers
	if got := leader.Get("X-Vault-Token"); got != "" {
		t.Error("the public question for the leader carries the token")
	}
	if got := leader.Get("X-Vault-Namespace"); got != "" {
		t.Errorf("the node's own endpoint is asked in the namespace %q", got)
	}
	if got := progress.Get("X-Vault-Token"); got != "hvs.configured" {
		t.Errorf("the token is %q", got)
	}
	if got := progress.Get("X-Vault-Namespace"); got != "team" {
		t.Errorf("the namespace is %q", got)
	}
	if got := progress.Get("X-Vault-Wrap-TTL"); got != "" {
		t.Errorf("the answer is to be wrapped for %q", got)
	}
}

func TestTokenFileIsReadAgain(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{})
	path := writeFile(t, "token", s.keys.RootToken)
	c := s.client(t, func(c *vault.Config) { c.TokenFile = path })
	backup := func() error {
		_, err := c.Backup(t.Context(), ceremony.Rekey)
		return err
	}
	wantError(t, backup(), ceremony.ErrNoBackup)

	if err := os.WriteFile(path, []byte("hvs.revoked"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantError(t, backup(), ceremony.ErrForbidden)

	// An agent puts another file in its place.
	next := writeFile(t, "next", "  "+s.keys.RootToken+"\r\n")
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
	wantError(t, backup(), ceremony.ErrNoBackup)

	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	wantError(t, backup(), ceremony.ErrNotSent)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	wantError(t, backup(), ceremony.ErrNotSent)
}

func TestConfigurationThatWouldHarmIsRefused(t *testing.T) {
	t.Parallel()
	ok := "https://vault.example.org:8200"
	folder := t.TempDir()
	open := writeFile(t, "token", "hvs.x")
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	for want, config := range map[string]vault.Config{
		"no address is given":             {},
		"neither https:// nor http://":    {Addresses: []string{"vault.example.org:8200"}},
		"it has no host":                  {Addresses: []string{"https://"}},
		"not a URL":                       {Addresses: []string{"https://a b\x7f"}},
		"user name":                       {Addresses: []string{"https://me:secret@vault.example.org"}},
		"more than scheme, host and port": {Addresses: []string{ok + "/v1/sys"}},
		"plain http is for loopback only": {Addresses: []string{"http://vault.example.org:8200"}},
		"is listed twice":                 {Addresses: []string{"https://vault.example.org", "https://VAULT.example.org:443/"}},
		"is negative":                     {Addresses: []string{ok}, Timeout: -1},
		"read authorities":                {Addresses: []string{ok}, CAFile: filepath.Join(folder, "none")},
		"holds no PEM certificate":        {Addresses: []string{ok}, CAFile: writeFile(t, "ca", "no")},
		"no such file":                    {Addresses: []string{ok}, TokenFile: filepath.Join(folder, "none")},
		"can be read by others":           {Addresses: []string{ok}, TokenFile: open},
		"is empty":                        {Addresses: []string{ok}, TokenFile: writeFile(t, "empty", "\n")},
		"it has several lines":            {Addresses: []string{ok}, TokenFile: writeFile(t, "two", "hvs.a\nhvs.b")},
		"the token stands in quotes":      {Addresses: []string{ok}, TokenFile: writeFile(t, "quoted", `"hvs.a"`)},
		"a name in front of the token":    {Addresses: []string{ok}, TokenFile: writeFile(t, "named", "VAULT_TOKEN=hvs.a")},
		"it names a variable":             {Addresses: []string{ok}, TokenFile: writeFile(t, "variable", "${VAULT_TOKEN}")},
		"it holds the path of a file":     {Addresses: []string{ok}, TokenFile: writeFile(t, "path", "~/.vault-token")},
		"is longer than any token":        {Addresses: []string{ok}, TokenFile: writeFile(t, "long", strings.Repeat("x", 9000))},
	} {
		c, err := vault.New(config)
		if err == nil {
			c.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %q, want %q", config, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "hvs.") || strings.Contains(err.Error(), "secret")) {
			t.Errorf("the error tells a secret: %q", err)
		}
	}
	for _, addr := range []string{"http://127.0.0.1:8200", "http://[::1]:8200", "http://localhost:8200/", "https://vault.example.org"} {
		newClient(t, vault.Config{Addresses: []string{addr}})
	}
}
