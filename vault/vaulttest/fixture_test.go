package vaulttest_test

import (
	"errors"
	"io"
	"net"
	"testing"

	"conclave/vault/vaulttest"
	"conclave/vault/vaulttest/operator"
)

type body = map[string]any

// fixture is an unsealed emulated cluster and the person who works on its first node.
type fixture struct {
	t testing.TB
	*vaulttest.Cluster
	op     *operator.Operator
	shares []string // 3, of which 2 are enough
}

func start(t *testing.T, o vaulttest.Options) *fixture {
	t.Helper()
	c := vaulttest.Start(t, o)
	op, keys := vaulttest.Open(t, c, 3, 2)
	return &fixture{t: t, Cluster: c, op: op, shares: keys.Shares}
}

// at returns the operator of another node, with the same token.
func (f *fixture) at(node int) *operator.Operator {
	op := operator.NewOperator(f.Node(node).Addr(), f.CA())
	op.Token = f.op.Token
	return op
}

func (f *fixture) send(op *operator.Operator, method, path string, body any) operator.Answer {
	f.t.Helper()
	answer, err := op.Do(f.t.Context(), method, path, body)
	if err != nil {
		f.t.Fatal(err)
	}
	return answer
}

func (f *fixture) want(status int, method, path string, body any) operator.Answer {
	f.t.Helper()
	answer := f.send(f.op, method, path, body)
	if answer.Status != status {
		f.t.Fatalf("%s %s: status %d %q, want %d", method, path, answer.Status, answer.Errors, status)
	}
	return answer
}

// hangsUp sends a request that must get no answer.
func (f *fixture) hangsUp(method, path string, body any) {
	f.t.Helper()
	answer, err := f.op.Do(f.t.Context(), method, path, body)
	if err == nil {
		f.t.Fatalf("%s %s: answered %d", method, path, answer.Status)
	}
	if _, isNetwork := errors.AsType[*net.OpError](err); !isNetwork && !errors.Is(err, io.EOF) {
		f.t.Errorf("%s %s: %v, want a closed connection", method, path, err)
	}
}

func (f *fixture) startRekey() (nonce string) {
	f.t.Helper()
	return f.want(200, "PUT", "sys/rekey/init", body{"secret_shares": 3, "secret_threshold": 2}).String("nonce")
}

func (f *fixture) progress() int {
	f.t.Helper()
	return f.want(200, "GET", "sys/rekey/init", nil).Int("progress")
}
