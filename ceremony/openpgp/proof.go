package openpgp

import (
	"bytes"
	"crypto"
	"encoding"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
	"strings"

	"conclave/ceremony"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// How an envelope's signature is proven without the share.
//
// A signature covers the hash of the content, in which the share stands, and then of
// what the signature says about itself: its date and its notations. To keep that
// hash alone would prove nothing of these: whoever writes the journal could put any
// date and any notation beside it. So what is kept is how far the hash had come at
// the first border of its blocks behind the share, and what was hashed from there
// on, which is no secret: the words behind the share, [ceremony.Announced.Suffix],
// are there to have a border among them. The auditor goes on from it, through the
// words and through the signature's own date and notation, and gets what was signed
// only if none of these was changed.
//
// A hash says nothing of where it has stopped. An auditor who went on from wherever the
// journal says would verify everything that somebody has ever signed, from its first
// byte on. So the border must lie where an envelope of this ceremony has one, behind a
// prefix and a share, and what was hashed from there on must be the end of this
// ceremony's suffix, and enough of it that nothing else ends so ([fits]).
//
// The state tells nothing about the share. It is what a one-way function makes of
// it, as a digest is, and who wants to find the share from it has to try the 256
// random bits that each has. That is why it is kept of shares alone, after their
// shape has been checked, and of nothing that somebody might have made up.

// proofOf returns the signature packet in base64 and the state of its hash behind
// the first end bytes of content, STATE:COUNT:REST: what the hash keeps between two
// blocks and the bytes behind it in hexadecimal digits, and how many bytes were
// before. Both are empty when there is no border behind the share, or too little behind
// the border.
func proofOf(content []byte, end int, sig *packet.Signature, want ceremony.Expected, identity ceremony.Fingerprint) (signature, digest string) {
	if sig == nil || sig.Version != 4 || sig.SigType != packet.SigTypeBinary || !hashable(sig.Hash) {
		return "", ""
	}
	h := sig.Hash.New()
	border := borderBehind(end, h.BlockSize())
	if border > len(content) {
		return "", ""
	}
	h.Write(content[:border])
	state, err := chaining(h)
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

// shortestTail is how much of the suffix has to be behind the border: half of a plan's
// hash, 128 bits that nobody can choose.
const shortestTail = 32

// fits makes sure that a proof is of an envelope that was asked for: of its content,
// count bytes are hashed in blocks of a size, and rest is what follows. [ErrEvidence]
// means that it is something else, [ceremony.ErrNoProof] that it may be such an
// envelope, with so little behind the border or so many spaces that it may be something
// else as well.
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
		if lineEnd := length - end - len(suffix); count == uint64(borderBehind(end, block)) && lineEnd >= 0 && lineEnd <= len("\r\n") {
			return nil
		}
	}
	return ceremony.ErrNoProof
}

// shareLengths are those of a share as text: base64 of 32 or 33 bytes, and hexadecimal
// digits of either.
var shareLengths = [...]int{(maxShare + 2) / 3 * 4, 2 * minShare, 2 * maxShare}

// borderBehind is the first border of a hash's blocks that is not before end.
func borderBehind(end, block int) int { return (end + block - 1) / block * block }

// resumeHash is a hash as it was when a proof was made, and has gone on since then. The
// proof must be of an envelope that was asked for.
func resumeHash(algorithm crypto.Hash, digest string, want ceremony.Expected, identity ceremony.Fingerprint) (hash.Hash, error) {
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
	if err := resume(h, state, count); err != nil {
		return nil, err
	}
	h.Write(rest)
	return h, nil
}

// A hash of the SHA-2 family marshals to four bytes that name it, what it keeps
// between two blocks, the block that has begun, and how many bytes there were.
const stateName, stateCount = 4, 8

// chaining is what a hash keeps between two blocks.
func chaining(h hash.Hash) ([]byte, error) {
	m, ok := h.(encoding.BinaryMarshaler)
	if !ok {
		return nil, ErrEvidence
	}
	all, err := m.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEvidence, err)
	}
	return all[stateName : len(all)-h.BlockSize()-stateCount], nil
}

// resume puts a fresh hash where another was between two blocks.
func resume(h hash.Hash, state []byte, count uint64) error {
	fresh, ok := h.(interface {
		encoding.BinaryMarshaler
		encoding.BinaryUnmarshaler
	})
	if !ok {
		return ErrEvidence
	}
	all, err := fresh.MarshalBinary()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrEvidence, err)
	}
	if len(state) != len(all)-stateName-h.BlockSize()-stateCount {
		return ErrEvidence
	}
	copy(all[stateName:], state)
	binary.BigEndian.PutUint64(all[len(all)-stateCount:], count)
	if err := fresh.UnmarshalBinary(all); err != nil {
		return fmt.Errorf("%w: %w", ErrEvidence, err)
	}
	return nil
}
