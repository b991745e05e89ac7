package host

import (
	"bytes"
	"io"
	"unicode"
)

// Printable shows what is not printable as a mark. A journal that somebody has
// made up, or a message that a holder was sent, could otherwise move the cursor, and
// write over what is said about it.
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
