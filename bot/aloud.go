package bot

import (
	"html"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"conclave/ceremony"
)

// What people read in Slack is said in the same words on the day on which Slack is
// down. These are pure functions that need no bot: what they answer is plain text,
// without the hints and footnotes that send people to something in Slack.

// Explain says in a sentence what an error means. It carries no detail of the
// error, which is for the operator.
func Explain(err error) string { return aloud(explain(err).what) }

// Tell says what an entry of the journal means.
func Tell(c ceremony.Ceremony, e ceremony.Entry) string { return aloud(historyWords(c, e)) }

// TellEnded says to somebody who was asked for a share that it is over, and what to
// do with the shares that they have.
func TellEnded(c ceremony.Ceremony, to ceremony.Person) string { return flat(renderEnded(c, to)) }

// Status says where a ceremony stands.
func Status(c ceremony.Ceremony, live ceremony.Live, now time.Time) string {
	return flat(renderBoard(c, live, now))
}

// KeyStatus says what is known of a cluster's encryption key.
func KeyStatus(cluster string, r ceremony.KeyReport) string { return flat(renderKeyReport(cluster, r)) }

// ParcelOf is what a delivery or a token's message has for its receiver.
func ParcelOf(c ceremony.Ceremony, m ceremony.Message) (ceremony.Parcel, error) {
	return parcelOf(c, m)
}

// flat is a message without its title's rank, its buttons and its footnotes.
func flat(m message) string {
	var parts []string
	for _, b := range m.blocks {
		switch b := b.(type) {
		case *slack.HeaderBlock:
			parts = append(parts, aloud(b.Text.Text))
		case *slack.SectionBlock:
			if b.Text != nil {
				parts = append(parts, aloud(b.Text.Text))
			}
			for _, f := range b.Fields {
				parts = append(parts, aloud(strings.Replace(f.Text, "*\n", ":* ", 1)))
			}
		}
	}
	return strings.Join(parts, "\n")
}

// aloud is plainText of every line, with the characters that Slack has escaped.
func aloud(mrkdwn string) string {
	var lines []string
	for line := range strings.SplitSeq(mrkdwn, "\n") {
		if line = plainText(line); line != "" {
			lines = append(lines, html.UnescapeString(strings.ReplaceAll(line, "/ceremony ", "")))
		}
	}
	return strings.Join(lines, "\n")
}
