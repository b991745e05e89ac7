package plural_test

import (
	"testing"

	"conclave/plural"
)

func TestOnlyOneIsSingular(t *testing.T) {
	for n, want := range map[int][2]string{
		-1: {"-1 new shares", "-1 ceremonies"},
		0:  {"0 new shares", "0 ceremonies"},
		1:  {"1 new share", "1 ceremony"},
		2:  {"2 new shares", "2 ceremonies"},
		11: {"11 new shares", "11 ceremonies"},
	} {
		if got := [2]string{plural.Of(n, "new share"), plural.Count(n, "ceremony", "ceremonies")}; got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
