package openpgp

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"time"

	"conclave/ceremony"
)

// OpenPGP is the bot's side of OpenPGP: its identity, and the certificates of the people in
// the configuration. It may be used by several goroutines.
type OpenPGP struct {
	identity *Identity
	holders  map[ceremony.Fingerprint]*Certificate
}

var _ ceremony.OpenPGP = (*OpenPGP)(nil)

// New returns the bot's side of OpenPGP. Ceremonies find a certificate by the fingerprint
// that their plan pins.
func New(id *Identity, holders []*Certificate) *OpenPGP {
	o := &OpenPGP{identity: id, holders: map[ceremony.Fingerprint]*Certificate{}}
	for _, h := range holders {
		o.holders[h.fingerprint] = h
	}
	return o
}

// Identity returns the fingerprint that holders pin.
func (o *OpenPGP) Identity() ceremony.Fingerprint { return o.identity.fingerprint }

// Certificate returns the public key with this fingerprint, binary, reduced to what Vault
// needs. The error wraps [ErrUnknownKey].
func (o *OpenPGP) Certificate(f ceremony.Fingerprint) ([]byte, error) {
	c, ok := o.holders[f]
	if !ok {
		return nil, fmt.Errorf("key %s: %w", f, ErrUnknownKey)
	}
	return bytes.Clone(c.forVault), nil
}

// CheckKey makes sure that a key can be used now and until the given time. The error wraps
// ceremony.HolderKeyInvalid, names the key, and says what is wrong with it.
func (o *OpenPGP) CheckKey(f ceremony.Fingerprint, now, until time.Time) error {
	c, ok := o.holders[f]
	if !ok {
		return fmt.Errorf("key %s: %w: %w", f, ErrUnknownKey, ceremony.HolderKeyInvalid)
	}
	if err := c.CheckUntil(now, until); err != nil {
		return fmt.Errorf("key %s: %w: %w", f, err, ceremony.HolderKeyInvalid)
	}
	return nil
}

// NewKey makes a ceremony key and signs its announcement. The caller destroys the key when
// its ceremony ends or another key takes its place.
func (o *OpenPGP) NewKey(n ceremony.Notice) (ceremony.Key, error) {
	k, err := o.identity.newKey(n)
	if err != nil {
		return nil, fmt.Errorf("new ceremony key: %w", err)
	}
	k.holders = o.holders
	return k, nil
}

// PublicKey returns the public key with this fingerprint, armored: the identity's, or one of
// the configuration's with everything that its owner has signed about it.
func (o *OpenPGP) PublicKey(f ceremony.Fingerprint) (string, error) {
	if f == o.identity.fingerprint {
		return o.identity.public, nil
	}
	c, ok := o.holders[f]
	if !ok {
		return "", fmt.Errorf("key %s: %w", f, ErrUnknownKey)
	}
	return enarmor(certificateBlock, c.public)
}

// Attest signs a text with the identity key. It returns a detached binary signature in
// standard base64, for [VerifyDetached]. Once decoded, gpg --verify reads it too.
func (o *OpenPGP) Attest(text []byte) (string, error) {
	signature, err := o.identity.attest(text, time.Now())
	if err != nil {
		return "", fmt.Errorf("attest: %w", err)
	}
	return base64.StdEncoding.EncodeToString(signature), nil
}
