package openpgp

import (
	"conclave/ceremony"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Unarmor takes a text apart as everything that reads one does.
func Unarmor(text []byte) (kinds []string, data [][]byte, faults []error, around string) {
	blocks, around := unarmor(normalise(text))
	for _, b := range blocks {
		kinds, data, faults = append(kinds, b.kind), append(data, b.data), append(faults, b.err)
	}
	return kinds, data, faults, around
}

// PrivateHalf is what a ceremony key decrypts with, for whoever runs a bot to abuse
// it.
func PrivateHalf(k ceremony.Key) *packet.PrivateKey { return k.(*key).ring.Subkeys[0].PrivateKey }
