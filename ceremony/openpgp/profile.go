package openpgp

import (
	"crypto"
	"encoding/hex"
	"time"

	"conclave/ceremony"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// maxPlain is how much a compressed message may become. go-crypto sets no limit
// of its own: 800 bytes of armor can hold 100 MB.
const maxPlain = 64 << 10

// strict is the configuration for everything that is read or written: what is
// weak is refused, and every clock is at now.
//
// A non-nil Reject map replaces the library's own, so that these repeat it.
func strict(now time.Time) *packet.Config {
	limit := int64(maxPlain)
	weakHashes := map[crypto.Hash]bool{crypto.MD5: true, crypto.RIPEMD160: true, crypto.SHA1: true}
	return &packet.Config{
		Time:                        func() time.Time { return now },
		DefaultCipher:               packet.CipherAES256,
		MinRSABits:                  minRSABits,
		RejectPublicKeyAlgorithms:   map[packet.PublicKeyAlgorithm]bool{packet.PubKeyAlgoElGamal: true, packet.PubKeyAlgoDSA: true},
		RejectHashAlgorithms:        weakHashes,
		RejectMessageHashAlgorithms: weakHashes,
		RejectCurves:                map[packet.Curve]bool{packet.CurveSecP256k1: true},
		MaxDecompressedMessageSize:  &limit,
	}
}

const minRSABits = 2048

// newKeys is how this package makes keys: version 4 with the older Curve25519
// algorithms and without AEAD, the one profile to which gpg 2.2 and 2.4, sq, rnp
// and OpenPGP.js all encrypt. Without an explicit cipher they would choose
// AES-128.
func newKeys(now time.Time) *packet.Config {
	config := strict(now)
	config.Algorithm = packet.PubKeyAlgoEdDSA
	config.Curve = packet.Curve25519
	return config
}

// fingerprintOf is the key's fingerprint as the domain writes it. Key ids are
// never compared: anybody can make a key with a given one.
func fingerprintOf(key *packet.PublicKey) ceremony.Fingerprint {
	return ceremony.Fingerprint(hex.EncodeToString(key.Fingerprint))
}
