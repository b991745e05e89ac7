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
// The state tells nothing about the share. It is what a one-way function makes of
// it, as a digest is, and who wants to find the share from it has to try the 256
// random bits that each has. That is why it is kept of shares alone, after their
// shape has been checked, and of nothing that somebody might have made up.

// proofOf answers the signature packet in base64 and the state of its hash behind
// the first end bytes of content, STATE:COUNT:REST: what the hash keeps between two
// blocks and the bytes behind it in hexadecimal digits, and how many bytes were
// before. Both are empty when there is no border behind the share.
func proofOf(content []byte, end int, sig *packet.Signature) (signature, digest string) {
	if sig == nil || sig.Version != 4 || sig.SigType != packet.SigTypeBinary || !hashable(sig.Hash) {
		return "", ""
	}
	h := sig.Hash.New()
	border := (end + h.BlockSize() - 1) / h.BlockSize() * h.BlockSize()
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
	digest = fmt.Sprintf("%x:%d:%x", state, border, content[border:])
	return base64.StdEncoding.EncodeToString(b.Bytes()), digest
}

// resumeHash is a hash as it was when a proof was made, and has gone on since then.
func resumeHash(algorithm crypto.Hash, digest string) (hash.Hash, error) {
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
