package midstate_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"errors"
	"hash"
	"testing"

	"conclave/ceremony/midstate"
)

func TestHashGoesOnFromItsState(t *testing.T) {
	content := bytes.Repeat([]byte("conclave"), 64)
	for name, newHash := range map[string]func() hash.Hash{
		"SHA-256": sha256.New, "SHA-384": sha512.New384, "SHA-512": sha512.New,
	} {
		whole, first, second := newHash(), newHash(), newHash()
		whole.Write(content)
		border := 2 * first.BlockSize()
		first.Write(content[:border])
		state, err := midstate.Of(first)
		if err != nil {
			t.Fatal(name, err)
		}
		if err := midstate.Resume(second, state, uint64(border)); err != nil {
			t.Fatal(name, err)
		}
		second.Write(content[border:])
		if !bytes.Equal(whole.Sum(nil), second.Sum(nil)) {
			t.Errorf("%s: the resumed hash is another one", name)
		}
		if err := midstate.Resume(newHash(), state[1:], uint64(border)); !errors.Is(err, midstate.ErrState) {
			t.Errorf("%s, a state too short: %v", name, err)
		}
	}
}

// unmarshallable is a hash whose state can't be had.
type unmarshallable struct{ hash.Hash }

func TestHashWithoutAStateIsRefused(t *testing.T) {
	if _, err := midstate.Of(unmarshallable{sha3.New256()}); !errors.Is(err, midstate.ErrState) {
		t.Error(err)
	}
	if err := midstate.Resume(unmarshallable{sha3.New256()}, nil, 0); !errors.Is(err, midstate.ErrState) {
		t.Error(err)
	}
}
