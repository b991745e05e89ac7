package openpgp

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"conclave/ceremony"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// signInline signs text as an inline-signed message, compressed. It is not
// clearsigned: chat clients break what clearsigning escapes. Compression makes a
// plan with twenty holders fit into one block of a chat message; nothing in it is
// secret, so that its length may tell what it likes.
func signInline(signer *pgp.Entity, text string, now time.Time) (string, error) {
	var message bytes.Buffer
	compressed, err := packet.SerializeCompressed(closing{&message}, packet.CompressionZLIB, nil)
	if err != nil {
		return "", fmt.Errorf("compress: %w", err)
	}
	w, err := pgp.Sign(compressed, []*pgp.Entity{signer}, &pgp.FileHints{IsUTF8: true}, strict(now))
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	if err := w.Close(); err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	if err := compressed.Close(); err != nil {
		return "", fmt.Errorf("compress: %w", err)
	}
	return enarmor(messageBlock, message.Bytes())
}

// closing is a writer with nothing to close.
type closing struct{ io.Writer }

func (closing) Close() error { return nil }

// readSigned reads an inline-signed message and answers its text and when it was
// signed, provided that its only signature is by signer's primary key and good
// now.
func readSigned(message []byte, signer *pgp.Entity, now time.Time) (string, time.Time, error) {
	md, err := pgp.ReadMessage(bytes.NewReader(message), pgp.EntityList{signer}, nil, strict(now.Add(skew)))
	if err != nil {
		return "", time.Time{}, fmt.Errorf("%w: %w", ErrNotSigned, err)
	}
	if md.IsEncrypted {
		return "", time.Time{}, ErrNotSigned
	}
	text, err := io.ReadAll(io.LimitReader(md.UnverifiedBody, maxPlain+1))
	switch {
	case err != nil:
		return "", time.Time{}, fmt.Errorf("%w: %w", ErrNotSigned, err)
	case len(text) > maxPlain, !md.IsSigned, len(md.SignatureCandidates) != 1, !md.IsVerified:
		return "", time.Time{}, ErrNotSigned
	case md.SignatureError != nil:
		return "", time.Time{}, fmt.Errorf("%w: %w", ErrNotSigned, md.SignatureError)
	case md.Signature == nil, md.SignedBy == nil:
		return "", time.Time{}, ErrNotSigned
	case fingerprintOf(md.SignedBy.PublicKey) != fingerprintOf(signer.PrimaryKey):
		return "", time.Time{}, ErrNotSigned
	}
	return string(text), md.Signature.CreationTime, nil
}

// pinnedEntity finds the certificate with the pinned fingerprint among blocks.
func pinnedEntity(blocks []block, pinned ceremony.Fingerprint) (*pgp.Entity, error) {
	err := ErrNoCertificate
	for _, b := range blocks {
		if b.kind != certificateBlock || b.err != nil {
			continue
		}
		entity, parseErr := parseEntity(b.data)
		if parseErr != nil {
			continue
		}
		if fingerprintOf(entity.PrimaryKey) == pinned {
			return entity, nil
		}
		err = ErrOtherIdentity
	}
	return nil, err
}

// parseEntity reads the one key in data. go-crypto's reader of key rings skips
// what it can't read; here that is an error.
func parseEntity(data []byte) (entity *pgp.Entity, err error) {
	defer recoverParsing(&err, ErrNoKey)
	packets := packet.NewReader(bytes.NewReader(data))
	entity, err = pgp.ReadEntity(packets)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoKey, err)
	}
	if _, err := packets.Next(); err == nil {
		return nil, ErrSeveralKeys
	} else if err != io.EOF {
		return nil, fmt.Errorf("%w: %w", ErrNoKey, err)
	}
	return entity, nil
}

// recoverParsing turns a panic of the parser, which reads what strangers write,
// into instead.
func recoverParsing(err *error, instead error) {
	if recover() != nil {
		*err = instead
	}
}
