package wording

import (
	"html"
	"regexp"
	"strings"

	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// What people read in Slack is said in the same words on the day on which Slack is
// down. These are pure functions that need no bot: what they answer is plain text,
// without the hints and footnotes that send people to something in Slack.

// Explain says in a sentence what an error means. It carries no detail of the
// error, which is for the operator.
func Explain(err error) string { return PlainText(ExplainError(err).What) }

// Tell says what an entry of the journal means.
func Tell(c rules.State, e event.Entry) string { return PlainText(HistoryWords(c, e)) }

// Aloud is plainText of every line, with the characters that Slack has escaped.
func PlainText(mrkdwn string) string {
	var lines []string
	for line := range strings.SplitSeq(mrkdwn, "\n") {
		if line = PlainLine(line); line != "" {
			lines = append(lines, html.UnescapeString(strings.ReplaceAll(line, "/ceremony ", "")))
		}
	}
	return strings.Join(lines, "\n")
}

var (
	emojiCode = regexp.MustCompile(`:[a-z_]+:\s?`)
	dateToken = regexp.MustCompile(`<!date\^[^|>]*\|([^>]*)>`)
)

// PlainText is one line without formatting, for a phone's lock screen. Slack
// shows it as mrkdwn too, so that escaped characters stay escaped.
func PlainLine(mrkdwn string) string {
	first, _, _ := strings.Cut(mrkdwn, "\n")
	first = emojiCode.ReplaceAllString(first, "")
	first = dateToken.ReplaceAllString(first, "$1")
	return strings.NewReplacer("*", "", "`", "").Replace(first)
}
