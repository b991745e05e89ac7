package wording

import (
	"fmt"
	"time"

	"conclave/ceremony"
	"conclave/plural"
)

// KeyExpires returns what the owner of a key is told when it expires, or has expired when
// until is zero.
func KeyExpires(key ceremony.Fingerprint, until, now time.Time) Words {
	what := "Your PGP key has expired."
	if !until.IsZero() {
		days := int(until.Sub(now).Hours() / 24)
		what = fmt.Sprintf("Your PGP key expires on %s, in %s.", until.UTC().Format("2 January 2006"), plural.Of(days, "day"))
	}
	return Words{what, fmt.Sprintf("It is `%s`. Once it has expired, a ceremony that needs you can't be "+
		"proposed. Extend it on your own computer, export it, and give the file to the operator of "+
		"Conclave: the guide for holders says how, under *When your key expires*. I tell you this once.", key)}
}
