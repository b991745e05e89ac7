package openpgp

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"conclave/ceremony"

	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// HolderKey is a holder's own secret key, on the holder's computer. It must not be
// used by several goroutines.
type HolderKey struct {
	entity *pgp.Entity
}

// GenerateHolder makes a key as a holder does: Ed25519 with an encryption subkey on
// Curve25519, without an expiry. The name must not contain any of ()<>.
func GenerateHolder(name string, now time.Time) (*HolderKey, error) {
	entity, err := pgp.NewEntity(name, "", "", newKeys(now))
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	return &HolderKey{entity: entity}, nil
}

// ReadHolderKey reads a secret key as gpg --export-secret-keys writes it, armored or binary.
// It ignores the passphrase when the key has none. The error is [ErrPassphrase] when the
// passphrase is wrong or missing, and [ErrKeyOnCard] when the key is on a smartcard.
func ReadHolderKey(data, passphrase []byte) (*HolderKey, error) {
	binary, err := unwrap(data, secretKeyBlock)
	if err != nil {
		return nil, fmt.Errorf("read secret key: %w", ErrNotSecretKey)
	}
	binary = bytes.Clone(binary) // it may be the caller's
	defer clear(binary)
	entity, err := parseEntity(binary)
	if err != nil {
		return nil, fmt.Errorf("read secret key: %w", err)
	}
	if entity.PrivateKey == nil {
		return nil, fmt.Errorf("read secret key: %w", ErrNotSecretKey)
	}
	if err := decrypt(entity, passphrase); err != nil {
		return nil, fmt.Errorf("key %s: %w", fingerprintOf(entity.PrimaryKey), err)
	}
	h := &HolderKey{entity: entity}
	now := time.Now()
	at := judgedAt(entity, now)
	signer, ok := entity.SigningKey(at, strict(at))
	switch {
	case !ok:
		return nil, fmt.Errorf("key %s: %w", h.Fingerprint(), madeAhead(entity, now, ErrCannotSign))
	case signer.PrivateKey == nil || signer.PrivateKey.Dummy():
		return nil, fmt.Errorf("key %s: %w", h.Fingerprint(), ErrKeyOnCard)
	}
	return h, nil
}

// Fingerprint returns the fingerprint of the primary key.
func (h *HolderKey) Fingerprint() ceremony.Fingerprint { return fingerprintOf(h.entity.PrimaryKey) }

// PublicArmor returns the armored certificate.
func (h *HolderKey) PublicArmor() (string, error) { return publicArmor(h.entity) }

// Decrypt decrypts a message to this key, in any form that [Ciphertext] reads: from Vault, or
// from an older file of the holder's. It asks for no signature, since Vault signs nothing.
// The caller overwrites the result after use.
func (h *HolderKey) Decrypt(message []byte) ([]byte, error) {
	binary, err := Ciphertext(message)
	if err != nil {
		return nil, fmt.Errorf("decrypt: %w", err)
	}
	plain, err := h.decrypt(binary)
	if err != nil {
		return nil, fmt.Errorf("decrypt: %w", err)
	}
	return plain, nil
}

func (h *HolderKey) decrypt(binary []byte) (plain []byte, err error) {
	defer recoverParsing(&err, ErrNotDecrypted)
	md, err := pgp.ReadMessage(bytes.NewReader(binary), pgp.EntityList{h.entity}, nil, strict(time.Now()))
	switch {
	case err != nil:
		return nil, ErrNotDecrypted
	case !md.IsEncrypted:
		return nil, ErrNotCiphertext
	}
	content := make([]byte, maxPayload)
	n, err := io.ReadFull(md.UnverifiedBody, content)
	if err != io.ErrUnexpectedEOF && err != io.EOF {
		clear(content)
		return nil, ErrNotDecrypted
	}
	return content[:n], nil
}

// SignWord signs a line, as gpg --sign --armor does.
func (h *HolderKey) SignWord(line string, now time.Time) (armored string, err error) {
	return signInline(h.entity, line, now)
}

// CheckShare returns [ErrNotAShare] unless share has the form of a share. There must be no
// spaces around it.
func CheckShare(share []byte) error {
	if !isShare(share) {
		return ErrNotAShare
	}
	return nil
}
