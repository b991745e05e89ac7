package terminal

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"conclave/ceremony"
	"conclave/host"
)

// screen prints what everybody in front of the terminal reads. Its methods may be called
// from any goroutine. Nothing secret is printed on it (P1).
type screen struct {
	mu  sync.Mutex
	out io.Writer
}

// newScreen returns a screen that prints on out. Some words come from Vault and from
// people: a mark takes the place of what is not printable.
func newScreen(out io.Writer) *screen { return &screen{out: host.Printable{Writer: out}} }

// say prints a text that is about no ceremony.
func (s *screen) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, format+"\n", args...)
}

// tell prints a text about a ceremony, with the ceremony's id before it.
func (s *screen) tell(id ceremony.ID, format string, args ...any) {
	s.say("%s: %s", id, indent(fmt.Sprintf(format, args...)))
}

// indent indents every line but the first.
func indent(text string) string { return strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ") }
