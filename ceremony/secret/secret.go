// Package secret is the only room in which plain bytes of a share live. A [Secret] is used
// once and wiped, prints nothing of itself, and can be named by a [ShareTag] that gives
// nothing of it away (P1).
package secret

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
)

// ErrSecretSpent means that the bytes were used or wiped before. A secret can be used once.
var ErrSecretSpent = errors.New("the secret has been used already")

// Secret holds one plain share, or one-time password, between its decryption and Vault's
// answer.
//
// The bytes sit behind a closure and not in a field: a redacting type around a
// []byte still prints them when it is part of another struct's unexported
// field, since fmt then reads the field by reflection and calls no method. A
// closure prints as an address under every verb of fmt, and slog, encoding/json
// and encoding/gob see nothing of it (P1).
type Secret struct {
	reach func(wipe bool, f func([]byte) error) error
}

// NewSecret returns a secret that owns b. The caller must neither read nor write b
// afterwards. It is overwritten when the secret is used or wiped.
func NewSecret(b []byte) *Secret {
	var mu sync.Mutex
	spent := false
	return &Secret{reach: func(wipe bool, f func([]byte) error) (err error) {
		mu.Lock()
		defer mu.Unlock()
		if spent {
			return ErrSecretSpent
		}
		if wipe {
			spent = true
			defer func() {
				clear(b)
				b = nil
			}()
		}
		OverStack(func() { err = f(b) })
		return err
	}}
}

// Use hands the bytes to f once and overwrites them when f returns or panics. f must not
// keep the slice. The second call returns [ErrSecretSpent].
func (s *Secret) Use(f func([]byte) error) error { return s.reach(true, f) }

// Len returns how many bytes the secret has, 0 when it is spent.
func (s *Secret) Len() (n int) {
	_ = s.reach(false, func(b []byte) error { n = len(b); return nil })
	return n
}

// Wipe overwrites the bytes. It may be called at any time and more than once.
func (s *Secret) Wipe() { _ = s.reach(true, func([]byte) error { return nil }) }

const redacted = "[share]"

// String keeps the bytes out of %s and %v.
func (s *Secret) String() string { return redacted }

// GoString keeps the bytes out of %#v.
func (s *Secret) GoString() string { return redacted }

// Format keeps the bytes out of every other verb.
func (s *Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue keeps the bytes out of slog.
func (s *Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText keeps the bytes out of encoding/json and its relatives.
func (s *Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
