package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// show prints what happens. Its methods may be called from any goroutine.
type show struct {
	ink
	speed float64 // 0: no pauses

	mu     sync.Mutex
	out    io.Writer
	number int    // of the last scene
	asking string // the person whose prompt is on the screen; empty without a prompt
}

func newShow(t terminal, speed float64) *show {
	return &show{ink: ink(t.styled), speed: speed, out: t.out}
}

func (s *show) print(lines ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asking != "" && s.ink {
		fmt.Fprint(s.out, "\r\x1b[K") // the line takes the prompt's place, and the prompt moves down
	}
	for _, line := range lines {
		fmt.Fprintln(s.out, line)
	}
	if s.asking != "" && s.ink {
		s.askLocked()
	}
}

// ask shows the prompt, which stays at the bottom of the screen until it is answered.
func (s *show) ask(who string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asking = who
	s.askLocked()
}

func (s *show) askLocked() { fmt.Fprint(s.out, s.paint(colourOf(s.asking), s.asking+"> ")) }

func (s *show) answered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asking = ""
}

// line prints a line without any style, for scripts.
func (s *show) line(format string, args ...any) { s.print(fmt.Sprintf(format, args...)) }

// say prints a line of the narrator.
func (s *show) say(format string, args ...any) {
	s.print(s.paint(dim, fmt.Sprintf(format, args...)))
}

// scene begins a new scene.
func (s *show) scene(title string) {
	s.number++
	head := fmt.Sprintf("━━ %d  %s ", s.number, title)
	s.print("", s.paint(bold, head+strings.Repeat("━", max(3, width-len([]rune(head))))), "")
}

// name returns a person's name, padded to the width of its column.
func (s *show) name(who string) string { return s.paint(colourOf(who), fmt.Sprintf("%-9s", who)) }

// cast introduces a person.
func (s *show) cast(who, words string) { s.print(s.name(who) + " " + words) }

// act prints what a person does.
func (s *show) act(who, format string, args ...any) {
	s.print(s.name(who) + " " + fmt.Sprintf(format, args...))
}

// hears prints what a person is told, in one line.
func (s *show) hears(who, text string) {
	s.print(s.name(who) + s.paint(dim, " ↳ ") + s.headline(text))
}

// reads prints a whole message as a person sees it.
func (s *show) reads(who, text string) {
	bar := s.paint(colourOf(who), "│") + " "
	lines := []string{s.name(who) + " reads:"}
	for _, l := range s.readable(text) {
		lines = append(lines, "  "+bar+l)
	}
	s.print(lines...)
}

// ops prints lines of the ops channel.
func (s *show) ops(lines []string) {
	bar := s.paint(blue, "┃") + " "
	head := s.paint(blue, fmt.Sprintf("%-9s", "#ops")) + " "
	for i := range lines {
		if i == 0 {
			lines[i] = head + bar + lines[i]
		} else {
			lines[i] = strings.Repeat(" ", 10) + bar + lines[i]
		}
	}
	s.print(lines...)
}

// held prints that a check held.
func (s *show) held(format string, args ...any) {
	s.print(s.paint(green, "✔") + " " + fmt.Sprintf(format, args...))
}

// pause waits, so that a person can read.
func (s *show) pause(ctx context.Context, d time.Duration) error {
	if s.speed == 0 {
		return context.Cause(ctx)
	}
	select {
	case <-time.After(time.Duration(float64(d) / s.speed)):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
