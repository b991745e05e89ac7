package plural_test

import (
	"testing"
	"time"

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

func TestDurationIsToldInItsLargestUnit(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Second: "1 second", 90*time.Second + time.Millisecond: "90 seconds", 119 * time.Second: "119 seconds",
		30 * time.Minute: "30 minutes", 2*time.Hour - time.Second: "120 minutes", 2*time.Hour + time.Second: "2 hours",
		47 * time.Hour: "47 hours", 71 * time.Hour: "3 days",
	} {
		if got := plural.Time(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
