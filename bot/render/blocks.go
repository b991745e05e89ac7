package render

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"conclave/bot/command"
	"conclave/ceremony/wording"
)

// Message is a Slack message: the line that a phone shows, and the blocks.
type Message struct {
	Line   string
	Blocks []slack.Block
}

// Options returns the message as Slack's client takes it, cut to what fits into one post.
func (m Message) Options() []slack.MsgOption {
	m = m.OrStop()
	return []slack.MsgOption{
		slack.MsgOptionText(wording.Clip(m.Line, wording.MaxLine), false),
		slack.MsgOptionBlocks(shortened(m.Blocks)...),
		slack.MsgOptionDisableLinkUnfurl(),
		slack.MsgOptionDisableMediaUnfurl(),
	}
}

func title(s string) slack.Block {
	return slack.NewHeaderBlock(
		slack.NewTextBlockObject(slack.PlainTextType, wording.Clip(s, wording.MaxHeader), true, false))
}

func section(format string, args ...any) slack.Block {
	return slack.NewSectionBlock(mrkdwn(fmt.Sprintf(format, args...), wording.MaxSection), nil, nil)
}

func footnote(format string, args ...any) slack.Block {
	return slack.NewContextBlock("", mrkdwn(fmt.Sprintf(format, args...), wording.MaxField))
}

// facts returns a table of two columns.
func facts(all ...wording.Fact) slack.Block {
	fields := make([]*slack.TextBlockObject, len(all))
	for i, f := range all {
		fields[i] = mrkdwn("*"+f.Name+"*\n"+f.Value, wording.MaxField)
	}
	return slack.NewSectionBlock(nil, fields, nil)
}

func mrkdwn(s string, most int) *slack.TextBlockObject {
	// Verbatim, since Slack would otherwise make links and mentions of what people
	// wrote without any of the characters that Escape replaces.
	return slack.NewTextBlockObject(slack.MarkdownType, wording.Clip(s, most), false, true)
}

// listing shows a text as it is, for reading. A command is shown by [Copied]. Slack
// neither links nor escapes the text of a preformatted block, and allows it to be long:
// what a person has to copy in one go is never cut in two.
func listing(text string) slack.Block {
	return slack.NewRichTextBlock("", &slack.RichTextPreformatted{
		Type:     slack.RTEPreformatted,
		Elements: []slack.RichTextSectionElement{slack.NewRichTextSectionTextElement(text, nil)},
	})
}

// listings returns a long text in several listings, cut between two lines, since it is
// only read.
func listings(text string) []slack.Block {
	var blocks []slack.Block
	var part strings.Builder
	size := 0
	flush := func() {
		if part.Len() > 0 {
			blocks = append(blocks, listing(strings.TrimRight(part.String(), "\n")))
			part.Reset()
			size = 0
		}
	}
	for line := range strings.Lines(text) {
		line = wording.Clip(line, wording.MaxSection)
		n := utf8.RuneCountInString(line)
		if size+n > wording.MaxSection {
			flush()
		}
		part.WriteString(line)
		size += n
	}
	flush()
	return blocks
}

// button returns a button for one command. sure asks for a confirmation; it may be nil.
func button(
	verb command.Verb, value, label string, style slack.Style, sure *slack.ConfirmationBlockObject,
) *slack.ButtonBlockElement {
	b := slack.NewButtonBlockElement(string(verb), value, plainText(label))
	b.Style, b.Confirm = style, sure
	return b
}

func confirm(title, text, yes, no string) *slack.ConfirmationBlockObject {
	return slack.NewConfirmationBlockObject(plainText(title), plainText(text), plainText(yes), plainText(no))
}

func plainText(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, s, false, false)
}
