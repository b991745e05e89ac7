package openpgp

import (
	"regexp"
	"strings"
)

// The tripwires recognise what should never have been sent. They can't take it
// back; they let people know that it counts as exposed.

var (
	// A private key of any program, or a token of Vault's: service, batch and
	// recovery tokens, and service tokens from before Vault 1.10.
	privateMaterial = regexp.MustCompile(`BEGIN [A-Z ]*PRIVATE KEY|\bhv[sbr]\.[A-Za-z0-9_-]{20,}|(?:^|[^A-Za-z0-9_.-])s\.[A-Za-z0-9]{24}(?:$|[^A-Za-z0-9_-])`)

	hexShare = regexp.MustCompile(`^[0-9A-Fa-f]{66}$`)
	b64Share = regexp.MustCompile(`^[A-Za-z0-9+/]{44}$`)
	hexOnly  = regexp.MustCompile(`^[0-9A-Fa-f]+$`)
)

// hasPlainShare says whether a share of Vault's, 33 bytes in hexadecimal digits
// or base64, stands in a text that is no armor. The undivided key of a cluster
// with a single share has 32 bytes and is not recognised: it looks like any
// SHA-256, and people send hashes of plans.
func hasPlainShare(text string) bool {
	words := strings.FieldsFunc(text, func(r rune) bool {
		return !(r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '+' || r == '/')
	})
	found := false
	for _, w := range words {
		switch {
		case hexShare.MatchString(w):
			return true
		case (len(w) == 64 || len(w) == 76) && !hexOnly.MatchString(w):
			// Lines of armor without its first and last line: the line of 44 characters
			// among them is their last.
			return false
		case b64Share.MatchString(w) && strings.ToLower(w) != w && strings.ToUpper(w) != w:
			found = true
		}
	}
	return found
}
