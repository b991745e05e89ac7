package vaulttest

import (
	"bytes"
	"crypto/aes"

	"conclave/vault/vaulttest/acl"
	"conclave/vault/vaulttest/pgp"
)

// storage holds what the nodes of a cluster share. It survives their restart.
type storage struct {
	initialized bool
	config      sealConfig
	key         []byte                 // the unseal key, or the recovery key if the nodes unseal themselves
	backups     [keyKinds]*backup      // of the last rekey of each kind that asked for one
	tokens      map[string]*token      // id → token
	policies    map[string]*acl.Policy // name → policy; root, which has no rules, isn't among them
	mounts      map[string]*mount      // name below auth/ → method of logging in
	keyring     keyring
	clusterID   string
	clusterName string
}

// sealConfig is the number of shares of the key and how many of them give it.
type sealConfig struct {
	n, t int
}

// validate returns an error in Vault's words if a request for new shares is wrong. Vault parses the PGP keys here and
// never checks whether they can encrypt.
func (c sealConfig) validate(pgpKeys []string) error {
	switch {
	case c.n < 1:
		return errText("shares must be at least one")
	case c.t < 1:
		return errText("threshold must be at least one")
	case c.n > 1 && c.t == 1:
		return errText("threshold must be greater than one for multiple shares")
	case c.n > 255:
		return errText("shares must be less than 256")
	case c.t > 255:
		return errText("threshold must be less than 256")
	case c.t > c.n:
		return errText("threshold cannot be larger than shares")
	case len(pgpKeys) > 0 && len(pgpKeys) != c.n:
		return errText("count mismatch between number of provided PGP keys and number of shares")
	}
	_, err := pgp.Read(pgpKeys)
	return err
}

// errText is an error of Vault's whose words go into an answer.
type errText string

func (e errText) Error() string { return string(e) }

// open tries the key, as Vault does by decrypting the stored root key with it. seal is the name of the seal in Vault's
// words, which Vault's rekey forgets to set on the copy with which it tries the key.
func (s *storage) open(key []byte, seal string) error {
	if !bytes.Equal(s.key, key) {
		return errText("invalid key: failed to decrypt keys from storage: error decrypting seal wrapped value\n" +
			"error decrypting using seal " + seal + ": cipher: message authentication failed")
	}
	return nil
}

// checkRecoveryKey compares the key with the recovery key, which decrypts nothing: it only authorises.
func (s *storage) checkRecoveryKey(key []byte) error {
	if !bytes.Equal(s.key, key) {
		return errText("recovery key does not match submitted values")
	}
	return nil
}

// checkKeySize refuses what can't be an AES key. With a threshold of one it is called with a whole share, which is a
// byte too long.
func checkKeySize(key []byte) error {
	_, err := aes.NewCipher(key)
	return err
}

// backup holds the PGP-encrypted shares of the last rekey that asked for one.
type backup struct {
	nonce string
	keys  map[string][][]byte // fingerprint → messages, in the order of that key's appearances
}
