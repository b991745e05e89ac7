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
	"conclave/ceremony/paste"
	"conclave/ceremony/secret"
)

// A one-time password takes the place of the PGP key of a requester who has none. The server
// combines the new token with it, byte for byte: without the password its answer is worth
// nothing. Slack never sees the password: the plan has its hash, and the envelope that brings
// it to the bot is encrypted to the ceremony key.

// The least and the greatest length of a one-time password, in bytes. It must be as long as
// the token: 28 for Vault, 26 for OpenBao. The server says so (otp_length in the status of
// sys/generate-root/attempt). Its hash is public: a short one could be found by trying.
const (
	MinPassword = 20
	MaxPassword = 64
)

// alphabet has the characters of the passwords that Vault makes.
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// NewPassword makes a one-time password of this many random letters and digits. It has at
// least one digit and one letter of each case: by these a password is recognised that a person
// sends in the open by mistake, and one in a hundred would lack a digit. The caller overwrites
// it after use. The error is [ErrNotAPassword] when the length is out of bounds.
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
			// These are six bits. They are drawn again when they are no character: the
			// rest of a division would favour the first characters.
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

// CheckPassword returns [ErrNotAPassword] unless password has the form of a one-time password.
// There must be no spaces around it.
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

// Commitment returns the SHA-256 of a one-time password in lower-case hexadecimal digits, as
// it stands in the plan. It tells nothing about the password.
func Commitment(password []byte) string {
	var sum [sha256.Size]byte
	secret.OverStack(func() { sum = sha256.Sum256(password) })
	return hex.EncodeToString(sum[:])
}

// exposes reports whether a letter has the one-time password with this commitment in the open,
// beside an envelope or without one. Then Slack has it, and will have the encoded token too.
func exposes(text []byte, commitment string) bool {
	if len(text) > maxLetter {
		return false
	}
	between := func(r rune) bool { return !strings.ContainsRune(alphabet, r) }
	for word := range strings.FieldsFuncSeq(paste.Text(text), between) {
		if commits([]byte(word), commitment) {
			return true
		}
	}
	return false
}

// commits reports whether a password has this commitment.
func commits(password []byte, commitment string) bool {
	return CheckPassword(password) == nil &&
		subtle.ConstantTimeCompare([]byte(Commitment(password)), []byte(commitment)) == 1
}

// openPassword returns the part of content that is the one-time password.
//
// Everybody who can encrypt to the ceremony key can make such an envelope. The commitment
// proves that it comes from the requester, who made it before the approval: nobody else knows
// what has that hash. A signature, if there is one, is ignored: the signer has no known key,
// so that it would prove nothing more, and it does no harm.
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
