package ceremony

import (
	"fmt"
	"regexp"
	"slices"
)

// What people paste into a shell is made of names, nonces, fingerprints and hashes. Each
// is held to its shape wherever it comes in: from a file, from Vault, from a signed
// message. With any other shape it could be an attacker's command.

var (
	nameShape        = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$`)
	nonceShape       = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	fingerprintShape = regexp.MustCompile(`^[0-9a-f]{40}$`)
	hashShape        = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// IsName reports whether s has the shape of the name of a person or of a cluster:
// lower-case letters, digits and, between them, hyphens.
func IsName(s string) bool { return nameShape.MatchString(s) }

// IsNonce reports whether s has the shape of a nonce. The shape is wider than that of
// Vault's nonces, which are UUIDs, and of Conclave's own.
func IsNonce(s string) bool { return nonceShape.MatchString(s) }

// IsHash reports whether s is a SHA-256 in lower-case hexadecimal digits.
func IsHash(s string) bool { return hashShape.MatchString(s) }

// Valid reports whether f is a fingerprint: 40 lower-case hexadecimal digits.
func (f Fingerprint) Valid() bool { return fingerprintShape.MatchString(string(f)) }

// Valid reports whether id has the shape of a ceremony's id.
func (id ID) Valid() bool { return IsName(string(id)) }

// UnmarshalText reads a fingerprint as [ParseFingerprint] does, or an empty text.
func (f *Fingerprint) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*f = ""
		return nil
	}
	*f, err = ParseFingerprint(string(text))
	return err
}

// UnmarshalText reads the id of a ceremony, or an empty text.
func (id *ID) UnmarshalText(text []byte) error {
	if read := ID(text); len(text) == 0 || read.Valid() {
		*id = read
		return nil
	}
	return fmt.Errorf("%q is no id of a ceremony", text)
}

// Shaped returns an error for a plan with a value that people are given as part of a
// command and that does not have its shape.
func (p Plan) Shaped() error {
	switch {
	case !p.Ceremony.Valid():
		return fmt.Errorf("%q is no id of a ceremony", string(p.Ceremony))
	case !IsName(p.Cluster):
		return fmt.Errorf("%q is no name of a cluster", p.Cluster)
	case !p.Identity.Valid():
		return fmt.Errorf("identity %q is no fingerprint", string(p.Identity))
	case p.OTP != "" && !IsHash(p.OTP):
		return fmt.Errorf("%q is no commitment to a one-time password", p.OTP)
	}
	for _, who := range slices.Concat(p.Everybody(), p.RollCall) {
		switch {
		case !IsName(who.Name):
			return fmt.Errorf("%q is no name of a person", who.Name)
		case who.Key != "" && !who.Key.Valid():
			return fmt.Errorf("the key of %s, %q, is no fingerprint", who.Name, string(who.Key))
		}
	}
	return nil
}
