// Command rehearsal plays key ceremonies with the real bot: in a Slack workspace
// and with a Vault of its own, or with a development server, in this terminal.
//
// Exit codes: 0 when everything held; 1 when something did not; 2 when the
// command line can't be used.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:],
		terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr, styled: isStyled(os.Stdout), live: isTerminal(os.Stdin)}))
}

// terminal is the terminal in which a rehearsal runs.
type terminal struct {
	in     io.Reader
	out    io.Writer
	err    io.Writer
	styled bool // out shows colours
	live   bool // a person types, so that their input is on the screen already
}

// run returns the program without what belongs to its process. It returns the exit code.
func run(ctx context.Context, args []string, t terminal) int {
	o, err := parseOptions(args, t)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(t.err, "rehearsal: %v\n", err)
		return 2
	}
	if o.list {
		list(t.out)
		return 0
	}
	if err := rehearse(ctx, o, t); err != nil {
		fmt.Fprintf(t.err, "\nrehearsal: %v\n", err)
		return 1
	}
	return 0
}

// rehearse sets up the stage, plays, and prints where everything is.
func rehearse(ctx context.Context, o options, t terminal) (err error) {
	h, err := open(ctx, o, t)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w\n\nthe bot's log: %s", err, h.stage.LogFile())
		}
		err = errors.Join(err, h.close())
	}()
	h.introduce()
	if err := h.stage.StartBot(ctx); err != nil {
		return err
	}
	watching := h.watch(ctx)
	if o.auto {
		err = h.auto(ctx)
	} else {
		err = h.prompt(ctx, t)
	}
	watching.stop()
	h.farewell()
	return err
}
