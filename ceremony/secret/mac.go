package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
)

// MACKey authenticates what the program keeps on a disk that others can write. Only who has
// the identity's secret can make a code that [MACKey.Proves] accepts. The key sits behind a
// closure, which prints as an address under every verb of fmt.
type MACKey struct {
	name string
	mac  func() hash.Hash
}

// NewMACKey returns the key with this name. The name may be public. It changes with the key.
func NewMACKey(name string, key [sha256.Size]byte) MACKey {
	return MACKey{name: name, mac: func() hash.Hash { return hmac.New(sha256.New, key[:]) }}
}

// Name returns the name of the key, "" for the zero key.
func (k MACKey) Name() string { return k.name }

// Sum returns the HMAC-SHA256 (RFC 2104) of the purpose, a zero byte and the text, in
// lower-case hexadecimal digits. A code that was made for one purpose proves nothing for
// another one. A purpose has no zero byte.
func (k MACKey) Sum(purpose string, text []byte) string {
	m := k.mac()
	m.Write([]byte(purpose))
	m.Write([]byte{0})
	m.Write(text)
	return hex.EncodeToString(m.Sum(nil))
}

// Proves reports whether sum was made of the text under this key, for this purpose.
func (k MACKey) Proves(purpose string, text []byte, sum string) bool {
	return k.mac != nil && hmac.Equal([]byte(k.Sum(purpose, text)), []byte(sum))
}
