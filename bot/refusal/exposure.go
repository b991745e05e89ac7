package refusal

import (
	"regexp"

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

// The ends of a PGP block, and its beginning alone, whatever its spaces and dashes are.
var (
	PGPBlock = regexp.MustCompile(`(?i)\b(BEGIN|END)[\s\v\x{85}\pZ\p{Cf}]+PGP\b`)
	PGPBegin = regexp.MustCompile(`(?i)\bBEGIN[\s\v\x{85}\pZ\p{Cf}]+PGP\b`)
)
