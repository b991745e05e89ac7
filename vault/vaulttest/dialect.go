package vaulttest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"conclave/vault/vaulttest/operator"
)

// Dialect is a product in one of its generations. Dialects differ in their key operations.
type Dialect int

const (
	// Vault1 is Vault 1.21: rekey and generate-root need no token, and their answers have no envelope.
	Vault1 Dialect = iota
	// Vault2 is Vault 2.0: the same operations need a token with a right to the path, and their answers have an
	// envelope (documentation of 2.x, "Important changes"). No server of that generation was at hand.
	Vault2
	// OpenBao is OpenBao 2.6: the old endpoints are closed, and others beside them need a token. This was read in its
	// source, and measured where this project's reference says so.
	OpenBao
)

func (d Dialect) String() string { return [...]string{"Vault 1", "Vault 2", "OpenBao"}[d] }

// ParseDialect reads "vault1", "vault2" or "openbao".
func ParseDialect(name string) (Dialect, error) {
	i := slices.Index([]string{"vault1", "vault2", "openbao"}, name)
	if i < 0 {
		return 0, fmt.Errorf("dialect: %q is none of vault1, vault2, openbao", name)
	}
	return Dialect(i), nil
}

// version returns the version that the server reports. No dialect's version names its product.
func (d Dialect) version() string { return [...]string{"1.21.2", "2.0.0", "2.6.2"}[d] }

// buildDate is the same for all of them.
const buildDate = "2026-01-06T08:33:05Z"

// tokenLength is how many random characters follow a token's prefix.
const tokenLength = 24

func (d Dialect) tokenPrefix() string {
	if d == OpenBao {
		return "s."
	}
	return "hvs."
}

// otpLength returns the length of a root token, and so of the one-time pad for it.
func (d Dialect) otpLength() int { return len(d.tokenPrefix()) + tokenLength }

// newTokenID makes a service token. Vault's tokens carry a signed part, except root tokens; the emulator never reads
// it.
func (d Dialect) newTokenID(root bool) string {
	if root || d == OpenBao {
		return d.tokenPrefix() + operator.RandomText(tokenLength)
	}
	return d.tokenPrefix() + "CAESI" + operator.RandomText(86)
}

// operations are the key operations that a dialect may close, by the names that Vault's configuration gives them.
var operations = []string{"rekey", "generate-root", "generate-operation-token"}

// check refuses options that no server has.
func (o Options) check() error {
	for _, name := range o.OpenEndpoints {
		if !slices.Contains(operations, name) {
			return fmt.Errorf("open endpoints: %q is none of %q", name, operations)
		}
	}
	if len(o.Namespaces) > 0 && o.Dialect != OpenBao {
		return fmt.Errorf("namespaces: %v has none without a licence", o.Dialect)
	}
	if o.DRSecondary && o.Dialect == OpenBao {
		return fmt.Errorf("secondary of disaster recovery: %v has none", o.Dialect)
	}
	return nil
}

// routes returns the endpoints of a cluster.
func (o Options) routes() routes {
	all := commonRoutes()
	maps.Copy(all, backupRoutes())
	maps.Copy(all, o.closable("rekey", rekeyRoutes()))
	maps.Copy(all, o.closable("generate-root", issueRoutes(rootToken)))
	if o.DRSecondary {
		maps.Copy(all, o.closable("generate-operation-token", issueRoutes(drToken)))
	}
	if o.Dialect == OpenBao {
		maps.Copy(all, rotateRoutes())
		maps.Copy(all, rootTokenRoutes())
	}
	return all
}

// closable returns the endpoints of a key operation that Vault 1 has open, as the dialect has them.
func (o Options) closable(operation string, open routes) routes {
	if o.Dialect == Vault1 || slices.Contains(o.OpenEndpoints, operation) {
		return open
	}
	for path, e := range open {
		e.handle = withToken(e.handle)
		if o.Dialect == OpenBao {
			e.handle = routed(nil) // there is nothing behind the path any more, for any method
		}
		open[path] = e
	}
	return open
}

// withToken returns a handler that requires a token with a right to the path, and puts the answer in an envelope.
func withToken(handle handler) handler {
	return func(n *Node, c *call) (any, error) {
		if err := n.readyLocked(); err != nil {
			return nil, err
		}
		if err := n.cluster.authorize(c); err != nil {
			return nil, err
		}
		body, err := handle(n, c)
		if err != nil || body == nil {
			return nil, err
		}
		data := map[string]any{}
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(encoded, &data); err != nil {
			return nil, err
		}
		return wrapped("system", data), nil
	}
}

// rootOnly are the paths that OpenBao has in its root namespace alone, with all paths below them (vault/core.go,
// restrictedSysAPIs).
var rootOnly = []string{
	"sys/init", "sys/seal", "sys/unseal", "sys/health", "sys/step-down", "sys/key-status", "sys/rotate",
	"sys/rekey", "sys/rekey-recovery-key", "sys/generate-root", "sys/generate-recovery-token", "sys/decode-token",
	"sys/raw", "sys/storage",
}

// enterNamespace reads the namespace from a call's header or path and refuses one that doesn't exist. Key operations
// exist in the root namespace alone, so that a client which sends its namespace with each request is refused.
func (c *Cluster) enterNamespace(call *call) error {
	if c.options.Dialect != OpenBao {
		return nil // an open Vault ignores the header, and doesn't know the path
	}
	name := strings.Trim(call.namespace, "/")
	for _, known := range c.options.Namespaces {
		if rest, ok := strings.CutPrefix(call.path, known+"/"); ok && name == "" {
			name, call.path = known, rest
			break
		}
	}
	switch {
	case name == "":
		return nil
	case slices.ContainsFunc(rootOnly,
		func(path string) bool { return call.path == path || strings.HasPrefix(call.path, path+"/") }):
		return refuse(http.StatusBadRequest, "operation unavailable in namespaces")
	case !slices.Contains(c.options.Namespaces, name):
		return refuse(http.StatusNotFound, "namespace not found")
	case strings.HasPrefix(call.path, "sys/generate-root-token/"):
		return refuse(http.StatusBadRequest, "namespace is not sealable")
	default:
		return nil
	}
}
