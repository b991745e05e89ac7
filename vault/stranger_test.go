package vault_test

import (
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/vault"
	"conclave/vault/vaulttest"
)

const signIn = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>hvs.a-secret</body></html>"

// What is not Vault is told as what it is, and says nothing about what a share has done.
func TestStrangerIsToldAsWhatItIs(t *testing.T) {
	t.Parallel()
	for claim, tt := range map[string]struct {
		status int
		body   string
		want   string
		is     error // of a write
	}{
		"a login page":            {200, signIn, "a web page came in place of Vault's answer", ceremony.ErrUncertain},
		"a page with a mark":      {200, "\ufeff \n" + signIn, "a web page came", ceremony.ErrUncertain},
		"a bad gateway":           {502, signIn, "answered 502: what Vault did is not known: a web page came", ceremony.ErrUncertain},
		"a gateway's timeout":     {504, signIn, "answered 504: what Vault did is not known: a web page came", ceremony.ErrUncertain},
		"no server behind it":     {503, signIn, "answered 503: what Vault did is not known: a web page came", ceremony.ErrUncertain},
		"a load balancer's words": {503, "no available server", "what answered is not Vault", ceremony.ErrUncertain},
		"a page not found":        {404, signIn, "a web page came", ceremony.ErrUnsupported},
		"a firewall":              {403, signIn, "a web page came", ceremony.ErrForbidden},
		"a port that wants TLS":   {400, "Client sent an HTTP request to an HTTPS server.\n", "write https://", ceremony.ErrUncertain},
		"other words":             {200, "hello", "it is not JSON", ceremony.ErrUncertain},
	} {
		t.Run(claim, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			}))
			t.Cleanup(server.Close)
			c := newClient(t, vault.Config{Addresses: []string{server.URL}, Timeout: time.Second})
			_, err := c.Seal(t.Context())
			told(t, err, tt.want)
			leads := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					io.WriteString(w, `{"ha_enabled":false}`)
					return
				}
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			}))
			t.Cleanup(leads.Close)
			c = newClient(t, vault.Config{Addresses: []string{leads.URL}, Timeout: time.Second})
			_, err = c.Submit(t.Context(), submission(ceremony.Rekey, ceremony.StepUpdate, "n", strings.Repeat("0", 66)))
			told(t, err, tt.want)
			wantError(t, err, tt.is)
		})
	}
}

func told(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("told is %v, want %q", err, want)
	}
	if err != nil && (strings.Contains(err.Error(), "hvs.") || strings.Contains(err.Error(), "<nil>")) {
		t.Errorf("told is %v", err)
	}
}

func TestWrongPortIsToldAsWhatItIs(t *testing.T) {
	t.Parallel()
	authority, err := vaulttest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := authority.Issue()
	if err != nil {
		t.Fatal(err)
	}
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"sealed":false}`) })
	plain, secured := httptest.NewServer(answer), httptest.NewUnstartedServer(answer)
	secured.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	secured.Config.ErrorLog = log.New(io.Discard, "", 0)
	secured.StartTLS()
	t.Cleanup(plain.Close)
	t.Cleanup(secured.Close)
	ca := writeFile(t, "ca.pem", string(authority.PEM))
	other, err := vaulttest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	for claim, tt := range map[string]struct {
		config vault.Config
		want   string
	}{
		"TLS to a plain port": {
			vault.Config{Addresses: []string{strings.Replace(plain.URL, "http:", "https:", 1)}, CAFile: ca}, "the server speaks no TLS at this port",
		},
		"plain HTTP to a port with TLS": {
			vault.Config{Addresses: []string{strings.Replace(secured.URL, "https:", "http:", 1)}}, "the server wants TLS at this port",
		},
		"another authority": {
			vault.Config{Addresses: []string{secured.URL}, CAFile: writeFile(t, "other.pem", string(other.PEM))},
			"by an authority that is not trusted here: is ca_file the right one?",
		},
		"another name": {
			vault.Config{Addresses: []string{secured.URL}, CAFile: ca, ServerName: "vault.example.org"}, "and not for vault.example.org: write one of its names",
		},
	} {
		t.Run(claim, func(t *testing.T) {
			tt.config.Timeout = 20 * time.Second
			_, err := newClient(t, tt.config).Seal(t.Context())
			told(t, err, tt.want)
		})
	}
}
