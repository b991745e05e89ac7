package shamir

import (
	"encoding/base64"
	"encoding/hex"
)

// Lengths of a share in bytes, from the shortest AES key to the longest and its x coordinate. Vault checks no closer
// than this.
const (
	MinShare = 16
	MaxShare = 32 + Overhead
)

// Decode reads a share as Vault's endpoints do: as hex if that gives a plausible length, as base64 otherwise. It
// reports whether the text is either.
func Decode(text string) ([]byte, bool) {
	if share, err := hex.DecodeString(text); err == nil && len(share) >= MinShare && len(share) <= MaxShare {
		return share, true
	}
	share, err := base64.StdEncoding.DecodeString(text)
	return share, err == nil
}
