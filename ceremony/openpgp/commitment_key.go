package openpgp

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/ProtonMail/go-crypto/openpgp/eddsa"
)

// What the commitment key and its name are derived for. A change of how tags are
// made needs others.
const (
	commitmentInfo   = "conclave commitment key 1"
	commitmentIDInfo = "conclave commitment key id 1"
)

// CommitmentKey is HKDF-SHA256 (RFC 5869) of the identity's secret scalar, without a
// salt and with an info of its own; what is signed with the scalar says nothing
// about it. Whoever restores the identity from its backup has the same key, so that
// tags outlive the machine; whoever does not have it can't tell whether a tag is that
// of a share which they know.
//
// The id is 16 hexadecimal digits, derived beside the key with another info: from
// it nothing follows about the key, and it may stand in a journal.
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
