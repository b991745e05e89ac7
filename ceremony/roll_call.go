package ceremony

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
)

// Challenge is what one person has to decrypt in a roll call, with the very key that
// Vault will be given.
type Challenge struct {
	For        Person `json:"for"`
	Ciphertext string `json:"ciphertext"` // armored
	Digest     string `json:"digest"`     // of the right answer, by RollCallDigest
	Notice     string `json:"notice"`     // the plan and this digest, signed by the identity
}

// RollCallNotice is what a roll call says to one person.
type RollCallNotice struct {
	Plan   Plan
	Digest string // of this person's challenge, by [RollCallDigest]
	At     time.Time
}

// RollCallAnswer returns what a person sends back of what they have decrypted: its SHA-256
// in lower-case hexadecimal digits. If they sent it as it is, an attacker who puts an
// encrypted share in the challenge's place would have it sent in the open.
func RollCallAnswer(decrypted []byte) string {
	sum := sha256.Sum256(decrypted)
	return hex.EncodeToString(sum[:])
}

// RollCallDigest returns what tells a right answer without giving it away: its SHA-256 in
// lower-case hexadecimal digits. The answer may be in upper-case digits, as gpg prints a
// hash.
func RollCallDigest(answer string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(answer)))
	return hex.EncodeToString(sum[:])
}
