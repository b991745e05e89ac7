package vaulttest

import (
	"testing"

	"conclave/vault/vaulttest/operator"
)

// Instance is one running server: a [Cluster] or a [realvault.Real].
type Instance interface {
	// Addr returns the base URL, without a final slash. A cluster's is its first node's.
	Addr() string
	// CA returns the certificate authority in PEM, or nil over plain HTTP.
	CA() []byte
	// Restart restarts the server: it is sealed, unless it unseals itself, and attempts and their shares are gone.
	Restart(testing.TB)
	// RestartInRecoveryMode restarts an initialised server on Raft storage as vault server -recovery: it then does
	// nothing but make a recovery token. Restart brings it back.
	RestartInRecoveryMode(testing.TB)
}

// Open initialises a fresh server with n shares, unseals every node unless it unseals itself, and returns an operator
// with its root token.
func Open(t testing.TB, server Instance, n, threshold int) (*operator.Operator, operator.Keys) {
	t.Helper()
	person := operator.NewOperator(server.Addr(), server.CA())
	keys, err := person.Init(t.Context(), n, threshold)
	if err != nil {
		t.Fatal(err)
	}
	addrs := []string{server.Addr()}
	if cluster, ok := server.(*Cluster); ok {
		addrs = cluster.Addrs()
	}
	for _, addr := range addrs {
		if err := operator.NewOperator(addr, server.CA()).Unseal(t.Context(), keys.Shares[:threshold]...); err != nil {
			t.Fatal(err)
		}
	}
	return person, keys
}

// OpenInRecoveryMode initialises a fresh server on Raft storage with n shares and restarts it in recovery mode, in
// which the shares make a recovery token.
func OpenInRecoveryMode(t testing.TB, server Instance, n, threshold int) (*operator.Operator, operator.Keys) {
	t.Helper()
	operator, keys := Open(t, server, n, threshold)
	server.RestartInRecoveryMode(t)
	return operator, keys
}
