package vaulttest

import (
	"net/http"
	"slices"
	"strings"
)

// rootOnly are what OpenBao has in its root namespace alone: they and what lies below them (vault/core.go, restrictedSysAPIs).
var rootOnly = []string{
	"sys/init", "sys/seal", "sys/unseal", "sys/health", "sys/step-down", "sys/key-status", "sys/rotate",
	"sys/rekey", "sys/rekey-recovery-key", "sys/generate-root", "sys/generate-recovery-token", "sys/decode-token", "sys/raw", "sys/storage",
}

// enterNamespace takes the namespace off a call, which names it in a header or before its path, and refuses what isn't there. Key operations
// are the root namespace's: a client that sends its namespace with each request gets nowhere.
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
	case slices.ContainsFunc(rootOnly, func(path string) bool { return call.path == path || strings.HasPrefix(call.path, path+"/") }):
		return refuse(http.StatusBadRequest, "operation unavailable in namespaces")
	case !slices.Contains(c.options.Namespaces, name):
		return refuse(http.StatusNotFound, "namespace not found")
	case strings.HasPrefix(call.path, "sys/generate-root-token/"):
		return refuse(http.StatusBadRequest, "namespace is not sealable")
	default:
		return nil
	}
}
