package openpgp

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/midstate"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// How an envelope's signature is proven without the share.
//
// A signature covers a hash, of the content with the share in it and then of the
// signature's own date and notations. The finished hash of the content alone would prove
// nothing of the date and the notations: who writes the journal could put others beside it.
// So the state of the hash is kept at the first border of its blocks behind the share, with
// what was hashed from there on. That is no secret: the words behind the share,
// [ceremony.Announced.Suffix], are there so that a border lies among them. The auditor goes
// on from that state, through the words and through the signature's own date and notations,
// and gets the hash that was signed only if none of these was changed.
//
// A hash does not tell where it has stopped. An auditor who went on from any place that the
// journal names could verify anything that the holder has ever signed. So the border must
// lie where an envelope of this ceremony has one, behind a prefix and a share. What was
// hashed from there on must be the end of this ceremony's suffix, and enough of it that
// nothing else ends so ([fits]).
//
// The state tells nothing about the share. It is the result of a one-way function, as a
// digest is: to find the share one would have to try the 256 random bits that each share
// has. So it is kept of shares alone, after their shape has been checked, and never of a
// secret that a person has thought up.

// proofOf returns the signature packet in base64, and the state of its hash behind the first
// end bytes of content as STATE:COUNT:REST. STATE is what the hash keeps between two blocks,
// COUNT how many bytes were hashed before, and REST the bytes behind them; STATE and REST
// are in hexadecimal digits. Both are empty when there is no border behind the share, or too
// little behind the border.
func proofOf(
	content []byte, end int, sig *packet.Signature, want ceremony.Expected, identity ceremony.Fingerprint,
) (signature, digest string) {
	if sig == nil || sig.Version != 4 || sig.SigType != packet.SigTypeBinary || !hashable(sig.Hash) {
		return "", ""
	}
	h := sig.Hash.New()
	border := borderBehind(end, h.BlockSize())
	if border > len(content) {
		return "", ""
	}
	h.Write(content[:border])
	state, err := midstate.Of(h)
	if err != nil {
		return "", ""
	}
	var b bytes.Buffer
	if err := sig.Serialize(&b); err != nil {
		return "", ""
	}
	if fits(h.BlockSize(), uint64(border), content[border:], want, identity) != nil {
		return "", ""
	}
	digest = fmt.Sprintf("%x:%d:%x", state, border, content[border:])
	return base64.StdEncoding.EncodeToString(b.Bytes()), digest
}

// shortestTail is the least length of the suffix behind the border: half of a plan's hash,
// 128 bits that nobody can choose.
const shortestTail = 32

// fits makes sure that a proof is of an envelope that was asked for. count bytes of its
// content are hashed, in blocks of this size, and rest follows them. The error is
// [ErrEvidence] when it is of something else. It is [ceremony.ErrNoProof] when it may be of
// such an envelope, but also of something else: too little is behind the border, or there
// are too many spaces.
func fits(block int, count uint64, rest []byte, want ceremony.Expected, identity ceremony.Fingerprint) error {
	a := ceremony.Announced{Step: want.Step, Nonce: want.Nonce, Identity: identity}
	prefix, suffix := a.Prefix(want.Ceremony), a.Suffix(want.Ceremony, want.PlanHash)
	tail := strings.Join(strings.Fields(string(rest)), " ")
	if count < uint64(len(prefix)+shareLengths[0]) || !strings.HasSuffix(strings.ToLower(suffix), strings.ToLower(tail)) {
		return ErrEvidence
	}
	if len(tail) < shortestTail {
		return ceremony.ErrNoProof
	}
	length := int(count) + len(bytes.TrimRight(rest, " \t\r\n"))
	for _, share := range shareLengths {
		end := len(prefix) + share
		// The file of a share may have a line's end behind it.
		lineEnd := length - end - len(suffix)
		if count == uint64(borderBehind(end, block)) && lineEnd >= 0 && lineEnd <= len("\r\n") {
			return nil
		}
	}
	return ceremony.ErrNoProof
}

// shareLengths are the lengths of a share as text: base64 of 32 or 33 bytes, and hexadecimal
// digits of either.
var shareLengths = [...]int{(maxShare + 2) / 3 * 4, 2 * minShare, 2 * maxShare}

// borderBehind returns the first border of a hash's blocks that is not before end.
func borderBehind(end, block int) int { return (end + block - 1) / block * block }

// resumeHash returns the hash of an envelope's content, resumed from what proofOf has kept.
// The proof must be of an envelope that was asked for: see fits.
func resumeHash(
	algorithm crypto.Hash, digest string, want ceremony.Expected, identity ceremony.Fingerprint,
) (hash.Hash, error) {
	parts := strings.Split(digest, ":")
	if len(parts) != 3 || !hashable(algorithm) {
		return nil, ErrEvidence
	}
	state, stateErr := hex.DecodeString(parts[0])
	count, countErr := strconv.ParseUint(parts[1], 10, 16)
	rest, restErr := hex.DecodeString(parts[2])
	h := algorithm.New()
	if stateErr != nil || countErr != nil || restErr != nil || count%uint64(h.BlockSize()) != 0 || len(rest) > maxPayload {
		return nil, ErrEvidence
	}
	if err := fits(h.BlockSize(), count, rest, want, identity); err != nil {
		return nil, err
	}
	if err := midstate.Resume(h, state, count); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEvidence, err)
	}
	h.Write(rest)
	return h, nil
}
