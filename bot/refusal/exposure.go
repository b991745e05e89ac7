package refusal

import (
	"regexp"

	"conclave/ceremony"
	"conclave/ceremony/leak"
)

// Exposure is a kind of secret that stands in the open. People are told that it counts
// as exposed: nothing takes it back.
type Exposure string

// The kinds of exposures, the worst first: of several in one text, people are told
// about the worst.
const (
	ExposedKey      = Exposure(ceremony.ExposedKey)
	ExposedToken    = Exposure(ceremony.ExposedToken)
	ExposedShare    = Exposure(ceremony.ExposedShare)
	ExposedEnvelope = Exposure(ceremony.ExposedEnvelope)
	// ExposedPassword is a requester's, and nothing that others have to hear of.
	ExposedPassword Exposure = "exposed-password"
)

// ExposureOf is what the bot calls what a text shows.
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

// Told is what a person hears about an exposure.
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

var (
	// A PGP block however its dashes came through.
	PGPBlock = regexp.MustCompile(`(?i)\b(BEGIN|END)[\s\v\x{85}\pZ\p{Cf}]+PGP\b`)
	PGPBegin = regexp.MustCompile(`(?i)\bBEGIN[\s\v\x{85}\pZ\p{Cf}]+PGP\b`)
)
