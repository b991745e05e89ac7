package stage

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	pgp "github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/eddsa"

	"conclave/ceremony/openpgp"
)

// privateKey returns the secret part of the bot's identity, for the search for leaks. It takes a while to decrypt, so
// that it is kept.
func (s *Stage) privateKey() (string, error) {
	fail := func(err error) (string, error) { return "", fmt.Errorf("read the identity's private key: %w", err) }
	s.mu.Lock()
	defer s.mu.Unlock()
	file, err := os.ReadFile(filepath.Join(s.dir, secret("identity.asc")))
	if err != nil {
		return fail(err)
	}
	if s.private.of == string(file) {
		return s.private.key, nil
	}
	passphrase, err := os.ReadFile(filepath.Join(s.dir, secret("identity-passphrase")))
	if err != nil {
		return fail(err)
	}
	keys, err := pgp.ReadArmoredKeyRing(bytes.NewReader(file))
	if err != nil || len(keys) != 1 {
		return fail(fmt.Errorf("%d keys: %w", len(keys), err))
	}
	if err := keys[0].PrivateKey.Decrypt([]byte(strings.TrimSpace(string(passphrase)))); err != nil {
		return fail(err)
	}
	key, ok := keys[0].PrivateKey.PrivateKey.(*eddsa.PrivateKey)
	if !ok {
		return fail(errors.New("it is of another kind"))
	}
	s.private.of, s.private.key = string(file), string(key.D)
	return s.private.key, nil
}

// StealIdentity returns the bot's identity, as an attacker on its host has it.
func (s *Stage) StealIdentity() (*openpgp.Identity, error) {
	passphrase, err := os.ReadFile(filepath.Join(s.dir, secret("identity-passphrase")))
	if err != nil {
		return nil, fmt.Errorf("steal the identity: %w", err)
	}
	return openpgp.Load(filepath.Join(s.dir, secret("identity.asc")), bytes.TrimSpace(passphrase))
}
