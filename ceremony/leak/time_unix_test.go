//go:build unix

package leak

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"conclave/needs"
)

// lengthy returns texts of a length whose parts each look like a share.
func lengthy(length int) map[string]string {
	filled := func(unit, end string) string { return strings.Repeat(unit, (length-len(end))/len(unit)) + end }
	whole := strings.TrimSuffix(soleBase, "=")
	return map[string]string{
		"prose":                     filled("a word ", ""),
		"digests joined by dots":    filled(whole+".", "hash-"),
		"digests joined by hyphens": filled(strings.ReplaceAll(whole, "+", "x")+"-", "hash-"),
		"behind a label":            "key=" + filled(whole+".", "hash-"),
		"edges of armor":            filled("--BEGIN A BEGIN PGP ", ""),
		"short lines":               filled("a\n", ""),
		"digits":                    filled("ab ", ""),
		"keys joined by dots":       filled(soleHex+".", ""),
		"pieces of a web token":     "eyJ..." + filled(whole+".", ""),
		"octets":                    filled("200 ", ""),
		"one by one":                filled("a ", ""),
		"numbered words":            filled("1: ab ", ""),
		"full lines of armor":       "-----BEGIN PGP MESSAGE-----\n" + filled(strings.Repeat("A1z", 21)+"C\n", baseShare),
		"lines of many widths":      filled(strings.Repeat("A1z", 21)+"\n"+strings.Repeat("A1z", 22)+"\n", ""),
		"packets":                   "-----BEGIN PGP MESSAGE-----\n" + filled(strings.Repeat("gAA", 20)+"\n", "gAAA"),
		"groups of base64":          filled("aB1 ", ""),
		"values in a URL":           "https://a/" + filled("key=/", ""),
		"queries":                   "https://a/?" + filled("key=a&", ""),
		"escapes":                   filled("%41", ""),
		"entities":                  filled("&#65;", ""),
		"strings":                   filled(`"\x41\x42`, ""),
		"quotes":                    filled(`"\`, ""),
		"dots and tokens' letters":  filled("s.", ""),
		"encoded, again and again":  base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte(filled("a.b ", ""))))),
		"look-alikes":               filled("\uff11", ""),
		"digits of other scripts":   filled("\u0669", ""),
		"dashes":                    filled("-", ""),
		"spaces":                    filled(" ", "x"),
		"quotations":                filled(" >", "x"),
		"quotes that nothing ends":  filled(`\"'a'`, ""),
		"two words of a share":      filled("XyqcG30+j2BBUmN0h ZYHGCk6S1xtfo+QobLD1OX2BxiA ", ""),
		"without its pluses":        filled("a1B ", ""),
		"labels":                    filled("key= aB1 ", ""),
		"names":                     filled("the share 3 of ", ""),
		"defanged":                  filled("hvs[.]a", ""),
	}
}

// processor returns the time for which a processor has worked for this process. A clock on the
// wall counts the work of others, too.
func processor(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// TestTimeIsInProportionToTheText reads texts, and others that are eight times as long. They may
// take 24 times as long, and take up to 64 times with a rule that is quadratic. The author of a
// text decides what is in it.
func TestTimeIsInProportionToTheText(t *testing.T) {
	const length, tries, most = 40000, 4, 24
	quickest := func(text string, enough time.Duration) time.Duration {
		least := time.Hour
		for try := 0; try < tries && least > enough; try++ {
			began := processor(t)
			In(text, func(string) bool { return true })
			least = min(least, processor(t)-began)
		}
		return least
	}
	short, long := lengthy(length/8), lengthy(length)
	names := slices.Sorted(maps.Keys(long))
	for i := 0; i < len(names); i += needs.Step(7) {
		quick := quickest(short[names[i]], 0)
		if took := quickest(long[names[i]], most*quick); took > most*quick {
			t.Errorf("%s: %v, and %v for an eighth of it", names[i], took, quick)
		}
	}
}
