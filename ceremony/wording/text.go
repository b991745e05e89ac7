package wording

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"conclave/ceremony"
	"conclave/plural"
)

// Slack's limits on what a message may hold, in characters.
// Source: docs.slack.dev "Block Kit" reference and chat.postMessage.
const (
	MaxSection = 3000
	MaxField   = 2000
	MaxHeader  = 150
	MaxLine    = 300 // ours: the line is for a phone's lock screen
	MaxBlocks  = 50
	MaxMessage = 13_000 // all blocks of a message in JSON; Slack was seen to refuse some 13,200
)

// MaxListed is how many ceremonies a list shows.
const MaxListed = 15

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// Escape returns a text that can't become a link or a mention.
// Source: docs.slack.dev "Formatting message text".
func Escape(s string) string { return escaper.Replace(s) }

// Clip returns the first n characters of a longer text, with an ellipsis as the last. It
// never cuts an entity or a date in two.
func Clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	cut := string([]rune(s)[:n-1])
	for _, pair := range []struct{ open, end string }{{"&", ";"}, {"<", ">"}} {
		if at := strings.LastIndex(cut, pair.open); at > strings.LastIndex(cut, pair.end) {
			cut = cut[:at]
		}
	}
	return cut + "…"
}

// Fact is a row of a table.
type Fact struct{ Name, Value string }

// When returns a moment, which Slack shows in the reader's own time zone.
func When(t time.Time) string {
	return fmt.Sprintf("<!date^%d^{date_short_pretty} at {time}|%s>", t.Unix(), t.UTC().Format("2006-01-02 15:04 UTC"))
}

// clock returns the time of day of a moment, in the reader's own time zone.
func clock(t time.Time) string {
	return fmt.Sprintf("<!date^%d^{time}|%s>", t.Unix(), t.UTC().Format("15:04 UTC"))
}

// Left returns the time until t. Its steps are coarser the longer it is, so that a status
// post is not edited every minute of a long ceremony.
func Left(t, now time.Time) string {
	d := t.Sub(now)
	switch {
	case d <= 0:
		return "over"
	case d < time.Minute:
		return "less than a minute left"
	case d < 10*time.Minute:
		return plural.Of(int(d/time.Minute), "minute") + " left"
	case d < 90*time.Minute:
		return "about " + plural.Of(int(d.Round(5*time.Minute)/time.Minute), "minute") + " left"
	case d < 36*time.Hour:
		return "about " + plural.Of(int(d.Round(time.Hour)/time.Hour), "hour") + " left"
	default:
		return "about " + plural.Of(int(d.Round(24*time.Hour)/(24*time.Hour)), "day") + " left"
	}
}

// Thousands returns a number with a comma between thousands.
func Thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// squares returns progress as a picture.
func squares(done, of int) string {
	done = min(max(done, 0), of)
	return strings.Repeat("🟩", done) + strings.Repeat("⬜", of-done)
}

// Whenever returns a moment, or "never" for the zero time.
func Whenever(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return When(t)
}

// Spell returns a duration as people say it.
func Spell(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d%day == 0 && d > day:
		return plural.Of(int(d/day), "day")
	case d%time.Hour == 0 && d > 0:
		return plural.Of(int(d/time.Hour), "hour")
	case d%time.Minute == 0 && d > 0:
		return plural.Of(int(d/time.Minute), "minute")
	}
	return d.String()
}

// SamePeople reports whether two lists have the same accounts in the same order.
func SamePeople(a, b []ceremony.Person) bool {
	return slices.EqualFunc(a, b, func(x, y ceremony.Person) bool { return x.Account == y.Account })
}

// Short returns as much of a hash as people compare at a glance.
func Short(hash string) string { return hash[:min(len(hash), 16)] }

// ListOr returns "a, b or c".
func ListOr(names []string) string { return enumerate(names, "or") }

// ListAnd returns "a, b and c".
func ListAnd(names []string) string { return enumerate(names, "and") }

func enumerate(names []string, word string) string {
	switch len(names) {
	case 0:
		return "nobody"
	case 1:
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " " + word + " " + names[len(names)-1]
}

// Names returns the names of people, escaped.
func Names(people []ceremony.Person) []string {
	all := make([]string, len(people))
	for i, p := range people {
		all[i] = Escape(p.Name)
	}
	return all
}

// maxCode is how many characters of a text of Vault's are shown. What to do stands behind
// it.
const maxCode = 1000

// Code returns a text for inline code. The text can't end the code, which a backtick or a
// new line would do.
func Code(s string) string {
	if s == "" {
		return "nothing"
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '`':
			return '\''
		case !unicode.IsPrint(r):
			return unicode.ReplacementChar
		}
		return r
	}, s)
	return Escape(Clip(s, maxCode))
}

// lower returns a sentence with a small first letter, to go on with.
func lower(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(first)) + s[size:]
}

// because returns the reason behind a colon, or a full stop.
func because(why string) string {
	if why == "" {
		return "."
	}
	return ": " + Escape(why)
}

// Upper returns a text with a capital first letter.
func Upper(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:]
}
