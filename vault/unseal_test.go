package vault_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"conclave/ceremony"
	"conclave/ceremony/secret"
	"conclave/vault"
	"conclave/vault/vaulttest"
	"conclave/vault/vaulttest/realvault"
)

func nodesOf(t testing.TB, c *vault.Client) []ceremony.Node {
	t.Helper()
	nodes, err := c.Nodes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return nodes
}

// unseal sends one share to every node, each of which has to confirm.
func unseal(t testing.TB, c *vault.Client, share string) {
	t.Helper()
	var addresses []string
	for _, n := range nodesOf(t, c) {
		addresses = append(addresses, n.Address)
	}
	for address, err := range c.Unseal(t.Context(), addresses, secret.NewSecret([]byte(share))) {
		t.Fatalf("%s: %v", address, err)
	}
}

func progresses(nodes []ceremony.Node) []int {
	var counts []int
	for _, n := range nodes {
		counts = append(counts, n.Progress)
	}
	return counts
}

// sealedCluster is three sealed nodes.
func sealedCluster(t *testing.T) *server {
	s := startEmulator(t, vaulttest.Options{Nodes: 3})
	for number := range 3 {
		s.emulator.Node(number + 1).Seal()
	}
	return s
}

func TestOneShareServesEverySealedNode(t *testing.T) {
	t.Parallel()
	test := func(t *testing.T, s *server) {
		c := s.client(t)
		for i, n := range nodesOf(t, c) {
			if n.Err != nil || !n.Seal.Sealed || !n.Seal.Initialized || n.Progress != 0 || n.Nonce != "" || n.Address != s.addrs[i] {
				t.Fatalf("before: %+v", n)
			}
		}
		unseal(t, c, s.keys.Shares[1])
		unseal(t, c, s.keys.Shares[2])
		nodes := nodesOf(t, c)
		if diff := cmp.Diff([]int{2, 2, 2}, progresses(nodes)); diff != "" {
			t.Fatalf("after two shares (-want +got):\n%s", diff)
		}
		for _, n := range nodes {
			if n.Nonce == "" {
				t.Errorf("%s counts shares under no nonce", n.Address)
			}
		}
		unseal(t, c, s.keys.Shares[4])
		for _, n := range nodesOf(t, c) {
			if n.Err != nil || n.Seal.Sealed {
				t.Errorf("after three shares: %+v", n)
			}
		}
	}
	t.Run("emulator", func(t *testing.T) { test(t, sealedCluster(t)) })
	t.Run("real", func(t *testing.T) {
		reals, keys := realvault.StartRealCluster(t, 3, shares, threshold)
		s := &server{keys: keys, rekey: ceremony.Rekey}
		for _, real := range reals {
			real.Restart(t)
			s.addrs = append(s.addrs, real.Addr())
		}
		test(t, s)
	})
}

func TestDuplicateShareOfAnUnsealingIsConfirmedAndNotCounted(t *testing.T) {
	test := func(t *testing.T, s *server) {
		c := s.client(t)
		if err := s.operator.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		unseal(t, c, s.keys.Shares[0])
		unseal(t, c, s.keys.Shares[0])
		if diff := cmp.Diff([]int{1}, progresses(nodesOf(t, c))); diff != "" {
			t.Errorf("progress (-want +got):\n%s", diff)
		}
	}
	t.Parallel()
	t.Run("emulator", func(t *testing.T) { test(t, startEmulator(t, vaulttest.Options{Unruly: true})) })
	t.Run("real", func(t *testing.T) { test(t, startReal(t)) })
}

func TestWrongShareOfAnUnsealingBeginsTheCountAgain(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		c := s.client(t)
		if err := s.operator.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		unseal(t, c, s.keys.Shares[0])
		unseal(t, c, s.keys.Shares[1])
		failed := c.Unseal(t.Context(), s.addrs, secret.NewSecret([]byte(strings.Repeat("5a", 33))))
		wantError(t, failed[s.addrs[0]], ceremony.ErrRefused)
		if diff := cmp.Diff([]int{0}, progresses(nodesOf(t, c))); diff != "" {
			t.Errorf("progress (-want +got):\n%s", diff)
		}
		for _, share := range s.keys.Shares[:threshold] {
			unseal(t, c, share)
		}
		if n := nodesOf(t, c)[0]; n.Seal.Sealed {
			t.Errorf("the next round left it sealed: %+v", n)
		}
		// A share is spent on a node that needs none, and does no harm.
		unseal(t, c, s.keys.Shares[4])
	})
}

func TestResetForgetsTheSharesOfOneNode(t *testing.T) {
	t.Parallel()
	s := sealedCluster(t)
	c := s.client(t)
	unseal(t, c, s.keys.Shares[0])
	if err := c.ResetUnseal(t.Context(), s.addrs[1]); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{1, 0, 1}, progresses(nodesOf(t, c))); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	wantError(t, c.ResetUnseal(t.Context(), "https://192.0.2.1:8200"), ceremony.ErrNotSent)
}

func TestResetOfAnUnsealedNodeIsRefused(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		wantError(t, s.client(t).ResetUnseal(t.Context(), s.addrs[0]), ceremony.ErrRefused)
	})
}

func TestEachNodeThatDidNotConfirmIsNamed(t *testing.T) {
	t.Parallel()
	s := sealedCluster(t)
	const stranger, dead = "https://192.0.2.1:8200", "http://127.0.0.1:1"
	c := s.client(t, func(c *vault.Config) { c.Addresses = append(c.Addresses, dead) })
	s.emulator.Script(
		vaulttest.Fault{Route: "PUT sys/unseal", Node: 2, Do: vaulttest.HangUpAfter()},
		vaulttest.Fault{Route: "PUT sys/unseal", Node: 3, Do: vaulttest.Sealed()},
	)
	before := len(nodesAsked(s, "PUT sys/unseal"))
	failed := c.Unseal(
		t.Context(), append([]string{stranger, dead, s.addrs[0]}, s.addrs...), secret.NewSecret([]byte(s.keys.Shares[0])),
	)
	for address, want := range map[string]error{
		stranger:   ceremony.ErrNotSent,
		dead:       ceremony.ErrNotSent,
		s.addrs[0]: nil,
		s.addrs[1]: ceremony.ErrUncertain,
		s.addrs[2]: ceremony.ErrUncertain,
	} {
		wantError(t, failed[address], want)
	}
	if diff := cmp.Diff([]int{1, 2, 3}, slices.Sorted(slices.Values(nodesAsked(s, "PUT sys/unseal")[before:]))); diff != "" {
		t.Errorf("the share was sent to (-want +got):\n%s", diff)
	}
	nodes := nodesOf(t, c)
	if nodes[3].Err == nil || nodes[3].Address != dead {
		t.Errorf("the node that is away: %+v", nodes[3])
	}
	wantError(t, nodes[3].Err, ceremony.ErrNotSent)
	if diff := cmp.Diff([]int{1, 1, 0, 0}, progresses(nodes)); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
}

func TestShareOfAnUnsealingIsSpentWhateverHappens(t *testing.T) {
	t.Parallel()
	s := sealedCluster(t)
	c := s.client(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for claim, ctx := range map[string]context.Context{"accepted": t.Context(), "cancelled": gone} {
		for _, addresses := range [][]string{s.addrs, nil} {
			share := secret.NewSecret([]byte(s.keys.Shares[0]))
			failed := c.Unseal(ctx, addresses, share)
			if err := share.Use(func([]byte) error { return nil }); !errors.Is(err, secret.ErrSecretSpent) {
				t.Errorf("%s: the share can be used again", claim)
			}
			if claim == "cancelled" && len(failed) != len(addresses) {
				t.Errorf("%s: %v", claim, failed)
			}
		}
	}
	spent := secret.NewSecret([]byte(s.keys.Shares[0]))
	spent.Wipe()
	for address, err := range c.Unseal(t.Context(), s.addrs, spent) {
		t.Logf("%s: %v", address, err)
		wantError(t, err, ceremony.ErrNotSent)
	}
}

// A node says nothing of where it belongs before it has a key.
func TestNodeOfANewClusterIsToldApart(t *testing.T) {
	onEachNewKind(t, func(t *testing.T, s *server) {
		n := nodesOf(t, s.client(t, withoutToken))[0]
		if n.Err != nil || n.Seal.Initialized || !n.Seal.Sealed || n.Seal.UnsealsItself() != (s.rekey == ceremony.RekeyRecovery) {
			t.Errorf("the node: %+v", n)
		}
	})
}

// A node without a key keeps no share, whatever it answers.
func TestShareForANodeWithoutAKeyIsRefused(t *testing.T) {
	t.Parallel()
	s := newReal(t, realvault.RealOptions{}, ceremony.Rekey)
	failed := s.client(t, withoutToken).Unseal(t.Context(), s.addrs, secret.NewSecret([]byte(strings.Repeat("5a", 33))))
	wantError(t, failed[s.addrs[0]], ceremony.ErrRefused)
}

func TestNodesOfACancelledQuestionAreNotAnswered(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.client(t).Nodes(ctx)
	wantError(t, err, ceremony.ErrNotSent)
	s.emulator.Script(vaulttest.Fault{Route: "GET sys/seal-status", Do: vaulttest.Refuse(http.StatusNotFound)})
	wantError(t, nodesOf(t, s.client(t))[0].Err, ceremony.ErrUnsupported)
}
