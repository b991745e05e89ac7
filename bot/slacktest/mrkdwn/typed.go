package mrkdwn

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"conclave/bot/slacktest/blockkit"
)

// maxTyped is the length in characters above which Slack's client splits what a person types.
const maxTyped = 4000

var (
	entity  = regexp.MustCompile(`&(?:amp|lt|gt);`)
	control = regexp.MustCompile(`<(?:[@#!][^<>]+|(?:https?|mailto|slack|tel):[^<>]+)>`)
	// A bare domain is linked too: an armor's "Comment: https://gnupg.org" and "gnupg.org" both come out changed.
	bare = regexp.MustCompile(
		`https?://[^\s<>|&]+|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b|\b(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev)\b`)
	mention = regexp.MustCompile(`@([a-z0-9._-]+)`)
	curly   = regexp.MustCompile(`(^|[\s(\[{])"`)
)

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
var unescaper = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">")

// Escape returns the text of a message for the characters that a person typed.
func Escape(s string) string { return escaper.Replace(s) }

// EscapeSent returns the text of a message for the text that an app sent. Control sequences and entities stay; other &
// < > are escaped.
func EscapeSent(s string) string {
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
			out.WriteString(Escape(loose[:e[0]]))
			out.WriteString(loose[e[0]:e[1]])
			loose = loose[e[1]:]
		}
		out.WriteString(s[at[0]:at[1]])
		s = s[at[1]:]
	}
	return out.String()
}

// Smarten changes a text as a Mac's "smart punctuation" does when it is typed or pasted.
func Smarten(s string) string {
	s = strings.ReplaceAll(s, "--", "—")
	s = curly.ReplaceAllString(s, "${1}“")
	return strings.ReplaceAll(s, `"`, "”")
}

// Split cuts a long text into messages, at line ends where there are any. Slack's client does this.
func Split(s string) []string {
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

// Typed returns the text and the elements of the rich_text block that Slack makes of what a person typed.
// mentioned returns the id of the user with a name, or "".
func Typed(s string, mentioned func(name string) string) (string, []any) {
	var text strings.Builder
	var elements []any
	for i, part := range strings.Split(s, "```") {
		if i%2 == 1 {
			body, pieces := inline(strings.Trim(part, "\n"), mentioned)
			text.WriteString("```" + body + "```")
			elements = append(elements, blockkit.Object{"type": "rich_text_preformatted", "elements": pieces, "border": 0})
			continue
		}
		body, pieces := inline(part, mentioned)
		text.WriteString(body)
		if len(pieces) > 0 {
			elements = append(elements, blockkit.Object{"type": "rich_text_section", "elements": pieces})
		}
	}
	return text.String(), elements
}

// inline links what looks like an address, resolves mentions, and escapes the rest.
func inline(s string, mentioned func(name string) string) (string, []any) {
	var out strings.Builder
	var elements []any
	plain := func(piece string) {
		for piece != "" {
			at, id := firstMention(piece, mentioned)
			if id == "" {
				out.WriteString(Escape(piece))
				elements = append(elements, blockkit.Object{"type": "text", "text": piece})
				return
			}
			if at[0] > 0 {
				out.WriteString(Escape(piece[:at[0]]))
				elements = append(elements, blockkit.Object{"type": "text", "text": piece[:at[0]]})
			}
			out.WriteString("<@" + id + ">")
			elements = append(elements, blockkit.Object{"type": "user", "user_id": id})
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
		element := blockkit.Object{"type": "link", "url": link}
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

// firstMention returns where the first mention of a user is, and the id of that user, or "".
func firstMention(s string, mentioned func(name string) string) ([]int, string) {
	for _, at := range mention.FindAllStringSubmatchIndex(s, -1) {
		if id := mentioned(s[at[2]:at[3]]); id != "" {
			return at[:2], id
		}
	}
	return nil, ""
}
