package wording

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

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
)

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// Escape keeps what a person wrote from becoming a link or a mention.
// Source: docs.slack.dev "Formatting message text".
func Escape(s string) string { return escaper.Replace(s) }

// Clip cuts after n characters, never in the middle of an entity or of a
// date, which both end where the cut shows.
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

type Fact struct{ Name, Value string }

// When is a moment in the reader's own time zone.
func When(t time.Time) string {
	return fmt.Sprintf("<!date^%d^{date_short_pretty} at {time}|%s>", t.Unix(), t.UTC().Format("2006-01-02 15:04 UTC"))
}

// clock is a moment of today in the reader's own time zone.
func clock(t time.Time) string {
	return fmt.Sprintf("<!date^%d^{time}|%s>", t.Unix(), t.UTC().Format("15:04 UTC"))
}

// Left is the time until t in steps that are coarser the longer it is, so that a
// status post is not edited every minute of a long ceremony.
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

// Thousands is a large number that can be read.
func Thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// squares is progress as a picture.
func squares(done, of int) string {
	done = min(max(done, 0), of)
	return strings.Repeat("🟩", done) + strings.Repeat("⬜", of-done)
}
