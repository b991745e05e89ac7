package openpgp

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"

	"conclave/ceremony"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// signInline signs text as an inline-signed message, compressed. It does not clearsign: chat
// clients break what clearsigning escapes. Compressed, a plan with twenty holders fits into
// one block of a chat message. Nothing in it is secret, so that its length may be known.
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

// closing gives a writer a Close that does nothing.
type closing struct{ io.Writer }

func (closing) Close() error { return nil }

// readSigned returns the text of an inline-signed message. Its only signature must be by the
// signer's primary key, and good now.
func readSigned(message []byte, signer *pgp.Entity, now time.Time) (text string, err error) {
	defer recoverParsing(&err, ErrNotSigned)
	md, err := pgp.ReadMessage(bytes.NewReader(message), pgp.EntityList{signer}, nil, strict(now.Add(skew)))
	if err != nil {
		return "", ErrNotSigned // the library's words are for nobody
	}
	content, err := io.ReadAll(io.LimitReader(md.UnverifiedBody, maxPlain+1))
	if err != nil {
		return "", ErrNotSigned
	}
	if md.IsEncrypted || len(content) > maxPlain || !md.IsSigned || !md.IsVerified || len(md.SignatureCandidates) != 1 {
		return "", ErrNotSigned
	}
	if md.SignatureError != nil {
		made := md.SignatureCandidates[0].CorrespondingSig
		if made != nil && made.CreationTime.After(now.Add(skew)) {
			return "", fmt.Errorf("%w: %w", ErrNotSigned, ErrFromTheFuture)
		}
		return "", ErrNotSigned
	}
	if md.Signature == nil || md.SignedBy == nil ||
		fingerprintOf(md.SignedBy.PublicKey) != fingerprintOf(signer.PrimaryKey) {
		return "", ErrNotSigned
	}
	return string(content), nil
}

// signedAmong returns the messages whose text begins with a tag. It verifies nothing of them.
func signedAmong(blocks []block, tag string, missing error) ([][]byte, error) {
	var found [][]byte
	err := missing
	for _, b := range blocks {
		switch {
		case b.kind != messageBlock:
		case b.err != nil:
			err = fmt.Errorf("%w: %w", missing, b.err)
		default:
			if beginning, ok := readOpen(b.data); ok && strings.HasPrefix(beginning, tag) {
				found = append(found, b.data)
			}
		}
	}
	if found == nil {
		return nil, err
	}
	return found, nil
}

// newestOf returns the newest message, by its own date, of those that signer has signed and
// that can be parsed: several direct messages may have been pasted, in any order. When there
// is none, the error is that of the last message.
func newestOf[T any](
	messages [][]byte, signer *pgp.Entity, now time.Time, parse func(string) (T, error), at func(T) time.Time,
) (T, error) {
	var newest T
	var last error
	found := false
	for _, m := range messages {
		text, err := readSigned(m, signer, now)
		if err != nil {
			last = err
			continue
		}
		read, err := parse(text)
		if err != nil {
			last = err
			continue
		}
		if !found || !at(read).Before(at(newest)) {
			newest, found = read, true
		}
	}
	if !found {
		return newest, last
	}
	return newest, nil
}

// checkPlan compares a plan's text, if it is there, with its hash, and with the fields of the
// message in which it came.
func checkPlan(
	plan, hash string, id ceremony.ID, operation ceremony.Operation, cluster string, identity ceremony.Fingerprint,
) error {
	if plan == "" {
		return nil
	}
	sum := sha256.Sum256([]byte(plan))
	if hex.EncodeToString(sum[:]) != hash {
		return ErrAnnouncementPlan
	}
	for _, line := range [...]string{
		"ceremony: " + string(id),
		"operation: " + string(operation),
		"cluster: " + cluster,
		"identity: " + identity.String(),
	} {
		if !strings.Contains("\n"+plan, "\n"+line+"\n") {
			return fmt.Errorf("%w: it differs in %q", ErrAnnouncementPlan, line)
		}
	}
	return nil
}

// pinnedEntity returns the certificate with the pinned fingerprint among blocks. Of several it
// joins the subkeys: each is bound to the primary key by its own signature.
func pinnedEntity(blocks []block, pinned ceremony.Fingerprint) (*pgp.Entity, error) {
	var found *pgp.Entity
	err := ErrNoCertificate
	for _, b := range blocks {
		if b.kind != certificateBlock || b.err != nil {
			continue
		}
		entity, parseErr := parseEntity(b.data)
		switch {
		case parseErr != nil:
		case fingerprintOf(entity.PrimaryKey) != pinned:
			err = ErrOtherIdentity
		case found == nil:
			found = entity
		default:
			for _, s := range entity.Subkeys {
				s.Primary = found
				found.Subkeys = append(found.Subkeys, s)
			}
		}
	}
	if found == nil {
		return nil, err
	}
	return found, nil
}

// parseEntity reads the one key in data. go-crypto's reader of key rings skips
// what it can't read; here that is an error.
func parseEntity(data []byte) (entity *pgp.Entity, err error) {
	defer recoverParsing(&err, ErrNoKey)
	packets := packet.NewReader(bytes.NewReader(data))
	entity, err = pgp.ReadEntity(packets)
	if err != nil {
		return nil, ErrNoKey
	}
	if _, err := packets.Next(); err == nil {
		return nil, ErrSeveralKeys
	} else if err != io.EOF {
		return nil, ErrNoKey
	}
	return entity, nil
}

// recoverParsing sets err to instead when the parser has panicked: it reads what strangers
// write.
func recoverParsing(err *error, instead error) {
	if recover() != nil {
		*err = instead
	}
}
