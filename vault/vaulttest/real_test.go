package vaulttest_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/vault/vaulttest"
	"conclave/vault/vaulttest/operator"
	"conclave/vault/vaulttest/realvault"
)

func TestRealServerSpeaksTLSUnderItsAuthority(t *testing.T) {
	authority, err := vaulttest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	server := realvault.StartReal(t, realvault.RealOptions{Storage: "inmem", TLS: authority})
	op, keys := vaulttest.Open(t, server, 3, 2)
	if root, err := op.IsRootToken(t.Context(), keys.RootToken); !root || err != nil {
		t.Errorf("root is %t, %v", root, err)
	}
	if _, err := operator.NewOperator(server.Addr(), nil).Do(t.Context(), "GET", "sys/seal-status", nil); err == nil {
		t.Error("a client without the authority was served")
	}
}

func TestRealAndEmulatedStandbysBehaveAlike(t *testing.T) {
	nodes, keys := realvault.StartRealCluster(t, 3, 3, 2)
	emulated := start(t, vaulttest.Options{Nodes: 3, Unruly: true})
	for _, c := range []struct {
		name   string
		addrs  []string
		shares []string
	}{
		{"real", []string{nodes[0].Addr(), nodes[1].Addr(), nodes[2].Addr()}, keys.Shares},
		{"emulated", emulated.Addrs(), emulated.shares},
	} {
		t.Run(c.name, func(t *testing.T) {
			send := func(node int, method, path string, body any) operator.Answer {
				t.Helper()
				answer, err := operator.NewOperator(c.addrs[node], nil).Do(t.Context(), method, path, body)
				if err != nil {
					t.Fatal(err)
				}
				return answer
			}
			if got := send(1, "GET", "sys/health", nil).Status; got != 429 {
				t.Errorf("a standby's health is %d", got)
			}
			leader := send(2, "GET", "sys/leader", nil)
			if leader.Bool("is_self") || leader.String("leader_address") != c.addrs[0] {
				t.Errorf("a standby says of the leader: %v", leader.Body)
			}
			if status, location := askWithoutForwarding(t, c.addrs[1]); status != 307 ||
				location != c.addrs[0]+"/v1/sys/rekey/init" {
				t.Errorf("a standby that mustn't forward answers %d, Location %q", status, location)
			}
			if got := send(1, "GET", "sys/key-status", nil).Status; got != 403 {
				t.Errorf("a forwarded request without a token is answered %d", got)
			}
			nonce := send(1, "PUT", "sys/rekey/init", body{"secret_shares": 5, "secret_threshold": 3}).String("nonce")
			if got := send(2, "PUT", "sys/rekey/update", body{"key": c.shares[0], "nonce": nonce}); got.Int("progress") != 1 {
				t.Errorf("a forwarded share is answered %d %v", got.Status, got.Body)
			}
			if got := send(2, "PUT", "sys/rekey/update", body{"key": c.shares[0], "nonce": nonce}); got.Status != 400 {
				t.Errorf("a forwarded share that came before is answered %d", got.Status)
			}
			if got := send(1, "PUT", "sys/rekey/update", body{"key": c.shares[1], "nonce": nonce}); !got.Bool("complete") {
				t.Errorf("the last share is answered %d %v", got.Status, got.Errors)
			}
			if got := send(0, "GET", "sys/seal-status", nil); got.Int("n") != 5 {
				t.Errorf("the leader says n is %d", got.Int("n"))
			}
			if got := send(1, "GET", "sys/seal-status", nil); got.Int("n") != 3 {
				t.Errorf("a standby says n is %d, want the old number", got.Int("n"))
			}
		})
	}
}

func TestSealedNodesOpenEachWithTheSameShares(t *testing.T) {
	real, keys := realvault.StartRealCluster(t, 3, 3, 2)
	emulated := start(t, vaulttest.Options{Nodes: 3})
	for _, c := range []struct {
		name    string
		addrs   []string
		shares  []string
		restart func()
	}{
		{"real", []string{real[0].Addr(), real[1].Addr(), real[2].Addr()}, keys.Shares, func() {
			for _, node := range real {
				node.Restart(t)
			}
		}},
		{"emulated", emulated.Addrs(), emulated.shares, func() { emulated.Restart(t) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.restart()
			unseal := func(node int, body any) operator.Answer {
				t.Helper()
				answer, err := operator.NewOperator(c.addrs[node], nil).Do(t.Context(), "PUT", "sys/unseal", body)
				if err != nil || answer.Status != 200 {
					t.Fatalf("node %d: status %d %q, %v", node+1, answer.Status, answer.Errors, err)
				}
				return answer
			}
			nonces := map[string]bool{}
			for node := range c.addrs {
				first := unseal(node, body{"key": c.shares[0]})
				if !first.Bool("sealed") || first.Int("progress") != 1 || first.String("nonce") == "" {
					t.Errorf("node %d after one share: %v", node+1, first.Body)
				}
				nonces[first.String("nonce")] = true
			}
			if len(nonces) != len(c.addrs) {
				t.Errorf("%d nonces for %d nodes", len(nonces), len(c.addrs))
			}
			if got := unseal(1, body{"reset": true}); got.Int("progress") != 0 {
				t.Errorf("node 2 after a reset: %v", got.Body)
			}
			unseal(1, body{"key": c.shares[0]})
			for node := range c.addrs {
				unseal(node, body{"key": c.shares[1]})
			}
			for node, addr := range c.addrs {
				// It has to hear of a leader, which two of them have to elect first.
				if err := operator.NewOperator(addr, nil).Unseal(t.Context()); err != nil {
					t.Errorf("node %d: %v", node+1, err)
				}
				if again := unseal(node, body{"key": c.shares[2]}); again.Bool("sealed") || again.Int("progress") != 0 {
					t.Errorf("node %d, open, after one more share: %v", node+1, again.Body)
				}
			}
		})
	}
}

func TestStepDownOfARealLeaderLosesTheRekeyAndNothingElse(t *testing.T) {
	nodes, keys := realvault.StartRealCluster(t, 3, 3, 2)
	send := func(node int, method, path string, body any) operator.Answer {
		t.Helper()
		op := operator.NewOperator(nodes[node].Addr(), nil)
		op.Token = keys.RootToken
		answer, err := op.Do(t.Context(), method, path, body)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	request := body{"secret_shares": 5, "secret_threshold": 3, "require_verification": true}
	rekey := send(1, "PUT", "sys/rekey/init", request).String("nonce")
	root := send(2, "PUT", "sys/generate-root/attempt", nil).String("nonce")
	send(1, "PUT", "sys/rekey/update", body{"key": keys.Shares[0], "nonce": rekey})
	send(2, "PUT", "sys/generate-root/update", body{"key": keys.Shares[0], "nonce": root})

	if got := send(0, "PUT", "sys/step-down", nil).Status; got != 204 {
		t.Fatalf("stepping down is answered %d", got)
	}
	leader := realvault.AwaitLeader(t, nodes)
	if leader == 0 {
		t.Fatal("who stepped down leads")
	}
	for node := range nodes {
		if got := send(node, "GET", "sys/seal-status", nil); got.Bool("sealed") {
			t.Errorf("node %d is sealed", node+1)
		}
		if got := send(node, "GET", "sys/rekey/init", nil); got.Bool("started") {
			t.Errorf("node %d knows of the rekey: %v", node+1, got.Body)
		}
		if got := send(node, "GET", "sys/generate-root/attempt", nil); got.Bool("started") {
			t.Errorf("node %d knows of the attempt at a root token: %v", node+1, got.Body)
		}
	}
	if got := send(0, "PUT", "sys/rekey/update", body{"key": keys.Shares[1], "nonce": rekey}); got.Status != 400 {
		t.Errorf("a share for the lost rekey is answered %d %v", got.Status, got.Body)
	}
	again := send(0, "PUT", "sys/rekey/init", request).String("nonce")
	send(0, "PUT", "sys/rekey/update", body{"key": keys.Shares[0], "nonce": again})
	if got := send(0, "PUT", "sys/rekey/update", body{"key": keys.Shares[1], "nonce": again}); !got.Bool("complete") {
		t.Errorf("the rekey that was taken up again ends with %d %q", got.Status, got.Errors)
	}
}

// Conclave takes the active node's numbers for those of the key in force. A standby keeps the old ones until it leads.
func TestNodeThatFollowsTheLeaderOfARekeyShowsTheNewNumbers(t *testing.T) {
	nodes, keys := realvault.StartRealCluster(t, 3, 3, 2)
	emulated := start(t, vaulttest.Options{Nodes: 3})
	real := operator.NewOperator(nodes[0].Addr(), nil)
	real.Token = keys.RootToken
	for _, c := range []struct {
		name   string
		op     *operator.Operator
		shares []string
		next   func() string // makes another node lead, and returns its address
	}{
		{"real", real, keys.Shares, func() string {
			if answer, err := real.Do(t.Context(), "PUT", "sys/step-down", nil); err != nil || answer.Status != 204 {
				t.Fatalf("stepping down is answered %d, %v", answer.Status, err)
			}
			return nodes[realvault.AwaitLeader(t, nodes)].Addr()
		}},
		{"emulated", operator.NewOperator(emulated.Addrs()[0], nil), emulated.shares, func() string {
			emulated.Elect(2)
			return emulated.Addrs()[1]
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			send := func(op *operator.Operator, method, path string, body any) operator.Answer {
				t.Helper()
				answer, err := op.Do(t.Context(), method, path, body)
				if err != nil {
					t.Fatal(err)
				}
				return answer
			}
			nonce := send(c.op, "PUT", "sys/rekey/init", body{"secret_shares": 5, "secret_threshold": 3}).String("nonce")
			for _, share := range c.shares[:2] {
				send(c.op, "PUT", "sys/rekey/update", body{"key": share, "nonce": nonce})
			}
			if got := send(c.op, "GET", "sys/seal-status", nil); got.Int("n") != 5 || got.Int("t") != 3 {
				t.Errorf("the leader says %d and %d", got.Int("n"), got.Int("t"))
			}
			next := operator.NewOperator(c.next(), nil)
			if got := send(next, "GET", "sys/seal-status", nil); got.Int("n") != 5 || got.Int("t") != 3 {
				t.Errorf("the next leader says %d and %d", got.Int("n"), got.Int("t"))
			}
		})
	}
}

func askWithoutForwarding(t *testing.T, addr string) (status int, location string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", addr+"/v1/sys/rekey/init", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Vault-No-Request-Forwarding", "1")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode, resp.Header.Get("Location")
}

func TestMissingServerSkipsOrFailsAndSaysWhatToRun(t *testing.T) {
	t.Setenv("CONCLAVE_VAULT_BINARY", filepath.Join(t.TempDir(), "nothing"))
	for required, want := range map[string]string{"": "skip", "1": "fail"} {
		t.Setenv("CONCLAVE_REQUIRE_TOOLS", required)
		outcome := &recorder{TB: t}
		func() {
			defer func() { recover() }()
			realvault.StartReal(outcome, realvault.RealOptions{})
		}()
		if outcome.verdict != want || !strings.Contains(outcome.text, "make vault") {
			t.Errorf("required %q: %s %q, want %s", required, outcome.verdict, outcome.text, want)
		}
	}
}

func TestServerThatDoesNotStartFailsWithItsWords(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "vault")
	if err := os.WriteFile(binary, []byte("#!/bin/sh\necho the disk is full >&2\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CONCLAVE_VAULT_BINARY", binary)
	t.Setenv("CONCLAVE_REQUIRE_TOOLS", "1")
	outcome := &recorder{TB: t}
	func() {
		defer func() { recover() }()
		realvault.StartReal(outcome, realvault.RealOptions{})
	}()
	if outcome.verdict != "fail" || !strings.Contains(outcome.text, "the disk is full") {
		t.Errorf("%s %q", outcome.verdict, outcome.text)
	}
}

// recorder is a test that notes how it ended instead of ending.
type recorder struct {
	testing.TB
	verdict, text string
}

func (r *recorder) Helper() {}

func (r *recorder) Skipf(format string, args ...any) {
	r.end("skip", fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.end("fail", fmt.Sprintf(format, args...))
}

func (r *recorder) Fatal(args ...any) { r.end("fail", fmt.Sprint(args...)) }

func (r *recorder) end(verdict, text string) {
	r.verdict, r.text = verdict, text
	panic(verdict)
}
