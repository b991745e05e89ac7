package render

import (
	"slices"

	"github.com/slack-go/slack"

	"conclave/ceremony/wording"
)

// Copied shows a command. No command gets into a message in another way.
func Copied(p wording.Pasted) slack.Block {
	if !p.Made() {
		return Stop
	}
	return listing(p.Text)
}

// inline shows a command within a sentence.
func inline(format string, p wording.Pasted) slack.Block {
	if !p.Made() {
		return Stop
	}
	return section(format, p.Text)
}

// Stop takes the place of a command that was not made.
var Stop slack.Block = section(":octagonal_sign: *Paste nothing and send nothing.* %s", wording.OddWords)

// OrStop returns the message, or Stop alone if one of its commands was not made.
func (m Message) OrStop() Message {
	if !slices.Contains(m.Blocks, Stop) {
		return m
	}
	return Message{Line: "Paste nothing and send nothing. " + wording.OddWords, Blocks: []slack.Block{Stop}}
}
