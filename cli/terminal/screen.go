package terminal

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"conclave/ceremony"
	"conclave/host"
)

// screen is what everybody in front of a terminal reads. Its methods may be called
// from any goroutine. Nothing secret is given to it (P1).
type screen struct {
	mu  sync.Mutex
	out io.Writer
}

// newScreen shows what is not printable as a mark: Vault and people have their
// words in it.
func newScreen(out io.Writer) *screen { return &screen{out: host.Printable{Writer: out}} }

// say prints a text of its own.
func (s *screen) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, format+"\n", args...)
}

// tell prints news of a ceremony, the first line behind its id.
func (s *screen) tell(id ceremony.ID, format string, args ...any) {
	s.say("%s: %s", id, indent(fmt.Sprintf(format, args...)))
}

// indent sets every line but the first one in.
func indent(text string) string { return strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ") }
