package ceremony_test

import (
	"testing"

	"conclave/ceremony"
)

func TestSpokenWordsAreDistinct(t *testing.T) {
	seen := map[string]bool{}
	for place := range 2 {
		words := ceremony.WordList(place)
		if len(words) != 256 {
			t.Errorf("list %d has %d words", place, len(words))
		}
		for _, w := range words {
			if seen[w] {
				t.Errorf("%q stands in the lists twice", w)
			}
			seen[w] = true
		}
	}
}
