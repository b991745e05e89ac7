package holder

import (
	"errors"
	"fmt"
	"strings"

	"conclave/ceremony"
)

// typed is an identity as a person types it: the digits of its fingerprint, or its words.
// One of the two is empty.
type typed struct {
	digits ceremony.Fingerprint
	words  string // as the word list spells them
}

// errNotFingerprint means that something else than a fingerprint was typed.
var errNotFingerprint = fmt.Errorf("that is neither a fingerprint of 40 hexadecimal digits nor its %d words: "+
	"nothing was pinned", ceremony.IdentityWords)

// errFormerWords means that somebody has the words of an earlier version.
var errFormerWords = errors.New("those are words of an earlier version of Conclave, which stood for half of the fingerprint: " +
	"nothing was signed, sealed or kept")

// askAnew says what people do who have such words on paper.
const askAnew = "Have the words read out to you anew, in person or on the phone, or take the 40 digits: " +
	"the operator's conclave identity show prints both."

// parseTyped reads digits or words, in any case and with any spaces. Twenty words are a whole
// fingerprint, as an earlier version has printed it. The error wraps errNotFingerprint.
func parseTyped(text string) (typed, error) {
	if f, err := ceremony.ParseFingerprint(text); err == nil {
		return typed{digits: f}, nil
	}
	words := strings.Fields(text)
	if n := len(words); n != ceremony.IdentityWords && n != wholeFingerprint {
		return typed{}, errNotFingerprint
	}
	raw, err := ceremony.ParseSpoken(words)
	if err != nil {
		return typed{}, fmt.Errorf("%w: %w", errNotFingerprint, err)
	}
	if len(words) == wholeFingerprint {
		return typed{digits: ceremony.Fingerprint(raw)}, nil
	}
	return typed{words: ceremony.SpokenHash(raw, ceremony.IdentityWords)}, nil
}

// wholeFingerprint is how many words a whole fingerprint has, one for each byte.
const wholeFingerprint = 20

// names reports whether a pin is of the identity that was typed.
func (t typed) names(known pin) bool {
	switch {
	case t.digits != "" && known.Identity != "":
		return t.digits == known.Identity
	case t.digits != "":
		return ceremony.IdentityInWords(t.digits) == known.Words
	case known.Identity != "":
		return t.words == ceremony.IdentityInWords(known.Identity)
	}
	return t.words == known.Words
}

// String returns what was typed, as it is shown.
func (t typed) String() string {
	if t.digits != "" {
		return t.digits.String()
	}
	return t.words
}

// readsAs reports whether the text is the fingerprint, in digits or in words. The error is
// errNotFingerprint when it is no fingerprint at all, and errFormerWords when it is the words
// that earlier versions have shown for it.
func readsAs(text string, f ceremony.Fingerprint) (bool, error) {
	given, err := parseTyped(text)
	if err != nil {
		return false, err
	}
	if given.words != "" && given.words == ceremony.FormerIdentityWords(f) {
		return false, errFormerWords
	}
	return given.names(pin{Identity: f}), nil
}
