package openpgp

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/ProtonMail/go-crypto/openpgp/eddsa"
)

// The purposes for which the commitment key and its id are derived. When tags are made in
// another way they must change.
const (
	commitmentInfo   = "conclave commitment key 1"
	commitmentIDInfo = "conclave commitment key id 1"
)

// CommitmentKey returns the key for the tags of shares. It is HKDF-SHA256 (RFC 5869) of the
// identity's secret scalar, without a salt and with an info of its own: signatures by the
// scalar tell nothing about it. When the identity is restored from its backup the key is the
// same, so that tags outlive the machine. Without the key nobody can tell whether a tag is
// that of a share which they know.
//
// The id is 16 hexadecimal digits, derived in the same way with another info. It tells
// nothing about the key, and may stand in a journal.
func (o *OpenPGP) CommitmentKey() (id string, key [32]byte) { return o.identity.commitment() }

// newCommitment derives the key once. It is kept behind a closure, which prints as
// an address under every verb of fmt.
func newCommitment(secret *eddsa.PrivateKey) (func() (string, [32]byte), error) {
	key, err := hkdf.Key(sha256.New, secret.D, nil, commitmentInfo, sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive commitment key: %w", err)
	}
	id, err := hkdf.Key(sha256.New, secret.D, nil, commitmentIDInfo, 8)
	if err != nil {
		return nil, fmt.Errorf("derive commitment key: %w", err)
	}
	return func() (string, [32]byte) { return hex.EncodeToString(id), [32]byte(key) }, nil
}
