package leak

import (
	"strings"
	"unicode/utf8"
)

// secretPackets reports whether a file begins with an OpenPGP packet of a secret key.
// Source: RFC 9580, 4.2 and 5.5.
func secretPackets(content string) bool {
	if content == "" || utf8.ValidString(content) {
		return false
	}
	const secretKey, secretSubkey = 5, 7
	tag := content[0] & 0x3f
	if content[0]&0x40 == 0 {
		tag >>= 2
	}
	return content[0]&0x80 != 0 && (tag == secretKey || tag == secretSubkey)
}

// isHex reports whether a word is made of hexadecimal digits.
func isHex(word string) bool {
	for i := range len(word) {
		if !hexDigit(word[i]) {
			return false
		}
	}
	return word != ""
}

func hexDigit(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// hasHexRun reports whether a word has as many digits in a row as a share, and no more. Of
// a run that has letters in the place of digits, O and l, the letters count as digits.
func hasHexRun(word string) bool {
	run, alike := 0, 0
	for i := range len(word) + 1 {
		if i < len(word) && hexDigit(word[i]) {
			run++
			alike++
			continue
		}
		if run == shareDigits {
			return true
		}
		run = 0
		if i < len(word) && strings.IndexByte("OoIl", word[i]) >= 0 {
			alike++
			continue
		}
		if alike == shareDigits && (i == len(word) || !letterOrDigit(word[i])) &&
			(i == alike || !letterOrDigit(word[i-alike-1])) {
			return true
		}
		alike = 0
	}
	return false
}

func letterOrDigit(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// shareShaped reports whether a word looks like a share of Vault's, or like the whole key.
func shareShaped(word string) bool {
	switch len(word) {
	case shareDigits, keyDigits:
		return isHex(word)
	case shareBase64, shareBase64 - 1:
		digits := strings.TrimSuffix(word, "=")
		return len(digits) >= shareBase64-1 && !strings.ContainsFunc(digits, func(r rune) bool { return !isBase64(r) }) &&
			random(word)
	}
	return false
}

// random reports whether a word of a share's length in base64 may have been drawn, and is
// not made of words, or of few characters.
func random(word string) bool {
	small, capital := 0, 0
	for i := range len(word) {
		switch c := word[i]; {
		case c >= 'a' && c <= 'z':
			small++
		case c >= 'A' && c <= 'Z':
			capital++
		}
	}
	return min(small, capital) >= fewestOfACase && mixed(word) && lowerLetters(word) < mostWords && various(word)
}

// fewestOfACase is how many small letters, and how many capitals, a share has at least in
// base64. Of 10,000 shares one has fewer; digits beside a word have.
const fewestOfACase = 6

// mixed reports whether a word has letters of both cases and something else.
func mixed(word string) bool {
	return strings.ContainsAny(word, "0123456789+/") && strings.ToLower(word) != word && strings.ToUpper(word) != word
}

// mostWords is how many of a share's 44 characters may stand in runs of small letters
// before it is taken for words: the name of a file, a path in Vault, an identifier. One of
// a thousand shares has so many.
const mostWords = 20

// lowerLetters returns how many characters stand in runs of four small letters or more.
func lowerLetters(word string) int {
	n, run := 0, 0
	for i := range len(word) + 1 {
		if i < len(word) && word[i] >= 'a' && word[i] <= 'z' {
			run++
			continue
		}
		if run >= 4 {
			n += run
		}
		run = 0
	}
	return n
}

// fewest is how many different characters a share has at least in base64. Of a billion
// shares not one has fewer.
const fewest = 16

// various reports whether a word has as many different characters as a share.
func various(word string) bool {
	var seen [256]bool
	n := 0
	for i := range len(word) {
		if !seen[word[i]] {
			seen[word[i]] = true
			n++
		}
	}
	return n >= fewest
}
