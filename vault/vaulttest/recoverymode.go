package vaulttest

import (
	"errors"
	"net/http"
	"testing"
)

// recoveryRoutes returns the only endpoints of a server in recovery mode (http/handler.go). The last shows whether a
// token is a recovery token.
func recoveryRoutes() routes {
	r := issueRoutes(recoveryToken)
	r["sys/raw/+"] = endpoint{handle: (*Node).listRaw}
	return r
}

// errNoHandler is the answer of Go's own router, in plain text. In recovery mode all other paths get it.
var errNoHandler = errors.New("no handler")

// errRecovered refuses a second recovery token: the first one opened the storage.
var errRecovered = &Refusal{Status: http.StatusBadRequest,
	Text: "attempt to generate recovery token when already unsealed"}

// RestartInRecoveryMode empties the node's memory and starts it as vault server -recovery does: it stays sealed, and
// serves nothing but the making of a recovery token. [Node.Restart] brings it back.
func (n *Node) RestartInRecoveryMode() {
	n.forget()
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	n.recovering = true
	n.config = n.cluster.disk.config
}

// RestartInRecoveryMode restarts every node in recovery mode.
func (c *Cluster) RestartInRecoveryMode(t testing.TB) {
	t.Helper()
	for _, node := range c.nodes {
		node.RestartInRecoveryMode()
	}
}

// serveRecovery serves a request to a node in recovery mode. It forwards none, since no node leads.
func (n *Node) serveRecovery(c *call) (any, error) {
	endpoint, known := n.cluster.recoveryRoutes.find(c)
	if !known {
		return nil, errNoHandler
	}
	return endpoint.handle(n, c)
}

// listRaw emulates reading the storage, for which a recovery token is made.
func (n *Node) listRaw(c *call) (any, error) {
	if n.recoveryToken == "" || c.token != n.recoveryToken {
		return nil, &Refusal{Status: http.StatusForbidden}
	}
	if c.method != "LIST" {
		return nil, &Refusal{Status: http.StatusNotFound}
	}
	return wrapped("", map[string]any{"keys": []string{"keyring", "mounts", "seal-config"}}), nil
}
