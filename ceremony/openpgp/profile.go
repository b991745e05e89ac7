package openpgp

import (
	"crypto"
	"encoding/hex"
	"time"

	"conclave/ceremony"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// maxPlain is the largest size in bytes of a decompressed message. go-crypto sets no limit:
// 800 bytes of armor can decompress to 100 MB.
const maxPlain = 64 << 10

// strict returns the configuration for everything that is read or written: weak algorithms
// are refused, and every clock shows now.
//
// A non-nil Reject map replaces the library's own. So the maps here repeat that.
func strict(now time.Time) *packet.Config {
	limit := int64(maxPlain)
	weakKeys := map[packet.PublicKeyAlgorithm]bool{packet.PubKeyAlgoElGamal: true, packet.PubKeyAlgoDSA: true}
	weakHashes := map[crypto.Hash]bool{crypto.MD5: true, crypto.RIPEMD160: true, crypto.SHA1: true}
	return &packet.Config{
		Time:                        func() time.Time { return now },
		DefaultCipher:               packet.CipherAES256,
		MinRSABits:                  minRSABits,
		RejectPublicKeyAlgorithms:   weakKeys,
		RejectHashAlgorithms:        weakHashes,
		RejectMessageHashAlgorithms: weakHashes,
		RejectCurves:                map[packet.Curve]bool{packet.CurveSecP256k1: true},
		MaxDecompressedMessageSize:  &limit,
	}
}

const minRSABits = 2048

// newKeys returns the configuration for making keys: version 4 with the older Curve25519
// algorithms and without AEAD. It is the one profile to which gpg 2.2 and 2.4, sq, rnp and
// OpenPGP.js all encrypt. Without an explicit cipher they would choose AES-128.
func newKeys(now time.Time) *packet.Config {
	config := strict(now)
	config.Algorithm = packet.PubKeyAlgoEdDSA
	config.Curve = packet.Curve25519
	return config
}

// fingerprintOf returns a key's fingerprint. Identities are never compared by key ids:
// anybody can make a key with a given id.
func fingerprintOf(key *packet.PublicKey) ceremony.Fingerprint {
	return ceremony.Fingerprint(hex.EncodeToString(key.Fingerprint))
}
