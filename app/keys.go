package app

import (
	"fmt"
	"maps"
	"slices"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
	"conclave/ceremony/secret"
	"conclave/config"
	"conclave/host"
)

// ReadOpenPGP reads the certificate of every person, and the bot's own key.
func ReadOpenPGP(c *config.Config) (Keyring, *openpgp.OpenPGP, error) {
	keys, err := ReadKeys(c)
	if err != nil {
		return nil, nil, err
	}
	id, err := LoadIdentity(c.Identity)
	if err != nil {
		return nil, nil, err
	}
	return keys, openpgp.New(id, slices.Collect(maps.Values(keys))), nil
}

// LoadIdentity reads the bot's OpenPGP key. It refuses a file that other accounts may
// read.
func LoadIdentity(c config.Identity) (*openpgp.Identity, error) {
	passphrase, err := host.ReadSecret(c.PassphraseFile)
	if err != nil {
		return nil, fmt.Errorf("read passphrase: %w", err)
	}
	defer clear(passphrase)
	// The passphrase protects the key. But who can copy the file can try every
	// passphrase on it.
	if _, err := host.ReadFile(c.KeyFile, true); err != nil {
		return nil, fmt.Errorf("read identity: %w", err)
	}
	return openpgp.Load(string(c.KeyFile), passphrase)
}

// JournalKey returns the key that authenticates what the bot has written into its journal.
// With an error comes the zero key.
func JournalKey(c *config.Config) (secret.MACKey, error) {
	id, err := LoadIdentity(c.Identity)
	if err != nil {
		return secret.MACKey{}, err
	}
	return openpgp.New(id, nil).JournalKey(), nil
}

// Keyring holds the PGP certificates of the people who have one.
type Keyring map[string]*openpgp.Certificate // name → certificate

// ReadKeys reads the certificate of every person who has one. It refuses a certificate
// that two people share. The error is of type [config.Problems], and has every problem.
func ReadKeys(c *config.Config) (Keyring, error) {
	keys := Keyring{}
	owner := map[ceremony.Fingerprint]string{} // fingerprint → person
	var found []config.Problem
	for _, name := range slices.Sorted(maps.Keys(c.People)) {
		if c.People[name].Key == "" {
			continue
		}
		path := "people." + name + ".key"
		certificate, err := readCertificate(c.People[name].Key)
		if err != nil {
			found = append(found, config.Problem{Path: path, Line: c.LineOf(path), What: err.Error()})
			continue
		}
		if first, taken := owner[certificate.Fingerprint()]; taken {
			found = append(found, config.Problem{
				Path: path, Line: c.LineOf(path),
				What: fmt.Sprintf("is the key of %s as well: who signed what could not be told", first),
			})
		}
		owner[certificate.Fingerprint()] = name
		keys[name] = certificate
	}
	if len(found) > 0 {
		return nil, c.Problems(found)
	}
	return keys, nil
}

// readCertificate reads the certificate in a file. It refuses a file that everybody on
// this machine may write.
func readCertificate(path host.Path) (*openpgp.Certificate, error) {
	data, err := host.ReadTrusted(path)
	if err != nil {
		return nil, err
	}
	certificate, err := openpgp.ReadCertificate(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return certificate, nil
}

// People returns the people of these names as a plan pins them: account, class and
// fingerprint. A person without a certificate has no fingerprint.
func People(c *config.Config, names []string, keys Keyring) []ceremony.Person {
	list := make([]ceremony.Person, len(names))
	for i, name := range names {
		list[i] = ceremony.Person{Name: name, Account: c.Account(c.People[name]), Class: c.People[name].Class}
		if key := keys[name]; key != nil {
			list[i].Key = key.Fingerprint()
		}
	}
	return list
}
