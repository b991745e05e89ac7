package main

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// width is how long a line may get before it is wrapped.
const width = 96

var pictures = strings.NewReplacer(
	":white_check_mark:", "✅", ":hourglass_flowing_sand:", "⏳", ":hourglass:", "⏳", ":inbox_tray:", "📥",
	":outbox_tray:", "📤", ":alarm_clock:", "⏰", ":warning:", "⚠️ ", ":x:", "❌", ":no_entry_sign:", "🚫",
	":octagonal_sign:", "🛑", ":raised_hand:", "✋", ":key:", "🔑", ":mag:", "🔍", ":recycle:", "♻️ ",
	":envelope:", "✉️ ", ":arrow_forward:", "▶️ ", ":checkered_flag:", "🏁",
)

var (
	strong  = regexp.MustCompile(`\*([^*\n]+)\*`)
	armored = regexp.MustCompile(`(?s)-----BEGIN PGP ([A-Z ]+)-----\n(.*?)\n-----END PGP ([A-Z ]+)-----`)
)

// readable makes lines for a terminal of a message as Slack shows it.
func (i ink) readable(text string) []string {
	text = fold(pictures.Replace(text))
	listing := false
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case line == "```":
			listing = !listing
		case listing:
			for _, l := range wrap(line, width-4) {
				lines = append(lines, "    "+i.paint(green, l))
			}
		case strings.HasPrefix(line, "# "):
			lines = append(lines, i.paint(bold, line[2:]))
		case strings.HasPrefix(line, "· "):
			for _, l := range wrap(strong.ReplaceAllString(line, "$1"), width) {
				lines = append(lines, i.paint(dim, l))
			}
		default:
			for _, l := range wrap(line, width) {
				lines = append(lines, strong.ReplaceAllStringFunc(l, func(s string) string { return i.paint(bold, s[1:len(s)-1]) }))
			}
		}
	}
	return lines
}

// fold replaces what nobody reads inside a PGP block by its length.
func fold(text string) string {
	return armored.ReplaceAllStringFunc(text, func(block string) string {
		m := armored.FindStringSubmatch(block)
		return fmt.Sprintf("-----BEGIN PGP %s-----\n… %d lines …\n-----END PGP %s-----", m[1], strings.Count(m[2], "\n")+1, m[3])
	})
}

// wrap breaks a line at spaces. A word that is longer than the line stays whole,
// so that it can be copied.
func wrap(line string, width int) []string {
	var lines []string
	for utf8.RuneCountInString(line) > width {
		at := strings.LastIndex(string([]rune(line)[:width+1]), " ")
		if at <= 0 {
			if at = strings.Index(line, " "); at <= 0 {
				break
			}
		}
		lines = append(lines, line[:at])
		line = line[at+1:]
	}
	return append(lines, line)
}

// headline is a message's first line that says something.
func (i ink) headline(text string) string {
	for _, line := range i.readable(text) {
		if strings.TrimSpace(line) != "" {
			return line
		}
	}
	return ""
}
