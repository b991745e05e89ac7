package refusal

import (
	"regexp"
	"slices"

	"conclave/ceremony"
	"conclave/ceremony/leak"
)

// Exposure is a kind of secret that stands in the open. People are told that such a
// secret counts as exposed: nothing takes it back.
type Exposure string

// The kinds of exposures, the worst first. Of several in one text, people are told about
// the worst.
const (
	ExposedKey      = Exposure(ceremony.ExposedKey)
	ExposedToken    = Exposure(ceremony.ExposedToken)
	ExposedShare    = Exposure(ceremony.ExposedShare)
	ExposedEnvelope = Exposure(ceremony.ExposedEnvelope)
	// ExposedPassword is a one-time password. Nobody but its requester has to hear of it.
	ExposedPassword Exposure = "exposed-password"
)

// ExposureOf is the exposure that each kind of leak is.
var ExposureOf = map[leak.Kind]Exposure{
	leak.Key: ExposedKey, leak.Token: ExposedToken, leak.Share: ExposedShare, leak.Password: ExposedPassword,
}

// Exposures returns what a text shows in the open, the worst first: see [leak.In].
func Exposures(text string, harmless func(word string) bool) []Exposure {
	var all []Exposure
	for _, kind := range leak.In(text, harmless) {
		all = append(all, ExposureOf[kind])
	}
	return all
}

// CertainExposures returns what a text shows in the open for certain, the worst first: see
// [leak.Certain].
func CertainExposures(text string, harmless func(word string) bool) []Exposure {
	var all []Exposure
	for _, kind := range leak.Certain(text, harmless) {
		all = append(all, ExposureOf[kind])
	}
	return all
}

// Worst returns every exposure of several texts once, the worst first.
func Worst(texts ...[]Exposure) []Exposure {
	var all []Exposure
	for _, e := range []Exposure{ExposedKey, ExposedToken, ExposedShare, ExposedEnvelope, ExposedPassword} {
		if slices.ContainsFunc(texts, func(shown []Exposure) bool { return slices.Contains(shown, e) }) {
			all = append(all, e)
		}
	}
	return all
}

// Told returns the error whose words tell a person about an exposure.
func (e Exposure) Told() error {
	switch e {
	case ExposedKey:
		return KeyInOpen
	case ExposedToken:
		return TokenInOpen
	case ExposedEnvelope:
		return ceremony.NotEncrypted
	case ExposedPassword:
		return ceremony.PlainPassword
	}
	return ceremony.PlainShare
}

// The ends of a PGP block, and its beginning alone, whatever its spaces and dashes are. A
// PGPMessage is no key and no signature.
var (
	PGPMessage = regexp.MustCompile(`(?i)\bBEGIN[\s\v\x{85}\pZ\p{Cf}]+PGP[\s\v\x{85}\pZ\p{Cf}]+MESSAGE\b`)
	PGPBlock   = regexp.MustCompile(`(?i)\b(BEGIN|END)[\s\v\x{85}\pZ\p{Cf}]+PGP\b`)
	PGPBegin   = regexp.MustCompile(`(?i)\bBEGIN[\s\v\x{85}\pZ\p{Cf}]+PGP\b`)
)
