package command

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"conclave/bot/refusal"
)

var (
	// An accessor of Vault's, outside the root namespace with that one's id behind a
	// dot. A token has its dot after three letters at most.
	// Source: vault/token_store.go, create; UUIDs are from before Vault 1.0.
	accessorShape = regexp.MustCompile(`^[A-Za-z0-9-]{20,40}(?:\.[A-Za-z0-9]{1,20})?$`)
	// A commitment to a one-time password: its SHA-256.
	commitmentShape = regexp.MustCompile(`^[0-9a-f]{64}$`)
	// Hexadecimal digits alone. No one-time password consists of them.
	digitsShape = regexp.MustCompile(`^[0-9a-fA-F]+$`)
	// The value behind otp=, anywhere in a command.
	passwordOption = regexp.MustCompile(`(?i)(?:^|[^A-Za-z0-9])otp=["'` + "`" + `]*([A-Za-z0-9]+)`)
)

// shortestPassword is the number of characters from which on a value of otp= may be a
// one-time password, or most of one. Package leak finds whole ones only, anywhere in a
// text.
const shortestPassword = 16

// Guard returns a denial for a command that holds a secret or a PGP block. Whatever the
// verb, nothing of it is kept (P1). words are the words behind the verb.
func Guard(v Verb, text string, words []string, harmless func(string) bool) error {
	shown := commandShows(v, text, words, harmless)
	switch {
	case v == VerbAccessor && slices.Contains(shown, refusal.ExposedToken):
		return refusal.TokenAsAccessor
	case len(shown) > 0 && shown[0] == refusal.ExposedPassword:
		return refusal.PasswordInCommand
	case len(shown) > 0 && shown[0] != refusal.ExposedShare:
		return shown[0].Told()
	case len(shown) > 0, refusal.PGPBlock.MatchString(text):
		return refusal.InCommand
	}
	return nil
}

// commandShows returns what a command shows in the open. words are the words behind the
// verb.
func commandShows(v Verb, text string, words []string, harmless func(string) bool) []refusal.Exposure {
	if v == VerbApprove && len(words) == 2 && hashShape.MatchString(strings.ToLower(words[1])) {
		// A plan's hash has the length of a share of one holder alone, and is the only
		// thing of this kind that is typed on purpose.
		text = words[0]
	}
	shown := refusal.Exposures(text, harmless)
	if showsPassword(text) && !slices.Contains(shown, refusal.ExposedPassword) {
		shown = append(shown, refusal.ExposedPassword)
	}
	return shown
}

// TypedShows returns what the text behind /ceremony shows in the open.
func TypedShows(text string, harmless func(string) bool) []refusal.Exposure {
	text = tidy(text)
	words := strings.Fields(text)
	if len(words) == 0 {
		return nil
	}
	return commandShows(Verb(strings.ToLower(words[0])), text, words[1:], harmless)
}

// Shows reports whether a command was turned away for what it shows.
func Shows(fault error) bool {
	d, _ := errors.AsType[refusal.Denial](fault)
	switch d {
	case refusal.InCommand, refusal.PasswordInCommand, refusal.TokenAsAccessor, refusal.TokenInOpen, refusal.KeyInOpen:
		return true
	}
	return false
}

// showsPassword reports whether a value of otp= is no commitment and may be the one-time
// password itself.
func showsPassword(text string) bool {
	for _, m := range passwordOption.FindAllStringSubmatch(text, -1) {
		if len(m[1]) >= shortestPassword && !digitsShape.MatchString(m[1]) {
			return true
		}
	}
	return false
}
