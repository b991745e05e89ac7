package leak

import (
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// rawShare returns how sure it is that a file holds the octets of a share and nothing else.
func rawShare(content string) certainty {
	if len(content) > shareBytes+2 || utf8.ValidString(content) {
		return nothing
	}
	return octets(strings.TrimRight(content, "\r\n"))
}

// octets returns how sure it is that octets are those of a share.
func octets(data string) certainty {
	switch len(data) {
	case shareBytes:
		return certain
	case keyBytes:
		return possible
	}
	return nothing
}

// longestLiteral is how long the literal of a share is at most: ten characters an octet.
const longestLiteral = 10*shareBytes + 2

// literals returns the strings in a piece of code, with their quotes, as far as they may be
// a share. A quote that nothing ends is looked past for the length of one only: there may be
// as many of them as characters.
func literals(text string) (all []string) {
	for at := 0; at < len(text); at++ {
		quote := text[at]
		if quote != '"' && quote != '\'' {
			continue
		}
		for end := at + 1; end < min(len(text), at+longestLiteral) && text[end] != '\n'; end++ {
			if text[end] == '\\' {
				end++
			} else if text[end] == quote {
				all = append(all, text[at:end+1])
				at = end
				break
			}
		}
	}
	return all
}

// fewestEscapes is how many octets of a share, at least, are no printable characters.
const fewestEscapes = 4

// escapedShare returns how sure it is that a string in a piece of code holds the octets of a
// share: "\x9c\x1b}>".
func escapedShare(text string) certainty {
	if strings.Count(text, `\`) < fewestEscapes {
		return nothing
	}
	found := nothing
	for _, literal := range literals(text) {
		if data, escapes := unescape(literal[1 : len(literal)-1]); escapes >= fewestEscapes {
			found = max(found, octets(data))
		}
	}
	return found
}

// plainEscapes are escapes of one letter in most languages.
var plainEscapes = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', 'a': '\a', 'b': '\b', 'f': '\f', 'v': '\v', 'e': 0x1b}

// unescape returns the octets of a string in a piece of code, and how many of them were
// written as a number.
func unescape(literal string) (data string, escapes int) {
	var out []byte
	for at := 0; at < len(literal); {
		if literal[at] != '\\' || at+1 == len(literal) {
			out = append(out, literal[at])
			at++
			continue
		}
		kind, rest := literal[at+1], literal[at+2:]
		read := func(digits string, base int) bool {
			n, err := strconv.ParseUint(digits, base, 8)
			if err == nil {
				out = append(out, byte(n))
				escapes++
				at += len(digits)
			}
			return err == nil
		}
		at++
		switch plain, ok := plainEscapes[kind]; {
		case kind == 'x' && len(rest) >= 2 && read(rest[:2], 16):
			at++
		case kind == 'u' && len(rest) >= 4, kind == 'U' && len(rest) >= 8:
			size := 4
			if kind == 'U' {
				size = 8
			}
			n, _ := strconv.ParseUint(rest[:size], 16, 32)
			out = utf8.AppendRune(out, rune(n))
			escapes++
			at += 1 + size
		case kind >= '0' && kind <= '3' && len(rest) >= 2 && read(literal[at:at+3], 8):
		case ok:
			out = append(out, plain)
			at++
		default:
			out = append(out, kind)
			at++
		}
	}
	return string(out), escapes
}

var base32Share = regexp.MustCompile(`^[A-Z2-7]{53}(?:===)?$`)

// encodes adds what a word shows once it is decoded: base64 and digits of text, as in a
// secret of Kubernetes.
func (w word) encodes(found finds, harmless func(string) bool, depth int) {
	for _, plain := range unescaped(w.text) {
		for _, piece := range pieces(plain) {
			if base32Share.MatchString(piece) && strings.ContainsAny(piece, "234567") {
				found.add(Share, certain)
			}
			for _, text := range decoded(piece) {
				for kind, sure := range find(text, harmless, depth+1) {
					found.add(kind, sure)
				}
			}
		}
	}
}

// decoded returns the texts that a word encodes.
func decoded(piece string) []string {
	if len(piece) < shortestSecret*4/3 {
		return nil
	}
	var all []string
	if isHex(piece) && len(piece)%2 == 0 {
		if data, err := hex.DecodeString(piece); err == nil && isText(data) {
			all = append(all, string(data))
		}
	}
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(piece, "-_") {
		encoding = base64.RawURLEncoding
	}
	if data, err := encoding.DecodeString(piece); err == nil && isText(data) {
		all = append(all, string(data))
	}
	return all
}

// isText reports whether octets are text in ASCII.
func isText(data []byte) bool {
	for _, c := range data {
		if c != '\n' && c != '\r' && c != '\t' && (c < ' ' || c > '~') {
			return false
		}
	}
	return true
}
