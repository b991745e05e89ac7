package slacktest

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

// Read is the message as a person reads it, in plain text for terminals and tests: blocks if it has any, else its text; then its files.
// Mentions are names, links are their words with the address, bold and code keep Slack's marks, buttons stand in brackets.
func (w *Workspace) Read(m Message) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var lines []string
	if len(m.Blocks) > 0 {
		lines = w.readBlocksAloudLocked(m.Blocks)
	} else if m.Text != "" {
		lines = append(lines, w.unmarkLocked(m.Text))
	}
	for _, f := range m.Files {
		lines = append(lines, fmt.Sprintf("[file %s, %d bytes]", f.Name, len(f.Content)))
	}
	if m.Edited {
		lines = append(lines, "(edited)")
	}
	return strings.Join(lines, "\n")
}

// ReadView is a form or the home tab as a person reads it.
func (w *Workspace) ReadView(v View) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var lines []string
	if v.Title != "" {
		lines = append(lines, "# "+v.Title)
	}
	lines = append(lines, w.readBlocksAloudLocked(v.Blocks)...)
	if v.Submit != "" {
		lines = append(lines, "[ "+v.Submit+" ]")
	}
	return strings.Join(lines, "\n")
}

func (w *Workspace) readBlocksAloudLocked(blocks []any) []string {
	var lines []string
	for _, block := range blocks {
		if s := w.readBlockLocked(block); s != "" {
			lines = append(lines, s)
		}
	}
	return lines
}

func (w *Workspace) readBlockLocked(block any) string {
	switch blockkit.Text(block, "type") {
	case "header":
		return "# " + blockkit.Text(block, "text", "text")
	case "divider":
		return strings.Repeat("─", 24)
	case "section":
		o, _ := block.(object)
		var lines []string
		if t := w.readTextLocked(o["text"]); t != "" {
			lines = append(lines, t)
		}
		for _, f := range blockkit.List(block, "fields") {
			lines = append(lines, w.readTextLocked(f))
		}
		if o["accessory"] != nil {
			lines = append(lines, w.readElementLocked(o["accessory"]))
		}
		return strings.Join(lines, "\n")
	case "context":
		var parts []string
		for _, e := range blockkit.List(block, "elements") {
			if blockkit.Text(e, "type") == "image" {
				parts = append(parts, "["+blockkit.Text(e, "alt_text")+"]")
			} else {
				parts = append(parts, w.readTextLocked(e))
			}
		}
		return "· " + strings.Join(parts, " · ")
	case "actions":
		var parts []string
		for _, e := range blockkit.List(block, "elements") {
			parts = append(parts, w.readElementLocked(e))
		}
		return strings.Join(parts, " ")
	case "image":
		return "[" + blockkit.Text(block, "alt_text") + "]"
	case "input":
		o, _ := block.(object)
		line := blockkit.Text(block, "label", "text") + ": " + w.readElementLocked(o["element"])
		if hint := blockkit.Text(block, "hint", "text"); hint != "" {
			line += "\n· " + hint
		}
		return line
	case "markdown":
		return blockkit.Text(block, "text")
	case "rich_text":
		var lines []string
		for _, e := range blockkit.List(block, "elements") {
			lines = append(lines, w.readRichLocked(e))
		}
		return strings.Join(lines, "\n")
	default:
		return "[" + blockkit.Text(block, "type") + "]"
	}
}

// readTextLocked reads a text object.
func (w *Workspace) readTextLocked(o any) string {
	if blockkit.Text(o, "type") == "plain_text" {
		return blockkit.Text(o, "text")
	}
	return w.unmarkLocked(blockkit.Text(o, "text"))
}

func (w *Workspace) readElementLocked(e any) string {
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

func (w *Workspace) readRichLocked(e any) string {
	switch blockkit.Text(e, "type") {
	case "rich_text_preformatted":
		return "```\n" + w.readInlineLocked(e) + "\n```"
	case "rich_text_quote":
		return "> " + strings.ReplaceAll(w.readInlineLocked(e), "\n", "\n> ")
	case "rich_text_list":
		var lines []string
		for i, item := range blockkit.List(e, "elements") {
			mark := "• "
			if blockkit.Text(e, "style") == "ordered" {
				mark = fmt.Sprintf("%d. ", i+1)
			}
			lines = append(lines, mark+w.readInlineLocked(item))
		}
		return strings.Join(lines, "\n")
	default:
		return w.readInlineLocked(e)
	}
}

func (w *Workspace) readInlineLocked(of any) string {
	var out strings.Builder
	for _, e := range blockkit.List(of, "elements") {
		o, _ := e.(object)
		piece := ""
		switch blockkit.Text(e, "type") {
		case "text":
			piece = blockkit.Text(e, "text")
		case "link":
			if piece = blockkit.Text(e, "text"); piece == "" {
				piece = blockkit.Text(e, "url")
			}
		case "user":
			piece = "@" + w.nameLocked(blockkit.Text(e, "user_id"))
		case "channel":
			piece = "#" + w.channelNameLocked(blockkit.Text(e, "channel_id"))
		case "emoji":
			piece = ":" + blockkit.Text(e, "name") + ":"
		case "broadcast":
			piece = "@" + blockkit.Text(e, "range")
		case "date":
			piece = blockkit.Text(e, "fallback")
		}
		style, _ := o["style"].(object)
		for _, mark := range []struct{ name, sign string }{{"code", "`"}, {"italic", "_"}, {"bold", "*"}, {"strike", "~"}} {
			if style[mark.name] == true {
				piece = mark.sign + piece + mark.sign
			}
		}
		out.WriteString(piece)
	}
	return out.String()
}

// unmarkLocked reads mrkdwn: control sequences become words, entities become characters.
func (w *Workspace) unmarkLocked(s string) string {
	s = marked.ReplaceAllStringFunc(s, func(sequence string) string {
		inside := sequence[1 : len(sequence)-1]
		target, label, labelled := strings.Cut(inside, "|")
		switch {
		case strings.HasPrefix(target, "@"):
			return "@" + w.nameLocked(target[1:])
		case strings.HasPrefix(target, "#"):
			return "#" + w.channelNameLocked(target[1:])
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
		"{date_num}", at.Format("2006-01-02"), "{date_short}", at.Format("Jan 2, 2006"), "{date_short_pretty}", at.Format("Jan 2, 2006"),
		"{date_long}", at.Format("Monday, January 2, 2006"), "{date_long_pretty}", at.Format("Monday, January 2, 2006"),
		"{date}", at.Format("January 2, 2006"), "{date_pretty}", at.Format("January 2, 2006"),
		"{time}", at.Format("15:04"), "{time_secs}", at.Format("15:04:05"), "{ago}", at.Format("2006-01-02 15:04"),
	).Replace(parts[2])
}

func (w *Workspace) nameLocked(id string) string {
	if p := w.personByIDLocked(id); p != nil {
		return p.name
	}
	return id
}

func (w *Workspace) channelNameLocked(id string) string {
	if ch := w.channelByIDLocked(id); ch != nil {
		return ch.name
	}
	return id
}
