package openpgp

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"time"

	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"conclave/ceremony"
)

// Attest signs a text with the identity key. It returns a detached binary signature in
// standard base64, for [VerifyDetached]. Once decoded, gpg --verify reads it too.
func (o *OpenPGP) Attest(text []byte) (string, error) {
	signature, err := o.identity.attest(text, time.Now())
	if err != nil {
		return "", fmt.Errorf("attest: %w", err)
	}
	return base64.StdEncoding.EncodeToString(signature), nil
}

func (i *Identity) attest(text []byte, now time.Time) ([]byte, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var signature bytes.Buffer
	if err := pgp.DetachSign(&signature, []*pgp.Entity{i.entity}, bytes.NewReader(text), strict(now)); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return signature.Bytes(), nil
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
