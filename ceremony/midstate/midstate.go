// Package midstate keeps the state of a hash between two blocks, and goes on from it later. It knows the SHA-2 family.
package midstate

import (
	"encoding"
	"encoding/binary"
	"errors"
	"hash"
)

// ErrState means that a state is not of this hash, or that the hash has none that can be kept.
var ErrState = errors.New("it is no state of this hash")

// A hash of the SHA-2 family marshals to four bytes that name it, its state between two
// blocks, the block that has begun, and the number of bytes so far.
const stateName, stateCount = 4, 8

// Of returns the state of a hash that stands between two blocks.
func Of(h hash.Hash) ([]byte, error) {
	m, ok := h.(encoding.BinaryMarshaler)
	if !ok {
		return nil, ErrState
	}
	all, err := m.MarshalBinary()
	if err != nil {
		return nil, errors.Join(ErrState, err)
	}
	return all[stateName : len(all)-h.BlockSize()-stateCount], nil
}

// Resume sets a new hash to the state that another had after count bytes, between two blocks.
func Resume(h hash.Hash, state []byte, count uint64) error {
	fresh, ok := h.(interface {
		encoding.BinaryMarshaler
		encoding.BinaryUnmarshaler
	})
	if !ok {
		return ErrState
	}
	all, err := fresh.MarshalBinary()
	if err != nil {
		return errors.Join(ErrState, err)
	}
	if len(state) != len(all)-stateName-h.BlockSize()-stateCount {
		return ErrState
	}
	copy(all[stateName:], state)
	binary.BigEndian.PutUint64(all[len(all)-stateCount:], count)
	if err := fresh.UnmarshalBinary(all); err != nil {
		return errors.Join(ErrState, err)
	}
	return nil
}
