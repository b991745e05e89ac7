package render

import (
	"github.com/slack-go/slack"

	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// renderReceipt tells a holder what became of their message.
func renderReceipt(c rules.State, e event.Entry) Message {
	text := wording.ReceiptWords(c, e)
	return Message{Line: wording.PlainLine(text),
		Blocks: []slack.Block{section("%s", text), footnote("`%s` · %s · entry %d", c.ID(), wording.When(e.At), e.Seq)}}
}
