package render

import (
	"github.com/slack-go/slack"

	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// History is one event in the status post's thread: who, what, when.
func History(c rules.State, e event.Entry) Message {
	text := wording.HistoryWords(c, e)
	return Message{
		Line: wording.PlainLine(text),
		Blocks: []slack.Block{section("%s", text),
			footnote("%s · entry %d · `%s`", wording.When(e.At), e.Seq, wording.Short(e.Hash))},
	}
}
