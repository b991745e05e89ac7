package openpgp

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"conclave/ceremony/paste"
)

const exportKey = "gpg --armor --export MAIL writes it"

// bareCertificate returns the key in a text without armor, such as Vault's -pgp-keys takes. The
// error wraps [ErrNoKey], and says what the text is.
func bareCertificate(text string) ([]byte, error) {
	data := paste.Bare(text)
	if isBinary(data) {
		return data, nil
	}
	if bytes.HasPrefix(data, []byte("-----BEGIN PGP ")) { // base64 of armor
		return certificateBytes(data)
	}
	if is := paste.OtherThanKey(text); is != "" {
		return nil, fmt.Errorf("%w: %s. %s", ErrNoKey, is, exportKey)
	}
	return nil, fmt.Errorf("%w. %s", ErrNoKey, exportKey)
}

// unreadable returns why no key can be read from a binary file, by its packets. Source: RFC 4880,
// 4.3: the tags of keys, and of user ids.
func unreadable(data []byte) error {
	packets, named := packet.NewOpaqueReader(strings.NewReader(string(data))), false
	first, err := packets.Next()
	switch {
	case err != nil:
		return ErrKeyDamaged
	case first.Tag != 5 && first.Tag != 6:
		return ErrNoKey
	case len(first.Contents) > 0 && first.Contents[0] != 4:
		return ErrKeyVersion
	}
	for p, err := packets.Next(); err == nil; p, err = packets.Next() {
		named = named || p.Tag == 13
	}
	if !named {
		return ErrNoUserID
	}
	return ErrKeyDamaged
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
