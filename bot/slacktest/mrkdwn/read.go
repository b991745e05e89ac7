package mrkdwn

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"conclave/bot/slacktest/blockkit"
)

var (
	marked   = regexp.MustCompile(`<([^<>]*)>`)
	slackDay = regexp.MustCompile(`^!date\^(\d+)\^([^^|]*)`)
)

// Reader reads messages as Slack's client shows them, in plain text for terminals and tests.
type Reader struct {
	User, Channel func(id string) string // return the name of a user or a channel, or the id itself
}

// Blocks returns the lines that a list of blocks shows. Mentions are names, links are their words with the address,
// bold and code keep Slack's marks, buttons stand in brackets.
func (r Reader) Blocks(blocks []any) []string {
	var lines []string
	for _, block := range blocks {
		if s := r.block(block); s != "" {
			lines = append(lines, s)
		}
	}
	return lines
}

func (r Reader) block(block any) string {
	switch blockkit.Text(block, "type") {
	case "header":
		return "# " + blockkit.Text(block, "text", "text")
	case "divider":
		return strings.Repeat("─", 24)
	case "section":
		o, _ := block.(blockkit.Object)
		var lines []string
		if t := r.text(o["text"]); t != "" {
			lines = append(lines, t)
		}
		for _, f := range blockkit.List(block, "fields") {
			lines = append(lines, r.text(f))
		}
		if o["accessory"] != nil {
			lines = append(lines, r.element(o["accessory"]))
		}
		return strings.Join(lines, "\n")
	case "context":
		var parts []string
		for _, e := range blockkit.List(block, "elements") {
			if blockkit.Text(e, "type") == "image" {
				parts = append(parts, "["+blockkit.Text(e, "alt_text")+"]")
			} else {
				parts = append(parts, r.text(e))
			}
		}
		return "· " + strings.Join(parts, " · ")
	case "actions":
		var parts []string
		for _, e := range blockkit.List(block, "elements") {
			parts = append(parts, r.element(e))
		}
		return strings.Join(parts, " ")
	case "image":
		return "[" + blockkit.Text(block, "alt_text") + "]"
	case "input":
		o, _ := block.(blockkit.Object)
		line := blockkit.Text(block, "label", "text") + ": " + r.element(o["element"])
		if hint := blockkit.Text(block, "hint", "text"); hint != "" {
			line += "\n· " + hint
		}
		return line
	case "markdown":
		return blockkit.Text(block, "text")
	case "rich_text":
		var lines []string
		for _, e := range blockkit.List(block, "elements") {
			lines = append(lines, r.rich(e))
		}
		return strings.Join(lines, "\n")
	default:
		return "[" + blockkit.Text(block, "type") + "]"
	}
}

// text reads a text object.
func (r Reader) text(o any) string {
	if blockkit.Text(o, "type") == "plain_text" {
		return blockkit.Text(o, "text")
	}
	return r.Text(blockkit.Text(o, "text"))
}

func (r Reader) element(e any) string {
	switch kind := blockkit.Text(e, "type"); kind {
	case "button", "workflow_button":
		return "[ " + blockkit.Text(e, "text", "text") + " ]"
	case "image":
		return "[" + blockkit.Text(e, "alt_text") + "]"
	case "plain_text_input", "number_input", "email_text_input", "url_text_input":
		return "____" + blockkit.Text(e, "initial_value")
	default:
		var options []string
		for _, o := range blockkit.List(e, "options") {
			options = append(options, blockkit.Text(o, "text", "text"))
		}
		return "( " + strings.Join(options, " | ") + " )"
	}
}

func (r Reader) rich(e any) string {
	switch blockkit.Text(e, "type") {
	case "rich_text_preformatted":
		return "```\n" + r.inline(e) + "\n```"
	case "rich_text_quote":
		return "> " + strings.ReplaceAll(r.inline(e), "\n", "\n> ")
	case "rich_text_list":
		var lines []string
		for i, item := range blockkit.List(e, "elements") {
			mark := "• "
			if blockkit.Text(e, "style") == "ordered" {
				mark = fmt.Sprintf("%d. ", i+1)
			}
			lines = append(lines, mark+r.inline(item))
		}
		return strings.Join(lines, "\n")
	default:
		return r.inline(e)
	}
}

func (r Reader) inline(of any) string {
	var out strings.Builder
	for _, e := range blockkit.List(of, "elements") {
		o, _ := e.(blockkit.Object)
		piece := ""
		switch blockkit.Text(e, "type") {
		case "text":
			piece = blockkit.Text(e, "text")
		case "link":
			if piece = blockkit.Text(e, "text"); piece == "" {
				piece = blockkit.Text(e, "url")
			}
		case "user":
			piece = "@" + r.User(blockkit.Text(e, "user_id"))
		case "channel":
			piece = "#" + r.Channel(blockkit.Text(e, "channel_id"))
		case "emoji":
			piece = ":" + blockkit.Text(e, "name") + ":"
		case "broadcast":
			piece = "@" + blockkit.Text(e, "range")
		case "date":
			piece = blockkit.Text(e, "fallback")
		}
		style, _ := o["style"].(blockkit.Object)
		for _, mark := range []struct{ name, sign string }{{"code", "`"}, {"italic", "_"}, {"bold", "*"}, {"strike", "~"}} {
			if style[mark.name] == true {
				piece = mark.sign + piece + mark.sign
			}
		}
		out.WriteString(piece)
	}
	return out.String()
}

// Text reads mrkdwn: control sequences become words, entities become characters.
func (r Reader) Text(s string) string {
	s = marked.ReplaceAllStringFunc(s, func(sequence string) string {
		inside := sequence[1 : len(sequence)-1]
		target, label, labelled := strings.Cut(inside, "|")
		switch {
		case strings.HasPrefix(target, "@"):
			return "@" + r.User(target[1:])
		case strings.HasPrefix(target, "#"):
			return "#" + r.Channel(target[1:])
		case slackDay.MatchString(target):
			return readDate(target, label)
		case strings.HasPrefix(target, "!"):
			return "@" + target[1:]
		case labelled && label != strings.TrimPrefix(target, "mailto:") && label != strings.TrimPrefix(target, "http://"):
			return label + " (" + target + ")"
		case labelled:
			return label
		case strings.Contains(target, ":"):
			return target
		}
		return sequence
	})
	return unescaper.Replace(s)
}

// readDate shows a date in UTC, so that a test reads the same everywhere; Slack shows it in the reader's own zone.
func readDate(target, fallback string) string {
	parts := slackDay.FindStringSubmatch(target)
	var seconds int64
	if _, err := fmt.Sscan(parts[1], &seconds); err != nil {
		return fallback
	}
	at := time.Unix(seconds, 0).UTC()
	return strings.NewReplacer(
		"{date_num}", at.Format("2006-01-02"), "{date_short}", at.Format("Jan 2, 2006"), "{date_short_pretty}",
		at.Format("Jan 2, 2006"), "{date_long}", at.Format("Monday, January 2, 2006"), "{date_long_pretty}",
		at.Format("Monday, January 2, 2006"),
		"{date}", at.Format("January 2, 2006"), "{date_pretty}", at.Format("January 2, 2006"),
		"{time}", at.Format("15:04"), "{time_secs}", at.Format("15:04:05"), "{ago}", at.Format("2006-01-02 15:04"),
	).Replace(parts[2])
}
