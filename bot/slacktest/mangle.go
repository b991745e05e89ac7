package slacktest

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

const (
	maxTyped    = 4000 // Slack's client splits what a person types above this
	advisedText = 4000 // what Slack recommends as the most for chat.postMessage
)

var (
	entity  = regexp.MustCompile(`&(?:amp|lt|gt);`)
	control = regexp.MustCompile(`<(?:[@#!][^<>]+|(?:https?|mailto|slack|tel):[^<>]+)>`)
	// A bare domain is linked too: an armor's "Comment: https://gnupg.org" and "gnupg.org" both come out changed.
	bare    = regexp.MustCompile(`https?://[^\s<>|&]+|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b|\b(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev)\b`)
	mention = regexp.MustCompile(`@([a-z0-9._-]+)`)
	curly   = regexp.MustCompile(`(^|[\s(\[{])"`)
)

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
var unescaper = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">")

// escapeTyped is what a person's characters become in the text of a message.
func escapeTyped(s string) string { return escaper.Replace(s) }

// escapeSent is what the text of an app becomes: control sequences and entities stay, loose & < > are escaped.
func escapeSent(s string) string {
	var out strings.Builder
	for s != "" {
		at := control.FindStringIndex(s)
		if at == nil {
			at = []int{len(s), len(s)}
		}
		loose := s[:at[0]]
		for loose != "" {
			e := entity.FindStringIndex(loose)
			if e == nil {
				e = []int{len(loose), len(loose)}
			}
			out.WriteString(escapeTyped(loose[:e[0]]))
			out.WriteString(loose[e[0]:e[1]])
			loose = loose[e[1]:]
		}
		out.WriteString(s[at[0]:at[1]])
		s = s[at[1]:]
	}
	return out.String()
}

// smarten is what a Mac's "smart punctuation" makes of what is typed or pasted.
func smarten(s string) string {
	s = strings.ReplaceAll(s, "--", "—")
	s = curly.ReplaceAllString(s, "${1}“")
	return strings.ReplaceAll(s, `"`, "”")
}

// splitTyped cuts a long text into messages, at line ends where there are any. Slack's client does this.
func splitTyped(s string) []string {
	var parts []string
	for utf8.RuneCountInString(s) > maxTyped {
		cut := len(string([]rune(s)[:maxTyped]))
		if line := strings.LastIndexByte(s[:cut], '\n'); line > 0 {
			cut = line + 1
		}
		parts = append(parts, s[:cut])
		s = s[cut:]
	}
	return append(parts, s)
}

// typedLocked makes the text and the rich_text block of what a person typed.
func (w *Workspace) typedLocked(s string) (string, []any) {
	var text strings.Builder
	var elements []any
	for i, part := range strings.Split(s, "```") {
		if i%2 == 1 {
			body, inline := w.inlineLocked(strings.Trim(part, "\n"))
			text.WriteString("```" + body + "```")
			elements = append(elements, object{"type": "rich_text_preformatted", "elements": inline, "border": 0})
			continue
		}
		body, inline := w.inlineLocked(part)
		text.WriteString(body)
		if len(inline) > 0 {
			elements = append(elements, object{"type": "rich_text_section", "elements": inline})
		}
	}
	return text.String(), []any{object{"type": "rich_text", "block_id": w.idLocked("b"), "elements": elements}}
}

// inlineLocked links what looks like an address, resolves mentions, and escapes the rest.
func (w *Workspace) inlineLocked(s string) (string, []any) {
	var out strings.Builder
	var elements []any
	plain := func(piece string) {
		for piece != "" {
			at, person := w.mentionedLocked(piece)
			if person == nil {
				out.WriteString(escapeTyped(piece))
				elements = append(elements, object{"type": "text", "text": piece})
				return
			}
			if at[0] > 0 {
				out.WriteString(escapeTyped(piece[:at[0]]))
				elements = append(elements, object{"type": "text", "text": piece[:at[0]]})
			}
			out.WriteString("<@" + person.id + ">")
			elements = append(elements, object{"type": "user", "user_id": person.id})
			piece = piece[at[1]:]
		}
	}
	for s != "" {
		at := bare.FindStringIndex(s)
		if at == nil {
			plain(s)
			break
		}
		plain(s[:at[0]])
		found := s[at[0]:at[1]]
		link, shown := found, ""
		switch {
		case strings.HasPrefix(found, "http"):
		case strings.Contains(found, "@"):
			link, shown = "mailto:"+found, found
		default:
			link, shown = "http://"+found, found
		}
		element := object{"type": "link", "url": link}
		if shown == "" {
			out.WriteString("<" + link + ">")
		} else {
			out.WriteString("<" + link + "|" + shown + ">")
			element["text"] = shown
		}
		elements = append(elements, element)
		s = s[at[1]:]
	}
	return out.String(), elements
}

func (w *Workspace) mentionedLocked(s string) ([]int, *Person) {
	for _, at := range mention.FindAllStringSubmatchIndex(s, -1) {
		if p := w.personByNameLocked(s[at[2]:at[3]]); p != nil {
			return at[:2], p
		}
	}
	return nil, nil
}
