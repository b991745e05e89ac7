package openpgp_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/ceremony/openpgp"

	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// readSecret reads a key file with go-crypto alone.
func readSecret(t *testing.T, path, passphrase string) *pgp.Entity {
	t.Helper()
	e := parse(t, string(must(os.ReadFile(path))(t)))
	if err := e.DecryptPrivateKeys([]byte(passphrase)); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestSavedIdentityIsLoadedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity.asc")
	made := must(openpgp.Generate("conclave test", start))(t)
	if err := made.Save(path, []byte("swordfish")); err != nil {
		t.Fatal(err)
	}
	if mode := must(os.Stat(path))(t).Mode(); mode != 0o600 {
		t.Errorf("the file has mode %v", mode)
	}
	loaded := must(openpgp.Load(path, []byte("swordfish")))(t)
	if loaded.Fingerprint() != made.Fingerprint() {
		t.Errorf("loaded %s, saved %s", loaded.Fingerprint(), made.Fingerprint())
	}
	// Both sign: the one that was saved has not been locked with its copy.
	for _, id := range []*openpgp.Identity{made, loaded} {
		if _, err := openpgp.New(id, nil).NewKey(notice(id.Fingerprint(), start)); err != nil {
			t.Error(err)
		}
	}
	if got, want := must(loaded.PublicArmor())(t), must(made.PublicArmor())(t); got != want {
		t.Error("the certificate has changed")
	}
}

func TestSavedIdentityIsEncrypted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity.asc")
	made := must(openpgp.Generate("conclave test", start))(t)
	if err := made.Save(path, []byte("swordfish")); err != nil {
		t.Fatal(err)
	}
	if e := parse(t, string(must(os.ReadFile(path))(t))); !e.PrivateKey.Encrypted {
		t.Error("the secret key stands in the open")
	}
}

func TestExistingFileIsNotReplacedByAnIdentity(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity.asc")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	made := must(openpgp.Generate("conclave test", start))(t)
	if err := made.Save(path, []byte("swordfish")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
	if kept := must(os.ReadFile(path))(t); string(kept) != "precious" {
		t.Error("the file was replaced")
	}
}

func TestIdentityIsNotSavedWithoutAPassphrase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity.asc")
	made := must(openpgp.Generate("conclave test", start))(t)
	if err := made.Save(path, nil); !errors.Is(err, openpgp.ErrNoPassphrase) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a file was left behind")
	}
}

func TestFileThatIsNoIdentityIsNotLoaded(t *testing.T) {
	holder := newHolder(t, "Ada", start)
	var open bytes.Buffer
	if err := holder.SerializePrivate(&open, at(start)); err != nil {
		t.Fatal(err)
	}
	rsaKey := newHolder(t, "RSA", start, rsa(2048))
	if err := rsaKey.EncryptPrivateKeys([]byte("wrong"), nil); err != nil {
		t.Fatal(err)
	}
	var other bytes.Buffer
	if err := rsaKey.SerializePrivateWithoutSigning(&other, nil); err != nil {
		t.Fatal(err)
	}
	good := filepath.Join(t.TempDir(), "identity.asc")
	if err := must(openpgp.Generate("conclave test", start))(t).Save(good, []byte("swordfish")); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		file string
		want error
	}{
		"talk":       {"hello", openpgp.ErrNotSecretKey},
		"public":     {string(public(t, holder)), openpgp.ErrNotSecretKey},
		"open":       {string(enarmor(t, "PGP PRIVATE KEY BLOCK", open.Bytes())), openpgp.ErrNotProtected},
		"RSA":        {string(enarmor(t, "PGP PRIVATE KEY BLOCK", other.Bytes())), openpgp.ErrNotIdentityKey},
		"passphrase": {string(must(os.ReadFile(good))(t)), openpgp.ErrPassphrase},
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(tt.file), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openpgp.Load(path, []byte("wrong")); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
	if _, err := openpgp.Load(filepath.Join(t.TempDir(), "absent"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: got %v", err)
	}
}

func TestNameThatIsNoUserIDMakesNoIdentity(t *testing.T) {
	if _, err := openpgp.Generate("conclave <prod>", start); err == nil {
		t.Error("made")
	}
}

func TestIdentityCanNotBeEncryptedTo(t *testing.T) {
	made := must(openpgp.Generate("conclave test", start))(t)
	armored := must(made.PublicArmor())(t)
	e := parse(t, armored)
	if _, ok := e.EncryptionKey(start, at(start)); ok || len(e.Subkeys) != 0 {
		t.Error("it has something to encrypt to")
	}
	if strings.Contains(armored, "PRIVATE") || e.PrivateKey != nil {
		t.Error("the certificate holds a secret")
	}
}
