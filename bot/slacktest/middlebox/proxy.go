package middlebox

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
)

// Proxy is an HTTP proxy that lets CONNECT through and nothing else. It alone knows where a host is.
type Proxy struct {
	server *httptest.Server
	hosts  map[string]string // host:port as clients ask for it → where it is

	mu    sync.Mutex
	asked []string
	open  map[net.Conn]bool
}

// StartProxy starts a proxy that knows these hosts.
func StartProxy(hosts map[string]string) *Proxy {
	p := &Proxy{hosts: hosts, open: map[net.Conn]bool{}}
	p.server = httptest.NewServer(p)
	return p
}

// URL returns the proxy's address, as HTTPS_PROXY takes it.
func (p *Proxy) URL() string { return p.server.URL }

// Asked returns the hosts that clients asked for, in order.
func (p *Proxy) Asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.asked...)
}

// Close ends the proxy and what goes through it.
func (p *Proxy) Close() {
	p.mu.Lock()
	for c := range p.open {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.server.Close()
}

// ServeHTTP connects a client with a host.
func (p *Proxy) ServeHTTP(out http.ResponseWriter, in *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, in.Method+" "+in.Host)
	to, known := p.hosts[in.Host]
	p.mu.Unlock()
	if in.Method != http.MethodConnect || !known {
		http.Error(out, "this proxy knows no such host", http.StatusForbidden)
		return
	}
	there, err := net.Dial("tcp", to)
	if err != nil {
		http.Error(out, "unreachable", http.StatusBadGateway)
		return
	}
	here, _, err := http.NewResponseController(out).Hijack()
	if err != nil {
		_ = there.Close()
		return
	}
	p.mu.Lock()
	p.open[here], p.open[there] = true, true
	p.mu.Unlock()
	_, _ = io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n")
	go p.pour(here, there)
	go p.pour(there, here)
}

func (p *Proxy) pour(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	_, _ = to.Close(), from.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, to)
	delete(p.open, from)
}
