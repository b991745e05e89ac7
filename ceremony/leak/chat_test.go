package leak

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// messages returns what people write to each other in a channel: see testdata/chat.
func messages(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/chat/messages.txt")
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n%%\n")
	if len(all) < 150 {
		t.Fatalf("%d messages", len(all))
	}
	return all
}

var drawnPart = regexp.MustCompile(`\{([a-z0-9]+)(?::(\d+))?\}`)

// draws returns a message whose parts in braces are drawn.
func draws(r *rand.Rand, message string) string {
	of := func(alphabet string, n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte(alphabet[r.IntN(len(alphabet))])
		}
		return b.String()
	}
	const lower, upper, digits = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
	return drawnPart.ReplaceAllStringFunc(message, func(part string) string {
		m := drawnPart.FindStringSubmatch(part)
		n, _ := strconv.Atoi(m[2])
		switch m[1] {
		case "hex":
			return of("0123456789abcdef", n)
		case "hexcolons":
			return strings.ToUpper(inGroups(hex.EncodeToString(drawn(r, n)), 2, ":"))
		case "base64":
			return base64.StdEncoding.EncodeToString(drawn(r, n))
		case "url64":
			return base64.RawURLEncoding.EncodeToString(drawn(r, n))
		case "alnum":
			return of(lower+upper+digits, n)
		case "dec":
			return of(digits, n)
		case "upper":
			return of(upper+"234567", n)
		case "lower":
			return of(lower+digits, n)
		case "uuid":
			s := hex.EncodeToString(drawn(r, 16))
			return strings.Join([]string{s[:8], s[8:12], s[12:16], s[16:20], s[20:]}, "-")
		case "mac":
			return inGroups(hex.EncodeToString(drawn(r, 6)), 2, ":")
		case "ip":
			o := drawn(r, 4)
			return fmt.Sprintf("%d.%d.%d.%d", o[0], o[1], o[2], o[3])
		case "fp":
			s := strings.ToUpper(hex.EncodeToString(drawn(r, 20)))
			return inGroups(s[:20], 4, " ") + "  " + inGroups(s[20:], 4, " ")
		case "iban":
			return "DE" + inGroups(of(digits, 20), 4, " ")
		}
		panic(part)
	})
}

// TestOrdinaryTalkSetsNothingOff measures how often what people write in a channel is taken
// for a secret.
func TestOrdinaryTalkSetsNothingOff(t *testing.T) {
	const readings = 25
	r := rand.New(rand.NewPCG(17, 66))
	all := messages(t)
	alarms, maybes, total := map[string]int{}, map[string]int{}, 0
	for range readings {
		for _, message := range all {
			text := draws(r, message)
			total++
			found := find(text, nil, 0)
			if got := found.all(certain); len(got) > 0 {
				if alarms[message] == 0 {
					t.Logf("an alarm, %v: %q", got, least(text))
				}
				alarms[message]++
			}
			if len(found) > 0 {
				maybes[message]++
			}
		}
	}
	sum := func(m map[string]int) (n int) {
		for _, k := range m {
			n += k
		}
		return n
	}
	t.Logf("%d messages, each drawn %d times: of %d, %d (%.3f%%) are an alarm in a channel; %d (%.1f%%) may be a secret",
		len(all), readings, total, sum(alarms), 100*float64(sum(alarms))/float64(total), sum(maybes), 100*float64(sum(maybes))/float64(total))
	// Only 33 octets in base64, which nothing tells from a share.
	allowed := func(message string) bool {
		return strings.Contains(message, "{base64:33}") && !strings.Contains(message, "BEGIN")
	}
	for message, n := range alarms {
		if !allowed(message) && n > 1 {
			t.Errorf("%d of %d are an alarm: %q", n, readings, message)
		}
	}
	var often []string
	for message, n := range maybes {
		if n > readings/2 && !allowed(message) {
			often = append(often, message)
		}
	}
	slices.Sort(often)
	t.Logf("may be a secret: %q", often)
}

// TestTalkInOneMessageSetsNothingOff puts many lines into one text, as a log has them.
func TestTalkInOneMessageSetsNothingOff(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 33))
	all := slices.DeleteFunc(messages(t), func(m string) bool { return strings.Contains(m, "{base64:33}") })
	alarms, n := 0, 300
	for range n {
		var lines []string
		for range 12 {
			lines = append(lines, draws(r, all[r.IntN(len(all))]))
		}
		if text := strings.Join(lines, "\n"); len(Certain(text, nil)) > 0 {
			alarms++
			t.Logf("an alarm: %q", least(text))
		}
	}
	if alarms > n/100 {
		t.Errorf("%d of %d", alarms, n)
	}
}

// least returns the lines of a text that are taken for a secret when they stand together.
func least(text string) string {
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); {
		if fewer := slices.Delete(slices.Clone(lines), i, i+1); len(Certain(strings.Join(fewer, "\n"), nil)) > 0 {
			lines = fewer
			continue
		}
		i++
	}
	return strings.Join(lines, "\n")
}
