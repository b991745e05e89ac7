package ceremonytest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/secret"
)

// FakeNode is one node of the fake Vault, sealed or not by itself.
type FakeNode struct {
	Address  string
	Fresh    bool // not initialised
	Sealed   bool
	Away     bool     // it does not answer
	Other    string   // another cluster id than the cluster's
	Progress []string // shares that it has counted
}

// fakeRest is what the fake Vault keeps beside attempts.
type fakeRest struct {
	Members   []*FakeNode
	Version   string // that each node says it has
	Term      int
	Policy    ceremony.RotationPolicy
	Tokens    map[string]ceremony.TokenState // accessor → token
	Own       ceremony.TokenState
	Rotated   int
	Installed time.Time // when the encryption key was installed; zero means now
	Deleted   int

	OtpLength int                  // in characters; 0 means 28
	Diverts   ceremony.Fingerprint // the key of who gets the token instead
	Begins    func(*FakeAttempt)   // changes an attempt that begins
}

func newFakeRest() fakeRest {
	return fakeRest{
		Members: []*FakeNode{{Address: "n1"}, {Address: "n2"}, {Address: "n3"}},
		Version: "1.21.2",
		Term:    3,
		Policy:  ceremony.RotationPolicy{Enabled: true, MaxOperations: 3_865_470_566},
		Tokens:  map[string]ceremony.TokenState{},
	}
}

// Servers returns every node as a Vault of the fake's version. One that is away has said
// nothing.
func (v *FakeVault) Servers(context.Context) []ceremony.Server {
	v.mu.Lock()
	defer v.mu.Unlock()
	var all []ceremony.Server
	for _, n := range v.Members {
		s := ceremony.Server{Address: n.Address}
		if !n.Away {
			s.Product, s.Version, s.Seal = "Vault", v.Version, v.SealType
		}
		all = append(all, s)
	}
	return all
}

func (v *FakeVault) Nodes(context.Context) ([]ceremony.Node, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.Calls["nodes"]++
	var list []ceremony.Node
	for _, n := range v.Members {
		if n.Away {
			list = append(list, ceremony.Node{Address: n.Address, Err: ceremony.ErrNotSent})
			continue
		}
		node := ceremony.Node{Address: n.Address, Seal: ceremony.Seal{
			Initialized: !n.Fresh, Sealed: n.Sealed || n.Fresh, Type: v.SealType,
			Shares: len(v.Shares), Threshold: v.Threshold,
		}}
		if n.Sealed {
			node.Progress = len(n.Progress)
		} else if !n.Fresh {
			node.Seal.ClusterID = v.ClusterID
			if n.Other != "" {
				node.Seal.ClusterID = n.Other
			}
		}
		list = append(list, node)
	}
	return list, nil
}

func (v *FakeVault) Unseal(_ context.Context, addresses []string, share *secret.Secret) map[string]error {
	answers := map[string]error{}
	_ = share.Use(func(b []byte) error {
		for _, address := range addresses {
			answers[address] = v.unseal(address, string(b))
		}
		return nil
	})
	return answers
}

func (v *FakeVault) unseal(address, share string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := v.Calls["unseal"]
	v.Calls["unseal"]++
	var before, after error
	if v.Fault != nil {
		before, after = v.Fault("unseal", n)
	}
	if before != nil {
		return before
	}
	i := slices.IndexFunc(v.Members, func(n *FakeNode) bool { return n.Address == address })
	node := v.Members[i]
	v.Log = append(v.Log, fmt.Sprintf("unseal %s %s", address, share))
	switch {
	case node.Away:
		return ceremony.ErrNotSent
	case !node.Sealed || slices.Contains(node.Progress, share):
		return after // Vault does not tell a duplicate
	}
	node.Progress = append(node.Progress, share)
	if len(node.Progress) < v.Threshold {
		return after
	}
	given := node.Progress
	node.Progress = nil
	for _, s := range given {
		if !slices.Contains(v.Shares, s) {
			return ceremony.ErrRefused
		}
	}
	node.Sealed = false
	return after
}

func (v *FakeVault) ResetUnseal(_ context.Context, address string) error {
	return v.beside("reset", func() error {
		for _, n := range v.Members {
			if n.Address == address {
				n.Progress = nil
				v.Log = append(v.Log, "reset "+address)
			}
		}
		return nil
	})
}

// beside makes a call that a sealed cluster answers as well.
func (v *FakeVault) beside(method string, apply func() error) error {
	v.mu.Lock()
	sealed := v.Sealed
	v.Sealed = false
	v.mu.Unlock()
	defer v.Do(func() { v.Sealed = sealed })
	return v.call(method, apply)
}

func (v *FakeVault) Initialize(_ context.Context, o ceremony.InitOrder) (made ceremony.Initial, err error) {
	err = v.beside("initialize", func() error {
		if slices.ContainsFunc(v.Members, func(n *FakeNode) bool { return !n.Fresh }) {
			return ceremony.ErrRefused
		}
		v.Shares = nil
		for i, k := range o.Keys {
			v.Shares = append(v.Shares, fmt.Sprintf("first-%d", i+1))
			made.Ciphertexts = append(made.Ciphertexts, v.encrypted(v.Shares[i], ceremony.Fingerprint(k)))
		}
		made.Token = v.encrypted("token", ceremony.Fingerprint(o.RootKey))
		v.Threshold = o.Threshold
		for _, n := range v.Members {
			n.Fresh, n.Sealed = false, !o.UnsealsItself
		}
		v.Log = append(v.Log, "initialize")
		return nil
	})
	if err != nil {
		return ceremony.Initial{}, err
	}
	return made, nil
}

func (v *FakeVault) KeyStatus(context.Context) (k ceremony.KeyStatus, err error) {
	err = v.call("key-status", func() error {
		k = ceremony.KeyStatus{Term: v.Term, Installed: v.Installed, Encryptions: 42}
		if k.Installed.IsZero() {
			k.Installed = time.Now()
		}
		return nil
	})
	return k, err
}

func (v *FakeVault) Rotate(context.Context) error {
	return v.call("rotate", func() error { v.Term++; v.Rotated++; return nil })
}

func (v *FakeVault) RotationPolicy(context.Context) (p ceremony.RotationPolicy, err error) {
	err = v.call("policy", func() error { p = v.Policy; return nil })
	return p, err
}

func (v *FakeVault) SetRotationPolicy(_ context.Context, p ceremony.RotationPolicy) error {
	return v.call("set-policy", func() error { v.Policy = p; return nil })
}

func (v *FakeVault) DeleteBackup(context.Context, ceremony.Operation) error {
	return v.call("delete-backup", func() error { v.Saved = nil; v.Deleted++; return nil })
}

func (v *FakeVault) Accessor(_ context.Context, accessor string) (s ceremony.TokenState, err error) {
	err = v.call("accessor", func() error { s = v.Tokens[accessor]; return nil })
	return s, err
}

func (v *FakeVault) OwnToken(context.Context) (s ceremony.TokenState, err error) {
	err = v.call("own-token", func() error { s = v.Own; return nil })
	return s, err
}
