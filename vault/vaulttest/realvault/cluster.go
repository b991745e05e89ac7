package realvault

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"conclave/vault/vaulttest"
	"conclave/vault/vaulttest/operator"
)

// clusterPatience keeps a leader in office on a machine that is busy with other tests. With a patience of 1 it has to be
// heard twice a second.
const clusterPatience = 4

// StartRealCluster starts n real servers on Raft storage and makes them one cluster, initialised with the given shares
// and threshold and unsealed. The first leads; each of the others knows it, forwards to it, and can succeed it.
func StartRealCluster(t testing.TB, n, shares, threshold int) ([]*Real, operator.Keys) {
	t.Helper()
	nodes := make([]*Real, n)
	for i := range nodes {
		nodes[i] = StartReal(t, RealOptions{patience: clusterPatience})
	}
	person, keys := vaulttest.Open(t, nodes[0], shares, threshold)
	// By default a node becomes a voter after ten seconds only, and without voters no other node can take over.
	if _, err := person.Must(t.Context(), "PUT", "sys/storage/raft/autopilot/configuration", map[string]string{
		"server_stabilization_time": "1s"}); err != nil {
		t.Fatal(err)
	}
	for _, node := range nodes[1:] {
		if err := joinRaft(t, node, nodes[0].Addr(), keys.Shares[:threshold]); err != nil {
			t.Fatal(err)
		}
	}
	if err := operator.Poll(t.Context(), func() (bool, error) {
		voters, err := voters(person, t.Context())
		return voters == n, err
	}); err != nil {
		t.Fatalf("make every node a voter: %v", err)
	}
	// Another node leads if the first was not heard for too long.
	leader := AwaitLeader(t, nodes)
	nodes[0], nodes[leader] = nodes[leader], nodes[0]
	return nodes, keys
}

// voters returns the number of nodes of a Raft cluster that take part in elections.
func voters(o *operator.Operator, ctx context.Context) (int, error) {
	answer, err := o.Must(ctx, "GET", "sys/storage/raft/configuration", nil)
	if err != nil {
		return 0, err
	}
	var data struct {
		Config struct {
			Servers []struct{ Voter bool }
		}
	}
	encoded, err := json.Marshal(answer.Data().Body)
	if err != nil {
		return 0, err
	}
	if err := json.Unmarshal(encoded, &data); err != nil {
		return 0, err
	}
	voters := 0
	for _, server := range data.Config.Servers {
		if server.Voter {
			voters++
		}
	}
	return voters, nil
}

// joinRaft makes a node a follower. The node gets the data only after it has proven to the leader that its shares are
// right. It is unsealed when it has the data, some time after the last share.
func joinRaft(t testing.TB, node *Real, leader string, shares []string) error {
	t.Helper()
	person := operator.NewOperator(node.Addr(), nil)
	if _, err := person.Must(t.Context(), "PUT", "sys/storage/raft/join",
		map[string]string{"leader_api_addr": leader}); err != nil {
		return fmt.Errorf("join cluster: %w", err)
	}
	for _, share := range shares {
		answer, err := person.Do(t.Context(), "PUT", "sys/unseal", map[string]string{"key": share})
		if err != nil || answer.Status != http.StatusOK {
			return fmt.Errorf("unseal follower: status %d %s: %w", answer.Status, strings.Join(answer.Errors, "; "), err)
		}
	}
	var answer operator.Answer
	err := operator.Poll(t.Context(), func() (done bool, err error) {
		answer, err = person.Do(t.Context(), "GET", "sys/leader", nil)
		return answer.Status == http.StatusOK && answer.String("leader_address") != "", err
	})
	if err != nil {
		return fmt.Errorf("unseal follower: %w; it says of the leader: %d %v; its output ends: %s", err, answer.Status,
			answer.Body, node.lastOutput())
	}
	return nil
}

// AwaitLeader waits until every node knows one leader that serves requests, and returns its index among them.
func AwaitLeader(t testing.TB, nodes []*Real) int {
	t.Helper()
	leader := -1
	err := operator.Poll(t.Context(), func() (bool, error) {
		known := map[string]bool{} // address of a leader that a node names
		for i, node := range nodes {
			operator := operator.NewOperator(node.Addr(), node.CA())
			answer, err := operator.Do(t.Context(), "GET", "sys/leader", nil)
			if err != nil || answer.Status != http.StatusOK || answer.String("leader_address") == "" {
				return false, err
			}
			known[answer.String("leader_address")] = true
			if answer.Bool("is_self") {
				leader = i
			}
			// A standby forwards this request only when it knows the leader by another way too.
			if attempt, err := operator.Do(t.Context(), "GET", "sys/generate-root/attempt", nil); err != nil ||
				attempt.Status != http.StatusOK {
				return false, err
			}
		}
		return len(known) == 1 && leader >= 0 && known[nodes[leader].Addr()], nil
	})
	if err != nil {
		t.Fatalf("await a leader: %v", err)
	}
	return leader
}
