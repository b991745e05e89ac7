package ceremony_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"conclave/ceremony"
)

// fakeNode is one node of the fake Vault, sealed or not by itself.
type fakeNode struct {
	address  string
	fresh    bool // not initialised
	sealed   bool
	away     bool   // it does not answer
	other    string // another cluster id than the cluster's
	progress []string
}

// fakeRest is what the fake Vault keeps beside attempts.
type fakeRest struct {
	nodes     []*fakeNode
	term      int
	policy    ceremony.RotationPolicy
	tokens    map[string]ceremony.TokenState // accessor → token
	own       ceremony.TokenState
	rotated   int
	installed time.Time // of the encryption key; zero: now
	deleted   int

	otpLength int                  // 0: 28
	diverts   ceremony.Fingerprint // who gets the token instead
	begins    func(*fakeAttempt)   // what it makes of an order
}

func newFakeRest() fakeRest {
	return fakeRest{
		nodes:  []*fakeNode{{address: "n1"}, {address: "n2"}, {address: "n3"}},
		term:   3,
		policy: ceremony.RotationPolicy{Enabled: true, MaxOperations: 3_865_470_566},
		tokens: map[string]ceremony.TokenState{},
	}
}

func (v *fakeVault) Nodes(context.Context) ([]ceremony.Node, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.calls["nodes"]++
	var list []ceremony.Node
	for _, n := range v.nodes {
		if n.away {
			list = append(list, ceremony.Node{Address: n.address, Err: ceremony.ErrNotSent})
			continue
		}
		node := ceremony.Node{Address: n.address, Seal: ceremony.Seal{
			Initialized: !n.fresh, Sealed: n.sealed || n.fresh, Type: v.sealType, Shares: len(v.shares), Threshold: v.threshold,
		}}
		if n.sealed {
			node.Progress = len(n.progress)
		} else if !n.fresh {
			node.Seal.ClusterID = v.clusterID
			if n.other != "" {
				node.Seal.ClusterID = n.other
			}
		}
		list = append(list, node)
	}
	return list, nil
}

func (v *fakeVault) Unseal(_ context.Context, addresses []string, share *ceremony.Secret) map[string]error {
	answers := map[string]error{}
	_ = share.Use(func(b []byte) error {
		for _, address := range addresses {
			answers[address] = v.unseal(address, string(b))
		}
		return nil
	})
	return answers
}

func (v *fakeVault) unseal(address, share string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := v.calls["unseal"]
	v.calls["unseal"]++
	var before, after error
	if v.fault != nil {
		before, after = v.fault("unseal", n)
	}
	if before != nil {
		return before
	}
	i := slices.IndexFunc(v.nodes, func(n *fakeNode) bool { return n.address == address })
	node := v.nodes[i]
	v.log = append(v.log, fmt.Sprintf("unseal %s %s", address, share))
	switch {
	case node.away:
		return ceremony.ErrNotSent
	case !node.sealed || slices.Contains(node.progress, share):
		return after // a duplicate is not told
	}
	node.progress = append(node.progress, share)
	if len(node.progress) < v.threshold {
		return after
	}
	given := node.progress
	node.progress = nil
	for _, s := range given {
		if !slices.Contains(v.shares, s) {
			return ceremony.ErrRefused
		}
	}
	node.sealed = false
	return after
}

func (v *fakeVault) ResetUnseal(_ context.Context, address string) error {
	return v.beside("reset", func() error {
		for _, n := range v.nodes {
			if n.address == address {
				n.progress = nil
				v.log = append(v.log, "reset "+address)
			}
		}
		return nil
	})
}

// beside is a call that a sealed cluster answers as well.
func (v *fakeVault) beside(method string, apply func() error) error {
	v.mu.Lock()
	sealed := v.sealed
	v.sealed = false
	v.mu.Unlock()
	defer v.do(func() { v.sealed = sealed })
	return v.call(method, apply)
}

func (v *fakeVault) Initialize(_ context.Context, o ceremony.InitOrder) (made ceremony.Initial, err error) {
	err = v.beside("initialize", func() error {
		if slices.ContainsFunc(v.nodes, func(n *fakeNode) bool { return !n.fresh }) {
			return ceremony.ErrRefused
		}
		v.shares = nil
		for i, k := range o.Keys {
			v.shares = append(v.shares, fmt.Sprintf("first-%d", i+1))
			made.Ciphertexts = append(made.Ciphertexts, v.encrypted(v.shares[i], ceremony.Fingerprint(k)))
		}
		made.Token = v.encrypted("token", ceremony.Fingerprint(o.RootKey))
		v.threshold = o.Threshold
		for _, n := range v.nodes {
			n.fresh, n.sealed = false, !o.UnsealsItself
		}
		v.log = append(v.log, "initialize")
		return nil
	})
	if err != nil {
		return ceremony.Initial{}, err
	}
	return made, nil
}

func (v *fakeVault) KeyStatus(context.Context) (k ceremony.KeyStatus, err error) {
	err = v.call("key-status", func() error {
		k = ceremony.KeyStatus{Term: v.term, Installed: v.installed, Encryptions: 42}
		if k.Installed.IsZero() {
			k.Installed = time.Now()
		}
		return nil
	})
	return k, err
}

func (v *fakeVault) Rotate(context.Context) error {
	return v.call("rotate", func() error { v.term++; v.rotated++; return nil })
}

func (v *fakeVault) RotationPolicy(context.Context) (p ceremony.RotationPolicy, err error) {
	err = v.call("policy", func() error { p = v.policy; return nil })
	return p, err
}

func (v *fakeVault) SetRotationPolicy(_ context.Context, p ceremony.RotationPolicy) error {
	return v.call("set-policy", func() error { v.policy = p; return nil })
}

func (v *fakeVault) DeleteBackup(context.Context, ceremony.Operation) error {
	return v.call("delete-backup", func() error { v.backup = nil; v.deleted++; return nil })
}

func (v *fakeVault) Accessor(_ context.Context, accessor string) (s ceremony.TokenState, err error) {
	err = v.call("accessor", func() error { s = v.tokens[accessor]; return nil })
	return s, err
}

func (v *fakeVault) OwnToken(context.Context) (s ceremony.TokenState, err error) {
	err = v.call("own-token", func() error { s = v.own; return nil })
	return s, err
}
