package bot

import (
	"regexp"
	"strings"

	"github.com/slack-go/slack"
)

// What Slack does to a text on its way is undone here as far as Slack says what it did:
// entities, and addresses that became links. What people's own computers do (dashes,
// quotes, lost lines) is left to the reader of the armor.

var (
	// <http://gnupg.org|gnupg.org>, <mailto:a@b.example|a@b.example>, <https://gnupg.org>
	link       = regexp.MustCompile(`<(?:https?://|mailto:)([^|<>]*)\|([^<>]*)>|<((?:https?://|mailto:)[^|<>]*)>`)
	unescaping = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")
)

// unescape returns what a person typed, from the text of a message event.
// Source: docs.slack.dev "Formatting message text".
func unescape(text string) string {
	text = link.ReplaceAllStringFunc(text, func(l string) string {
		m := link.FindStringSubmatch(l)
		if m[3] != "" {
			return strings.TrimPrefix(m[3], "mailto:")
		}
		return m[2]
	})
	return unescaping.Replace(text)
}

// typed returns what a person typed, from the rich text of a message, in which Slack keeps
// the characters as they were.
func typed(blocks slack.Blocks) string {
	var b strings.Builder
	for _, block := range blocks.BlockSet {
		rich, ok := block.(*slack.RichTextBlock)
		if !ok {
			continue
		}
		for _, e := range rich.Elements {
			writeElement(&b, e)
		}
	}
	return b.String()
}

func writeElement(b *strings.Builder, e slack.RichTextElement) {
	var parts []slack.RichTextSectionElement
	switch e := e.(type) {
	case *slack.RichTextSection:
		parts = e.Elements
	case *slack.RichTextPreformatted:
		parts = e.Elements
	case *slack.RichTextQuote:
		parts = e.Elements
	case *slack.RichTextList:
		for _, item := range e.Elements {
			writeElement(b, item)
		}
		return
	}
	for _, part := range parts {
		switch p := part.(type) {
		case *slack.RichTextSectionTextElement:
			b.WriteString(p.Text)
		case *slack.RichTextSectionLinkElement:
			if p.Text != "" {
				b.WriteString(p.Text)
			} else {
				b.WriteString(p.URL)
			}
		}
	}
	b.WriteString("\n")
}
