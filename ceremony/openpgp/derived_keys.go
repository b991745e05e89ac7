package openpgp

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"conclave/ceremony/secret"

	"github.com/ProtonMail/go-crypto/openpgp/eddsa"
)

// The purposes for which keys are derived. A purpose must change when what is made with its
// key is made in another way.
const (
	tagPurpose     = "conclave commitment key" // of share tags; the name is that of the first version
	journalPurpose = "conclave journal key"
)

// CommitmentKey returns the key for the tags of shares, and its name, which may stand in a
// journal. Without the key nobody can tell whether a tag is that of a share which they know.
func (o *OpenPGP) CommitmentKey() (id string, key [32]byte) { return o.identity.commitment() }

// JournalKey returns the key that authenticates what the program writes for itself.
func (o *OpenPGP) JournalKey() secret.MACKey { return o.identity.journalKey }

// derive returns a key for a purpose, and its name: HKDF-SHA256 (RFC 5869) of the identity's
// secret scalar, without a salt and with an info of its own for either. Signatures by the
// scalar tell nothing about them, and the name, 16 hexadecimal digits, tells nothing about the
// key. When the identity is restored from its backup they are the same, so that what was
// made with the key outlives the machine.
func derive(identity *eddsa.PrivateKey, purpose string) (name string, key [sha256.Size]byte, err error) {
	derived, err := hkdf.Key(sha256.New, identity.D, nil, purpose+" 1", sha256.Size)
	if err != nil {
		return "", key, fmt.Errorf("derive %s: %w", purpose, err)
	}
	id, err := hkdf.Key(sha256.New, identity.D, nil, purpose+" id 1", 8)
	if err != nil {
		return "", key, fmt.Errorf("derive %s: %w", purpose, err)
	}
	return hex.EncodeToString(id), [sha256.Size]byte(derived), nil
}
