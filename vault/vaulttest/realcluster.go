package vaulttest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// StartRealCluster starts n real servers on Raft storage and makes them one cluster, initialised with the given shares and threshold and
// unsealed. The first leads; each of the others knows it and forwards to it. They are standbys at once and voters only after about
// twenty seconds, so that a step-down before then finds no successor.
func StartRealCluster(t testing.TB, n, shares, threshold int) ([]*Real, Keys) {
	t.Helper()
	nodes := make([]*Real, n)
	for i := range nodes {
		nodes[i] = StartReal(t, RealOptions{})
	}
	_, keys := Open(t, nodes[0], shares, threshold)
	for _, node := range nodes[1:] {
		if err := joinRaft(t, node, nodes[0].Addr(), keys.Shares[:threshold]); err != nil {
			t.Fatal(err)
		}
	}
	return nodes, keys
}

// joinRaft makes a node a follower. It gets the data only when it has proven to the leader that its shares are right, and is unsealed when it
// has the data, some time after the last share.
func joinRaft(t testing.TB, node *Real, leader string, shares []string) error {
	t.Helper()
	operator := NewOperator(node.Addr(), nil)
	if _, err := operator.must(t.Context(), "PUT", "sys/storage/raft/join", map[string]string{"leader_api_addr": leader}); err != nil {
		return fmt.Errorf("join cluster: %w", err)
	}
	for _, share := range shares {
		answer, err := operator.Do(t.Context(), "PUT", "sys/unseal", map[string]string{"key": share})
		if err != nil || answer.Status != http.StatusOK {
			return fmt.Errorf("unseal follower: status %d %s: %w", answer.Status, strings.Join(answer.Errors, "; "), err)
		}
	}
	err := poll(t.Context(), func() (bool, error) {
		answer, err := operator.Do(t.Context(), "GET", "sys/leader", nil)
		return answer.Status == http.StatusOK && answer.String("leader_address") == leader, err
	})
	if err != nil {
		return fmt.Errorf("unseal follower: %w", err)
	}
	return nil
}
