package openpgp

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode"

	"conclave/ceremony"

	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// maxStatement is how long a statement may be: a line that a person reads before
// they sign it.
const maxStatement = 1 << 10

// Statement is one line that somebody has signed.
type Statement struct {
	Line  string
	Armor string // the signed message alone, without what was pasted around it, to be kept
}

// VerifyStatement answers the one line that by has signed, as gpg --sign makes
// it: inline, armored or binary, among whatever was pasted around it. The
// signature is held to the rules of an envelope's: it is the only one, good, by a
// key that is valid now, and made neither before notBefore nor later than now. The
// errors are Refusals.
func (o *Opener) VerifyStatement(pasted []byte, by ceremony.Fingerprint, notBefore, now time.Time) (Statement, error) {
	line, signed, err := o.readStatement(pasted, by, notBefore, now)
	if err != nil {
		return Statement{}, fmt.Errorf("verify statement: %w", err)
	}
	armored, err := enarmor(messageBlock, signed)
	if err != nil {
		return Statement{}, fmt.Errorf("verify statement: %w", err)
	}
	return Statement{line, armored}, nil
}

// readStatement answers the line, and the message of which it is all.
func (o *Opener) readStatement(pasted []byte, by ceremony.Fingerprint, notBefore, now time.Time) (line string, signed []byte, err error) {
	defer recoverParsing(&err, ceremony.BadMessage)

	holder, ok := o.holders[by]
	if !ok {
		return "", nil, fmt.Errorf("key %s: %w: %w", by, ErrUnknownKey, ceremony.HolderKeyInvalid)
	}
	if len(pasted) > maxLetter {
		return "", nil, ceremony.TooBig
	}
	signed, err = unwrap(pasted, messageBlock)
	if err != nil {
		return "", nil, err
	}
	signer, err := holder.parse()
	if err != nil {
		return "", nil, err
	}
	md, err := pgp.ReadMessage(bytes.NewReader(signed), pgp.EntityList{signer}, nil, strict(now.Add(skew)))
	if err != nil || md.IsEncrypted {
		return "", nil, ceremony.BadMessage
	}
	content := make([]byte, maxStatement)
	n, err := readToEnd(md.UnverifiedBody, content)
	if err != nil {
		return "", nil, err
	}
	want := ceremony.Expected{Signer: by, NotBefore: notBefore, Now: now}
	if err := signatureOf(md).check(holder, want, o.identity.fingerprint); err != nil {
		return "", nil, err
	}
	line = strings.TrimRight(string(content[:n]), "\r\n")
	if line == "" || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "", nil, ceremony.BadMessage
	}
	return line, signed, nil
}
