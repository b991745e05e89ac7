package refusal_test

import (
	"slices"
	"strings"
	"testing"

	"conclave/bot/refusal"
	"conclave/ceremony/leak"
)

const (
	hexShare  = "5f2a9c1b7d3e8f604152637485960718293a4b5c6d7e8f90a1b2c3d4e5f6071899"
	baseShare = "XyqcG30+j2BBUmN0hZYHGCk6S1xtfo+QobLD1OX2BxiZ"
	oneTime   = "q7Wm2ZpX4vRkT9sLbN3cYd8HfGjA"                                     // a one-time password of Vault's length
	soleHex   = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" // of a key's only holder, or any SHA-256
	newToken  = "hvs.CAESIJ0123456789abcdefghijklmnopQRSTUV"
	oldToken  = "s.7Bm3sQ9xKc2LpVdR5tYwZ8aN"
)

const envelope = `-----BEGIN PGP MESSAGE-----
Comment: https://gnupg.org & <friends>

hF4DAAAAAAAAAAASAQdAuvDL0H5mGkpQX0eyH1Yv0Yq2m9vXvY0m2Jq3bX6mY2Qw
=njUN
-----END PGP MESSAGE-----`

// Each kind of secret has a name of its own.
func TestWhatATextShowsIsNamedByItsKind(t *testing.T) {
	for text, want := range map[string][]refusal.Exposure{
		"":                        nil,
		"nothing":                 nil,
		hexShare:                  {refusal.ExposedShare},
		oneTime:                   {refusal.ExposedPassword},
		newToken + "\n" + soleHex: {refusal.ExposedToken, refusal.ExposedShare},
		"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n" + oldToken: {refusal.ExposedKey, refusal.ExposedToken},
	} {
		if got := refusal.Exposures(text, nil); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	for _, kind := range []leak.Kind{leak.Key, leak.Token, leak.Share, leak.Password} {
		if refusal.ExposureOf[kind] == "" {
			t.Errorf("%s has no name here", kind)
		}
	}
}

// otherSpaces are the characters that a copied text has in the place of a space.
var otherSpaces = map[string]string{
	"a no-break space": "\u00a0", "a narrow no-break space": "\u202f", "a figure space": "\u2007", "an em space": "\u2003",
	"an ideographic space": "\u3000", "a line separator": "\u2028", "a next line": "\u0085", "a vertical tab": "\v", "a tab": "\t",
	"two spaces": "  ", "a space that nobody sees beside one": " \u200b", "a word joiner between two": " \u2060 ",
}

func TestArmorIsSeenWhateverItsSpacesAre(t *testing.T) {
	for name, space := range otherSpaces {
		text := strings.ReplaceAll(envelope, " ", space)
		if !refusal.PGPBegin.MatchString(text) || !refusal.PGPBlock.MatchString(text[strings.LastIndex(text, "END"):]) {
			t.Errorf("%s: no PGP message is seen", name)
		}
		// Armor is no secret, and what stands beside it, or between its edges, is.
		if got := refusal.Exposures(text, nil); len(got) > 0 {
			t.Errorf("%s: armor is taken for %v", name, got)
		}
		inside := strings.Replace(text, "hF4D", baseShare+"\nhF4D", 1)
		if got := refusal.Exposures(inside, nil); len(got) != 1 || got[0] != refusal.ExposedShare {
			t.Errorf("%s: around a share, %v is seen", name, got)
		}
		if got := refusal.Exposures(text+"\n"+baseShare, nil); len(got) != 1 || got[0] != refusal.ExposedShare {
			t.Errorf("%s: beside a share, %v is seen", name, got)
		}
		key := strings.ReplaceAll("-----BEGIN PGP PRIVATE KEY BLOCK-----\nlFgE", " ", space)
		if got := refusal.Exposures(key, nil); len(got) != 1 || got[0] != refusal.ExposedKey {
			t.Errorf("%s: a private key is taken for %v", name, got)
		}
	}
}

func TestArmorIsSeenWhateverItsDashesAre(t *testing.T) {
	for _, dash := range []string{"\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2015", "\u2212", "\ufe63",
		"\uff0d"} {
		text := strings.ReplaceAll(envelope, "-", dash)
		if got := refusal.Exposures(text, nil); len(got) > 0 || !refusal.PGPBegin.MatchString(text) {
			t.Errorf("%U: armor is taken for %v", []rune(dash), got)
		}
		certificate := strings.ReplaceAll("-----BEGIN CERTIFICATE-----\n"+strings.Repeat("A1z", 21)+"C\n"+baseShare+"\n-----END CERTIFICATE-----", "-", dash)
		if got := refusal.Exposures(certificate, nil); len(got) > 0 {
			t.Errorf("%U: a certificate is taken for %v", []rune(dash), got)
		}
	}
}

// BenchmarkTripwire measures the search for secrets in a text. It happens after the
// acknowledgement, in the queue of the sender.
func BenchmarkTripwire(b *testing.B) {
	const longest = 40000 // characters that Slack delivers of a message
	shown := map[string]bool{soleHex: true}
	for name, text := range map[string]string{
		"short": "hello, is this the right place?", "words": strings.Repeat("a ", longest/2), "digits": strings.Repeat("ab ", longest/3), "one word": strings.Repeat("a", longest),
		"digests": strings.Repeat(soleHex+" ", longest/65), "armor": strings.Repeat(envelope+"\n", longest/len(envelope)),
		"edges": strings.Repeat("BEGIN PGP ", longest/10),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				refusal.Exposures(text, func(word string) bool { return shown[word] })
			}
		})
	}
}
