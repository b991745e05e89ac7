package bot

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"conclave/bot/refusal"
	"conclave/ceremony/wording"
)

const (
	soleHex  = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" // of a key's only holder, or any SHA-256
	newToken = "hvs.CAESIJ0123456789abcdefghijklmnopQRSTUV"
	oldToken = "s.7Bm3sQ9xKc2LpVdR5tYwZ8aN"
)

// TestEveryExposureHasWordsOfItsOwn, and they say what to do.
func TestEveryExposureHasWordsOfItsOwn(t *testing.T) {
	said := map[string]refusal.Exposure{}
	for _, e := range []refusal.Exposure{refusal.ExposedKey, refusal.ExposedToken, refusal.ExposedShare,
		refusal.ExposedEnvelope, refusal.ExposedPassword} {
		w := explain(e.Told())
		if other, twice := said[w.What]; twice || w.Hint == "" || w == wording.Wordless {
			t.Errorf("%s says the same as %q: %q", e, other, w)
		}
		said[w.What] = e
	}
	if diff := cmp.Diff(5, len(said)); diff != "" {
		t.Error(diff)
	}
}

// seeds returns the texts that a fuzz target begins with. Without them it would try what
// nobody sends.
func seeds(t testing.TB, target string) []string {
	t.Helper()
	entries, err := os.ReadDir("testdata/seeds/" + target)
	if err != nil || len(entries) == 0 {
		t.Fatalf("no seeds for %s: %v", target, err)
	}
	var all []string
	for _, e := range entries {
		text, err := os.ReadFile("testdata/seeds/" + target + "/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(text))
	}
	return all
}
