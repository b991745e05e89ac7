package middlebox

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Box stands in front of a workspace. What the workspace says of its own address, the box changes into its own, so that
// everything goes through it.
type Box struct {
	server *httptest.Server
	host   string // how clients reach the box: host:port
	secure bool
	inside *url.URL // the workspace

	mu       sync.Mutex
	swallow  bool
	endAfter time.Duration
	sockets  map[*passage]bool
	served   int
	relaying sync.WaitGroup
}

// Start puts a box in front of a workspace. It speaks plain HTTP.
func Start(workspace string) (*Box, error) {
	return start(workspace, func(b *Box) { b.server.Start() }, "")
}

// StartIntercepting puts a box in front of a workspace that speaks TLS, with a certificate of its own authority for this
// host. Clients reach it by the name, which needs a proxy that knows where it is.
func StartIntercepting(workspace, host string) (b *Box, authority []byte, err error) {
	certificate, authority, err := certify(host)
	if err != nil {
		return nil, nil, err
	}
	b, err = start(workspace, func(b *Box) {
		b.secure = true
		b.server.TLS = certificate
		b.server.StartTLS()
	}, host)
	return b, authority, err
}

func start(workspace string, serve func(*Box), host string) (*Box, error) {
	inside, err := url.Parse(workspace)
	if err != nil {
		return nil, fmt.Errorf("middlebox: %w", err)
	}
	b := &Box{inside: inside, sockets: map[*passage]bool{}}
	b.server = httptest.NewUnstartedServer(b)
	serve(b)
	address := b.server.Listener.Addr().String()
	b.host = address
	if host != "" {
		b.host = host + address[strings.LastIndex(address, ":"):]
	}
	return b, nil
}

// URL returns where the workspace seems to be.
func (b *Box) URL() string {
	if b.secure {
		return "https://" + b.host
	}
	return "http://" + b.host
}

// Addr returns where the box listens, whatever its name is.
func (b *Box) Addr() string { return b.server.Listener.Addr().String() }

// SwallowPings lets no ping and no pong through any socket, in either direction, or lets them through again.
func (b *Box) SwallowPings(swallow bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.swallow = swallow
}

// EndAfter ends each socket that is opened from now on when it is this old, without a goodbye. Zero ends none.
func (b *Box) EndAfter(age time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.endAfter = age
}

// Stall lets nothing more through the sockets that are open, and ends none of them: both sides believe that they are.
func (b *Box) Stall() {
	for _, p := range b.passages() {
		p.stall()
	}
}

// Drop ends the client's side of every socket. Slack's side stays open, as a ghost, until the box is closed.
func (b *Box) Drop() {
	for _, p := range b.passages() {
		p.stall()
		_ = p.outer.NetConn().Close()
	}
}

// Served returns how many sockets were opened through the box.
func (b *Box) Served() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.served
}

// Close ends everything.
func (b *Box) Close() {
	for _, p := range b.passages() {
		p.end()
	}
	b.server.CloseClientConnections()
	b.server.Close()
	b.relaying.Wait()
}

func (b *Box) passages() []*passage {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []*passage
	for p := range b.sockets {
		all = append(all, p)
	}
	return all
}

// ServeHTTP passes a request on.
func (b *Box) ServeHTTP(out http.ResponseWriter, in *http.Request) {
	if websocket.IsWebSocketUpgrade(in) {
		b.open(out, in)
		return
	}
	proxy := httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(b.inside); r.Out.Header.Del("Accept-Encoding") },
		ModifyResponse: b.rename,
	}
	proxy.ServeHTTP(out, in)
}

// rename puts the box's address in the place of the workspace's.
func (b *Box) rename(r *http.Response) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	_ = r.Body.Close()
	http, ws := "http://", "ws://"
	if b.secure {
		http, ws = "https://", "wss://"
	}
	body = bytes.ReplaceAll(body, []byte("http://"+b.inside.Host), []byte(http+b.host))
	body = bytes.ReplaceAll(body, []byte("ws://"+b.inside.Host), []byte(ws+b.host))
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return nil
}
