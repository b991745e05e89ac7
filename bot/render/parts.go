package render

import (
	"encoding/json"
	"slices"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"conclave/ceremony/wording"
)

// partSize is how much of a message's blocks goes into one of its parts, beside the footnote.
const partSize = wording.MaxMessage - 500

// Parts returns the messages that a message is posted as, in their order: one, unless Slack
// would refuse it for its size. What people act upon is in the last one.
func (m Message) Parts() []Message {
	m = m.OrStop()
	if fits(m.Blocks) {
		return []Message{m}
	}
	// From the end, so that the last part is full: what people act upon stands beside its buttons.
	var parts [][]slack.Block
	size, to := 0, len(m.Blocks)
	for from := len(m.Blocks) - 1; from >= 0; from-- {
		n := sizeOf(m.Blocks[from])
		if from+1 < to && (size+n > partSize || to-from == wording.MaxBlocks) {
			parts, size, to = append(parts, m.Blocks[from+1:to:to]), 0, from+1
		}
		size += n
	}
	parts = append(parts, m.Blocks[:to:to])
	slices.Reverse(parts)
	all := make([]Message, len(parts))
	for i, blocks := range parts {
		if i < len(parts)-1 {
			blocks = append(blocks, footnote("Part %d of %d. It goes on in the next message.", i+1, len(parts)))
		}
		all[i] = Message{Line: m.Line, Blocks: blocks}
	}
	return all
}

// shortened returns the blocks of a message that is one post and stays one: a status post, or
// the answer to a click. Where Slack would refuse them for their size, the longest texts are
// cut. Buttons stay.
func shortened(blocks []slack.Block) []slack.Block {
	if len(blocks) > wording.MaxBlocks {
		blocks = append(blocks[:wording.MaxBlocks-1:wording.MaxBlocks-1],
			footnote("There is more than fits into one message."))
	}
	for !fits(blocks) {
		longest, most := -1, 0
		for i, b := range blocks {
			if n := sizeOf(b); n > most && textOf(b) != nil {
				longest, most = i, n
			}
		}
		if longest < 0 {
			return blocks
		}
		text := textOf(blocks[longest])
		half := utf8.RuneCountInString(text.Text) / 2
		cut := append([]slack.Block{}, blocks...)
		cut[longest] = section("%s", wording.Clip(text.Text, half))
		blocks = cut
	}
	return blocks
}

// textOf returns the text of a section that can be cut, nil for any other block.
func textOf(b slack.Block) *slack.TextBlockObject {
	s, ok := b.(*slack.SectionBlock)
	if !ok || s.Text == nil || s.Text.Type != slack.MarkdownType || utf8.RuneCountInString(s.Text.Text) < 100 {
		return nil
	}
	return s.Text
}

// fits reports whether Slack takes blocks in one message.
func fits(blocks []slack.Block) bool {
	size := 0
	for _, b := range blocks {
		size += sizeOf(b)
	}
	return size <= wording.MaxMessage && len(blocks) <= wording.MaxBlocks
}

// sizeOf returns how much a block takes of a message's size.
func sizeOf(b slack.Block) int {
	sent, _ := json.Marshal(b)
	return len(sent) + 1
}
