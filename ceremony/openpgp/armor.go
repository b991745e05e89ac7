package openpgp

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime/quotedprintable"
	"regexp"
	"strings"
	"unicode/utf8"

	"conclave/ceremony"
	"conclave/ceremony/paste"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
)

// Kinds of armored blocks, as their first and last lines name them.
const (
	messageBlock     = "PGP MESSAGE"
	certificateBlock = "PGP PUBLIC KEY BLOCK"
	secretKeyBlock   = "PGP PRIVATE KEY BLOCK"
)

// block is one armored block of a text.
type block struct {
	kind string
	data []byte // decoded
	err  error  // a Refusal, when it can't be
}

// marker matches a line that begins or ends armor. Chat clients break lines and turn hyphens
// into dashes, of which one may stand for two: so the number of hyphens is free.
var marker = regexp.MustCompile(`-+\s*(BEGIN|END)\s+(PGP\s+(?:[A-Z]+\s+)*?[A-Z]+)\s*-+`)

// unarmor returns the armored blocks of a text, and the text around them. The text has been
// through a chat client: it may be quoted, escaped, folded onto one line or decorated.
// unarmor may be lenient: the bytes that it returns must still decrypt and verify. But it
// checks the armor's checksum, which go-crypto does not: otherwise a line that was lost in a
// paste looks like a message to another key.
//
// The text must come from [paste.Text].
func unarmor(plain string) (blocks []block, around string) {
	var rest strings.Builder
	for {
		begin := marker.FindStringSubmatchIndex(plain)
		if begin == nil {
			rest.WriteString(plain)
			return blocks, rest.String()
		}
		rest.WriteString(plain[:begin[0]])
		rest.WriteByte('\n')
		kind := kindOf(plain[begin[4]:begin[5]])
		after := plain[begin[1]:]
		if plain[begin[2]:begin[3]] == "END" {
			// The beginning was lost.
			blocks = append(blocks, block{kind: kind, err: ceremony.Truncated})
			plain = after
			continue
		}
		end := marker.FindStringSubmatchIndex(after)
		if end == nil || after[end[2]:end[3]] != "END" {
			blocks = append(blocks, block{kind: kind, err: ceremony.Truncated})
			if end == nil {
				return blocks, rest.String()
			}
			plain = after[end[0]:]
			continue
		}
		b := block{kind: kind}
		if kindOf(after[end[4]:end[5]]) != kind {
			b.err = ceremony.BadArmor
		} else {
			b.data, b.err = decodeBody(after[:end[0]])
		}
		blocks = append(blocks, b)
		plain = after[end[1]:]
	}
}

// kindOf returns the kind of a block, by the words in its first or last line.
func kindOf(words string) string { return strings.Join(strings.Fields(words), " ") }

var (
	header       = regexp.MustCompile(`^[A-Za-z][\w-]*: ?`)
	dataAndCheck = regexp.MustCompile(`^([A-Za-z0-9+/]+={0,2}?)(?:=([A-Za-z0-9+/]{4}))?$`)
	// In armor that is folded onto one line, this is where the words of the headers end
	// and the data begins: lines of armor have 64 or 76 characters, and no word of a
	// Comment has 48 of these.
	longData = regexp.MustCompile(`^[A-Za-z0-9+/]{48}`)
)

// decodeBody decodes the text between the lines that begin and end armor. A mail program may have
// saved it as quoted-printable.
func decodeBody(body string) ([]byte, error) {
	decoded, err := decodeLines(body)
	if err != nil && strings.Contains(body, "=3D") {
		printable, faulty := io.ReadAll(quotedprintable.NewReader(strings.NewReader(body)))
		if mailed, again := decodeLines(string(printable)); faulty == nil && again == nil {
			return mailed, nil
		}
	}
	return decoded, err
}

func decodeLines(body string) ([]byte, error) {
	var data strings.Builder
	headers, seen := true, false
	for line := range strings.SplitSeq(body, "\n") {
		line = strings.Trim(line, "> \t`*_~|")
		// A line behind a header that has spaces in it is the rest of one, that was folded.
		folded := headers && (header.MatchString(line) || seen && strings.Contains(line, " "))
		seen = seen || folded
		for word := range strings.FieldsSeq(line) {
			if folded && !longData.MatchString(word) {
				continue
			}
			folded, headers = false, false
			data.WriteString(word)
		}
	}
	parts := dataAndCheck.FindStringSubmatch(data.String())
	if parts == nil {
		return nil, ceremony.BadArmor
	}
	decoded, err := base64.StdEncoding.DecodeString(parts[1])
	if check := parts[2]; check != "" {
		if err != nil || check != checksum(decoded) {
			return nil, ceremony.Altered
		}
	}
	if err != nil {
		return nil, ceremony.BadArmor
	}
	return decoded, nil
}

// checksum returns armor's CRC-24 of data, in base64 (RFC 4880, section 6.1).
func checksum(data []byte) string {
	const initial, polynomial = 0xb704ce, 0x1864cfb
	crc := uint32(initial)
	for _, b := range data {
		crc ^= uint32(b) << 16
		for range 8 {
			crc <<= 1
			if crc&0x1000000 != 0 {
				crc ^= polynomial
			}
		}
	}
	return base64.StdEncoding.EncodeToString([]byte{byte(crc >> 16), byte(crc >> 8), byte(crc)})
}

// isBinary reports whether data is OpenPGP without armor: the first byte of a packet has its
// high bit set, and the random bytes are no valid UTF-8.
func isBinary(data []byte) bool {
	if len(data) == 0 || data[0]&0x80 == 0 || utf8.Valid(data) {
		return false
	}
	return !bytes.HasPrefix(data, []byte{0xff, 0xfe}) && !bytes.HasPrefix(data, []byte{0xfe, 0xff})
}

// unwrap returns the binary form of data, which must be one block of this kind, armored or
// binary.
func unwrap(data []byte, kind string) ([]byte, error) {
	if isBinary(data) {
		return data, nil
	}
	blocks, _ := unarmor(paste.Text(data))
	for _, b := range blocks {
		if b.kind == kind {
			return b.data, b.err
		}
	}
	return nil, ceremony.NoArmor
}

// enarmor armors data.
func enarmor(kind string, data []byte) (string, error) {
	var b strings.Builder
	w, err := armor.Encode(&b, kind, nil)
	if err != nil {
		return "", fmt.Errorf("armor: %w", err)
	}
	if _, err := w.Write(data); err != nil {
		return "", fmt.Errorf("armor: %w", err)
	}
	if err := w.Close(); err != nil {
		return "", fmt.Errorf("armor: %w", err)
	}
	b.WriteByte('\n')
	return b.String(), nil
}
