package ceremony_test

import (
	"testing"

	"conclave/ceremony"
)

func TestSpokenHashIsThePublishedExample(t *testing.T) {
	// The example that is published with the list.
	const fingerprint = "e58294f2e9a227486e8b061b31cc528fd7fa3f19"
	const want = "topmost Istanbul Pluto vagabond treadmill Pacific brackish dictator goldfish Medusa " +
		"afflict bravado chatter revolver Dupont midsummer stopwatch whimsical cowbell bottomless"
	if got := ceremony.SpokenHash(fingerprint, 20); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, hash := range []string{"", "zz", "e5"} {
		if got := ceremony.SpokenHash(hash, 2); got != "" {
			t.Errorf("SpokenHash(%q, 2) = %q, want nothing", hash, got)
		}
	}
}
