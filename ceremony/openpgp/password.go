package openpgp

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/secret"
)

// A one-time password stands in for the PGP key of a requester who has none. The
// server combines the new token with it, byte for byte, so that what it answers is
// worth nothing without the password. Slack never sees it: the plan has its hash,
// and the envelope that brings it to the bot is encrypted to the ceremony key.

// How long a one-time password may be, in bytes. It must be as long as the token,
// which is 28 for Vault and 26 for OpenBao; a server says which (otp_length in the
// status of sys/generate-root/attempt). Its hash is public, so that a short one
// could be found by trying.
const (
	MinPassword = 20
	MaxPassword = 64
)

// alphabet is that of the passwords that Vault makes.
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// NewPassword makes a one-time password of this many random letters and digits, with
// a digit and a letter of each case in it: that is how one is known that somebody
// sends in the open by mistake, and one in a hundred would lack a digit.
// The caller overwrites it after use. The error is [ErrNotAPassword] for a length
// that none can have.
func NewPassword(length int) ([]byte, error) {
	if length < MinPassword || length > MaxPassword {
		return nil, fmt.Errorf("make a one-time password of %d characters: %w", length, ErrNotAPassword)
	}
	password := make([]byte, 0, length)
	var random [2 * MaxPassword]byte
	defer clear(random[:])
	for {
		_, _ = rand.Read(random[:]) // never fails: it ends the program instead
		for _, b := range random {
			// Six bits, and again when there is no such character: the rest of a division
			// would favour the first ones.
			if i := int(b & 63); i < len(alphabet) {
				password = append(password, alphabet[i])
			}
			if len(password) < length {
				continue
			}
			if mixed(password) {
				return password, nil
			}
			password = password[:0]
		}
	}
}

func mixed(password []byte) bool {
	return bytes.ContainsAny(password, "0123456789") &&
		bytes.ContainsAny(password, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") && bytes.ContainsAny(password, "abcdefghijklmnopqrstuvwxyz")
}

// CheckPassword returns [ErrNotAPassword] for what no one-time password can be. It
// must be trimmed.
func CheckPassword(password []byte) error {
	if len(password) < MinPassword || len(password) > MaxPassword {
		return ErrNotAPassword
	}
	for _, b := range password {
		if strings.IndexByte(alphabet, b) < 0 {
			return ErrNotAPassword
		}
	}
	return nil
}

// Commitment is the SHA-256 of a one-time password in lower-case hexadecimal
// digits, as the plan has it. It gives nothing of the password away.
func Commitment(password []byte) string {
	var sum [sha256.Size]byte
	secret.OverStack(func() { sum = sha256.Sum256(password) })
	return hex.EncodeToString(sum[:])
}

// exposes reports whether the one-time password with this commitment stands in the
// open in what somebody has sent, beside an envelope or without one. Slack has it
// then, and will have the encoded token too.
func exposes(text []byte, commitment string) bool {
	if len(text) > maxLetter {
		return false
	}
	for word := range strings.FieldsFuncSeq(normalise(text), func(r rune) bool { return !strings.ContainsRune(alphabet, r) }) {
		if commits([]byte(word), commitment) {
			return true
		}
	}
	return false
}

// commits reports whether a password is the one with this commitment.
func commits(password []byte, commitment string) bool {
	return CheckPassword(password) == nil &&
		subtle.ConstantTimeCompare([]byte(Commitment(password)), []byte(commitment)) == 1
}

// openPassword returns the part of content that is the one-time password.
//
// Whoever can encrypt to the ceremony key can make such an envelope. What proves
// that it comes from the requester is that they committed to the password before
// the approval: nobody else can name what has that hash. A signature that is there
// all the same proves nothing more, since no key is known for its signer, and
// takes nothing away; it is not looked at.
func (k *key) openPassword(m message, content []byte, want ceremony.Expected) ([]byte, error) {
	n, _, err := k.decrypt(m, nil, content, want.Now)
	if err != nil {
		return nil, err
	}
	password, _, err := parsePayload(content[:n], want, k.announced.Identity)
	switch {
	case err != nil:
		return nil, err
	case CheckPassword(password) != nil:
		return nil, ceremony.BadPassword
	case !commits(password, want.Commitment):
		return nil, ceremony.OtherPassword
	}
	return password, nil
}
