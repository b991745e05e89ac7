package wording

import (
	"html"
	"regexp"
	"strings"

	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// What people read in Slack they read in the same words on the day on which Slack is down.
// These functions return plain text, without the hints and footnotes that send people to
// something in Slack.

// Explain says in a sentence what an error means. It leaves out the detail of the error,
// which is for the operator.
func Explain(err error) string { return PlainText(ExplainError(err).What) }

// Tell says what an entry of the journal means.
func Tell(c rules.State, e event.Entry) string { return PlainText(HistoryWords(c, e)) }

// PlainText returns every line without formatting, and undoes what was escaped for Slack.
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

// PlainLine returns the first line without formatting, for a phone's lock screen. Slack
// reads it as mrkdwn, so escaped characters stay escaped.
func PlainLine(mrkdwn string) string {
	first, _, _ := strings.Cut(mrkdwn, "\n")
	first = emojiCode.ReplaceAllString(first, "")
	first = dateToken.ReplaceAllString(first, "$1")
	return strings.NewReplacer("*", "", "`", "").Replace(first)
}
