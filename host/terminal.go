package host

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
)

// Terminal is the person's keyboard and screen, whatever standard input and output are
// connected to.
type Terminal struct{ in, Out *os.File }

// Close closes the keyboard and the screen.
func (t *Terminal) Close() error { return errors.Join(t.in.Close(), t.Out.Close()) }

// Ask prints a question and reads a line, without the spaces around it.
func (t *Terminal) Ask(ctx context.Context, question string) (string, error) {
	fmt.Fprint(Printable{t.Out}, question)
	line, err := await(ctx, func() (string, error) { return bufio.NewReader(t.in).ReadString('\n') })
	if err != nil {
		fmt.Fprintln(t.Out)
		return "", err
	}
	return strings.TrimSpace(line), nil
}

// AskSecret prints a question and reads a line without showing it. The caller wipes it.
func (t *Terminal) AskSecret(ctx context.Context, question string) ([]byte, error) {
	fd := int(t.in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	fmt.Fprint(Printable{t.Out}, question)
	secret, err := await(ctx, func() ([]byte, error) { return term.ReadPassword(fd) })
	fmt.Fprintln(t.Out)
	if err != nil {
		// After an interrupt the terminal must show again what is typed.
		return nil, errors.Join(err, term.Restore(fd, before))
	}
	return secret, nil
}

// await returns what read returns, or the error of ctx when ctx ends first. A read from a
// terminal can't be interrupted: it is left alone until the process ends, which follows.
func await[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	answered := make(chan answer, 1)
	go func() {
		value, err := read()
		answered <- answer{value, err}
	}()
	select {
	case a := <-answered:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
