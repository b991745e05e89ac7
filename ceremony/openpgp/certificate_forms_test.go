package openpgp_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"mime/quotedprintable"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"conclave/ceremony/openpgp"
	"conclave/needs"
)

// keyMaker makes keys with a real gpg and sq.
type keyMaker struct {
	t    *testing.T
	home string
}

func newKeyMaker(t *testing.T) keyMaker {
	t.Helper()
	needs.Programs(t, "gpg", "sq", "bash")
	home, err := os.MkdirTemp("", "k") // t.TempDir is too long for the agent's socket
	if err != nil {
		t.Fatal(err)
	}
	k := keyMaker{t, home}
	t.Cleanup(func() {
		k.run("gpgconf --kill all")
		_ = os.RemoveAll(home)
	})
	return k
}

func (k keyMaker) run(command string) []byte {
	k.t.Helper()
	cmd := exec.Command("bash", "-c", "set -e; g() { gpg --batch --quiet --passphrase '' \"$@\" 2>&1 >/dev/null; }; "+command)
	cmd.Dir, cmd.Env = k.home, append(os.Environ(), "GNUPGHOME="+k.home, "HOME="+k.home, "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		k.t.Fatalf("%s: %v %s", command, err, out)
	}
	return out
}

// without returns a key without the packets with this tag, and without the signatures over them.
func without(t *testing.T, key []byte, tag uint8) []byte {
	t.Helper()
	var rest bytes.Buffer
	packets, skips := packet.NewOpaqueReader(bytes.NewReader(key)), false
	for {
		p, err := packets.Next()
		if err != nil {
			return rest.Bytes()
		}
		if skips = p.Tag == tag || skips && p.Tag == 2; !skips {
			if err := p.Serialize(&rest); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// withPhoto puts a photo of 64 KiB behind the user id. Nobody has signed it.
func withPhoto(t *testing.T, key []byte) []byte {
	t.Helper()
	var all bytes.Buffer
	packets, signed := packet.NewOpaqueReader(bytes.NewReader(key)), false
	for {
		p, err := packets.Next()
		if err != nil {
			return all.Bytes()
		}
		if signed && p.Tag != 2 {
			photo := append([]byte{255, 0, 1, 0, 0, 1, 16, 0, 1, 1}, bytes.Repeat([]byte{0}, 12)...)
			photo = append(photo, bytes.Repeat([]byte{0xd8}, 1<<16+5-len(photo))...)
			if err := (&packet.OpaquePacket{Tag: 17, Contents: photo}).Serialize(&all); err != nil {
				t.Fatal(err)
			}
		}
		if signed = p.Tag == 2 && !signed && all.Len() < 1<<16; p.Tag != 2 {
			signed = false
		}
		if err := p.Serialize(&all); err != nil {
			t.Fatal(err)
		}
	}
}

func TestKeyIsReadInEveryFormInWhichPeopleGiveIt(t *testing.T) {
	k := newKeyMaker(t)
	k.run("g --quick-gen-key alice future-default default never")
	key, armored := k.run("gpg --export alice"), k.run("gpg --armor --export alice")
	want := must(openpgp.ReadCertificate(key))(t).Fingerprint()
	var mailed bytes.Buffer
	w := quotedprintable.NewWriter(&mailed)
	if _, err := w.Write(armored); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	b64 := base64.StdEncoding.EncodeToString(key)
	headed := "-----\nVersion: BCPG C# v1.6.1.0\nComment: https://keys.example.org/ is where it is\nX-Odd_1: a:b: c\nand a line that was folded\n\n"
	for name, form := range map[string]string{
		"binary": string(key), "armored": string(armored), "base64": b64, "base64 and a line's end": b64 + "\r\n",
		"base64 in lines": wrapped(b64, 76), "hexadecimal digits": hex.EncodeToString(key), "base64 of armor": base64.StdEncoding.EncodeToString(armored),
		"a mark": "\ufeff" + string(armored), "base64 and a mark": "\ufeff" + b64, "quoted-printable": mailed.String(),
		"odd headers": strings.Replace(string(armored), "-----\n\n", headed, 1), "a photo": string(withPhoto(t, key)),
	} {
		c, err := openpgp.ReadCertificate([]byte(form))
		if err != nil || c.Fingerprint() != want {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := c.CheckUntil(time.Now(), time.Now().Add(time.Hour)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKeyThatCannotBeUsedIsToldWhyAndWhatMakesAGoodOne(t *testing.T) {
	k := newKeyMaker(t)
	k.run("g --quick-gen-key alice future-default default never; g --quick-gen-key signs ed25519 sign never; g --quick-gen-key dsa dsa2048 default never; " +
		"g --quick-gen-key brainpool brainpoolP256r1 default never; g --quick-gen-key short rsa1024 default never; " +
		"g --faked-system-time 20200101T000000 --quick-gen-key old ed25519 sign never; " +
		"F=$(gpg --with-colons --list-keys old | grep ^fpr | head -1 | cut -d: -f10); g --faked-system-time 20200101T000000 --quick-add-key $F cv25519 encr 1d; " +
		"sq key generate --userid stores --can-encrypt storage --export stores.pgp >/dev/null 2>&1")
	key := k.run("gpg --export alice")
	v5 := append([]byte{0x99, 0, 20, 5, 0, 0, 0, 1, 22, 0, 0, 0, 10}, bytes.Repeat([]byte{1}, 10)...)
	for name, tt := range map[string]struct {
		file    []byte
		want    error
		command string
	}{
		"signs only":     {k.run("gpg --export signs"), openpgp.ErrCannotEncrypt, "gpg --quick-add-key FINGERPRINT cv25519 encr"},
		"an old subkey":  {k.run("gpg --export old"), openpgp.ErrKeyExpired, "gpg --quick-set-expire"},
		"for storage":    {k.run("sq key extract-cert stores.pgp"), openpgp.ErrStoresOnly, "gpg --quick-add-key FINGERPRINT cv25519 encr"},
		"DSA":            {k.run("gpg --export dsa"), openpgp.ErrKeyAlgorithm, "gpg --quick-gen-key"},
		"brainpool":      {k.run("gpg --export brainpool"), openpgp.ErrKeyAlgorithm, "gpg --quick-gen-key"},
		"short":          {k.run("gpg --export short"), openpgp.ErrKeyTooShort, "gpg --quick-gen-key"},
		"version 5":      {v5, openpgp.ErrKeyVersion, "gpg --quick-gen-key"},
		"no user id":     {without(t, key, 13), openpgp.ErrNoUserID, "gpg --quick-add-uid"},
		"cut off":        {key[:len(key)/3], openpgp.ErrKeyDamaged, "gpg --armor --export"},
		"Keybase's name": {[]byte("keybase:alice\n"), openpgp.ErrNoKey, "gpg --armor --export"},
		"SSH":            {[]byte("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI alice@host\n"), openpgp.ErrNoKey, "gpg --armor --export"},
		"age":            {[]byte("age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\n"), openpgp.ErrNoKey, "gpg --armor --export"},
		"TLS":            {[]byte("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"), openpgp.ErrNoKey, "gpg --armor --export"},
		"a web page":     {[]byte("<!DOCTYPE html><html>404</html>"), openpgp.ErrNoKey, "gpg --armor --export"},
		"a fingerprint":  {[]byte("0123 4567 89AB CDEF 0123  4567 89AB CDEF 0123 4567\n"), openpgp.ErrNoKey, "it is a fingerprint"},
	} {
		c, err := openpgp.ReadCertificate(tt.file)
		if err == nil {
			err = c.CheckUntil(time.Now(), time.Now().Add(time.Hour))
		}
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.command) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		if err != nil && (strings.Contains(err.Error(), "openpgp:") || strings.Contains(err.Error(), "EOF")) {
			t.Errorf("%s is told in a library's words: %v", name, err)
		}
	}
}
