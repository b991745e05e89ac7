package vaulttest

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"slices"

	"conclave/vault/vaulttest/shamir"
)

// round collects the shares of one attempt until there are enough of them.
type round struct {
	shares [][]byte
}

func (r *round) progress() int { return len(r.shares) }

func (r *round) has(share []byte) bool {
	return slices.ContainsFunc(r.shares, func(s []byte) bool { return bytes.Equal(s, share) })
}

func (r *round) add(share []byte) { r.shares = append(r.shares, share) }

// combine returns the key that the shares give and empties the round whatever comes out: Vault forgets the good shares of a bad
// quorum too, and can't say which was which.
func (r *round) combine(threshold int) ([]byte, error) {
	shares := r.shares
	r.shares = nil
	if threshold == 1 {
		return shares[0], nil
	}
	return shamir.Combine(shares)
}

// newKey makes a key and its shares. A key that isn't shared is its own only share, if there is to be one.
func newKey(n, threshold int) (key []byte, shares [][]byte, err error) {
	key = make([]byte, 32)
	rand.Read(key)
	switch n {
	case 0:
		return key, nil, nil
	case 1:
		return key, [][]byte{key}, nil
	}
	shares, err = shamir.Split(key, n, threshold)
	return key, shares, err
}

// newUUID makes a version 4 UUID, the form of Vault's nonces.
func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
