package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"conclave/rehearsal/stage"
)

// practice is a rehearsal in which the person at the keyboard plays any of the people.
type practice struct {
	*rehearsal
	who  string            // whom the keyboard belongs to
	done map[string]string // person → timestamp of the last request that was answered or is void
	// token is the token that was taken last.
	token string
}

// errQuit ends the practice.
var errQuit = errors.New("quit")

// patience is how long a command waits for the message that it needs.
const patience = time.Minute

// prompt reads commands until "quit" or the end of the input, and then checks what is left behind. At a terminal a
// mistake is shown and the practice goes on. In a pipe the first mistake ends it.
func (h *rehearsal) prompt(ctx context.Context, t terminal) error {
	h.scene("Practice")
	h.say("Begin with: %s", h.play.beginning())
	h.say(`Then "@paul" makes you paul, and "help" says what you can do.`)
	h.watcher.showInboxes()
	p := &practice{rehearsal: h, who: stage.Olga, done: map[string]string{}}
	lines := read(ctx, t.in)
	for {
		h.ask(p.who)
		var line string
		more := true
		select {
		case line, more = <-lines:
			line = strings.TrimSpace(line)
		case <-h.stage.BotDied():
			if ctx.Err() == nil {
				return stage.ErrBotDied
			}
			more = false // the terminal has interrupted both
		case <-ctx.Done():
			more = false
		}
		h.answered()
		if !t.live || !more {
			h.print(line)
		}
		if !more {
			return h.inspect(ctx)
		}
		err := p.execute(ctx, line)
		h.watcher.draw()
		switch {
		case errors.Is(err, errQuit):
			return h.inspect(ctx)
		case err != nil && t.live && ctx.Err() == nil:
			h.print(h.paint(red, err.Error()))
		case err != nil:
			return fmt.Errorf("%s> %s: %w", p.who, line, err)
		}
	}
}

// inspect ends the bot and checks the evidence. It does nothing if the context has ended.
func (h *rehearsal) inspect(ctx context.Context) error {
	if ctx.Err() != nil {
		return nil
	}
	h.print("")
	if err := h.stage.StopBot(ctx); err != nil {
		return err
	}
	return h.checkEvidence(ctx)
}

// read delivers the lines of the input. A read can't be interrupted, so that its goroutine ends with the process.
func read(ctx context.Context, in io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(in); s.Scan(); {
			select {
			case lines <- s.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}

// action is a command of the prompt.
type action struct {
	name string
	how  string // its arguments
	what string
	do   func(p *practice, ctx context.Context, rest string) error
}

// actions returns the commands of the prompt, in the order in which they are needed.
func actions() []action {
	return []action{
		{"@NAME", "", "be somebody else: " + strings.Join(stage.Cast(), ", "), nil},
		{"/ceremony", "…", "a slash command in the ops channel; /ceremony help lists them", (*practice).command},
		{"inbox", "", "what the bot has written to you, the newest last", (*practice).inbox},
		{"read", "[NUMBER]", "one of these messages as Slack shows it; the newest without a number", (*practice).read},
		{"click", strings.Join(buttons, "|"), "a button in your messages", (*practice).click},
		{"share", "", "answer the request for your share, with your key, or for your one-time password", (*practice).share},
		{"sign", "", "with your key, what the bot asks you to sign: a plan, the roll call, a witness's word", (*practice).sign},
		{"take", "", "check, open and keep the new share or the token that you were sent", (*practice).take},
		{"otp", "", "make a one-time password, if you have no PGP key and want a token", (*practice).otp},
		{"accessor", "", "of the token that you took last: its name, which does not give it away", (*practice).accessor},
		{"revoke", "", "that token, when you have done what it was made for", (*practice).revoke},
		{"adopt", "", "after a rekey: put everybody's new share in the place of the old one", (*practice).adoptAll},
		{"say", "TEXT", "write to the bot directly", (*practice).tell},
		{"board", "", "the newest status post", (*practice).board},
		{"thread", "", "what happened in that ceremony, step by step", (*practice).thread},
		{"wait", "WORD", "until the newest status post has this word in it", (*practice).wait},
		{"vault", "", "what Vault says of itself", (*practice).vault},
		{"seal", "", "restart Vault's nodes, which come back sealed", (*practice).seal},
		{"crash", "", "kill the bot and start it again", (*practice).crash},
		{"help", "", "this list", (*practice).help},
		{"quit", "", "the end", func(*practice, context.Context, string) error { return errQuit }},
	}
}

func (p *practice) execute(ctx context.Context, line string) error {
	name, rest, _ := strings.Cut(line, " ")
	switch {
	case line == "" || strings.HasPrefix(line, "#"):
		return nil
	case strings.HasPrefix(name, "@"):
		if !slices.Contains(stage.Cast(), name[1:]) {
			return fmt.Errorf("nobody is called %s; there are %s", name[1:], strings.Join(stage.Cast(), ", "))
		}
		p.who = name[1:]
		if rest == "" {
			return nil
		}
		return p.execute(ctx, strings.TrimSpace(rest))
	}
	i := slices.IndexFunc(actions(), func(d action) bool { return d.name == name && d.do != nil })
	if i < 0 {
		return fmt.Errorf("%q is nothing that one can do here; see: help", name)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return actions()[i].do(p, ctx, strings.TrimSpace(rest))
}

func (p *practice) me() *stage.Person { return p.stage.Person(p.who) }
