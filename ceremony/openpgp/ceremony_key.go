package openpgp

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"conclave/ceremony"

	"github.com/ProtonMail/go-crypto/openpgp/ecdh"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// ceremonyNotation is the name of the notation on a ceremony key's binding
// signature. Its value is the ceremony's id and Vault's nonce.
const ceremonyNotation = ceremony.SignatureNotation

func notationValue(id ceremony.ID, nonce string) string { return string(id) + " " + nonce }

// key is the encryption subkey of one ceremony. Its private half is in memory only: once it
// is gone, nothing opens the envelopes that a chat still holds.
type key struct {
	announced ceremony.Announced
	id        uint64 // as envelopes name it
	holders   map[ceremony.Fingerprint]*Certificate

	mu   sync.Mutex
	ring *pgp.Entity // the identity's public half with this subkey; nil when destroyed
}

var _ ceremony.Key = (*key)(nil)

// newKey makes a ceremony key. A signature by the identity binds it, with its expiry, the
// ceremony and the nonce, and stands in the certificate: gpg, sq and rnp refuse to encrypt to
// the key when it has expired. Key and binding are dated back: see dated.
func (i *Identity) newKey(n ceremony.Notice) (*key, error) {
	return i.newKeyFrom(n, newKeys(i.dated(n.At)))
}

func (i *Identity) newKeyFrom(n ceremony.Notice, config *packet.Config) (*key, error) {
	life := n.Expires.Sub(config.Now().Truncate(time.Second)) / time.Second
	if !n.Expires.After(n.At) || life > math.MaxUint32 {
		return nil, fmt.Errorf("a key can't live from %s until %s",
			n.At.UTC().Format(time.RFC3339), n.Expires.UTC().Format(time.RFC3339))
	}
	config.KeyLifetimeSecs = uint32(life)
	config.SignatureNotations = []*packet.Notation{{
		Name:            ceremonyNotation,
		Value:           []byte(notationValue(n.Plan.Ceremony, n.Nonce)),
		IsHumanReadable: true,
	}}

	bound, err := i.bind(config)
	if err != nil {
		return nil, err
	}
	var public bytes.Buffer
	if err := bound.Serialize(&public); err != nil {
		return nil, fmt.Errorf("write certificate: %w", err)
	}
	certificate, err := enarmor(certificateBlock, public.Bytes())
	if err != nil {
		return nil, err
	}
	// The key that decrypts is parsed anew. It shares nothing with the identity, and above
	// all not the secret that signs.
	ring, err := parseEntity(public.Bytes())
	if err != nil {
		return nil, fmt.Errorf("read own certificate: %w", err)
	}
	ring.Subkeys[0].PrivateKey = bound.Subkeys[0].PrivateKey

	subkey := bound.Subkeys[0].PublicKey
	k := &key{ring: ring, id: subkey.KeyId, announced: ceremony.Announced{
		Identity:    i.fingerprint,
		Subkey:      string(fingerprintOf(subkey)),
		Certificate: certificate,
		Step:        n.Step,
		Nonce:       n.Nonce,
		At:          n.At,
		Expires:     n.Expires,
	}}
	k.announced.Announcement, err = i.announce(n, k.announced)
	if err != nil {
		return nil, err
	}
	return k, nil
}

// bind makes a copy of the identity with one new encryption subkey.
func (i *Identity) bind(config *packet.Config) (*pgp.Entity, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	bound := *i.entity
	bound.Subkeys = nil
	if err := bound.AddEncryptionSubkey(config); err != nil {
		return nil, fmt.Errorf("make ceremony key: %w", err)
	}
	return &bound, nil
}

// Announced returns what people are told about the key.
func (k *key) Announced() ceremony.Announced { return k.announced }

// Fits reports whether one of the messages in envelope is encrypted to this key, or hides its
// recipient.
func (k *key) Fits(envelope []byte) bool {
	l, err := readLetter(envelope)
	if err != nil {
		return false
	}
	_, fits := l.messageTo(k.id)
	return fits
}

// Destroy overwrites the private half.
func (k *key) Destroy() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ring == nil {
		return
	}
	if private, ok := k.ring.Subkeys[0].PrivateKey.PrivateKey.(*ecdh.PrivateKey); ok {
		clear(private.D)
	}
	k.ring = nil
}

// String keeps the private half out of logs.
func (k *key) String() string { return "ceremony key " + strings.ToUpper(k.announced.Subkey) }
