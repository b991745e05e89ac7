package bot

import (
	"regexp"

	"conclave/ceremony"
	"conclave/ceremony/leak"
)

// exposure is a kind of secret that stands in the open. People are told that it counts
// as exposed: nothing takes it back.
type exposure string

// The kinds of exposures, the worst first: of several in one text, people are told
// about the worst.
const (
	exposedKey      = exposure(ceremony.ExposedKey)
	exposedToken    = exposure(ceremony.ExposedToken)
	exposedShare    = exposure(ceremony.ExposedShare)
	exposedEnvelope = exposure(ceremony.ExposedEnvelope)
	// exposedPassword is a requester's, and nothing that others have to hear of.
	exposedPassword exposure = "exposed-password"
)

// exposureOf is what the bot calls what a text shows.
var exposureOf = map[leak.Kind]exposure{
	leak.Key: exposedKey, leak.Token: exposedToken, leak.Share: exposedShare, leak.Password: exposedPassword,
}

// exposures returns what a text shows in the open, the worst first: see [leak.In].
func exposures(text string, harmless func(word string) bool) []exposure {
	var all []exposure
	for _, kind := range leak.In(text, harmless) {
		all = append(all, exposureOf[kind])
	}
	return all
}

// told is what a person hears about an exposure.
func (e exposure) told() error {
	switch e {
	case exposedKey:
		return keyInOpen
	case exposedToken:
		return tokenInOpen
	case exposedEnvelope:
		return ceremony.NotEncrypted
	case exposedPassword:
		return ceremony.PlainPassword
	}
	return ceremony.PlainShare
}

var (
	// A PGP block however its dashes came through.
	pgpBlock = regexp.MustCompile(`(?i)\b(BEGIN|END)[\s\v\x{85}\pZ\p{Cf}]+PGP\b`)
	pgpBegin = regexp.MustCompile(`(?i)\bBEGIN[\s\v\x{85}\pZ\p{Cf}]+PGP\b`)
)
