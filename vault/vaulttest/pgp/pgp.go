// Package pgp emulates helper/pgpkeys of Vault. Vault uses the first version of the openpgp interface with no
// configuration, and so does this package. What Vault accepts too easily (an expired key, a key that can't encrypt, a
// secret key) and fails at too late is part of the emulation.
package pgp

import (
	"bytes"
	"encoding/base64"
	"fmt"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Read parses base64 of binary transferable keys. Armor and Keybase names are for Vault's command line, not for its
// server.
func Read(keys []string) (openpgp.EntityList, error) {
	var entities openpgp.EntityList
	for _, key := range keys {
		data, err := base64.StdEncoding.DecodeString(key)
		if err != nil {
			return nil, fmt.Errorf("error decoding given PGP key: %w", err)
		}
		entity, err := openpgp.ReadEntity(packet.NewReader(bytes.NewReader(data)))
		if err != nil {
			return nil, fmt.Errorf("error parsing given PGP key: %w", err)
		}
		entities = append(entities, entity)
	}
	return entities, nil
}

// Fingerprints returns the lower-case hex fingerprints of the primary keys, in the order of the keys.
func Fingerprints(keys []string) ([]string, error) {
	entities, err := Read(keys)
	if err != nil {
		return nil, err
	}
	prints := make([]string, 0, len(entities))
	for _, entity := range entities {
		prints = append(prints, fmt.Sprintf("%x", entity.PrimaryKey.Fingerprint))
	}
	return prints, nil
}

// Encrypt encrypts each text to the key of the same index. The messages are binary and unsigned.
func Encrypt(texts []string, keys []string) ([][]byte, error) {
	entities, err := Read(keys)
	if err != nil {
		return nil, err
	}
	messages := make([][]byte, 0, len(texts))
	for i, text := range texts {
		var message bytes.Buffer
		plain, err := openpgp.Encrypt(&message, openpgp.EntityList{entities[i]}, nil, nil, nil)
		if err != nil {
			return nil, fmt.Errorf("error setting up encryption for PGP message: %w", err)
		}
		if _, err := plain.Write([]byte(text)); err != nil {
			return nil, fmt.Errorf("error encrypting PGP message: %w", err)
		}
		if err := plain.Close(); err != nil {
			return nil, fmt.Errorf("error encrypting PGP message: %w", err)
		}
		messages = append(messages, message.Bytes())
	}
	return messages, nil
}
