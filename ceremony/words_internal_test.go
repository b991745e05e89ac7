package ceremony

import "testing"

func TestSpokenWordsAreDistinct(t *testing.T) {
	seen := map[string]bool{}
	for place := range 2 {
		words := spokenWords(place)
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
