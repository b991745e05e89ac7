package vault

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"conclave/ceremony"
	"conclave/host/hostport"
)

// Config says how to reach one cluster. No VAULT_ variable and no proxy variable has any
// effect.
type Config struct {
	// Addresses are the base URLs of the cluster's nodes. A request, and so a
	// share, never goes to another address. Plain http is accepted for loopback
	// only: elsewhere shares would cross the network in the clear.
	Addresses []string
	// CAFile holds the PEM certificates of the only authorities that are trusted
	// for this cluster. Empty means those of the operating system, any of which
	// could then vouch for an impostor that collects shares.
	CAFile string
	// ServerName is the name that the nodes' certificates must carry. Empty means
	// the host of each address.
	ServerName string
	// Namespace is sent along with every request. Empty means the root namespace,
	// which is the only one with unseal keys in Vault.
	Namespace string
	// TokenFile holds the Vault token. It is read for every request that needs
	// one, so that an agent may replace it at any time, and refused when group or
	// others can read it. Empty means no token: reading the backup of new shares
	// is then denied, and so is everything on a Vault 2 with its default settings.
	TokenFile string
	// Login is how the client gets a token of its own, in place of TokenFile. Nil
	// means that it does not.
	Login Login
	// Timeout limits one request; zero means 10 s. The answer to a share is waited
	// for three times as long, since giving up on it leaves its effect open.
	Timeout time.Duration
}

const (
	defaultTimeout = 10 * time.Second
	patience       = 3 // timeouts that a share's answer gets
)

// Client talks to one cluster. Its methods may be called from any goroutine.
type Client struct {
	nodes     []*node
	wire      *wire
	namespace string
	tokenFile string
	session   *session // nil without Config.Login
	timeout   time.Duration
	active    atomic.Pointer[node] // the node that led when last asked; nil when that is not known
	known     sync.Map             // operation → paths that this server has for it
}

var (
	_ ceremony.Vault   = (*Client)(nil)
	_ ceremony.Nodes   = (*Client)(nil)
	_ ceremony.Barrier = (*Client)(nil)
	_ ceremony.Tokens  = (*Client)(nil)
)

// New returns a client. It checks the configuration and sends nothing.
//
// It removes every VAULT_ variable from the environment of this process:
// package api reads them whenever it makes a client, and refuses to work when one is
// malformed, even one that it does not use. It can't be told not to.
func New(c Config) (*Client, error) {
	if err := forgetEnvironment(); err != nil {
		return nil, fmt.Errorf("configure vault: %w", err)
	}
	trust, err := c.trust()
	if err != nil {
		return nil, fmt.Errorf("configure vault: %w", err)
	}
	if c.Timeout < 0 {
		return nil, fmt.Errorf("configure vault: timeout %v is negative", c.Timeout)
	}
	if len(c.Addresses) == 0 {
		return nil, errors.New("configure vault: no address is given")
	}
	timeout := cmp.Or(c.Timeout, defaultTimeout)
	client := &Client{wire: newWire(trust, timeout), namespace: c.Namespace, timeout: timeout}
	for i, address := range c.Addresses {
		// The error names an address by its number: a wrong one may hold a password.
		base, err := parseAddress(address)
		if err != nil {
			return nil, fmt.Errorf("configure vault: address %d: %w", i+1, err)
		}
		if client.at(base) != nil {
			return nil, fmt.Errorf("configure vault: address %d is listed twice", i+1)
		}
		node, err := newNode(base, c.Namespace, client.wire)
		if err != nil {
			return nil, fmt.Errorf("configure vault: address %d: %w", i+1, err)
		}
		client.nodes = append(client.nodes, node)
	}
	if err := client.useToken(c); err != nil {
		return nil, fmt.Errorf("configure vault: %w", err)
	}
	return client, nil
}

// useToken makes sure that there is one way to a token at most, and that it works as far
// as that can be known without sending anything.
func (c *Client) useToken(config Config) error {
	if config.Login == nil {
		c.tokenFile = config.TokenFile
		_, err := c.token(context.Background())
		return err
	}
	if config.TokenFile != "" {
		return errors.New("a token file and a login exclude each other")
	}
	c.session = &session{client: c, login: config.Login}
	return checkLogin(config.Login)
}

// Close revokes the token that the client has logged in for, and closes idle
// connections. The client must not be used any more.
func (c *Client) Close() {
	if c.session != nil {
		c.session.end()
	}
	c.wire.reads.CloseIdleConnections()
}

// at returns the configured node that a URL points to, or nil.
func (c *Client) at(u *url.URL) *node {
	for _, n := range c.nodes {
		if n.base.Scheme == u.Scheme && hostport.Of(n.base) == hostport.Of(u) {
			return n
		}
	}
	return nil
}

// forgetEnvironment removes every VAULT_ variable from this process's environment.
func forgetEnvironment() error {
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, "VAULT_") {
			continue
		}
		if err := os.Unsetenv(name); err != nil {
			return fmt.Errorf("clear environment: %w", err)
		}
	}
	return nil
}

// trust returns the TLS configuration of every connection.
func (c Config) trust() (*tls.Config, error) {
	trust := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	if c.CAFile == "" {
		return trust, nil
	}
	data, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read authorities: %w", err)
	}
	trust.RootCAs = x509.NewCertPool()
	if !trust.RootCAs.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("read authorities: %s holds no PEM certificate", c.CAFile)
	}
	return trust, nil
}

// parseAddress parses the base URL of a node. The error does not repeat it.
func parseAddress(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		// The error of url.Parse repeats the address.
		return nil, errors.New("it is not a URL")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("it begins with neither https:// nor http://")
	case u.Hostname() == "":
		return nil, errors.New("it has no host")
	case u.User != nil:
		return nil, errors.New("it has a user name, which Vault does not know")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("it has more than scheme, host and port")
	case u.Scheme == "http" && !hostport.IsLoopback(u.Hostname()):
		return nil, errors.New("plain http is for loopback only, shares would be readable on the network")
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}
