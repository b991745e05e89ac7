package main

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// width is the length at which lines are wrapped.
const width = 96

var pictures = strings.NewReplacer(
	":white_check_mark:", "✅", ":hourglass_flowing_sand:", "⏳", ":hourglass:", "⏳", ":inbox_tray:", "📥",
	":outbox_tray:", "📤", ":alarm_clock:", "⏰", ":warning:", "⚠️ ", ":x:", "❌", ":no_entry_sign:", "🚫",
	":octagonal_sign:", "🛑", ":raised_hand:", "✋", ":key:", "🔑", ":mag:", "🔍", ":recycle:", "♻️ ",
	":lock:", "🔒", ":unlock:", "🔓", ":grey_question:", "❔", ":fire_extinguisher:", "🧯", ":shield:", "🛡️ ",
	":package:", "📦", ":rotating_light:", "🚨", ":ballot_box_with_check:", "☑️ ", ":wastebasket:", "🗑️ ",
	":bell:", "🔔", ":calendar:", "📅", ":information_source:", "ℹ️ ", ":label:", "🏷️ ",
	":raising_hand:", "🙋", ":scroll:", "📜", ":eye:", "👁️ ", ":file_cabinet:", "🗄️ ", ":memo:", "📝", ":point_right:", "👉",
	":envelope:", "✉️ ", ":arrow_forward:", "▶️ ", ":checkered_flag:", "🏁",
)

var (
	strong  = regexp.MustCompile(`\*([^*]+)\*`)
	label   = regexp.MustCompile(`^\*[A-Z][A-Za-z ]+\*$`)
	armored = regexp.MustCompile(`(?s)-----BEGIN PGP ([A-Z ]+)-----\n(.*?)\n-----END PGP ([A-Z ]+)-----`)
)

// readable returns the lines with which a terminal shows a message.
func (i ink) readable(text string) []string {
	listing := false
	var lines []string
	for line := range strings.SplitSeq(fold(pictures.Replace(text)), "\n") {
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
			lines = append(lines, i.embolden(wrap(line, width))...)
		}
	}
	return lines
}

// embolden shows the text between stars in bold. It may begin on one line and end on a later one.
func (i ink) embolden(lines []string) []string {
	text := strong.ReplaceAllStringFunc(strings.Join(lines, "\n"), func(s string) string {
		parts := strings.Split(s[1:len(s)-1], "\n")
		for n := range parts {
			parts[n] = i.paint(bold, parts[n])
		}
		return strings.Join(parts, "\n")
	})
	return strings.Split(text, "\n")
}

// fold replaces the content of a PGP block by its length.
func fold(text string) string {
	return armored.ReplaceAllStringFunc(text, func(block string) string {
		m := armored.FindStringSubmatch(block)
		return fmt.Sprintf("-----BEGIN PGP %s-----\n… %d lines …\n-----END PGP %s-----", m[1], strings.Count(m[2], "\n")+1,
			m[3])
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

// headline returns the first line of a message that is not empty of words.
func (i ink) headline(text string) string {
	for line := range strings.SplitSeq(pictures.Replace(text), "\n") {
		line = strings.TrimSpace(strings.TrimPrefix(line, "# "))
		if line != "" && line != "```" {
			return strings.Join(i.embolden([]string{line}), " ")
		}
	}
	return ""
}

// fields puts each label of a status post on one line with its value. Slack shows them in two columns.
func fields(text string) string {
	var lines []string
	open := false
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case label.MatchString(line):
			open = true
			lines = append(lines, fmt.Sprintf("%-12s", strings.Trim(line, "*")))
			continue
		case strings.HasPrefix(line, "· "):
			open = false
		}
		if open {
			lines[len(lines)-1] += " " + line
		} else {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}
