package terminal

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"

	"conclave/host"
)

// input reads what is typed at a terminal, line by line.
type input struct {
	lines <-chan string // closed at the end of the input
	ended bool
}

// maxTyped is the length in bytes of the longest line that is read. A line of armor has 76.
const maxTyped = 4 << 10

// readInput reads until in or ctx ends. A read can't be interrupted: it is left alone
// until the process ends, which follows.
func readInput(ctx context.Context, in io.Reader) *input {
	lines := make(chan string)
	go func() {
		defer close(lines)
		typed := bufio.NewScanner(in)
		typed.Buffer(nil, maxTyped)
		for typed.Scan() {
			select {
			case lines <- typed.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return &input{lines: lines}
}

// errEnd means that the input has ended.
var errEnd = errors.New("the input has ended")

// next waits for a line, and returns it without the spaces around it. The error is errEnd
// at the end of the input, or that of ctx.
func (i *input) next(ctx context.Context) (string, error) {
	if i.ended {
		return "", errEnd
	}
	select {
	case line, ok := <-i.lines:
		if !ok {
			i.end()
			return "", errEnd
		}
		return strings.TrimSpace(line), nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (i *input) end() { i.lines, i.ended = nil, true }

// The first and the last line of what is pasted.
const (
	armorBegins = "-----BEGIN PGP "
	armorEnds   = "-----END PGP "
)

// paste reads pasted armor up to its last line.
func (i *input) paste(ctx context.Context) (string, error) {
	var text strings.Builder
	for text.Len() < host.MaxFile {
		line, err := i.next(ctx)
		if err != nil {
			return "", err
		}
		text.WriteString(line + "\n")
		if strings.HasPrefix(line, armorEnds) {
			return text.String(), nil
		}
	}
	return "", host.ErrOverlong
}

// skip reads the rest of pasted armor, of which the first line was not expected.
func (i *input) skip(ctx context.Context) {
	for {
		line, err := i.next(ctx)
		if err != nil || strings.HasPrefix(line, armorEnds) {
			return
		}
	}
}
