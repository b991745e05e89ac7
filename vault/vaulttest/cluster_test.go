package vaulttest_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"conclave/vault/vaulttest"
	"conclave/vault/vaulttest/operator"
)

func TestStandbyForwards(t *testing.T) {
	f := start(t, vaulttest.Options{Nodes: 3})
	nonce := f.send(f.at(2), "PUT", "sys/rekey/init", body{"secret_shares": 3, "secret_threshold": 2}).String("nonce")
	if got := f.send(f.at(3), "PUT", "sys/rekey/update",
		body{"key": f.shares[0], "nonce": nonce}); got.Int("progress") != 1 {
		t.Errorf("node 3 answers %d %v", got.Status, got.Body)
	}
	if f.progress() != 1 {
		t.Error("the leader doesn't know of the share")
	}
	if got := f.send(f.at(2), "GET", "sys/health", nil).Status; got != 429 {
		t.Errorf("a standby's health is %d", got)
	}
	leader := f.send(f.at(2), "GET", "sys/leader", nil)
	if leader.Bool("is_self") || leader.String("leader_address") != f.Addr() {
		t.Errorf("node 2 says of the leader %v", leader.Body)
	}
}

func TestStandbyRedirects(t *testing.T) {
	f := start(t, vaulttest.Options{Nodes: 2, Redirect: true})
	answer := f.send(f.at(2), "GET", "sys/rekey/init?x=1", nil)
	if answer.Status != 307 || answer.Header.Get("Location") != f.Addr()+"/v1/sys/rekey/init?x=1" {
		t.Errorf("status %d, Location %q", answer.Status, answer.Header.Get("Location"))
	}
	if got := f.send(f.at(2), "GET", "sys/seal-status", nil).Status; got != 200 {
		t.Errorf("seal-status of a standby is %d, want its own answer", got)
	}
}

func TestStandbyWithoutLeaderSaysSo(t *testing.T) {
	f := start(t, vaulttest.Options{Nodes: 2})
	f.LoseLeader()
	for _, node := range []int{1, 2} {
		answer := f.send(f.at(node), "GET", "sys/generate-root/attempt", nil)
		if answer.Status != 500 || !strings.Contains(answer.Errors[0], "active cluster node not found") {
			t.Errorf("node %d answers %d %q", node, answer.Status, answer.Errors)
		}
	}
	f.Elect(2)
	f.want(200, "GET", "sys/generate-root/attempt", nil)
}

// The transcript is of a real cluster of three nodes: the rekey is gone with the leader, the attempt at a root token
// comes back with it.
func TestStepDownLosesTheRekeyAndHidesTheRootAttempt(t *testing.T) {
	f := start(t, vaulttest.Options{Nodes: 3})
	rekey := f.startRekey()
	f.want(200, "PUT", "sys/rekey/update", body{"key": f.shares[0], "nonce": rekey})
	root := f.want(200, "PUT", "sys/generate-root/attempt", nil).String("nonce")
	f.want(200, "PUT", "sys/generate-root/update", body{"key": f.shares[0], "nonce": root})

	f.want(204, "PUT", "sys/step-down", nil)
	if f.send(f.at(2), "GET", "sys/leader", nil).Bool("is_self") == f.send(f.at(1), "GET", "sys/leader",
		nil).Bool("is_self") {
		t.Error("node 1 still leads")
	}
	f.want(400, "PUT", "sys/rekey/update", body{"key": f.shares[1], "nonce": rekey})
	if f.want(200, "GET", "sys/generate-root/attempt", nil).Bool("started") {
		t.Error("the new leader knows of the old one's attempt")
	}

	f.Elect(1)
	if f.want(200, "GET", "sys/rekey/init", nil).Bool("started") {
		t.Error("the rekey came back")
	}
	back := f.want(200, "GET", "sys/generate-root/attempt", nil)
	if back.String("nonce") != root || back.Int("progress") != 1 {
		t.Errorf("the attempt came back as %v", back.Body)
	}
}

func TestStandbyTellsOldNumbersAfterARekey(t *testing.T) {
	f := start(t, vaulttest.Options{Nodes: 2})
	nonce := f.want(200, "PUT", "sys/rekey/init", body{"secret_shares": 5, "secret_threshold": 3}).String("nonce")
	for _, share := range f.shares[:2] {
		f.want(200, "PUT", "sys/rekey/update", body{"key": share, "nonce": nonce})
	}
	if got := f.send(f.at(2), "GET", "sys/seal-status", nil); got.Int("n") != 3 || got.Int("t") != 2 {
		t.Errorf("the standby says %d/%d", got.Int("n"), got.Int("t"))
	}
	f.Node(2).Restart()
	if got := f.send(f.at(2), "GET", "sys/seal-status", nil); got.Int("n") != 5 || got.Int("t") != 3 {
		t.Errorf("the restarted standby says %d/%d", got.Int("n"), got.Int("t"))
	}
}

func TestSealedNodeBesideALeaderRefuses(t *testing.T) {
	f := start(t, vaulttest.Options{Nodes: 2})
	f.Node(2).Seal()
	if got := f.send(f.at(2), "GET", "sys/rekey/init", nil).Status; got != 503 {
		t.Errorf("the sealed node answers %d", got)
	}
	f.want(200, "GET", "sys/rekey/init", nil)
	f.want(204, "PUT", "sys/seal", nil)
	if err := f.at(2).Unseal(t.Context(), f.shares[:2]...); err != nil {
		t.Fatal(err)
	}
	if got := f.send(f.at(2), "PUT", "sys/rekey/init",
		body{"secret_shares": 1, "secret_threshold": 1}).Status; got != 200 {
		t.Errorf("the only open node answers %d", got)
	}
}

func TestStandbyCannotBeSealed(t *testing.T) {
	f := start(t, vaulttest.Options{Nodes: 2})
	answer := f.send(f.at(2), "PUT", "sys/seal", nil)
	if answer.Status != 500 || !strings.Contains(answer.Errors[0], "cannot seal when in standby mode") {
		t.Errorf("status %d %q", answer.Status, answer.Errors)
	}
}

func TestStoppedNodeRefusesConnectionsUntilItStarts(t *testing.T) {
	f := start(t, vaulttest.Options{})
	if err := f.Node(1).Stop(); err != nil {
		t.Fatal(err)
	}
	f.hangsUp("GET", "sys/seal-status", nil)
	if err := f.Node(1).Start(); err != nil {
		t.Fatal(err)
	}
	if !f.want(200, "GET", "sys/seal-status", nil).Bool("sealed") {
		t.Error("the node is open after its restart")
	}
}

func TestOldRekeyIsCancelledWithoutItsNonce(t *testing.T) {
	var mu sync.Mutex
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	f := start(t, vaulttest.Options{Now: clock})
	f.startRekey()
	for _, step := range []struct {
		wait   time.Duration
		body   any
		status int
	}{
		{10*time.Minute - time.Nanosecond, body{}, 400},
		{time.Nanosecond, nil, 400}, // no body is no good at any age
		{0, body{}, 204},
	} {
		mu.Lock()
		now = now.Add(step.wait)
		mu.Unlock()
		f.want(step.status, "DELETE", "sys/rekey/init", step.body)
	}
}

func TestClusterSpeaksTLSUnderItsAuthority(t *testing.T) {
	authority, err := vaulttest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	f := start(t, vaulttest.Options{TLS: authority})
	f.want(200, "GET", "sys/seal-status", nil)
	other, err := vaulttest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := operator.NewOperator(f.Addr(), other.PEM).Do(t.Context(), "GET", "sys/seal-status", nil); err == nil {
		t.Error("a client of another authority was served")
	}
}

func TestClusterThatCannotBeIsRefused(t *testing.T) {
	for name, o := range map[string]vaulttest.Options{
		"two nodes share memory":                 {Nodes: 2, Storage: "inmem"},
		"an operation that nobody knows is open": {OpenEndpoints: []string{"unseal"}},
		"a Vault has namespaces":                 {Namespaces: []string{"team"}},
		"an OpenBao is a secondary":              {Dialect: vaulttest.OpenBao, DRSecondary: true},
	} {
		if _, err := vaulttest.New(o); err == nil {
			t.Error(name)
		}
	}
}

func TestConcurrentSharesAreEachCountedOnce(t *testing.T) {
	c := vaulttest.Start(t, vaulttest.Options{Nodes: 3})
	op, keys := vaulttest.Open(t, c, 40, 40)
	start, err := op.Do(t.Context(), "PUT", "sys/generate-root/attempt", nil)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	completed := 0
	for i, share := range keys.Shares {
		wg.Go(func() {
			op := operator.NewOperator(c.Addrs()[i%3], nil)
			answer, err := op.Do(t.Context(), "PUT", "sys/generate-root/update",
				body{"key": share, "nonce": start.String("nonce")})
			if err != nil || answer.Status != 200 {
				t.Errorf("share %d: %d %v", i, answer.Status, err)
			}
			mu.Lock()
			defer mu.Unlock()
			if answer.Bool("complete") {
				completed++
			}
		})
	}
	wg.Wait()
	if completed != 1 {
		t.Errorf("%d answers say complete", completed)
	}
}

func TestOperatorKnowsSharesThatDontOpen(t *testing.T) {
	f := start(t, vaulttest.Options{Unruly: true})
	if err := f.op.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, shares := range map[string][]string{
		"too few": f.shares[:1],
		"wrong":   {f.shares[0], altered(f.shares[1])},
		"same":    {f.shares[0], f.shares[0]},
	} {
		if err := f.op.Unseal(t.Context(), shares...); !errors.Is(err, operator.ErrNotOpened) {
			t.Errorf("%s: %v", name, err)
		}
		if got := f.want(200, "GET", "sys/seal-status", nil).Body["progress"]; got != json.Number("0") {
			t.Errorf("%s: progress %v is left", name, got)
		}
	}
	if err := f.op.Unseal(t.Context(), f.shares[1:]...); err != nil {
		t.Error(err)
	}
}

// altered returns a share with one bit wrong.
func altered(share string) string {
	first := "0"
	if share[0] == '0' {
		first = "1"
	}
	return first + share[1:]
}

func TestNodesThatUnsealThemselvesComeBackByThemselves(t *testing.T) {
	f := start(t, vaulttest.Options{Nodes: 2, Seal: "transit"})
	sealed := func(node int) bool {
		t.Helper()
		return f.send(f.at(node), "GET", "sys/seal-status", nil).Bool("sealed")
	}
	leads := func(node int) bool {
		t.Helper()
		return f.send(f.at(node), "GET", "sys/leader", nil).Bool("is_self")
	}
	f.Node(1).Restart()
	if sealed(1) || !leads(2) {
		t.Errorf("after a restart node 1 is sealed: %t, node 2 leads: %t", sealed(1), leads(2))
	}
	if err := f.Node(2).Stop(); err != nil {
		t.Fatal(err)
	}
	if !leads(1) {
		t.Error("a stopped node leads")
	}
	if err := f.Node(2).Start(); err != nil {
		t.Fatal(err)
	}
	if sealed(2) {
		t.Error("a started node is sealed")
	}
	f.Node(2).Seal()
	if !sealed(2) {
		t.Error("a node that was sealed by hand is open")
	}
}

func TestSecondaryOfTheSecondGenerationAsksForAToken(t *testing.T) {
	const path = "sys/replication/dr/secondary/generate-operation-token/attempt"
	f := start(t, vaulttest.Options{Dialect: vaulttest.Vault2, DRSecondary: true})
	if got := f.send(f.op.As(""), "GET", path, nil).Status; got != 403 {
		t.Errorf("without a token the status is %d", got)
	}
	if got := f.want(200, "PUT", path, nil).Data(); !got.Bool("started") {
		t.Errorf("the attempt is %v", got.Body)
	}
	opened := start(t, vaulttest.Options{Dialect: vaulttest.Vault2, DRSecondary: true,
		OpenEndpoints: []string{"generate-operation-token"}})
	if got := opened.send(opened.op.As(""), "GET", path, nil); got.Status != 200 || got.Bool("started") {
		t.Errorf("opened, it is %d %v", got.Status, got.Body)
	}
}

func TestDialectIsReadByItsName(t *testing.T) {
	for name, want := range map[string]vaulttest.Dialect{"vault1": vaulttest.Vault1, "vault2": vaulttest.Vault2,
		"openbao": vaulttest.OpenBao} {
		if got, err := vaulttest.ParseDialect(name); got != want || err != nil {
			t.Errorf("%s is %v, %v", name, got, err)
		}
	}
	if _, err := vaulttest.ParseDialect("vault3"); err == nil {
		t.Error("a dialect that nobody speaks was read")
	}
}
