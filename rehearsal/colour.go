package main

import (
	"os"

	"golang.org/x/term"

	"conclave/rehearsal/stage"
)

// These colours are among the eight that every terminal has and its user has chosen. docs/decisions/rehearsal.md says
// why this needs no library.
const (
	bold    = "1"
	dim     = "2"
	red     = "31"
	green   = "32"
	yellow  = "33"
	blue    = "34"
	magenta = "35"
	cyan    = "36"
)

// ink colours text, or leaves it as it is.
type ink bool

func (i ink) paint(style, text string) string {
	if !i || text == "" {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

// colourOf returns a colour of their own kind: who proposes, who approves, who holds, who must not.
func colourOf(who string) string {
	switch who {
	case stage.Olga:
		return yellow
	case stage.Paul:
		return magenta
	case stage.Mallory, stage.Gus:
		return red
	}
	return cyan
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// isStyled follows no-color.org: NO_COLOR, whatever its value, means none.
func isStyled(f *os.File) bool {
	return isTerminal(f) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
