package openpgp

import (
	"bytes"
	"io"
	"time"

	vaultpgp "github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// tryAsVault makes sure that Vault can encrypt to a certificate.
func tryAsVault(certificate []byte, t time.Time) error {
	return encryptAsVault(io.Discard, certificate, []byte("trial"), t)
}

// encryptAsVault encrypts to a certificate as Vault's helper/pgpkeys does: with the older
// API, and with its default configuration but for the clock.
func encryptAsVault(to io.Writer, certificate, plain []byte, t time.Time) (err error) {
	defer recoverParsing(&err, ErrTrialFailed)
	entity, err := vaultpgp.ReadEntity(packet.NewReader(bytes.NewReader(certificate)))
	if err != nil {
		return ErrTrialFailed
	}
	config := &packet.Config{Time: func() time.Time { return t }}
	w, err := vaultpgp.Encrypt(to, []*vaultpgp.Entity{entity}, nil, nil, config)
	if err != nil {
		return ErrTrialFailed
	}
	if _, err := w.Write(plain); err != nil {
		return ErrTrialFailed
	}
	if err := w.Close(); err != nil {
		return ErrTrialFailed
	}
	return nil
}
