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
	asking string // whom the prompt on the screen is for; empty without one
}

func newShow(t terminal, speed float64) *show {
	return &show{ink: ink(t.styled), speed: speed, out: t.out}
}

func (s *show) print(lines ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asking != "" && s.ink {
		fmt.Fprint(s.out, "\r\x1b[K") // what comes takes the prompt's place, and the prompt moves down
	}
	for _, line := range lines {
		fmt.Fprintln(s.out, line)
	}
	if s.asking != "" && s.ink {
		s.askLocked()
	}
}

// ask is the prompt. It stays at the bottom of the screen until answered.
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

// line is for scripts: a line of its own without any style.
func (s *show) line(format string, args ...any) { s.print(fmt.Sprintf(format, args...)) }

// say is the narrator.
func (s *show) say(format string, args ...any) {
	s.print(s.paint(dim, fmt.Sprintf(format, args...)))
}

// scene begins a new one.
func (s *show) scene(title string) {
	s.number++
	head := fmt.Sprintf("━━ %d  %s ", s.number, title)
	s.print("", s.paint(bold, head+strings.Repeat("━", max(3, width-len([]rune(head))))), "")
}

// name is somebody's name in a column of its own.
func (s *show) name(who string) string { return s.paint(colourOf(who), fmt.Sprintf("%-9s", who)) }

// cast introduces somebody.
func (s *show) cast(who, words string) { s.print(s.name(who) + " " + words) }

// act is something that somebody does.
func (s *show) act(who, format string, args ...any) {
	s.print(s.name(who) + " " + fmt.Sprintf(format, args...))
}

// hears is what somebody is told, in one line.
func (s *show) hears(who, text string) {
	s.print(s.name(who) + s.paint(dim, " ↳ ") + s.headline(text))
}

// reads is a whole message as somebody sees it.
func (s *show) reads(who, text string) {
	bar := s.paint(colourOf(who), "│") + " "
	lines := []string{s.name(who) + " reads:"}
	for _, l := range s.readable(text) {
		lines = append(lines, "  "+bar+l)
	}
	s.print(lines...)
}

// ops is something in the ops channel.
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

// held says that something was checked and held.
func (s *show) held(format string, args ...any) {
	s.print(s.paint(green, "✔") + " " + fmt.Sprintf(format, args...))
}

// pause gives a person time to read.
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
