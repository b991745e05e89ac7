package openpgp

import (
	"conclave/ceremony"
	"conclave/ceremony/leak"
)

// digestDigits is the length of a SHA-256 in hexadecimal digits. The whole key of a cluster
// with one holder is as long. Here the two can't be told apart, and people do send hashes of
// plans.
const digestDigits = 64

// exposed returns the refusal of a text that shows a secret, or nil. A private key or a
// token comes before a share. One-time passwords are not looked for: many words look like
// one.
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
