package paste

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// Windows saves a text with a byte order mark, and PowerShell 5 and Notepad save it in UTF-16,
// whose mark tools that take it apart may have cut off.

var byteOrderMark = []byte("\ufeff")

// encoding is how the characters of a text are written.
type encoding struct {
	mark  int              // bytes of the byte order mark
	order binary.ByteOrder // of UTF-16, and nil of UTF-8
}

// encodingOf returns the encoding of a text. Without a mark it is UTF-16 when it is ASCII of
// which every second byte is zero.
func encodingOf(text []byte) encoding {
	switch {
	case bytes.HasPrefix(text, []byte{0xff, 0xfe}):
		return encoding{2, binary.LittleEndian}
	case bytes.HasPrefix(text, []byte{0xfe, 0xff}):
		return encoding{2, binary.BigEndian}
	case bytes.HasPrefix(text, byteOrderMark):
		return encoding{mark: len(byteOrderMark)}
	case isWideASCII(text, 0):
		return encoding{0, binary.LittleEndian}
	case isWideASCII(text, 1):
		return encoding{0, binary.BigEndian}
	}
	return encoding{}
}

// isWideASCII reports whether a text is ASCII in UTF-16, whose characters are at this place of
// each pair of bytes.
func isWideASCII(text []byte, at int) bool {
	if len(text) < 4 || len(text)%2 != 0 {
		return false
	}
	for i := 0; i < len(text); i += 2 {
		if c := text[i+at]; c == 0 || c > 0x7f || text[i+1-at] != 0 {
			return false
		}
	}
	return true
}

// Decode returns a text in UTF-8, without a byte order mark. It must not be called with a secret:
// [Secret] leaves no copy behind.
func Decode(text []byte) string {
	decoded, _ := decode(text)
	return string(decoded)
}

// Secret returns a small secret without what a computer does to a text that it saves: UTF-16, a
// byte order mark, spaces and line ends around it. It works in place where there is room, and
// overwrites the bytes of text that are not in the result. The caller wipes the result.
func Secret(text []byte) []byte { return tidy(text, bytes.TrimSpace) }

// PlainSecret returns a secret as [Plain] would, in place. It overwrites the bytes of text that are
// not in the result.
func PlainSecret(text []byte) []byte {
	n, before := 0, rune(0)
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		i += size
		if r == utf8.RuneError && size == 1 {
			text[n], n = text[i-1], n+1 // no character, and left as it is
			continue
		}
		if r = plain(r, before); r >= 0 {
			// No character stands for one that has more bytes than itself.
			n += utf8.EncodeRune(text[n:n+utf8.RuneLen(r)], r)
			before = r
		}
	}
	clear(text[n:])
	return text[:n]
}

// Passphrase returns a passphrase as [Secret] returns a secret, but with the spaces around it,
// which may belong to it. Only the line ends behind it go.
func Passphrase(text []byte) []byte {
	return tidy(text, func(b []byte) []byte { return bytes.TrimRight(b, "\r\n") })
}

func tidy(text []byte, trim func([]byte) []byte) []byte {
	decoded, isCopy := decode(text)
	kept := trim(decoded)
	if len(kept) > len(text) {
		clear(text)
		return kept
	}
	n := copy(text, kept)
	if isCopy {
		clear(decoded)
	}
	clear(text[n:])
	return text[:n]
}

// decode returns a text in UTF-8, without a byte order mark: a part of text itself, or a copy.
func decode(text []byte) (decoded []byte, isCopy bool) {
	e := encodingOf(text)
	rest := text[e.mark:]
	if e.order == nil {
		return rest, false
	}
	// It has as much room as it can need: when a buffer grows, it leaves a copy behind.
	decoded = make([]byte, 0, 3*(len(rest)/2))
	for ; len(rest) >= 2; rest = rest[2:] {
		r := rune(e.order.Uint16(rest))
		if utf16.IsSurrogate(r) && len(rest) >= 4 {
			r = utf16.DecodeRune(r, rune(e.order.Uint16(rest[2:])))
			rest = rest[2:]
		}
		decoded = utf8.AppendRune(decoded, r)
	}
	return decoded, true
}
