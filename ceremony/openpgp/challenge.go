package openpgp

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	"conclave/ceremony"
)

// responseSize is the number of random bytes in a challenge: too many to be guessed.
const responseSize = 16

// Challenge encrypts a new random response to a person's key, exactly as Vault will encrypt a
// share to it: the same bytes of the certificate, the same code, no signature. A person who
// answers with the response has shown that they can read what Vault will give them, before
// there is anything to lose.
//
// The response is in lower-case hexadecimal digits, without a line's end. The caller must
// show it to nobody and write it nowhere, and may keep a hash of it. The errors wrap
// ceremony.HolderKeyInvalid.
func (o *OpenPGP) Challenge(f ceremony.Fingerprint, now time.Time) (ciphertext, response string, err error) {
	certificate, err := o.Certificate(f)
	if err != nil {
		return "", "", fmt.Errorf("make challenge: %w: %w", err, ceremony.HolderKeyInvalid)
	}
	var random [responseSize]byte
	defer clear(random[:])
	_, _ = rand.Read(random[:]) // never fails: it ends the program instead
	plain := hex.AppendEncode(nil, random[:])
	defer clear(plain)
	var message bytes.Buffer
	if err := encryptAsVault(&message, certificate, plain, now); err != nil {
		return "", "", fmt.Errorf("make challenge for key %s: %w: %w", f, err, ceremony.HolderKeyInvalid)
	}
	ciphertext, err = enarmor(messageBlock, message.Bytes())
	if err != nil {
		return "", "", fmt.Errorf("make challenge: %w", err)
	}
	return ciphertext, string(plain), nil
}
