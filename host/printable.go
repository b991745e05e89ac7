package host

import (
	"bytes"
	"io"
	"unicode"
)

// Printable is a writer that replaces every character that is not printable by a mark.
// Otherwise a made-up journal, or a message that a holder was sent, could move the cursor
// and write over what is said about it.
type Printable struct{ io.Writer }

func (p Printable) Write(text []byte) (int, error) {
	shown := bytes.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
	if _, err := p.Writer.Write(shown); err != nil {
		return 0, err
	}
	return len(text), nil
}
