// Package paste reads what people type, paste and save as they meant it. Their computers make
// typographic dashes and quotes of plain ones, no-break spaces of spaces, full-width letters of
// letters, and UTF-16 of a file; chat clients and web pages add marks that nobody sees. Commands,
// armor, forms and small files are all read through this package, so that what one of them
// accepts the others do.
//
// What stands here may be lenient: whatever comes out is still checked by its reader, as an id, a
// command or a message that must decrypt and verify.
package paste

import (
	"html"
	"slices"
	"strings"
	"unicode"
)

// Text returns the text of a file or of a paste: in UTF-8, without the escapes of a web page, and
// as [Plain] makes it.
func Text(data []byte) string {
	// It is done twice: a text that was copied out of a web page may have been escaped
	// before.
	return Plain(html.UnescapeString(html.UnescapeString(Decode(data))))
}

// Plain returns a text with the characters of ASCII that a keyboard would have made: spaces,
// line feeds, hyphens, straight quotes, and letters of the usual width. Invisible marks are gone.
// Every other character stays, so that a reason may have any script.
func Plain(text string) string {
	if isPlain(text) {
		return text
	}
	before := rune(0) // the last character that was kept
	return strings.Map(func(r rune) rune {
		r = plain(r, before)
		if r >= 0 {
			before = r
		}
		return r
	}, text)
}

// Line returns a text as [Plain] makes it, on one line.
func Line(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, Plain(text))
}

// isPlain reports whether [Plain] would change nothing.
func isPlain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c >= 0x7f || c < ' ' && c != '\n' && c != '\t' {
			return false
		}
	}
	return true
}

// plain returns the character that stands for r, or -1 when nobody sees it. before is the
// character in front of it.
func plain(r, before rune) rune {
	switch {
	case r == '\t', r == '\n', r >= ' ' && r < 0x7f:
		return r
	case strings.ContainsRune(lineEnds, r):
		return '\n'
	case unicode.Is(unicode.Zs, r), r == '\u2800': // an empty Braille cell is no space to Unicode
		return ' '
	case unicode.Is(unicode.Pd, r), strings.ContainsRune(dashes, r):
		return '-'
	case strings.ContainsRune(soundMarks, r) && before > ' ' && before < 0x7f:
		return '-' // the key of a Japanese keyboard that has the hyphen
	case unicode.In(r, unicode.Cf, unicode.Variation_Selector), strings.ContainsRune(invisible, r):
		return -1
	case strings.ContainsRune(doubleQuotes, r):
		return '"'
	case strings.ContainsRune(singleQuotes, r):
		return '\''
	case r >= '\uff01' && r <= '\uff5e': // full-width forms
		return r - '\uff01' + '!'
	}
	return r
}

// Characters that stand for one of ASCII, beside the classes that Unicode has for them.
const (
	lineEnds = "\r\u0085\u2028\u2029\v\f"
	// The minus sign, and what looks like it, is no dash to Unicode.
	dashes       = "\u2212\u2043\u02d7\u207b\u208b\u2796\u2500\u2501\u23af"
	soundMarks   = "\u30fc\uff70"
	invisible    = "\u034f\u115f\u1160\u3164\uffa0\ufffc"
	doubleQuotes = "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033\u2036\u301d\u301e\u301f"
	singleQuotes = "\u2018\u2019\u201a\u201b\u2039\u203a\u2032\u2035\u00b4"
)

// What stands around a word that somebody has marked, quoted, or ended a sentence with.
const (
	opening = "*_~`\"'<([{#"
	closing = "*_~`\"'>)]}.,;:!?\u2026"
)

// Word returns a word without the marks around it, in which a person or a chat client has set
// it: *word*, <word>, "word", word. An id, a name and a fingerprint neither begin nor end with
// one of these marks.
func Word(word string) string {
	return strings.TrimRight(strings.TrimLeft(word, opening), closing)
}

// Words returns the words of a text, each as [Word] makes it. Marks alone are no word.
func Words(text string) []string {
	words := strings.Fields(Line(text))
	for i, w := range words {
		words[i] = Word(w)
	}
	return slices.DeleteFunc(words, func(w string) bool { return w == "" })
}
