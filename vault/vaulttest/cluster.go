package vaulttest

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"conclave/vault/vaulttest/record"
)

// Options describe the Vault to emulate. The zero value is one uninitialised node with Raft storage, over plain HTTP.
type Options struct {
	// Nodes is the number of nodes that share the storage. 0 means 1.
	Nodes int
	// Storage is "raft", also if empty, or "inmem". The latter has no high availability, and Vault then words some
	// answers differently.
	Storage string
	// Seal is "shamir", also if empty, for nodes that are unsealed with shares. Otherwise it names the mechanism by
	// which the nodes unseal themselves, such as "transit". The shares are then those of the recovery key.
	Seal string
	// TLS, if set, signs the nodes' certificates. Nil means plain HTTP.
	TLS *Authority
	// Dialect is the product and the generation of it that is emulated.
	Dialect Dialect
	// OpenEndpoints are key operations that need no token although the dialect closes them: "rekey", "generate-root",
	// "generate-operation-token". Vault's and OpenBao's configuration has such an option. The operations are then as in
	// [Vault1].
	OpenEndpoints []string
	// Namespaces are the names of the namespaces beside the root namespace, without slashes around them. Only OpenBao
	// has any.
	Namespaces []string
	// DRSecondary makes the cluster a secondary of disaster recovery, which an operation token made by the holders of
	// the unseal keys can promote.
	DRSecondary bool
	// Redirect makes a standby answer 307 instead of forwarding, as Vault does when forwarding is off or broken.
	Redirect bool
	// Listen is the first node's address, "127.0.0.1:0" if empty. Further nodes choose a free port.
	Listen string
	// Now is the clock that a rekey's age is measured by. Nil means time.Now.
	Now func() time.Time
	// Unruly keeps [Start] from failing the test for breaches. It is for tests that break the rules on purpose.
	Unruly bool
}

// Cluster is an emulated Vault: nodes that share their storage, of which one is active.
type Cluster struct {
	options Options
	nodes   []*Node

	routes, recoveryRoutes routes
	script                 script
	log                    record.Log

	mu     sync.Mutex // guards everything below, and each node's memory
	disk   storage
	active *Node // nil while no node leads
	issued []string
}

// New starts a cluster for a program, which must close it. Its nodes are sealed and not initialised.
func New(o Options) (*Cluster, error) {
	o.Nodes = cmp.Or(o.Nodes, 1)
	o.Storage = cmp.Or(o.Storage, "raft")
	o.Seal = cmp.Or(o.Seal, shamirSeal)
	o.Listen = cmp.Or(o.Listen, "127.0.0.1:0")
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Storage == "inmem" && o.Nodes > 1 {
		return nil, errors.New("start emulated vault: inmem storage can't be shared by several nodes")
	}
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("start emulated vault: %w", err)
	}
	c := &Cluster{options: o}
	c.disk.tokens = map[string]*token{} // id → token
	c.disk.mounts = map[string]*mount{} // name → method of logging in
	c.routes, c.recoveryRoutes = o.routes(), recoveryRoutes()
	listen := o.Listen
	for i := range o.Nodes {
		node, err := startNode(c, i+1, listen)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("start emulated vault: %w", err), c.Close())
		}
		c.nodes = append(c.nodes, node)
		listen = "127.0.0.1:0"
	}
	return c, nil
}

// Start starts a cluster for a test and closes it at the test's end. It then fails the test for every rule that the
// client broke and for every scripted fault that never happened: a test of a fault that didn't happen proves nothing.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if !o.Unruly {
			for _, breach := range c.Breaches() {
				t.Errorf("the client broke a rule: %v", breach)
			}
		}
		for _, fault := range c.Unfired() {
			t.Errorf("a scripted fault never happened: %v", fault)
		}
	})
	return c
}

// Close stops all nodes.
func (c *Cluster) Close() error {
	var errs []error
	for _, node := range c.nodes {
		errs = append(errs, node.Stop())
	}
	return errors.Join(errs...)
}

// Addr returns the first node's base URL, without a final slash.
func (c *Cluster) Addr() string { return c.nodes[0].Addr() }

// Addrs returns each node's base URL.
func (c *Cluster) Addrs() []string {
	addrs := make([]string, len(c.nodes))
	for i, node := range c.nodes {
		addrs[i] = node.Addr()
	}
	return addrs
}

// CA returns the certificate authority in PEM, or nil over plain HTTP.
func (c *Cluster) CA() []byte {
	if c.options.TLS == nil {
		return nil
	}
	return c.options.TLS.PEM
}

// Node returns one node, counted from 1.
func (c *Cluster) Node(number int) *Node { return c.nodes[number-1] }

// Restart restarts every node: all are sealed afterwards, and attempts and their shares are gone.
func (c *Cluster) Restart(t testing.TB) {
	t.Helper()
	for _, node := range c.nodes {
		node.Restart()
	}
}

// Elect makes a node active, if it is unsealed. The one that was active loses its rekeys, but keeps its attempt at a
// root token: that one comes back, shares and all, when the node leads again (vault/core.go 1.21, preSeal clears only
// the rekeys).
func (c *Cluster) Elect(number int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if node := c.Node(number); !node.sealed {
		c.leadLocked(node)
	}
}

// LoseLeader leaves the cluster without an active node until [Cluster.Elect] is called, as an election without a
// majority does.
func (c *Cluster) LoseLeader() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leadLocked(nil)
}

func (c *Cluster) leadLocked(next *Node) {
	if c.active != nil && c.active != next {
		c.active.rekeys = rekeys{}
	}
	c.active = next
	if next != nil {
		next.config = c.disk.config
		next.activeSince = c.options.Now().UTC()
	}
}

// abdicateLocked hands leadership on to another unsealed node, if there is one.
func (c *Cluster) abdicateLocked(from *Node) {
	if c.active != from {
		return
	}
	for _, node := range c.nodes {
		if node != from && !node.sealed {
			c.leadLocked(node)
			return
		}
	}
	c.leadLocked(nil)
}

// shamirSeal is the name of the seal that is opened with shares.
const shamirSeal = "shamir"

// unsealsItself reports whether the nodes unseal without shares.
func (c *Cluster) unsealsItself() bool { return c.options.Seal != shamirSeal }

// highlyAvailable reports whether the nodes elect a leader. Vault words some refusals differently when they don't.
func (c *Cluster) highlyAvailable() bool { return c.options.Storage != "inmem" }

// Log returns the requests so far that match a route, which is as in [Fault]. An empty one matches all.
func (c *Cluster) Log(route string) []record.Request {
	return c.log.Requests(func(method, path string) bool { return matchesRoute(route, method, path) })
}

// Breaches returns the rules that the client broke. [record.Log.Breaches] lists them.
func (c *Cluster) Breaches() []record.Breach { return c.log.Breaches() }

// secrets returns every share and token that the cluster ever made, in each spelling that a client could use.
func (c *Cluster) secrets() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var spellings []string
	for _, share := range c.issued {
		raw, _ := hex.DecodeString(share) // it was made by EncodeToString
		spellings = append(spellings, share, strings.ToUpper(share),
			base64.StdEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw), string(raw))
	}
	for id := range c.disk.tokens {
		spellings = append(spellings, id)
	}
	for _, node := range c.nodes {
		if node.recoveryToken != "" {
			spellings = append(spellings, node.recoveryToken)
		}
	}
	return spellings
}
