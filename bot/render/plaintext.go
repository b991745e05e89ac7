package render

import (
	"strings"
	"time"

	"github.com/slack-go/slack"

	"conclave/ceremony"
	"conclave/ceremony/ledger"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// TellEnded tells a person who was asked for a share that the ceremony is over, and what
// to do with the shares that they have.
func TellEnded(c rules.State, to ceremony.Person) string { return PlainText(Ended(c, to)) }

// Status says where a ceremony stands.
func Status(c rules.State, live rules.Live, now time.Time) string {
	return PlainText(StatusPost(c, live, now))
}

// KeyStatus says what is known of a cluster's encryption key.
func KeyStatus(cluster string, r ledger.KeyReport) string { return PlainText(KeyReport(cluster, r)) }

// PlainText returns the text of a message, without buttons and footnotes.
func PlainText(m Message) string {
	var parts []string
	for _, b := range m.Blocks {
		switch b := b.(type) {
		case *slack.HeaderBlock:
			parts = append(parts, wording.PlainText(b.Text.Text))
		case *slack.SectionBlock:
			if b.Text != nil {
				parts = append(parts, wording.PlainText(b.Text.Text))
			}
			for _, f := range b.Fields {
				parts = append(parts, wording.PlainText(strings.Replace(f.Text, "*\n", ":* ", 1)))
			}
		}
	}
	return strings.Join(parts, "\n")
}
