// Package leak recognises secrets that stand in the open, where they should never have been
// written: shares, tokens and private keys. It can't take them back. It is the program's
// only detector, for what comes from Slack, from a terminal, in an OpenPGP message and on a
// command line. Nothing that it returns holds any of the text (P1).
package leak

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Kind is a kind of secret.
type Kind string

// Kinds, the worst first.
const (
	Key   Kind = "private-key" // of OpenPGP, OpenSSL, OpenSSH, PuTTY, age
	Token Kind = "token"       // of Vault or OpenBao: service, batch or recovery token, in its form of today or of old
	Share Kind = "share"       // of a Vault key, or the whole key, which an only holder has as their share
	// Password is what may be a requester's one-time password. It is the least certain kind:
	// only length and letters tell.
	Password Kind = "password"
)

var (
	// Edges of armor: of PGP in upper or lower case, of anything else between its dashes.
	blockEdge = regexp.MustCompile(`[\p{Pd}−]*\s*(?i:\b(?:BEGIN|END)\s+PGP\b` +
		`(?:\s+(?:MESSAGE|SIGNATURE|SIGNED MESSAGE|PUBLIC KEY BLOCK|PRIVATE KEY BLOCK)\b)?)[\p{Pd}−]*` +
		`|[\p{Pd}−]{2,}\s*(?:BEGIN|END)\s+[A-Z0-9 ]+[\p{Pd}−]{2,}`)

	// Private keys of OpenPGP, of OpenSSL and OpenSSH, of PuTTY, of age, and of gpg's own
	// folder. The stub of a key on a smartcard ("shadowed") is none.
	keyShape = regexp.MustCompile(`(?i:\bBEGIN\s+PGP\s+PRIVATE\s+KEY\b)` +
		`|\bBEGIN\s+(?:[A-Z0-9]+\s+){0,3}PRIVATE\s+KEY\b|\bPuTTY-User-Key-File-\d` +
		`|\bAGE-SECRET-KEY-1[0-9A-Z]{20,}|\((?:protected-)?private-key\b`)

	// A token where one is expected. It may be shorter than one within a text.
	tokenAlone = regexp.MustCompile(`^(?:hv[sbr]|[sbr])\.[A-Za-z0-9_.-]{16,}$`)

	// Shapes of Vault's tokens within a text: of today, and from before Vault 1.10. Old batch
	// tokens are longer, and in base64. Other old ones, and OpenBao's, have exactly 24
	// characters; a method's name in a piece of code may have more.
	// Source: developer.hashicorp.com/vault/docs/concepts/tokens.
	tokenShape = regexp.MustCompile(`(?:^|[^A-Za-z0-9])hv[sbr]\.[A-Za-z0-9_-]{20,}` +
		`|(?:^|[^A-Za-z0-9_.-])(?:b\.AAAAAQ[A-Za-z0-9_-]{20,}|[sbr]\.[A-Za-z0-9]{24}(?:$|[^A-Za-z0-9_-]))`)
	hexRun    = regexp.MustCompile(`(?:^|[^0-9a-fA-F])[0-9a-fA-F]{66}(?:$|[^0-9a-fA-F])`)
	hexShape  = regexp.MustCompile(`^[0-9a-fA-F]+$`)
	baseShape = regexp.MustCompile(`^(?:[A-Za-z0-9+/_-]{44}|[A-Za-z0-9+/_-]{43}=?)$`)
	basePiece = regexp.MustCompile(`^[A-Za-z0-9+/_-]+={0,2}$`)
	armorLine = regexp.MustCompile(`^(?:[A-Za-z0-9+/]{64}|[A-Za-z0-9+/]{76})$`)
	armorEnd  = regexp.MustCompile(`^[A-Za-z0-9+/]{1,76}={0,2}$`)
	checksum  = regexp.MustCompile(`^=[A-Za-z0-9+/]{4}$`)
	lowerRun  = regexp.MustCompile(`[a-z]{4,}`)

	// What stands before a digest, in the same word or as one of its own.
	digestBefore = regexp.MustCompile(`(?i)(?:sha2?-?256(?:sum)?|digest|checksum|commitment|hash)` +
		`(?:\([^\s()]*\))?(?:[-:=]|$)`)
	// A line of sha256sum. Deliveries have people run it, and people ask about its output.
	sumLine = regexp.MustCompile(`(?m)^[ >]*([0-9a-fA-F]{64}) [ *](?:-|\S*[./]\w+) *$`)
	// What stands before a share in the same word.
	shareBefore = regexp.MustCompile(`(?i)(?:key|share|unseal)\w{0,12}["']?[:=]`)

	// A one-time password is as long as the token: 28 for Vault, 26 for OpenBao.
	padShape = regexp.MustCompile(`^(?:[A-Za-z0-9]{26}|[A-Za-z0-9]{28})$`)
)

// Lengths of what Vault prints, in characters. A share is one byte longer than the key of 32
// bytes. An only holder has the key itself. Vault prints both in hexadecimal digits and in
// base64.
const (
	shareDigits = 66
	keyDigits   = 64
	shareBase64 = 44
)

// shortestSecret is the length of the shortest word that shows something by itself: a token.
const shortestSecret = len("hvs.") + 20

// IsToken reports whether text is a token and nothing else. It is for text from which a
// token is expected.
func IsToken(text []byte) bool { return tokenAlone.Match(text) }

// In returns the kinds of secrets that a text shows in the open, the worst first. harmless,
// which may be nil, reports whether a word in lower-case letters is a digest and no share:
// a digest of 32 bytes looks like the whole key. Armor shows no secret, unless it is that
// of a private key.
func In(text string, harmless func(word string) bool) []Kind {
	if harmless == nil {
		harmless = func(string) bool { return false }
	}
	if secretPackets(text) {
		return []Kind{Key}
	}
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r), r == 0:
			return -1 // invisible marks, and half of UTF-16, would break a share into pieces
		case r != '\n' && unicode.IsSpace(r), r == utf8.RuneError:
			return ' ' // the expressions know only spaces of ASCII, and no byte order mark
		}
		return r
	}, text)
	known, sums := harmless, map[string]bool{}
	for _, line := range sumLine.FindAllStringSubmatch(text, -1) {
		sums[strings.ToLower(line[1])] = true
	}
	harmless = func(word string) bool { return sums[word] || known(word) }
	found := map[Kind]bool{}
	if keyShape.MatchString(text) {
		found[Key] = true
	}
	if tokenShape.MatchString(text) {
		found[Token] = true // armor has no dots, except in its headers
	}
	if hexRun.MatchString(text) {
		found[Share] = true // armor never has so many digits in a row
	}
	open := withoutArmor(text)
	before := ""
	for word := range strings.FieldsSeq(open) {
		if kind, shown := wordShows(word, before, harmless); shown {
			found[kind] = true
		}
		before = word
	}
	if !found[Share] && inPieces(open, harmless) {
		found[Share] = true
	}
	var all []Kind
	for _, kind := range []Kind{Key, Token, Share, Password} {
		if found[kind] {
			all = append(all, kind)
		}
	}
	return all
}

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

// wordShows returns what a word of a text shows, if anything, judged by the word and the one
// before it.
func wordShows(word, before string, harmless func(string) bool) (Kind, bool) {
	if len(word) < shortestSecret {
		return "", false
	}
	whole := strings.Trim(word, "`\"'“”‘’,;:()<>[]{}*")
	// A long word may have many pieces with the shape of a share, as many as its author
	// likes. So the word is read once.
	isDigest := sync.OnceValue(func() bool {
		return digestBefore.MatchString(word) || digestBefore.MatchString(strings.TrimRight(before, "`*\"'")) ||
			len(whole) == keyDigits && harmless(strings.ToLower(whole))
	})
	switch {
	case tokenShape.MatchString(word):
		return Token, true
	case shareShaped(whole):
		// A word as long as the whole key may be a digest.
		divided := len(whole) == shareDigits || len(whole) == shareBase64 && !strings.HasSuffix(whole, "=")
		return Share, divided || !isDigest()
	case slices.ContainsFunc(pieces(whole), func(piece string) bool { return shareInPiece(piece, isDigest) }),
		hexRun.MatchString(joiner.Replace(whole)),
		shareBefore.MatchString(word) && slices.ContainsFunc(pieces(whole), shareShaped) && !isDigest():
		return Share, true
	case slices.ContainsFunc(pieces(whole), passwordShaped):
		return Password, true
	}
	return "", false
}

// joiner removes the marks that join groups of digits.
var joiner = strings.NewReplacer("-", "", ":", "", "_", "", "\u2010", "", "\u2011", "", "\u2212", "")

// withoutArmor returns a text without its armor. Of armor that was cut in two it removes the
// part that is there.
func withoutArmor(text string) string {
	var out strings.Builder
	for text != "" {
		edge := blockEdge.FindStringIndex(text)
		if edge == nil {
			break
		}
		if !strings.Contains(strings.ToUpper(text[edge[0]:edge[1]]), "BEGIN") {
			out.WriteString(withoutTail(text[:edge[0]]))
			text = text[edge[1]:]
			continue
		}
		out.WriteString(text[:edge[0]])
		out.WriteString("\n")
		text = text[edge[1]:]
		end := blockEdge.FindStringIndex(text)
		if end == nil {
			text = ""
			break
		}
		if !strings.Contains(strings.ToUpper(text[end[0]:end[1]]), "BEGIN") {
			text = text[end[1]:]
		} else {
			text = text[end[0]:]
		}
	}
	return out.String() + withoutMiddle(text)
}

// withoutTail returns what stands before the last lines of armor whose first lines came in
// another message.
func withoutTail(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	cut := func(shape *regexp.Regexp) bool {
		n := len(lines)
		if n == 0 || !shape.MatchString(strings.TrimSpace(lines[n-1])) {
			return false
		}
		lines = lines[:n-1]
		return true
	}
	cut(checksum)
	cut(armorEnd)
	for cut(armorLine) {
	}
	return strings.Join(lines, "\n") + "\n"
}

// withoutMiddle returns a text without the lines of armor that has lost its first and its
// last line. The line after two of them goes as well: it may be the armor's last, shorter
// one.
func withoutMiddle(text string) string {
	lines := strings.Split(text, "\n")
	isArmor := func(i int) bool {
		line := strings.TrimSpace(lines[i])
		return armorLine.MatchString(line) && !hexShape.MatchString(line)
	}
	var rest []string
	for i := range lines {
		after := i > 1 && isArmor(i-1) && isArmor(i-2)
		if isArmor(i) || after && armorEnd.MatchString(strings.TrimSpace(lines[i])) {
			rest = append(rest, "")
			continue
		}
		rest = append(rest, lines[i])
	}
	return strings.Join(rest, "\n")
}

// pieces takes a word apart where a share may be glued to something: share=…, key:…, **…**.
// It returns none of a URL, whose path is made of the letters of base64, too.
func pieces(word string) []string {
	if strings.Contains(word, "://") {
		return nil
	}
	return strings.FieldsFunc(word, func(r rune) bool {
		letter := r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune("+/_-", r)
	})
}

// shareInPiece reports whether a piece of a word is a share. It leaves out the whole key:
// sha256:… has its length, and so has the fingerprint of an SSH key.
func shareInPiece(piece string, isDigest func() bool) bool {
	if hexRun.MatchString(piece) {
		return true
	}
	// What Vault prints has neither - nor _, so that they may join it to something else.
	parts := strings.FieldsFunc(piece, func(r rune) bool { return r == '-' || r == '_' })
	return slices.ContainsFunc(append(parts, piece), func(s string) bool {
		return len(s) != keyDigits && shareShaped(s) && !(len(s) < shareBase64 && isDigest())
	})
}

// shareShaped reports whether a word looks like a share of Vault's.
func shareShaped(word string) bool {
	if hexShape.MatchString(word) {
		return len(word) == keyDigits || len(word) == shareDigits
	}
	return baseShape.MatchString(word) && mixed(word) && !wordy(word)
}

// mixed reports whether a word has letters of both cases and something else.
func mixed(word string) bool {
	return strings.ContainsAny(word, "0123456789+/") && strings.ToLower(word) != word && strings.ToUpper(word) != word
}

// mostWords is how many of a share's 44 characters may stand in runs of small letters
// before it is taken for words: the name of a file, a path in Vault, an identifier. One of
// a thousand shares has so many.
const mostWords = 20

// wordy reports whether a word is made of words in small letters.
func wordy(word string) bool {
	n := 0
	for _, run := range lowerRun.FindAllString(word, -1) {
		n += len(run)
	}
	return n >= mostWords
}

// inPieces reports whether a text has a share that is broken into groups, or into lines.
func inPieces(text string, harmless func(string) bool) bool {
	var all []fragment
	for line := range strings.SplitSeq(text, "\n") {
		words := strings.Fields(line)
		own := make([]fragment, 0, len(words))
		for _, w := range words {
			// A colon stays: the word before it is a label, and no part of a share.
			if part := strings.Trim(w, "`\"'“”‘’,;.!?()<>[]{}*|~"); part != "" {
				base := len(part) < shareBase64 && basePiece.MatchString(part)
				own = append(own, fragment{part, len(own) == 0, base})
			}
		}
		if hexInPieces(own, harmless) {
			return true
		}
		all = append(all, own...)
	}
	return hexInPieces(all, harmless) || baseInPieces(all)
}

// fragment is a word that may be a part of a share.
type fragment struct {
	word   string
	starts bool // it is the first of a line
	base   bool // it may be a part of a share in base64
}

// hexInPieces reports whether a run of groups of digits makes up a share. The whole run has
// to: a part of a run does not count, since fingerprints are written in groups, too. But a
// word or a number beside a share may be made of the same letters ("add", "12").
func hexInPieces(words []fragment, harmless func(string) bool) bool {
	var run []string
	before := ""
	ends := func() bool {
		groups := run
		run = run[:0]
		digits := strings.Join(groups, "")
		switch n := len(groups); {
		case n < 2 || !strings.ContainsAny(digits, "abcdefABCDEF"):
			return false
		case len(digits) == keyDigits:
			return !digestBefore.MatchString(before) && !harmless(strings.ToLower(digits))
		default:
			all, first, last := len(digits), len(groups[0]), len(groups[n-1])
			return all%shareDigits == 0 || n > 2 && (all-first == shareDigits || all-last == shareDigits) ||
				n > 3 && all-first-last == shareDigits
		}
	}
	for _, w := range words {
		// A word as long as the whole key, or longer, was looked at by itself.
		if len(w.word) > 1 && len(w.word) < keyDigits && hexShape.MatchString(w.word) {
			run = append(run, w.word)
			continue
		}
		if ends() {
			return true
		}
		before = w.word
	}
	return ends()
}

// baseInPieces reports whether words have a share in base64 that is broken into lines, or
// into groups of one length. It may stand between other words that look like a group.
func baseInPieces(words []fragment) bool {
	for first := range words {
		long, lines, grouped := 0, true, true
		for i := first; i < len(words) && long < shareBase64 && words[i].base; i++ {
			w := words[i].word
			if i > first {
				lines = lines && words[i].starts
				size, before := len(words[first].word), len(words[i-1].word)
				grouped = grouped && before == size && len(w) <= size
			}
			if !lines && !grouped {
				break
			}
			long += len(w)
			n := i - first + 1
			if long == shareBase64 && n > 1 && (lines || grouped && n > 2) && addsUp(words[first:i+1]) {
				return true
			}
		}
	}
	return false
}

// addsUp reports whether fragments make up a share in base64.
func addsUp(fragments []fragment) bool {
	var b strings.Builder
	for _, f := range fragments {
		b.WriteString(f.word)
	}
	whole := b.String()
	return baseShape.MatchString(whole) && mixed(whole) && !wordy(whole)
}

// passwordShaped reports whether a word looks like a requester's one-time password. A
// requester might send it as it is.
func passwordShaped(word string) bool {
	return padShape.MatchString(word) && mixed(word)
}
