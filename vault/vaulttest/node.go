package vaulttest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"conclave/vault/vaulttest/record"
)

// Node is one server of a cluster.
type Node struct {
	cluster *Cluster
	number  int
	addr    string // host:port
	server  *http.Server
	serving sync.WaitGroup

	// The rest is the process's memory, guarded by the cluster's mutex. A restart clears it.
	sealed      bool
	config      sealConfig // as this node last read it; a standby's is stale after a rekey
	unsealing   unsealing
	root        *rootAttempt
	rekeys      rekeys
	activeSince time.Time

	recovering    bool   // started in recovery mode
	recoveryToken string // made since then, or empty
}

func startNode(c *Cluster, number int, listen string) (*Node, error) {
	n := &Node{cluster: c, number: number, addr: listen, sealed: true}
	if err := n.Start(); err != nil {
		return nil, err
	}
	return n, nil
}

// Addr returns the node's base URL, without a final slash.
func (n *Node) Addr() string {
	if n.cluster.options.TLS != nil {
		return "https://" + n.addr
	}
	return "http://" + n.addr
}

// Start listens again on the node's address, after [Node.Stop]. The node's memory is empty, so that it is sealed,
// unless it unseals itself.
func (n *Node) Start() error {
	listener, err := net.Listen("tcp", n.addr)
	if err != nil {
		return fmt.Errorf("start node %d: %w", n.number, err)
	}
	n.addr = listener.Addr().String()
	n.wake()
	n.server = &http.Server{
		Handler:           n,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // a handler that hangs up is not news
	}
	if authority := n.cluster.options.TLS; authority != nil {
		certificate, err := authority.Issue()
		if err != nil {
			return errors.Join(fmt.Errorf("start node %d: %w", n.number, err), listener.Close())
		}
		n.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
		n.serving.Go(func() { n.server.ServeTLS(listener, "", "") }) // ends with Stop
		return nil
	}
	n.serving.Go(func() { n.server.Serve(listener) }) // ends with Stop
	return nil
}

// Stop closes the node's port and its connections, as when the process is killed, and empties its memory.
func (n *Node) Stop() error {
	err := n.server.Close()
	n.serving.Wait()
	n.forget()
	return err
}

// Restart empties the node's memory, as a restart of the process does: it is sealed, unless it unseals itself, and
// attempts and their shares are gone. The port stays open, so that a client notices nothing else.
func (n *Node) Restart() {
	n.forget()
	n.wake()
}

func (n *Node) forget() {
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	n.sealLocked()
	n.root = nil
	n.recovering = false
	n.recoveryToken = ""
}

// wake does what a node does when its process starts.
func (n *Node) wake() {
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	if n.cluster.unsealsItself() && n.cluster.disk.initialized {
		n.openLocked()
	}
}

// Seal seals the node without asking for a token. The attempt at a root token survives, as it does in Vault.
func (n *Node) Seal() {
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	n.sealLocked()
}

func (n *Node) sealLocked() {
	n.sealed = true
	n.rekeys = rekeys{}
	n.unsealing = unsealing{}
	n.config = n.cluster.disk.config
	n.cluster.abdicateLocked(n)
}

// openLocked unseals the node. If no node leads, this one does.
func (n *Node) openLocked() {
	n.sealed = false
	n.config = n.cluster.disk.config
	if n.cluster.active == nil {
		n.cluster.leadLocked(n)
	}
}

// ServeHTTP serves a request: it is logged, then a scripted fault may hit it, then the endpoint serves it.
func (n *Node) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call, err := newCall(r)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	arrival := record.Request{At: n.cluster.options.Now(), Node: n.number, Method: call.method, Path: call.path}
	entry := n.cluster.log.Arrived(arrival, r, call.token, call.body, n.cluster.secrets())
	recorder := &statusRecorder{ResponseWriter: w}
	defer func() {
		status := recorder.status
		if r.Context().Err() != nil {
			status = 0 // the client left before it could read the answer
		}
		n.cluster.log.Answered(entry, status)
	}()
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A handler may hang up, which is a panic.
		defer func() { n.cluster.log.Blame(entry, call.breach) }()
		n.answer(w, r, call)
	})
	n.cluster.script.wrap(n, call, answer).ServeHTTP(recorder, r)
}

func (n *Node) answer(w http.ResponseWriter, r *http.Request, c *call) {
	body, err := n.serve(r, c)
	if errors.Is(err, errNoHandler) {
		http.NotFound(w, r)
		return
	}
	if redirect, ok := errors.AsType[*redirection](err); ok {
		w.Header().Set("Location", redirect.location)
		w.WriteHeader(http.StatusTemporaryRedirect)
		return
	}
	writeAnswer(w, body, err)
}

// serve finds the endpoint and the node that has to serve it, and lets it act.
func (n *Node) serve(r *http.Request, c *call) (any, error) {
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	if n.recovering {
		return n.serveRecovery(c)
	}
	if err := n.cluster.enterNamespace(c); err != nil {
		return nil, err
	}
	endpoint, known := n.cluster.routes.find(c)
	if known && endpoint.local {
		return endpoint.handle(n, c)
	}
	server, err := n.leaderLocked(r)
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, server.unknownLocked(c)
	}
	return endpoint.handle(server, c)
}

// redirection is the answer of a standby that doesn't forward.
type redirection struct{ location string }

func (r *redirection) Error() string { return "redirect to " + r.location }

// leaderLocked returns the node that serves a request for the active one: itself, or the leader that it forwards to
// (http/handler.go, handleRequestForwarding and respondStandby).
func (n *Node) leaderLocked(r *http.Request) (*Node, error) {
	c := n.cluster
	if !c.highlyAvailable() {
		return n, nil
	}
	if n.sealed {
		return nil, errSealed
	}
	if c.active == nil {
		return nil, errNoLeader
	}
	if n == c.active || !c.options.Redirect && r.Header.Get("X-Vault-No-Request-Forwarding") == "" {
		return c.active, nil
	}
	return nil, &redirection{c.active.Addr() + r.URL.RequestURI()}
}

// readyLocked returns a refusal unless the node is unsealed.
func (n *Node) readyLocked() error {
	if n.sealed {
		return errSealed
	}
	return nil
}

// standbyLocked returns the refusal that a node without high availability gives even before it says that it is sealed.
func (n *Node) standbyLocked() error {
	if n.sealed && !n.cluster.highlyAvailable() {
		return errNotActive
	}
	return n.readyLocked()
}

func (n *Node) unknownLocked(c *call) error {
	if err := n.readyLocked(); err != nil {
		return err
	}
	if err := n.cluster.authorize(c); err != nil {
		return err
	}
	return refuse(http.StatusNotFound, "1 error occurred:\n\t* unsupported path\n\n")
}

// statusRecorder remembers the status that was sent, or 0.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (r *statusRecorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *statusRecorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets a scripted fault reach the connection.
func (r *statusRecorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
