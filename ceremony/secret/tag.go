package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
)

// ShareTag names a share so that it is known again, and gives nothing of it away (P1):
//
//   - Tag is HMAC-SHA256 under a key that is derived from the identity's secret and is in
//     memory only. A reader of the journal without that key sees which envelopes held the
//     same bytes, and no more. A reader with the key would still have to guess the share:
//     its y is 32 random bytes of Vault's, one of 2²⁵⁶, and tags of other shares say
//     nothing about it.
//   - X is public in Shamir's scheme. One share less than the threshold, each with its x,
//     says nothing about the key, and neither does an x alone. It is taken only of a text as
//     long as a divided key's share. The undivided key of a cluster with one share is a
//     byte shorter, and its last byte would be part of the key.
//
// The tag is taken over the bytes that Vault decodes, so that it does not matter whether
// they were written in hexadecimal digits or in base64.
type ShareTag struct {
	TagKey string `json:"tag_key,omitempty"` // name of the key; tags under different keys can't be compared
	Tag    string `json:"tag,omitempty"`     // in lower-case hexadecimal digits
	X      int    `json:"x,omitempty"`       // 1 to 255; 0 where the text has none
}

// dividedShare is how many bytes a share of a divided key has: 32 of y, and then one of x.
// Source: hashicorp/vault, shamir/shamir.go.
const dividedShare = 33

// Tag returns the tag of the secret under the key with this name. The secret stays usable.
func (s *Secret) Tag(name string, key [sha256.Size]byte) (ShareTag, error) {
	tag := ShareTag{TagKey: name}
	err := s.reach(false, func(b []byte) error {
		decoded := make([]byte, len(b))
		defer clear(decoded)
		n, err := hex.Decode(decoded, b)
		if err != nil {
			n, err = base64.StdEncoding.Decode(decoded, b)
		}
		if err != nil {
			n = copy(decoded, b)
		}
		mac := hmac.New(sha256.New, key[:])
		mac.Write(decoded[:n])
		tag.Tag = hex.EncodeToString(mac.Sum(nil))
		mac.Reset()
		mac.Write(make([]byte, mac.BlockSize()-1)) // over what it has buffered of the share
		forget(mac)
		if n == dividedShare {
			tag.X = int(decoded[n-1])
		}
		return nil
	})
	return tag, err
}

// forget overwrites what a hash still has of what was last written to it. An unfinished
// block stays in its buffer, and Reset only sets the count of its bytes to zero.
func forget(h hash.Hash) {
	h.Reset()
	h.Write(make([]byte, h.BlockSize()-1)) // a whole block would not go through the buffer
}

// Names reports whether both are tags of the same share. It returns false without a tag, as
// in journals from before there were tags.
func (t ShareTag) Names(other ShareTag) bool {
	return t.Tag != "" && t.Tag == other.Tag && t.TagKey == other.TagKey
}
