package vaulttest

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Person is a person with a PGP key, made for a test.
type Person struct {
	Entity *openpgp.Entity
	// Key is the public key as Vault's pgp_keys takes it: base64 of the binary form.
	Key string
	// Fingerprint is in lower-case hex.
	Fingerprint string
}

// NewPerson makes a person with an Ed25519 key and a subkey to encrypt to. Every client and Vault can use such a key.
func NewPerson(t testing.TB, name string) *Person {
	t.Helper()
	return newPerson(t, name, &packet.Config{
		Algorithm: packet.PubKeyAlgoEdDSA, Curve: packet.Curve25519, DefaultCipher: packet.CipherAES256,
		DefaultHash: crypto.SHA256,
	}, nil)
}

// NewPersonWhoCannotRead makes a person whose key only signs. Vault takes such a key and fails when it is needed.
func NewPersonWhoCannotRead(t testing.TB, name string) *Person {
	t.Helper()
	return newPerson(t, name, &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Curve: packet.Curve25519},
		func(e *openpgp.Entity) { e.Subkeys = nil })
}

// NewPersonOfThePast makes a person whose key has expired. Vault takes such a key and fails when it is needed.
func NewPersonOfThePast(t testing.TB, name string) *Person {
	t.Helper()
	made := time.Now().Add(-48 * time.Hour)
	return newPerson(t, name, &packet.Config{
		Algorithm: packet.PubKeyAlgoEdDSA, Curve: packet.Curve25519, KeyLifetimeSecs: 3600,
		Time: func() time.Time { return made },
	}, nil)
}

func newPerson(t testing.TB, name string, config *packet.Config, alter func(*openpgp.Entity)) *Person {
	t.Helper()
	entity, err := openpgp.NewEntity(name, "", name+"@example.org", config)
	if err != nil {
		t.Fatal(err)
	}
	if alter != nil {
		alter(entity)
	}
	var public bytes.Buffer
	if err := entity.Serialize(&public); err != nil {
		t.Fatal(err)
	}
	return &Person{
		Entity:      entity,
		Key:         base64.StdEncoding.EncodeToString(public.Bytes()),
		Fingerprint: hex.EncodeToString(entity.PrimaryKey.Fingerprint),
	}
}

// Read decrypts a message of Vault's, given as hex or base64.
func (p *Person) Read(t testing.TB, message string) string {
	t.Helper()
	text, err := p.read(message)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (p *Person) read(message string) (string, error) {
	binary, err := hex.DecodeString(message)
	if err != nil {
		binary, err = base64.StdEncoding.DecodeString(message)
	}
	if err != nil {
		return "", fmt.Errorf("read message: %w", err)
	}
	details, err := openpgp.ReadMessage(bytes.NewReader(binary), openpgp.EntityList{p.Entity}, nil, nil)
	if err != nil {
		return "", fmt.Errorf("read message: %w", err)
	}
	text, err := io.ReadAll(details.UnverifiedBody)
	if err != nil {
		return "", fmt.Errorf("read message: %w", err)
	}
	return string(text), nil
}
