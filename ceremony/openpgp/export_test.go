package openpgp

import (
	"crypto"
	"fmt"
	"io"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"conclave/ceremony"
	"conclave/ceremony/midstate"
	"conclave/ceremony/paste"
)

// Unarmor takes a text apart as everything that reads one does.
func Unarmor(text []byte) (kinds []string, data [][]byte, faults []error, around string) {
	blocks, around := unarmor(paste.Text(text))
	for _, b := range blocks {
		kinds, data, faults = append(kinds, b.kind), append(data, b.data), append(faults, b.err)
	}
	return kinds, data, faults, around
}

// DigestAt is the proof of a signature whose hash is stopped at a border, wherever that
// is.
func DigestAt(algorithm crypto.Hash, content []byte, border int) string {
	h := algorithm.New()
	h.Write(content[:border])
	state, err := midstate.Of(h)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("%x:%d:%x", state, border, content[border:])
}

// PrivateHalf returns the private half of a ceremony key, for who runs a bot to abuse
// it.
func PrivateHalf(k ceremony.Key) *packet.PrivateKey { return k.(*key).ring.Subkeys[0].PrivateKey }

// GenerateFrom makes an identity of randomness that can be had again.
func GenerateFrom(random io.Reader, now time.Time) (*Identity, error) {
	config := newKeys(now)
	config.Rand = random
	entity, err := pgp.NewEntity("conclave test", "", "", config)
	if err != nil {
		return nil, err
	}
	entity.Subkeys = nil
	return newIdentity(entity)
}

// NewKeyFrom makes a ceremony key of randomness that can be had again.
func NewKeyFrom(o *OpenPGP, random io.Reader, n ceremony.Notice) (ceremony.Key, error) {
	config := newKeys(n.At)
	config.Rand = random
	k, err := o.identity.newKeyFrom(n, config)
	if err != nil {
		return nil, err
	}
	k.holders = o.holders
	return k, nil
}

// SignText signs any text, as who has taken over the identity could.
func (i *Identity) SignText(text string, now time.Time) (string, error) { return i.sign(text, now) }
