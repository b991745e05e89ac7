package openpgp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"conclave/ceremony"
)

// maxStatement is the length in bytes of the longest statement: a line that a person reads
// before they sign it.
const maxStatement = 1 << 10

// VerifyStatement returns the one line that the key by has signed, as gpg --sign makes it:
// inline, armored or binary, with any text pasted around it. The signature must fulfil the
// rules of an envelope's: it is the only one, good, by a key that is valid now, and was made
// neither before notBefore nor later than now. The errors are Refusals.
func (o *OpenPGP) VerifyStatement(
	pasted []byte, by ceremony.Fingerprint, notBefore, now time.Time,
) (ceremony.SignedLine, error) {
	line, signed, err := o.readStatement(pasted, by, notBefore, now)
	if err != nil {
		return ceremony.SignedLine{}, fmt.Errorf("verify statement: %w", err)
	}
	armored, err := enarmor(messageBlock, signed)
	if err != nil {
		return ceremony.SignedLine{}, fmt.Errorf("verify statement: %w", err)
	}
	return ceremony.SignedLine{Line: line, Armor: armored}, nil
}

// readStatement returns the line, and the signed message in which it is.
func (o *OpenPGP) readStatement(
	pasted []byte, by ceremony.Fingerprint, notBefore, now time.Time,
) (line string, signed []byte, err error) {
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
	line, err = statementIn(content[:n])
	if err != nil {
		return "", nil, err
	}
	return line, signed, nil
}

// statementIn returns the one line of a message, with plain spaces for those of a copied
// command, and without the byte order mark of Windows. It refuses a line with a secret in it:
// the line is kept and shown (P1).
func statementIn(content []byte) (string, error) {
	line := strings.TrimRight(strings.TrimPrefix(string(content), "\ufeff"), "\r\n")
	line = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Zs, r) {
			return ' '
		}
		return r
	}, line)
	if line == "" || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "", ceremony.BadMessage
	}
	if err := exposed(line); err != nil {
		return "", err
	}
	return line, nil
}

// PeekStatement returns the first line of a message that is signed inline and not encrypted,
// with any text pasted around it. It is the message whose signature [OpenPGP.VerifyStatement]
// judges. PeekStatement verifies nothing. It does not return a line that could be a share or
// a private key: that is no statement, and opening it as an envelope tells so.
func (o *OpenPGP) PeekStatement(pasted []byte) (line string, ok bool) {
	defer func() {
		if recover() != nil { // the parser reads what strangers write
			line, ok = "", false
		}
	}()
	if len(pasted) > maxLetter {
		return "", false
	}
	signed, err := unwrap(pasted, messageBlock)
	if err != nil {
		return "", false
	}
	md, err := pgp.ReadMessage(bytes.NewReader(signed), pgp.EntityList{}, nil, strict(time.Now()))
	if err != nil || md.IsEncrypted || !md.IsSigned {
		return "", false
	}
	var beginning [maxStatement + 1]byte
	n, err := io.ReadFull(md.UnverifiedBody, beginning[:])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", false
	}
	first, _, _ := bytes.Cut(beginning[:n], []byte("\n"))
	if len(first) > maxStatement {
		return "", false // there is more of it
	}
	line, err = statementIn(first)
	return line, err == nil
}
