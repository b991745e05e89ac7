package holder

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"conclave/ceremony/openpgp"
	"conclave/ceremony/paste"
	"conclave/cli"
	"conclave/host"
)

// A share as people have it: typed from paper in groups, with a label before it, in quotes, or in
// what Vault prints ("Unseal Key 1: …") or answers (JSON). What is found is checked as every share
// is; what is not is counted, since a person who has lost a digit can't see which.

// Errors about a share in the open. None of them has anything of it (P1).
var errSeveralShares = errors.New("there are several shares in it, and only one can be yours")

// miscounted means that a share has another length than it must have.
type miscounted struct{ have, want int }

func (m miscounted) Error() string {
	if m.want == base64Share {
		return fmt.Sprintf("%d characters, %d wanted: it does not look like a key share", m.have, m.want)
	}
	return fmt.Sprintf("%d digits, %d wanted: it does not look like a key share", m.have, m.want)
}

// misspelt means that a character of a share is no hexadecimal digit.
type misspelt struct{ at int }

func (m misspelt) Error() string {
	return fmt.Sprintf("character %d is other than 0 to 9 and a to f: it does not look like a key share", m.at)
}

// How long a share of a divided key is, and the key itself where one person holds all of it.
// Source: hashicorp/vault, shamir/shamir.go.
const (
	hexShare, hexWhole       = 66, 64
	base64Share, base64Whole = 44, 43 // without padding
)

// shareIn returns the only share in a text, as hexadecimal digits or base64. The caller wipes it.
// shareIn wipes the text, of which it may return a part. The error has nothing of the text: it is
// [openpgp.ErrNotAShare], errSeveralShares, miscounted or misspelt.
func shareIn(text []byte) ([]byte, error) {
	text = paste.PlainSecret(paste.Secret(text))
	if openpgp.CheckShare(text) == nil {
		return text, nil
	}
	defer clear(text)
	var found []byte
	var fault error = openpgp.ErrNotAShare
	for _, part := range partsWithShares(text) {
		share, err := joined(part)
		switch {
		case err != nil:
			if fault == openpgp.ErrNotAShare {
				fault = err // the first count is of the longest part
			}
		case found == nil:
			found = share
		case !sameShare(found, share):
			clear(found)
			clear(share)
			return nil, errSeveralShares
		default:
			clear(share)
		}
	}
	if found == nil {
		return nil, fault
	}
	return found, nil
}

// partsWithShares returns the parts of a text of which one may be a share, the whole text first.
func partsWithShares(text []byte) [][]byte {
	parts := [][]byte{text}
	behind := func(part []byte) {
		if i := bytes.LastIndexByte(part, ':'); i >= 0 {
			parts = append(parts, part[i+1:])
		}
		if name, value, ok := bytes.Cut(part, []byte("=")); ok && len(value) >= base64Whole && len(name) > 0 {
			parts = append(parts, value)
		}
	}
	behind(text)
	if bytes.IndexByte(text, '\n') >= 0 {
		for line := range bytes.Lines(text) {
			parts = append(parts, line)
			behind(line)
		}
	}
	return append(parts, bytes.FieldsFunc(text, func(r rune) bool { return !inBase64(r) && r != '=' && r != '-' && r != '_' })...)
}

// joined returns the share that the groups of a part make, in a buffer of its own.
func joined(part []byte) ([]byte, error) {
	share, err := join(part)
	if err == nil || bytes.IndexAny(part, "-_") < 0 {
		return share, err
	}
	// The alphabet of base64 in URLs has a hyphen and an underscore for plus and slash.
	inURL := bytes.Clone(part)
	defer clear(inURL)
	for i, c := range inURL {
		switch c {
		case '-':
			inURL[i] = '+'
		case '_':
			inURL[i] = '/'
		}
	}
	if share, errInURL := join(inURL); errInURL == nil {
		return share, nil
	}
	return nil, err
}

// separates reports whether a character may stand between the groups of a share, or around it.
func separates(r rune) bool {
	return r <= ' ' || bytes.ContainsRune([]byte("-_.:,;'\"`[](){}<>*~#"), r)
}

// join returns a share without what separates its groups, or what is wrong with it.
func join(part []byte) ([]byte, error) {
	groups := bytes.FieldsFunc(part, separates)
	share := make([]byte, 0, len(part)+1)
	for _, g := range groups {
		share = append(share, g...)
	}
	isPadded := bytes.HasSuffix(share, []byte("="))
	share = repaired(bytes.TrimRight(share, "="))
	fault := countOf(share)
	if len(share) == base64Whole && isPadded { // without padding it has rather lost a character
		share = append(share, '=')
	}
	if openpgp.CheckShare(share) == nil && areOneShare(groups) {
		return share, nil
	}
	clear(share[:cap(share)])
	return nil, fault
}

// areOneShare reports whether groups look as if a person had divided one share. A number or a
// label in front of a share that lacks as many characters must not become a part of it.
func areOneShare(groups [][]byte) bool {
	const leastGroup = 4
	regular, digits := true, true
	for i, g := range groups {
		isLast := i == len(groups)-1
		regular = regular && (len(g) == len(groups[0]) || isLast && len(g) < len(groups[0]))
		digits = digits && len(g) >= leastGroup && isLikeDigits(g)
	}
	return regular || digits
}

// likeDigit reports whether a character is a hexadecimal digit, or one that people take for a
// digit when they copy from paper.
func likeDigit(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'f' || r >= 'A' && r <= 'F' || bytes.ContainsRune([]byte("lIiOo|"), r)
}

func isLikeDigits(text []byte) bool {
	return bytes.IndexFunc(text, func(r rune) bool { return !likeDigit(r) }) < 0
}

// repaired turns letters into the digits that they were taken for, in place, where the text can be
// nothing but hexadecimal digits: base64 of a share is shorter.
func repaired(share []byte) []byte {
	if len(share) != hexShare && len(share) != hexWhole || !isLikeDigits(share) {
		return share
	}
	for i, c := range share {
		switch c {
		case 'l', 'I', 'i', '|':
			share[i] = '1'
		case 'O', 'o':
			share[i] = '0'
		}
	}
	return share
}

// countOf returns what is wrong with the length or a character of something that is not much
// shorter or longer than a share.
func countOf(text []byte) error {
	odd, at := 0, 0
	for i, c := range text {
		if !likeDigit(rune(c)) {
			if odd++; odd == 1 {
				at = i + 1
			}
		}
	}
	switch n := len(text); {
	case odd == 0 && n > base64Share && n < hexShare+20:
		return miscounted{n, hexShare}
	case odd <= 3 && (n == hexShare || n == hexWhole):
		return misspelt{at}
	case odd > 0 && n > base64Share-12 && n < base64Share+12 && n != base64Share:
		return miscounted{n, base64Share}
	}
	return openpgp.ErrNotAShare
}

// sameShare reports whether two shares are the same bytes, in whatever form.
func sameShare(a, b []byte) bool {
	one, other := shareBytes(a), shareBytes(b)
	defer clear(one)
	defer clear(other)
	return bytes.Equal(one, other)
}

// shareBytes returns what Vault decodes of a share. The caller wipes it.
func shareBytes(share []byte) []byte {
	decoded := make([]byte, len(share))
	n, err := hex.Decode(decoded, share)
	if err != nil {
		n, _ = base64.StdEncoding.Decode(decoded, share)
	}
	return decoded[:n]
}

// mostAnswers is how often a share or a passphrase is asked for.
const mostAnswers = 5

// askShare asks at the terminal for a share until what is typed is one, so that a slip loses
// nothing of what was read and confirmed before. The caller wipes it.
func askShare(ctx context.Context) ([]byte, error) {
	tty, err := host.OpenTerminal()
	if err != nil {
		return nil, cli.WithHint(fmt.Errorf("ask: %w", err), "Without a terminal, name files: see conclave seal --help.")
	}
	defer tty.Close()
	question := "Your share (it is not shown): "
	for range mostAnswers {
		typed, err := tty.AskSecret(ctx, question)
		if err != nil {
			return nil, err
		}
		share, err := shareIn(typed)
		if err == nil {
			return share, nil
		}
		question = fmt.Sprintf("That can't be a share: %v.\nOnce more: ", err)
	}
	return nil, cli.WithHint(openpgp.ErrNotAShare, "A share has 66 hexadecimal digits, or 44 characters of base64. "+
		"With one in a file, name it: --encrypted or --share.")
}

// explainShare adds to the error of a share in a file what to do.
func explainShare(file string, err error) error {
	if err == nil {
		return nil
	}
	hint := "A share has 66 hexadecimal digits, or 44 characters of base64; it may stand in what Vault has printed."
	if errors.Is(err, errSeveralShares) {
		hint = "Put yours into a file of its own, alone."
	}
	return cli.WithHint(fmt.Errorf("%s: %w", file, err), hint)
}
