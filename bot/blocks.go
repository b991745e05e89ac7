package bot

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"conclave/plural"
)

// Slack's limits on what a message may hold, in characters.
// Source: docs.slack.dev "Block Kit" reference and chat.postMessage.
const (
	maxSection = 3000
	maxField   = 2000
	maxHeader  = 150
	maxLine    = 300 // ours: the line is for a phone's lock screen
	maxBlocks  = 50
)

// message is what people see: the line that a phone shows, and the blocks.
type message struct {
	line   string
	blocks []slack.Block
}

// options are the message as Slack's client takes it.
func (m message) options() []slack.MsgOption {
	m = m.orStop()
	blocks := m.blocks
	if len(blocks) > maxBlocks {
		blocks = append(blocks[:maxBlocks-1:maxBlocks-1], footnote("There is more than fits into one message."))
	}
	return []slack.MsgOption{
		slack.MsgOptionText(clip(m.line, maxLine), false),
		slack.MsgOptionBlocks(blocks...),
		slack.MsgOptionDisableLinkUnfurl(),
		slack.MsgOptionDisableMediaUnfurl(),
	}
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escape keeps what a person wrote from becoming a link or a mention.
// Source: docs.slack.dev "Formatting message text".
func escape(s string) string { return escaper.Replace(s) }

// clip cuts after n characters, never in the middle of an entity or of a
// date, which both end where the cut shows.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	cut := string([]rune(s)[:n-1])
	for _, pair := range []struct{ open, end string }{{"&", ";"}, {"<", ">"}} {
		if at := strings.LastIndex(cut, pair.open); at > strings.LastIndex(cut, pair.end) {
			cut = cut[:at]
		}
	}
	return cut + "…"
}

func title(s string) slack.Block {
	return slack.NewHeaderBlock(slack.NewTextBlockObject(slack.PlainTextType, clip(s, maxHeader), true, false))
}

func section(format string, args ...any) slack.Block {
	return slack.NewSectionBlock(mrkdwn(fmt.Sprintf(format, args...), maxSection), nil, nil)
}

func footnote(format string, args ...any) slack.Block {
	return slack.NewContextBlock("", mrkdwn(fmt.Sprintf(format, args...), maxField))
}

// facts is a table of two columns.
func facts(all ...fact) slack.Block {
	fields := make([]*slack.TextBlockObject, len(all))
	for i, f := range all {
		fields[i] = mrkdwn("*"+f.name+"*\n"+f.value, maxField)
	}
	return slack.NewSectionBlock(nil, fields, nil)
}

type fact struct{ name, value string }

func mrkdwn(s string, most int) *slack.TextBlockObject {
	// Verbatim: or Slack makes links and mentions of what people wrote without any
	// of the characters that escape knows.
	return slack.NewTextBlockObject(slack.MarkdownType, clip(s, most), false, true)
}

// listing shows text as it is, for reading; a command is shown by [copied]. Slack
// neither links nor escapes what stands in a preformatted block. What a person has to
// copy in one go is never cut in two: Slack allows such a block to be long.
func listing(text string) slack.Block {
	return slack.NewRichTextBlock("", &slack.RichTextPreformatted{
		Type:     slack.RTEPreformatted,
		Elements: []slack.RichTextSectionElement{slack.NewRichTextSectionTextElement(text, nil)},
	})
}

// listings is a listing that may be cut between two lines, because it is long
// and only read.
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
		line = clip(line, maxSection)
		n := utf8.RuneCountInString(line)
		if size+n > maxSection {
			flush()
		}
		part.WriteString(line)
		size += n
	}
	flush()
	return blocks
}

// when is a moment in the reader's own time zone.
func when(t time.Time) string {
	return fmt.Sprintf("<!date^%d^{date_short_pretty} at {time}|%s>", t.Unix(), t.UTC().Format("2006-01-02 15:04 UTC"))
}

// clock is a moment of today in the reader's own time zone.
func clock(t time.Time) string {
	return fmt.Sprintf("<!date^%d^{time}|%s>", t.Unix(), t.UTC().Format("15:04 UTC"))
}

// left is the time until t in steps that are coarser the longer it is, so that a
// status post is not edited every minute of a long ceremony.
func left(t, now time.Time) string {
	d := t.Sub(now)
	switch {
	case d <= 0:
		return "over"
	case d < time.Minute:
		return "less than a minute left"
	case d < 10*time.Minute:
		return plural.Of(int(d/time.Minute), "minute") + " left"
	case d < 90*time.Minute:
		return "about " + plural.Of(int(d.Round(5*time.Minute)/time.Minute), "minute") + " left"
	case d < 36*time.Hour:
		return "about " + plural.Of(int(d.Round(time.Hour)/time.Hour), "hour") + " left"
	default:
		return "about " + plural.Of(int(d.Round(24*time.Hour)/(24*time.Hour)), "day") + " left"
	}
}

// thousands is a large number that can be read.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// squares is progress as a picture.
func squares(done, of int) string {
	done = min(max(done, 0), of)
	return strings.Repeat("🟩", done) + strings.Repeat("⬜", of-done)
}

// button is one action that the person may take on what the message says.
func button(verb verb, value, label string, style slack.Style, sure *slack.ConfirmationBlockObject) *slack.ButtonBlockElement {
	b := slack.NewButtonBlockElement(string(verb), value, slack.NewTextBlockObject(slack.PlainTextType, label, false, false))
	b.Style, b.Confirm = style, sure
	return b
}

func confirm(title, text, yes, no string) *slack.ConfirmationBlockObject {
	plain := func(s string) *slack.TextBlockObject {
		return slack.NewTextBlockObject(slack.PlainTextType, s, false, false)
	}
	return slack.NewConfirmationBlockObject(plain(title), plain(text), plain(yes), plain(no))
}
