package whole_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"conclave/vault/vaulttest"
)

// tap is a proxy between the bot and Vault. It records what passed, and can cut off a request before Vault gets it or
// before the bot gets the answer.
type tap struct {
	server   *httptest.Server
	upstream string
	vault    *http.Transport
	// cuts receives each request that was cut off. The connection stays open until the client has gone.
	cuts chan call

	mu    sync.Mutex
	calls []*call
	judge func(call) cut
}

// call is one request of the bot.
type call struct {
	route  string // method and path
	secret string // hash of the share in it
	nonce  string
	status int       // Vault's answer; 0 if the request did not reach Vault
	at     time.Time // when its answer was here
}

func (c call) String() string {
	return fmt.Sprintf("%s nonce %.8s share %.8s → %d", c.route, c.nonce, c.secret, c.status)
}

// isWrite reports whether the request would change anything.
func (c call) isWrite() bool { return !strings.HasPrefix(c.route, http.MethodGet+" ") }

// cut is the point at which the tap cuts a request off.
type cut int

const (
	through   cut = iota
	cutBefore     // Vault never hears of it
	cutAfter      // Vault has carried it out, and the answer is lost
)

func startTap(t testing.TB, a *vaulttest.Authority, upstream string) *tap {
	t.Helper()
	certificate, err := a.Issue()
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(a.PEM)
	p := &tap{
		upstream: upstream,
		vault: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
			DisableCompression: true},
		cuts: make(chan call, 1),
	}
	p.server = httptest.NewUnstartedServer(p)
	p.server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	p.server.StartTLS()
	t.Cleanup(func() {
		p.server.CloseClientConnections()
		p.server.Close()
		p.vault.CloseIdleConnections()
	})
	return p
}

func (p *tap) addr() string { return p.server.URL }

// ServeHTTP passes a request on, or cuts it off.
func (p *tap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	c, do := p.arrived(r, body)
	if do == cutBefore {
		p.hangUp(r, *c)
	}
	// A request that has come this far reaches Vault even if the bot has died meanwhile.
	ctx := context.WithoutCancel(r.Context())
	request, err := http.NewRequestWithContext(ctx, r.Method, p.upstream+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	request.Header = r.Header.Clone()
	answer, err := p.vault.RoundTrip(request)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	p.mu.Lock()
	c.status, c.at = answer.StatusCode, time.Now()
	p.mu.Unlock()
	if do == cutAfter {
		p.hangUp(r, *c)
	}
	maps.Copy(w.Header(), answer.Header)
	w.WriteHeader(answer.StatusCode)
	_, _ = w.Write(content)
}

func (p *tap) arrived(r *http.Request, body []byte) (*call, cut) {
	var sent struct{ Key, Nonce string }
	_ = json.Unmarshal(body, &sent) // not every request has a body
	c := &call{route: r.Method + " " + strings.TrimPrefix(r.URL.Path, "/v1/"), nonce: sent.Nonce}
	if sent.Key != "" {
		sum := sha256.Sum256([]byte(sent.Key))
		c.secret = hex.EncodeToString(sum[:])
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, c)
	if p.judge == nil {
		return c, through
	}
	return c, p.judge(*c)
}

// hangUp leaves a request without an answer for as long as the client waits.
func (p *tap) hangUp(r *http.Request, c call) {
	p.cuts <- c
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}

// judges lets f decide about each request from now on. f is called with one request at a time.
func (p *tap) judges(f func(call) cut) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.judge = f
}

func (p *tap) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = nil
}

// done returns the requests on a route that Vault has carried out.
func (p *tap) done(route string) []call {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []call
	for _, c := range p.calls {
		if c.route == route && c.status >= 200 && c.status < 300 {
			all = append(all, *c)
		}
	}
	return all
}

// repeated returns the shares that Vault has taken twice under the same nonce.
func (p *tap) repeated() []call {
	var twice []call
	for _, route := range shareRoutes {
		seen := map[string]bool{}
		for _, c := range p.done(route) {
			if seen[c.nonce+c.secret] {
				twice = append(twice, c)
			}
			seen[c.nonce+c.secret] = true
		}
	}
	return twice
}

// Routes of the writes of a ceremony.
const (
	startRekey  = "PUT sys/rekey/init"
	updateRekey = "PUT sys/rekey/update"
	verifyRekey = "PUT sys/rekey/verify"
	startRoot   = "PUT sys/generate-root/attempt"
	updateRoot  = "PUT sys/generate-root/update"

	startRecovery  = "PUT sys/rekey-recovery-key/init"
	updateRecovery = "PUT sys/rekey-recovery-key/update"
	verifyRecovery = "PUT sys/rekey-recovery-key/verify"
)

var shareRoutes = []string{updateRekey, verifyRekey, updateRecovery, verifyRecovery, updateRoot}

// String returns every write that passed.
func (p *tap) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	writes := slices.DeleteFunc(slices.Clone(p.calls), func(c *call) bool { return !c.isWrite() })
	var b strings.Builder
	for _, c := range writes {
		fmt.Fprintln(&b, c)
	}
	return b.String()
}
