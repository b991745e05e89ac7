package openpgp

import (
	"conclave/ceremony"
	"conclave/ceremony/leak"
)

// digestDigits is the length of a SHA-256 in digits. The whole key of a cluster whose
// only holder has it is as long: people send hashes of plans, which nobody could tell
// from it here.
const digestDigits = 64

// exposed returns the refusal of a text that shows what should never have been sent: a
// private key or a token before a share. It returns nil when the text shows none.
// One-time passwords are not looked for, since many a word is like one.
func exposed(text string) error {
	shown := leak.In(text, func(word string) bool { return len(word) == digestDigits })
	if len(shown) == 0 {
		return nil
	}
	switch shown[0] {
	case leak.Key, leak.Token:
		return ceremony.PrivateMaterial
	case leak.Share:
		return ceremony.PlainShare
	}
	return nil
}
