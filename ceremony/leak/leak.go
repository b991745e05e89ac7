// Package leak recognises secrets that stand in the open, where they should never have been
// written: shares, tokens and private keys. It can't take them back. It is the program's
// only detector, for what comes from Slack, from a terminal, in an OpenPGP message and on a
// command line. Nothing that it returns holds any of the text (P1).
package leak

import (
	"regexp"
	"strings"
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

// What a word or a text is recognised by.
var (
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
	tokenShape = regexp.MustCompile(`(?:^|[^A-Za-z0-9])(?:hv[sbr]\.[A-Za-z0-9_-]{20,}` +
		`|b\.AAAAAQ[A-Za-z0-9_-]{20,})`)
	oldTokenShape = regexp.MustCompile(`(?:^|[^A-Za-z0-9_.-])[sbr]\.([A-Za-z0-9]{24})(?:$|[^A-Za-z0-9_-])`)

	// What stands before a digest, in the same word or as one of its own: sha256:, a
	// digest's name, and what go.sum (h1:) and Terraform's lock file (zh:) write.
	digestBefore = regexp.MustCompile(`(?i)(?:sha2?-?256(?:sum)?|digest|checksum|commitment|hash)` +
		`(?:\([^\s()]*\))?(?:[-:=~]|$)|(?:^|[^a-z0-9])(?:h1|zh):`)
	// A line of sha256sum. Deliveries have people run it, and people ask about its output.
	sumLine = regexp.MustCompile(`(?m)^[ >]*([0-9a-fA-F]{64}) [ *](?:-|\S*[./]\w+) *$`)
	// What stands before a share in the same word, or before something else that is called a key.
	keyBefore = regexp.MustCompile(`(?i)(?:key|share|unseal)\w{0,12}["']?[:=]`)
	// The name of a share, as a label. A key is one by itself, or of one of Vault's kinds: that of
	// a service, of a cache or of a tunnel may have the length of the whole key.
	shareBefore = regexp.MustCompile(`(?i)` + shareLabel + `[:=]`)
	shareNames  = regexp.MustCompile(`(?i)` + shareLabel + ` ?[:=][ "'(\[<` + "`" + `]*$`)
	// What stands in the words before the key of an only holder: a kind of key of Vault's; a
	// share, if it is a label, has a number or is somebody's. To share something is another thing.
	vaultKey   = regexp.MustCompile(`(?i)\bunseal|\b(?:recovery|root|master|barrier|vault)[ _-]?keys?\b`)
	aboutShare = regexp.MustCompile(`(?i)\bshares?(?:["')*` + "`" + `]{0,3} ?[:=]` +
		`|[ #(]{0,2}\d{1,3}(?: ?(?:/|of) ?\d{1,3})?[):=*]{0,3}) ?$` + `|\b(?:my|our|your|his|her|their|the|\w's) (?:key )?shares? (?:is|are):? ?$`)

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
	shareBytes  = 33
	keyBytes    = 32
)

// shareLabel matches the name of a share or of a key of Vault's at the end of a text, up to the
// mark behind it.
const shareLabel = `(?:(?:^|[^a-z0-9])(?:unseal\w{0,16}|(?:key[ _-]?)?shares?` + nameEnd +
	`|(?:unseal|recovery|root|master|barrier|vault)[ _-]?keys?` + nameEnd +
	`)|(?:^|[^\w.-])keys?` + nameEnd + `)["'*)\]` + "`" + `]{0,3}`

// nameEnd matches what may stand behind a name: a number, an encoding.
const nameEnd = `(?:[ _-]?#?\d{1,3}|[_(-](?:b64|base64|hex))?`

// longestName is the length in characters up to which a text is searched for a name.
const longestName = 40

// shortestSecret is the length of the shortest word that shows something by itself: a token.
const shortestSecret = len("hvs.") + 20

// IsToken reports whether text is a token and nothing else. It is for text from which a
// token is expected.
func IsToken(text []byte) bool { return tokenAlone.Match(text) }

// In returns the kinds of secrets that a text shows in the open, the worst first. harmless,
// which may be nil, reports whether a word in lower-case letters is a digest and no share:
// a digest of 32 bytes looks like the whole key. Armor shows no secret, unless it is that
// of a private key.
//
// The time that it takes is in proportion to the text's length.
func In(text string, harmless func(word string) bool) []Kind {
	return find(text, harmless, 0).all(possible)
}

// Certain is In without what may as well be something else. A digest looks like the key
// of an only holder, and many services give out names of a one-time password's length. It
// is for text that was not written to Conclave. The key of an only holder is certain when
// the words before it name it.
func Certain(text string, harmless func(word string) bool) []Kind {
	return find(text, harmless, 0).all(certain)
}

// certainty is how sure it is that something is a secret.
type certainty int

const (
	nothing certainty = iota
	possible
	certain
)

// finds are the kinds of secrets that were found, each with the greatest certainty.
type finds map[Kind]certainty

func (f finds) add(kind Kind, sure certainty) {
	if sure != nothing {
		f[kind] = max(f[kind], sure)
	}
}

// all returns the kinds that are at least so sure, the worst first.
func (f finds) all(least certainty) []Kind {
	var all []Kind
	for _, kind := range []Kind{Key, Token, Share, Password} {
		if f[kind] >= least {
			all = append(all, kind)
		}
	}
	return all
}

// deepest is how often one encoding may stand in another one.
const deepest = 2

// find searches a text. depth is the number of encodings that were taken off.
func find(text string, harmless func(word string) bool, depth int) finds {
	found := finds{}
	if harmless == nil {
		harmless = func(string) bool { return false }
	}
	if secretPackets(text) {
		found.add(Key, certain)
		return found
	}
	found.add(Share, rawShare(text))
	found.add(Share, escapedShare(text))
	text = fold(text)
	known, sums := harmless, map[string]bool{}
	if len(text) > keyDigits {
		for _, line := range sumLine.FindAllStringSubmatch(text, -1) {
			sums[strings.ToLower(line[1])] = true
		}
	}
	harmless = func(word string) bool { return sums[word] || known(word) }
	if keyShape.MatchString(text) {
		found.add(Key, certain)
	}
	open := withoutArmor(text)
	var before [5]string // the words before this one, the nearest first
	for word := range strings.FieldsSeq(open) {
		if len(word) >= shortestSecret {
			w := newWord(word, before, harmless)
			w.shows(found)
			if depth < deepest {
				w.encodes(found, harmless, depth)
			}
		}
		before = [5]string{word, before[0], before[1], before[2], before[3]}
	}
	for _, reading := range readings(open) {
		if found[Share] == certain {
			break
		}
		tokens := tokensOf(reading)
		found.add(Share, hexInPieces(tokens, harmless))
		found.add(Share, bytesInDecimals(tokens))
		if words := fragmentsOf(reading); baseInPieces(words) || baseInWords(words) {
			found.add(Share, certain)
		}
	}
	return found
}
