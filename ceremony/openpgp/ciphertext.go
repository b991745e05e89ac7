package openpgp

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/paste"
)

// How people keep what Vault has encrypted to them. Vault's command line prints base64, and
// its API answers hexadecimal digits as well, both without armor (command/operator_init.go
// and http/sys_rekey.go). People save that, or the line or the JSON document around it, and
// their computers add a byte order mark, or save it in UTF-16.

// Errors about the file of an encrypted share.
var (
	ErrSeveralCiphertexts = errors.New("there are several encrypted messages in it, and only one can be yours")
	ErrOpenShare          = errors.New("there is a share in the open in it, and nothing encrypted")
)

// Ciphertext returns the encrypted message in a file, binary. The file may be the message,
// armored or binary, or have it in base64 or hexadecimal digits, alone or among other words.
// The errors are [ErrNotCiphertext], [ErrSeveralCiphertexts] and [ErrOpenShare].
func Ciphertext(file []byte) ([]byte, error) {
	if isBinary(file) {
		return file, nil
	}
	text := paste.Text(file)
	blocks, _ := unarmor(text)
	switch encrypted := encryptedAmong(blocks); {
	case slices.ContainsFunc(encrypted, func(m []byte) bool { return !bytes.Equal(m, encrypted[0]) }):
		return nil, ErrSeveralCiphertexts // the first may be an old share, above the one that is in force
	case len(encrypted) > 0:
		return encrypted[0], nil
	}
	for _, b := range blocks {
		switch {
		case b.kind != messageBlock:
		case b.err != nil:
			return nil, fmt.Errorf("%w: %w", ErrNotCiphertext, b.err)
		default:
			return nil, ErrNotCiphertext
		}
	}
	switch found := bareAmong(text); {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, ErrSeveralCiphertexts
	case errors.Is(exposed(text), ceremony.PlainShare):
		return nil, ErrOpenShare
	}
	return nil, fmt.Errorf("%w: %w", ErrNotCiphertext, ceremony.NoArmor)
}

// bareAmong returns the encrypted messages that a text has without armor, each once.
func bareAmong(text string) [][]byte {
	// It may be broken into lines, alone or after Vault's label ("Unseal Key 1: …").
	joined := func(s string) string { return strings.Join(strings.Fields(s), "") }
	words := []string{joined(text), joined(text[strings.LastIndexByte(text, ':')+1:])}
	words = append(words, strings.FieldsFunc(text, func(r rune) bool {
		return !(r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '+' || r == '/')
	})...)
	var found [][]byte
	for _, word := range words {
		data := paste.Bare(word)
		known := func(f []byte) bool { return bytes.Equal(f, data) }
		if data != nil && isEncrypted(data) && isWhole(data) && !slices.ContainsFunc(found, known) {
			found = append(found, data)
		}
	}
	return found
}

// isEncrypted reports whether data is one encrypted message, to a key or a password.
func isEncrypted(data []byte) bool {
	var l letter
	if l.add(data) != nil || len(l.messages) != 1 {
		return false
	}
	m := l.messages[0]
	return m.err == nil && (len(m.recipients) > 0 || m.password)
}

// isWhole reports whether nothing is missing at the end of a message. When base64 is broken
// into lines, each line can be decoded as well.
func isWhole(data []byte) (whole bool) {
	defer func() { whole = recover() == nil && whole }() // the parser reads what strangers write
	_, err := packetsOf(data)
	return err == nil
}
