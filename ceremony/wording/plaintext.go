package wording

import (
	"regexp"
	"strings"
)

var (
	emojiCode = regexp.MustCompile(`:[a-z_]+:\s?`)
	dateToken = regexp.MustCompile(`<!date\^[^|>]*\|([^>]*)>`)
)

// PlainText is one line without formatting, for a phone's lock screen. Slack
// shows it as mrkdwn too, so that escaped characters stay escaped.
func PlainText(mrkdwn string) string {
	first, _, _ := strings.Cut(mrkdwn, "\n")
	first = emojiCode.ReplaceAllString(first, "")
	first = dateToken.ReplaceAllString(first, "$1")
	return strings.NewReplacer("*", "", "`", "").Replace(first)
}
