package bot

import (
	"regexp"
	"slices"
	"strings"

	"conclave/ceremony"
)

var (
	// A PGP block however its dashes came through.
	pgpBlock = regexp.MustCompile(`(?i)\b(BEGIN|END)\s+PGP\b`)
	pgpBegin = regexp.MustCompile(`(?i)\bBEGIN\s+PGP\b`)
	pgpOwn   = regexp.MustCompile(`(?i)\bBEGIN\s+PGP\s+PRIVATE\s+KEY\b`)

	// Shapes of Vault's tokens. Source: developer.hashicorp.com/vault/docs/concepts/tokens.
	tokenShape = regexp.MustCompile(`(?:^|[^A-Za-z0-9_.-])(?:hv[sbr]\.[A-Za-z0-9_-]{20,}|[sbr]\.[A-Za-z0-9]{24,}(?:$|[^A-Za-z0-9_-]))`)
	hexRun     = regexp.MustCompile(`(?:^|[^0-9a-fA-F])[0-9a-fA-F]{66}(?:$|[^0-9a-fA-F])`)
	hexShape   = regexp.MustCompile(`^[0-9a-fA-F]+$`)
	baseShape  = regexp.MustCompile(`^[A-Za-z0-9+/_-]{43,44}={0,2}$`)

	// A one-time password is as long as the token: 28 for Vault, 26 for OpenBao.
	padShape = regexp.MustCompile(`^(?:[A-Za-z0-9]{26}|[A-Za-z0-9]{28})$`)
)

// tripwire says whether text shows something secret in the open: a share, a
// private key, a Vault token, a one-time password. Armored ciphertext is not
// secret.
func tripwire(text string) (ceremony.Refusal, bool) {
	if pgpOwn.MatchString(text) {
		return ceremony.PrivateMaterial, true
	}
	if pgpBegin.MatchString(text) {
		return "", false
	}
	for word := range strings.FieldsSeq(text) {
		whole := strings.Trim(word, "`\"'“”‘’,;:()<>[]")
		switch {
		case tokenShape.MatchString(word):
			return ceremony.PrivateMaterial, true
		case shareShaped(whole), hexRun.MatchString(word), slices.ContainsFunc(pieces(whole), shareInPiece):
			return ceremony.PlainShare, true
		// The rest of armor that was cut in two ends in a line of any length.
		case slices.ContainsFunc(pieces(whole), passwordShaped) && !pgpBlock.MatchString(text):
			return ceremony.PlainPassword, true
		}
	}
	return "", false
}

// pieces takes a word apart where a share may be glued to something: share=…,
// key:…, **…**. The path of a URL is made of the letters of base64, too, and is
// left whole.
func pieces(word string) []string {
	if strings.Contains(word, "://") {
		return nil
	}
	return strings.FieldsFunc(word, func(r rune) bool {
		return !(r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '+' || r == '/' || r == '_' || r == '-')
	})
}

// shareInPiece says whether a piece of a word is a share. The undivided key is
// left out: sha256:… has its length.
func shareInPiece(piece string) bool {
	if hexRun.MatchString(piece) {
		return true
	}
	// What Vault prints has neither - nor _: they may join it to something else.
	parts := strings.FieldsFunc(piece, func(r rune) bool { return r == '-' || r == '_' })
	return slices.ContainsFunc(append(parts, piece), func(s string) bool { return len(s) != 64 && shareShaped(s) })
}

// shareShaped says whether a word looks like a share of Vault's. A share is one
// byte longer than the key of 32 bytes, or the key itself when there is only
// one; Vault prints both in hexadecimal digits and in base64.
func shareShaped(word string) bool {
	if hexShape.MatchString(word) {
		return len(word) == 64 || len(word) == 66
	}
	return baseShape.MatchString(word) && strings.ContainsAny(word, "0123456789+/") &&
		strings.ToLower(word) != word && strings.ToUpper(word) != word
}

// passwordShaped says whether a word looks like a requester's one-time password.
// Whoever is asked for theirs might send it as it is.
func passwordShaped(word string) bool {
	return padShape.MatchString(word) && strings.ContainsAny(word, "0123456789") &&
		strings.ToLower(word) != word && strings.ToUpper(word) != word
}
