// Package plural writes a number with its noun.
package plural

import (
	"strconv"
	"time"
)

// Of returns n with a noun that takes an s: "1 share", "3 shares".
func Of(n int, noun string) string { return Count(n, noun, noun+"s") }

// Count returns n with one for 1, and with many for any other number, none included.
func Count(n int, one, many string) string {
	noun := many
	if n == 1 {
		noun = one
	}
	return strconv.Itoa(n) + " " + noun
}

// Time returns a duration, rounded, in the largest unit of which it has two: "90 seconds", "2 hours".
func Time(d time.Duration) string {
	unit, noun := time.Second, "second"
	switch {
	case d >= 48*time.Hour:
		unit, noun = 24*time.Hour, "day"
	case d >= 2*time.Hour:
		unit, noun = time.Hour, "hour"
	case d >= 2*time.Minute:
		unit, noun = time.Minute, "minute"
	}
	return Of(int(d.Round(unit)/unit), noun)
}
