package wording

import (
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/plural"
)

// MaxListed is how many ceremonies a list shows.
const MaxListed = 15

func SamePeople(a, b []ceremony.Person) bool {
	return slices.EqualFunc(a, b, func(x, y ceremony.Person) bool { return x.Account == y.Account })
}

// Spell is a duration as people say it.
func Spell(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d%day == 0 && d > day:
		return plural.Of(int(d/day), "day")
	case d%time.Hour == 0 && d > 0:
		return plural.Of(int(d/time.Hour), "hour")
	case d%time.Minute == 0 && d > 0:
		return plural.Of(int(d/time.Minute), "minute")
	}
	return d.String()
}
