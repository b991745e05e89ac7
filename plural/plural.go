// Package plural writes a number with its noun.
package plural

import "strconv"

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
