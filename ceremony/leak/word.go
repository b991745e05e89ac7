package leak

import (
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// word is one word of a text, which may be as long as the text. A long word may have many
// pieces with the shape of a share: whatever asks about the whole of it asks once.
type word struct {
	text  string // as it stands there
	whole string // without the punctuation around it
	// isDigest reports whether what stands in it or before it says that it is a digest.
	isDigest func() bool
	// isLabelled reports whether the name of a share, or of any key, stands in it before a value.
	isLabelled func() bool
	// isWebToken reports whether it is a JSON Web Token.
	isWebToken func() bool
	// isNamed reports whether the words before it, or its own beginning, name a share.
	isNamed func() bool
}

// punctuation is what may stand around a word.
const punctuation = "`\"',;:()<>[]{}*."

func newWord(text string, before [5]string, harmless func(string) bool) word {
	w := word{text: text, whole: strings.Trim(text, punctuation)}
	w.isLabelled = sync.OnceValue(func() bool { return keyBefore.MatchString(text) })
	w.isWebToken = sync.OnceValue(func() bool { return isWebToken(text) })
	w.isDigest = sync.OnceValue(func() bool {
		return digestBefore.MatchString(text) || digestBefore.MatchString(strings.TrimRight(before[0], "`*\"'")) ||
			len(w.whole) == keyDigits && harmless(strings.ToLower(w.whole))
	})
	w.isNamed = sync.OnceValue(func() bool {
		if shareBefore.MatchString(text) {
			return true
		}
		var words []string
		for _, word := range slices.Backward(before[:]) {
			words = append(words, beginning(word)+" ")
		}
		return namesShare(words)
	})
	return w
}

// namesShare reports whether the words before a value, with what divides them, name a share.
func namesShare(words []string) bool {
	const near = 3 // words that may speak of something else have to be
	return vaultKey.MatchString(strings.Join(words[max(0, len(words)-near):], "")) ||
		aboutShare.MatchString(strings.Join(words, ""))
}

// beginning returns as much of a word as a name may be long.
func beginning(text string) string { return text[:min(len(text), longestName)] }

// shows adds what the word shows.
func (w word) shows(found finds) {
	if slices.ContainsFunc(unescaped(w.text), hasToken) {
		found.add(Token, certain)
		return
	}
	found.add(Share, w.share(w.whole))
	for _, reading := range unescaped(w.text) {
		if hasHexRun(reading) {
			found.add(Share, certain)
			return
		}
		for _, piece := range pieces(reading) {
			found.add(Share, w.sharePiece(piece))
			if found[Share] == certain {
				return
			}
		}
	}
	if strings.Contains(w.text, "://") {
		return
	}
	if slices.ContainsFunc(pieces(w.whole), passwordShaped) {
		found.add(Password, possible)
	}
}

// hasToken reports whether a word has a token in it. A dot stands in each of them.
func hasToken(text string) bool {
	if strings.IndexByte(text, '.') < 0 {
		return false
	}
	if tokenShape.MatchString(text) {
		return true
	}
	for _, m := range oldTokenShape.FindAllStringSubmatch(text, -1) {
		if lowerLetters(m[1]) < mostLetters || digits(m[1]) >= fewestDigits {
			return true
		}
	}
	return false
}

// mostLetters is how many of an old token's 24 characters may stand in runs of small
// letters before it is taken for the name of a method, if it has fewer digits than
// fewestDigits. Of 100,000 tokens hardly one is like that.
const (
	mostLetters  = 12
	fewestDigits = 3
)

// digits returns how many decimal digits a text has.
func digits(text string) int {
	n := 0
	for i := range len(text) {
		if text[i] >= '0' && text[i] <= '9' {
			n++
		}
	}
	return n
}

// share returns how sure it is that text, which is a whole word or a whole value, is a
// share or the whole key.
func (w word) share(text string) certainty {
	if !shareShaped(text) {
		return nothing
	}
	switch {
	case len(text) == shareDigits:
		return certain
	case len(text) == shareBase64 && !strings.HasSuffix(text, "="):
		if documentShaped(text) && !w.isNamed() {
			return possible
		}
		return certain
	case w.isDigest():
		return nothing
	case w.isNamed():
		return certain
	}
	return possible
}

// documentShaped reports whether a word looks like the name of a document at Google's,
// which has a share's length: it begins with 1, and neither + nor / is in it.
func documentShaped(text string) bool { return text[0] == '1' && !strings.ContainsAny(text, "+/") }

// sharePiece returns how sure it is that a piece of the word is a share. A piece of the
// whole key's length counts only behind a name: sha256:… has it, and so has the fingerprint
// of an SSH key.
func (w word) sharePiece(piece string) certainty {
	if w.isWebToken() {
		return nothing
	}
	judge := func(part string) certainty {
		if len(part) == keyDigits && !w.isLabelled() {
			return nothing
		}
		return w.share(part)
	}
	found := judge(piece)
	// What Vault prints has neither - nor _, so that they may join it to a name. Other
	// things that are drawn have them inside.
	parts := strings.FieldsFunc(piece, func(r rune) bool { return r == '-' || r == '_' })
	drawn := 0
	for _, part := range parts {
		if mixed(part) {
			drawn++
		}
	}
	for _, part := range parts {
		if sure := judge(part); drawn < 2 {
			found = max(found, sure)
		} else {
			found = max(found, min(sure, possible))
		}
	}
	return found
}

// isWebToken reports whether a word is a JSON Web Token, whose signature has the length of
// the whole key. Source: RFC 7515, 3.1.
func isWebToken(text string) bool {
	return strings.Contains(text, "eyJ") && strings.Count(text, ".") >= 2
}

// unescaped returns a word as it stands there, and as it reads without the escapes of URLs,
// of HTML and of JSON.
func unescaped(text string) []string {
	all := []string{text}
	plain := text
	if strings.Contains(plain, "\\/") {
		plain = strings.ReplaceAll(plain, "\\/", "/")
	}
	if strings.Contains(plain, `\u00`) {
		plain = codePoint.ReplaceAllStringFunc(plain, func(e string) string { return "&#x" + e[2:] + ";" })
	}
	if strings.ContainsAny(plain, "[({\\") { // hvs[.], as people write an address that nobody is to follow
		plain = defanged.Replace(plain)
	}
	if strings.Contains(plain, "&") {
		plain = html.UnescapeString(plain)
	}
	if strings.Contains(plain, "%") {
		if p, err := url.PathUnescape(plain); err == nil {
			plain = p
		}
	}
	if plain != text {
		all = append(all, plain)
	}
	return all
}

var defanged = strings.NewReplacer("[.]", ".", "(.)", ".", "{.}", ".", `\.`, ".",
	"[dot]", ".", "(dot)", ".", "{dot}", ".", "[DOT]", ".", "(DOT)", ".", "{DOT}", ".")

var codePoint = regexp.MustCompile(`\\u00[0-9a-fA-F]{2}`)

// pieces takes a word apart where a share may be glued to something: share=…, key:…, **…**.
// Of a URL it returns the values that are shares by their names: a path is made of the
// letters of base64, too.
func pieces(text string) []string {
	if _, address, isURL := strings.Cut(text, "://"); isURL {
		return shareValues(address)
	}
	return strings.FieldsFunc(text, func(r rune) bool { return !isBase64(r) })
}

// isBase64 reports whether a character may stand in base64, in either of its alphabets.
func isBase64(r rune) bool {
	return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("+/_-", r)
}

// valueNames are the names of the values in a URL that are looked at.
var valueNames = regexp.MustCompile(`(?i)key|share|unseal|secret|code|shamir`)

// shareValues returns the values in a URL that have the name of a share, or a character in
// them that no name of a document has. A share may have a slash, so that what follows a
// name in the path is one value.
func shareValues(address string) []string {
	var all []string
	path, query, _ := strings.Cut(address, "?")
	for _, field := range strings.FieldsFunc(query, func(r rune) bool { return strings.ContainsRune("&;#", r) }) {
		name, value, named := strings.Cut(field, "=")
		if !named {
			value = name
		}
		value = strings.TrimRight(value, punctuation)
		if valueNames.MatchString(name) || strings.ContainsAny(value, "+/") {
			all = append(all, value)
		}
	}
	path, fragment, _ := strings.Cut(path, "#")
	for _, rest := range []string{path, fragment} {
		if at := valueNames.FindAllStringIndex(rest, -1); at != nil {
			_, value, _ := strings.Cut(rest[at[len(at)-1][1]:], "/")
			_, set, isSet := strings.Cut(rest[at[len(at)-1][1]:], "=")
			if isSet {
				value = set
			}
			all = append(all, strings.TrimRight(value, punctuation))
		}
	}
	return all
}

// passwordShaped reports whether a word looks like a requester's one-time password. A
// requester might send it as it is.
func passwordShaped(word string) bool { return padShape.MatchString(word) && mixed(word) }
