package ceremony

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Challenge is what one person has to decrypt in a roll call, with the very key that
// Vault will be given.
type Challenge struct {
	For        Person `json:"for"`
	Ciphertext string `json:"ciphertext"` // armored
	Digest     string `json:"digest"`     // of the right answer, by RollCallDigest
	Notice     string `json:"notice"`     // the plan and this digest, signed by the identity
}

// RollCallAnswer is what somebody sends back of what they have decrypted: its SHA-256
// in lower-case hexadecimal digits. Were it sent as it is, whoever puts an encrypted
// share in the challenge's place would have it sent in the open.
func RollCallAnswer(decrypted []byte) string {
	sum := sha256.Sum256(decrypted)
	return hex.EncodeToString(sum[:])
}

// RollCallDigest is what tells a right answer without giving it away: its SHA-256 in
// lower-case hexadecimal digits. The answer may be in upper-case ones, which is how gpg
// prints a hash.
func RollCallDigest(answer string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(answer)))
	return hex.EncodeToString(sum[:])
}
