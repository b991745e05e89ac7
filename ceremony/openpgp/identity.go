package openpgp

import (
	"bytes"
	"crypto"
	"fmt"
	"os"
	"sync"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/secret"
	"conclave/host/durable"

	"github.com/ProtonMail/go-crypto/openpgp/eddsa"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/ProtonMail/go-crypto/openpgp/s2k"
	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// Identity is the bot's long-term signing key. Holders pin its fingerprint. It certifies the
// keys of ceremonies, and signs what the bot tells people. Nothing can be encrypted to it.
type Identity struct {
	fingerprint ceremony.Fingerprint
	public      string                           // armored
	commitment  func() (id string, key [32]byte) // a closure prints as an address under every verb of fmt
	journalKey  secret.MACKey

	mu     sync.Mutex // go-crypto notes down in an entity what it has verified
	entity *pgp.Entity
}

// Generate makes an identity: a version 4 Ed25519 key without a subkey and without an expiry.
// It is dated back by skew, as what it makes is. The name must not contain any of ()<>.
func Generate(name string, now time.Time) (*Identity, error) {
	entity, err := pgp.NewEntity(name, "", "", newKeys(now.Add(-skew)))
	if err != nil {
		return nil, fmt.Errorf("make identity: %w", err)
	}
	entity.Subkeys = nil
	return newIdentity(entity)
}

func newIdentity(entity *pgp.Entity) (*Identity, error) {
	i := &Identity{entity: entity, fingerprint: fingerprintOf(entity.PrimaryKey)}
	private, ok := entity.PrivateKey.PrivateKey.(*eddsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("identity %s: %w", i.fingerprint, ErrNotIdentityKey)
	}
	var err error
	if i.public, err = publicArmor(entity); err != nil {
		return nil, fmt.Errorf("identity %s: %w", i.fingerprint, err)
	}
	tagName, tagKey, err := derive(private, tagPurpose)
	if err != nil {
		return nil, fmt.Errorf("identity %s: %w", i.fingerprint, err)
	}
	journalName, journalKey, err := derive(private, journalPurpose)
	if err != nil {
		return nil, fmt.Errorf("identity %s: %w", i.fingerprint, err)
	}
	i.commitment = func() (string, [32]byte) { return tagName, tagKey }
	i.journalKey = secret.NewMACKey(journalName, journalKey)
	return i, nil
}

func publicArmor(entity *pgp.Entity) (string, error) {
	public, err := publicBytes(entity)
	if err != nil {
		return "", err
	}
	return enarmor(certificateBlock, public)
}

// Fingerprint returns the fingerprint that holders pin.
func (i *Identity) Fingerprint() ceremony.Fingerprint { return i.fingerprint }

// PublicArmor returns the armored certificate, for holders to import.
func (i *Identity) PublicArmor() (string, error) { return i.public, nil }

// Save writes the secret key to a new file: armored, encrypted with the passphrase, and
// readable by its owner alone. It never replaces a file.
func (i *Identity) Save(path string, passphrase []byte) error {
	if len(passphrase) == 0 {
		return fmt.Errorf("save identity: %w", ErrNoPassphrase)
	}
	protected, err := i.protected(passphrase)
	if err != nil {
		return fmt.Errorf("save identity: %w", err)
	}
	if err := durable.Create(path, []byte(protected)); err != nil {
		return fmt.Errorf("save identity: %w", err)
	}
	return nil
}

// protected returns the armored secret key, encrypted with a passphrase. go-crypto encrypts an
// entity in place, and this one must go on signing: so a copy is made from its bytes.
func (i *Identity) protected(passphrase []byte) (string, error) {
	var plain bytes.Buffer
	defer func() { clear(plain.Bytes()) }()
	plain.Grow(4 << 10) // grows by copying otherwise, and leaves what it copied from
	i.mu.Lock()
	err := i.entity.SerializePrivateWithoutSigning(&plain, nil)
	i.mu.Unlock()
	if err != nil {
		return "", fmt.Errorf("write key: %w", err)
	}
	locked, err := parseEntity(plain.Bytes())
	if err != nil {
		return "", err
	}
	config := &packet.Config{
		DefaultCipher: packet.CipherAES256,
		// The count is the largest that the format has. gpg reads it too.
		S2KConfig: &s2k.Config{S2KMode: s2k.IteratedSaltedS2K, Hash: crypto.SHA256, S2KCount: 65011712},
	}
	if err := locked.EncryptPrivateKeys(passphrase, config); err != nil {
		return "", fmt.Errorf("encrypt key: %w", err)
	}
	var serialized bytes.Buffer
	if err := locked.SerializePrivateWithoutSigning(&serialized, nil); err != nil {
		return "", fmt.Errorf("write key: %w", err)
	}
	return enarmor(secretKeyBlock, serialized.Bytes())
}

// Load reads an identity that [Identity.Save] has written.
func Load(path string, passphrase []byte) (*Identity, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("load identity: %w", err)
	}
	data, err := unwrap(file, secretKeyBlock)
	if err != nil {
		return nil, fmt.Errorf("load identity %s: %w", path, ErrNotSecretKey)
	}
	entity, err := parseEntity(data)
	if err != nil {
		return nil, fmt.Errorf("load identity %s: %w", path, err)
	}
	// Keys of ceremonies are never saved, so that any subkey is foreign.
	entity.Subkeys = nil
	if err := unlock(entity, passphrase); err != nil {
		return nil, fmt.Errorf("load identity %s: %w", path, err)
	}
	if entity.PrimaryKey.Version != 4 || entity.PrimaryKey.PubKeyAlgo != packet.PubKeyAlgoEdDSA {
		return nil, fmt.Errorf("load identity %s: %w", path, ErrNotIdentityKey)
	}
	now := time.Now()
	at := judgedAt(entity, now)
	if _, ok := entity.SigningKey(at, strict(at)); !ok {
		return nil, fmt.Errorf("load identity %s: %w", path, madeAhead(entity, now, ErrNotIdentityKey))
	}
	return newIdentity(entity)
}

// unlock decrypts the secret parts of a key. It refuses a key that is not encrypted with a
// passphrase.
func unlock(entity *pgp.Entity, passphrase []byte) error {
	switch {
	case entity.PrivateKey == nil:
		return ErrNotSecretKey
	case entity.PrivateKey.Dummy():
		return ErrKeyOnCard
	case !entity.PrivateKey.Encrypted:
		return ErrNotProtected
	}
	return decrypt(entity, passphrase)
}

// decrypt decrypts the secret parts of a key. It overwrites the stack on which deriving the key from the passphrase has
// left copies of it (P1).
func decrypt(entity *pgp.Entity, passphrase []byte) (err error) {
	secret.OverStack(func() { err = entity.DecryptPrivateKeys(passphrase) })
	if err != nil {
		return ErrPassphrase
	}
	return nil
}

// sign signs a text for people. The signature is dated back: see dated.
func (i *Identity) sign(text string, now time.Time) (string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return signInline(i.entity, text, i.dated(now))
}

// attest returns a detached signature of a text. It is dated now: the date of a transcript is part of what it says.
func (i *Identity) attest(text []byte, now time.Time) ([]byte, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var signature bytes.Buffer
	if err := pgp.DetachSign(&signature, []*pgp.Entity{i.entity}, bytes.NewReader(text), strict(now)); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return signature.Bytes(), nil
}
