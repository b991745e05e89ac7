package openpgp

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// What people give as their public key: what -pgp-keys of Vault's command line takes, and what is no
// OpenPGP key at all. Each is told as what it is, and none in a library's words.

// otherFiles are beginnings of files that are no OpenPGP key.
var otherFiles = []struct {
	form *regexp.Regexp
	is   string
}{
	{regexp.MustCompile(`^keybase:`), "it is the name of a key at Keybase, which is not looked up: put the key itself into the file"},
	{regexp.MustCompile(`^(?:ssh-|ecdsa-sha2-|sk-ssh-|-+BEGIN OPENSSH)`), "it is a key for SSH"},
	{regexp.MustCompile(`^age1|^# created:|^AGE-SECRET`), "it is a key for age"},
	{regexp.MustCompile(`^-+BEGIN (?:CERTIFICATE|PUBLIC KEY|RSA PUBLIC)`), "it is for TLS"},
	{regexp.MustCompile(`^<`), "it is a web page, as a key server shows it: download the key itself"},
	{regexp.MustCompile(`^(?:0x)?[0-9A-Fa-f]{4}(?:[: ]*[0-9A-Fa-f]{4}){3,9}$`), "it is a fingerprint, and not the key"},
}

// bareCertificate returns the key in a text without armor: in base64 or hexadecimal digits. The
// error wraps [ErrNoKey], and says what the text is.
func bareCertificate(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	joined := strings.Join(strings.Fields(text), "")
	data, err := hex.DecodeString(joined)
	if err != nil {
		data, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(joined, "="))
	}
	if err == nil && len(data) > 0 {
		if isBinary(data) {
			return data, nil
		}
		if strings.HasPrefix(string(data), "-----BEGIN PGP ") { // base64 of armor
			return certificateBytes(data)
		}
	}
	for _, o := range otherFiles {
		if o.form.MatchString(text) {
			return nil, fmt.Errorf("%w: %s. %s", ErrNoKey, o.is, exportKey)
		}
	}
	return nil, fmt.Errorf("%w. %s", ErrNoKey, exportKey)
}

// exportKey and makeKey say which command makes what can be used.
const (
	exportKey = "gpg --armor --export MAIL writes it"
	makeKey   = "gpg --quick-gen-key 'NAME <MAIL>' future-default default 3y makes one that can be used"
)

// unreadable returns why no key can be read from a binary file, by its first packet.
func unreadable(data []byte) error {
	var p packet.OpaquePacket
	switch first, err := packet.NewOpaqueReader(strings.NewReader(string(data))).Next(); {
	case err != nil:
		return ErrKeyDamaged
	default:
		p = *first
	}
	isKey := p.Tag == 6 || p.Tag == 5
	switch {
	case isKey && len(p.Contents) > 0 && p.Contents[0] != 4:
		return ErrKeyVersion
	case isKey && !hasUserID(data):
		return ErrNoUserID
	case isKey:
		return ErrKeyDamaged
	}
	return ErrNoKey
}

// hasUserID reports whether there is a packet with a user id. Source: RFC 4880, 5.11.
func hasUserID(data []byte) bool {
	packets := packet.NewOpaqueReader(strings.NewReader(string(data)))
	for {
		p, err := packets.Next()
		if err != nil {
			return false
		}
		if p.Tag == 13 {
			return true
		}
	}
}

// storesOnly reports whether the key can be encrypted to for storage alone. Vault takes no such
// part.
func storesOnly(entity *pgp.Entity) bool {
	stores := false
	for _, s := range entity.Subkeys {
		for _, b := range s.Bindings {
			if b.Packet.FlagEncryptCommunications {
				return false
			}
			stores = stores || b.Packet.FlagEncryptStorage
		}
	}
	return stores
}
