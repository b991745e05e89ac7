// Package shamir splits a key as Vault splits it, so that the emulated Vault deals in real shares: any threshold of
// them give the key, fewer give nothing, and a wrong one shows only in the key that comes out.
//
// A share is one byte longer than the key. Its last byte is the x coordinate, the others are the values of one random
// polynomial a byte of the key at that x (Vault 1.21, shamir/shamir.go).
package shamir

import (
	"crypto/rand"
	"errors"
)

// Overhead is how many bytes longer than the key a share is.
const Overhead = 1

// What Combine refuses. Vault passes these texts on to its callers, so that they are worded as Vault words them.
var (
	// ErrTooFew is returned for fewer than two shares. Two are enough to compute something; only the threshold gives
	// the key.
	ErrTooFew = errors.New("less than two parts cannot be used to reconstruct the secret")
	// ErrTooShort is returned for a share without room for a value beside its x coordinate.
	ErrTooShort = errors.New("parts must be at least two bytes")
	// ErrLengths is returned when the shares are not all of one length.
	ErrLengths = errors.New("all parts must be the same length")
	// ErrDuplicate is returned when two shares have the same x coordinate, even if they differ otherwise.
	ErrDuplicate = errors.New("duplicate part detected")
)

// Split returns n shares of key, of which any threshold give it back. The x coordinates are random and distinct, so
// that shares of an earlier split of the same key are as useless beside these as any others. The key must not be empty,
// and 2 ≤ threshold ≤ n ≤ 255.
func Split(key []byte, n, threshold int) ([][]byte, error) {
	switch {
	case len(key) == 0:
		return nil, errors.New("cannot split an empty secret")
	case threshold < 2:
		return nil, errors.New("threshold must be at least 2")
	case n < threshold:
		return nil, errors.New("parts cannot be less than threshold")
	case n > 255:
		return nil, errors.New("parts cannot exceed 255")
	}
	shares := make([][]byte, n)
	for i, x := range coordinates(n) {
		shares[i] = make([]byte, len(key)+Overhead)
		shares[i][len(key)] = x
	}
	coefficients := make([]byte, threshold)
	for i, secret := range key {
		rand.Read(coefficients[1:])
		coefficients[0] = secret
		for _, share := range shares {
			share[i] = evaluate(coefficients, share[len(key)])
		}
	}
	return shares, nil
}

// Combine returns the key that the shares belong to. It cannot tell whether the shares belong together or were enough:
// with wrong ones it returns wrong bytes and no error.
func Combine(shares [][]byte) ([]byte, error) {
	if len(shares) < 2 {
		return nil, ErrTooFew
	}
	size := len(shares[0])
	if size < 2 {
		return nil, ErrTooShort
	}
	var taken [256]bool
	for _, share := range shares {
		if len(share) != size {
			return nil, ErrLengths
		}
		x := share[size-1]
		if taken[x] {
			return nil, ErrDuplicate
		}
		taken[x] = true
	}
	key := make([]byte, size-Overhead)
	for i, share := range shares {
		weight := weightAtZero(shares, i)
		for j := range key {
			key[j] ^= mul(share[j], weight)
		}
	}
	return key, nil
}

// coordinates returns n distinct random elements other than 0, at which every polynomial would show its secret.
func coordinates(n int) []byte {
	xs := make([]byte, 255)
	for i := range xs {
		xs[i] = byte(i + 1)
	}
	for i := range n {
		j := i + below(len(xs)-i)
		xs[i], xs[j] = xs[j], xs[i]
	}
	return xs[:n]
}

// below returns a random number from 0 to limit-1, limit ≤ 255, each as likely as any other.
func below(limit int) int {
	var b [1]byte
	for {
		rand.Read(b[:])
		if int(b[0]) < 256-256%limit {
			return int(b[0]) % limit
		}
	}
}

// evaluate returns the polynomial's value at x, by Horner's rule. The coefficients are in ascending order.
func evaluate(coefficients []byte, x byte) byte {
	var y byte
	for i := len(coefficients) - 1; i >= 0; i-- {
		y = mul(y, x) ^ coefficients[i]
	}
	return y
}

// weightAtZero returns the Lagrange coefficient of share i for the value at 0, which is where the key lies.
func weightAtZero(shares [][]byte, i int) byte {
	x := func(share []byte) byte { return share[len(share)-1] }
	weight := byte(1)
	for j, other := range shares {
		if j != i {
			weight = mul(weight, mul(x(other), inverse(x(other)^x(shares[i]))))
		}
	}
	return weight
}
