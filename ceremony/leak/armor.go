package leak

import (
	"encoding/base64"
	"regexp"
	"strings"
)

// armorEdge is a beginning or an end of armor: of PGP in upper or lower case, of anything
// else between its dashes.
var armorEdge = regexp.MustCompile(`(?i:\b(BEGIN|END)\s+PGP\b)|-{2,}\s*(BEGIN|END)\s+[A-Z0-9 ]+-{2,}`)

// Widths of a full line of armor, from OpenPGP.js to Vault. A share is shorter in base64,
// and in digits no line of armor.
const (
	narrowest = 60
	widest    = 76
)

// withoutArmor returns a text without the lines of its armor, and without those of armor
// that was cut. Armor is what looks like it: full lines of one width, and what is left over
// for the last one. Whatever else stands between its edges is kept, since people put
// shares there.
func withoutArmor(text string) string {
	var out strings.Builder
	edges := armorEdge.FindAllStringSubmatchIndex(text, -1)
	from, inside := 0, false
	for _, e := range edges {
		begins := strings.EqualFold(text[max(e[2], e[4]):max(e[3], e[5])], "BEGIN")
		writeOpen(&out, text[from:e[0]], inside, !begins)
		out.WriteString("\n-\n") // no word goes on behind it
		from, inside = e[1], begins
	}
	writeOpen(&out, text[from:], inside, false)
	return out.String()
}

// writeOpen writes a part of a text without the lines of armor. began and ends report
// whether an edge of armor stands before and behind it.
func writeOpen(out *strings.Builder, part string, began, ends bool) {
	if len(part) < narrowest {
		out.WriteString(part)
		return
	}
	// The client of a chat may have made one line of all of them.
	for at := 0; at < len(part); {
		end, run := armorRun(part[at:], began || ends)
		if end > 0 && (run > 1 || began || ends) {
			out.WriteString("\n-\n")
			at += end
			continue
		}
		next := strings.IndexAny(part[at:], " \n")
		if next < 0 {
			next = len(part) - at - 1
		}
		out.WriteString(part[at : at+next+1])
		at += next + 1
	}
}

// armorRun returns the length of the armor with which a text begins, and its number of full
// lines. edged reports whether an edge of armor stands nearby.
func armorRun(text string, edged bool) (length, full int) {
	width := 0
	var body strings.Builder
	for length < len(text) {
		line := wordAt(text, length)
		switch {
		case full == 0 && (len(line) < narrowest || len(line) > widest), !armorLine(line):
			return length, full
		case full == 0 || len(line) == width:
			width = len(line)
			full++
		case len(line) < width && (full > 1 || edged):
			// What is left over for the last line. It is none of the armor when full
			// lines follow it, or when the packets end before it.
			behind := nextWord(text, length+len(line)) - length
			next := wordAt(text, length+behind)
			if len(next) == width || endsPackets(body.String()) && !endsPackets(body.String()+line) {
				return length, full
			}
			return length + behind, full
		default:
			return length, full
		}
		body.WriteString(line)
		length = nextWord(text, length+len(line))
	}
	return length, full
}

// wordAt returns the word that begins at a place of a text.
func wordAt(text string, at int) string {
	if end := strings.IndexAny(text[at:], " \n"); end >= 0 {
		return text[at : at+end]
	}
	return text[at:]
}

// nextWord returns where the word behind a word's end begins. It is asked behind lines of
// armor alone: what stands between words may be as long as the text.
func nextWord(text string, at int) int {
	for at < len(text) && strings.IndexByte(" \n>", text[at]) >= 0 { // a quotation, too
		at++
	}
	return at
}

// armorLine reports whether a word may be a line of armor: base64, and no digits alone.
func armorLine(line string) bool {
	digits := strings.TrimRight(line, "=")
	if len(line)-len(digits) > 2 || digits == "" {
		return false
	}
	hex := true
	for i := range len(digits) {
		c := digits[i]
		if !letterOrDigit(c) && c != '+' && c != '/' {
			return false
		}
		hex = hex && hexDigit(c)
	}
	return !hex || len(digits) < keyDigits/2
}

// endsPackets reports whether armor holds whole OpenPGP packets and nothing behind them.
// Source: RFC 9580, 4.2.
func endsPackets(body string) bool {
	data, err := base64.StdEncoding.DecodeString(body)
	if err != nil || len(data) == 0 {
		return false
	}
	for first := true; len(data) > 0; first = false {
		if toTheEnd := data[0]&0xc3 == 0x83; toTheEnd {
			return first
		}
		rest, ok := afterPacket(data)
		if !ok {
			return false
		}
		data = rest
	}
	return true
}

// afterPacket returns what stands behind the first packet.
func afterPacket(data []byte) (rest []byte, ok bool) {
	head := data[0]
	data = data[1:]
	if head&0x80 == 0 {
		return nil, false
	}
	take := func(n int) ([]byte, bool) {
		if n > len(data) {
			return nil, false
		}
		return data[n:], true
	}
	number := func(n int) (value int, ok bool) {
		if n > len(data) {
			return 0, false
		}
		for _, b := range data[:n] {
			value = value<<8 | int(b)
		}
		data = data[n:]
		return value, true
	}
	if head&0x40 == 0 { // the older form
		n, ok := number(1 << (head & 3))
		if !ok {
			return nil, false
		}
		return take(n)
	}
	for len(data) > 0 {
		first := int(data[0])
		data = data[1:]
		switch {
		case first < 192:
			return take(first)
		case first < 224:
			second, ok := number(1)
			if !ok {
				return nil, false
			}
			return take((first-192)<<8 + second + 192)
		case first == 255:
			n, ok := number(4)
			if !ok {
				return nil, false
			}
			return take(n)
		}
		part, ok := take(1 << (first & 0x1f)) // a part, and more behind it
		if !ok {
			return nil, false
		}
		data = part
	}
	return nil, false
}
