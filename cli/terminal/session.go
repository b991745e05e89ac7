package terminal

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"conclave/bot/render"
	"conclave/ceremony"
	"conclave/ceremony/engine"
	"conclave/ceremony/event"
	"conclave/ceremony/openpgp"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
	"conclave/cli"
)

const (
	// actTimeout limits what one typed line sets off.
	actTimeout = 2 * time.Minute
	// pollInterval is the time after which it is looked again whether the ceremonies are over.
	pollInterval = 100 * time.Millisecond
)

// session holds ceremonies at a terminal. The engine is the bot's. People sit in front of
// the keyboard, or send what they have signed to the person who does.
type session struct {
	engine *engine.Engine
	pgp    *openpgp.OpenPGP
	people map[string]ceremony.Person // name → person, as the configuration has them
	screen *screen
	folder folder
	log    *slog.Logger
	input  *input

	marks string               // what is wrong with the file of marks
	held  []ceremony.ID        // the ceremonies that this session is about
	left  bool                 // quit was typed
	nags  map[ceremony.ID]bool // ceremonies whose requester was asked to revoke the token
}

// inputError is a mistake that can be mended by typing something else. Its text is printed
// as it is.
type inputError struct{ error }

// mistypedf returns an [inputError].
func mistypedf(format string, args ...any) error { return inputError{fmt.Errorf(format, args...)} }

// run serves until the ceremonies that begin has found are over, quit is typed, or ctx
// ends. It finishes what it has begun with first.
func (s *session) run(ctx context.Context, begin func(context.Context) error) error {
	parts, ctx := errgroup.WithContext(ctx)
	acting, stop := context.WithCancel(context.WithoutCancel(ctx))
	parts.Go(func() error { return s.engine.Run(acting) })
	parts.Go(func() error {
		defer stop()
		select {
		case <-s.engine.Ready():
		case <-ctx.Done():
			return nil
		}
		if len(s.engine.Current()) > 0 {
			if s.marks != "" {
				s.screen.say("%s", s.marks)
			}
			s.screen.say("Slack is not asked: whether the journal here is older than what Conclave has posted there is not known.")
		}
		if err := begin(ctx); err != nil {
			return err
		}
		s.converse(ctx)
		return nil
	})
	if err := parts.Wait(); err != nil {
		return err
	}
	return s.conclude()
}

// start proposes a ceremony once its initiator has signed a statement. The statement has a
// random challenge in it: one of another day is worth nothing.
func (s *session) start(p ceremony.Proposal, name string) beginning {
	return func(ctx context.Context) error {
		by, err := s.signer(name)
		if err != nil {
			return err
		}
		var challenge [16]byte
		_, _ = rand.Read(challenge[:]) // crypto/rand never fails
		asked := ceremony.Statement{
			Of: p.Cluster + "-" + string(p.Operation), Hash: hex.EncodeToString(challenge[:]),
			Verb: ceremony.SayStart, More: startMore(p),
		}
		s.screen.say("Nothing is begun before %s has signed this, on their own computer:\n\n  %s\n\n"+
			"Then type: start FILE (or start - to paste it). quit leaves.",
			name, signCommand(asked, by.Key, statementFile(asked.Of, name, ceremony.SayStart)))
		since := time.Now()
		for {
			pasted, err := s.startStatement(ctx)
			if err != nil || pasted == "" {
				return err
			}
			said, err := s.verify(pasted, by, since)
			if err == nil && said.Statement != asked {
				err = mistypedf("%s has signed something else", name) // not repeated: nobody knows what it is
			}
			if err == nil {
				return s.propose(ctx, p, by, said)
			}
			s.complain(err)
		}
	}
}

// startMore returns the words that follow "start" in the statement that the initiator
// signs.
func startMore(p ceremony.Proposal) string {
	var words []string
	for name, value := range p.Options {
		words = append(words, name+"="+value)
	}
	slices.Sort(words)
	return strings.Join(append(words, strings.Fields(p.Reason)...), " ")
}

// startStatement waits for the initiator's signed statement. It returns "" when quit is
// typed or ctx ends.
func (s *session) startStatement(ctx context.Context) (string, error) {
	for {
		line, err := s.input.next(ctx)
		if err != nil {
			if errors.Is(err, errEnd) {
				return "", cli.WithHint(errors.New("the input has ended, and nothing was begun"),
					"The initiator's word comes first: start FILE.")
			}
			return "", nil
		}
		typed := strings.Fields(line)
		switch {
		case len(typed) == 0:
		case typed[0] == "quit":
			s.screen.say("Nothing was begun.")
			return "", nil
		case typed[0] == string(ceremony.SayStart) && len(typed) == 2:
			if text, err := s.fetch(ctx, typed[1]); err != nil {
				s.complain(err)
			} else {
				return text, nil
			}
		default:
			s.complain(mistypedf("nothing is begun yet: type start FILE, start - or quit"))
		}
	}
}

// propose opens the ceremony whose initiator has signed the statement.
func (s *session) propose(ctx context.Context, p ceremony.Proposal, by ceremony.Person, said signedStatement) error {
	if _, err := s.folder.keep(statementFile(said.Of, by.Name, said.Verb), said.armor); err != nil {
		return err
	}
	p.By = by.Account
	ctx, cancel := context.WithTimeout(ctx, actTimeout)
	defer cancel()
	c, err := s.engine.Propose(ctx, p)
	if err != nil {
		s.log.Error("not proposed", "error", err)
		return cli.WithHint(errors.New(wording.Explain(err)),
			"Nothing was begun. The log in the folder --out has the details.")
	}
	s.held = append(s.held, c.ID())
	return nil
}

// resume goes on with the named ceremony, or with every ceremony that is open.
func (s *session) resume(id ceremony.ID) beginning {
	return func(context.Context) error {
		for _, a := range s.engine.SetAside() {
			s.screen.say("%s is set aside: %v. It may be open; conclave check says what to do.", a.Ceremony, a.Why)
		}
		if _, _, err := s.engine.Ceremony(id); id != "" && err == nil {
			s.held = append(s.held, id)
		}
		for _, c := range s.engine.Current() {
			switch {
			case c.ID() == id:
			case id == "" && !c.Settled():
				s.held = append(s.held, c.ID())
			case !c.Settled():
				s.screen.tell(c.ID(), "It is open as well, and looked after as long as this runs.")
			}
		}
		switch {
		case len(s.held) == 0 && id != "":
			return fmt.Errorf("take up %s: %w", id, ceremony.ErrUnknownCeremony)
		case len(s.held) == 0:
			s.screen.say("Nothing is open.")
		}
		for _, id := range s.held {
			s.status(id)
			if c, _, err := s.engine.Ceremony(id); err == nil && s.engine.StandsStill(c) {
				s.screen.tell(id, "Its journal is older than it was. It stands still until the alarm about it is acknowledged.")
			}
		}
		return nil
	}
}

// converse does what is typed until the session is over.
func (s *session) converse(ctx context.Context) {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for ctx.Err() == nil && !s.left && !s.over() {
		select {
		case line, ok := <-s.input.lines:
			if !ok {
				s.input.end()
				break
			}
			if err := s.execute(ctx, strings.TrimSpace(line)); err != nil && ctx.Err() == nil {
				s.complain(err)
			}
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

// over reports whether nothing is left to be done or to be shown here. Once the input has
// ended, all that is left is to wait for Vault.
func (s *session) over() bool {
	return !slices.ContainsFunc(s.held, func(id ceremony.ID) bool {
		c, live, err := s.engine.Ceremony(id)
		switch {
		case err != nil, errors.Is(live.Vault, ceremony.ErrJournal):
			return false // nothing is done any more (P9)
		case s.engine.StandsStill(c):
			return !s.input.ended
		case s.input.ended:
			return !waitsForPeople(c)
		case toldHere(c) && c.OwesRevocation():
			s.askToRevoke(c)
			return true
		}
		return !toldHere(c)
	})
}

// waitsForPeople reports whether a ceremony goes on only when a person does something.
func waitsForPeople(c rules.State) bool {
	if !saidHere(c) || c.Pending != nil || c.Closing != nil && !c.Ended() {
		return false
	}
	switch c.Phase {
	case rules.PhaseProposed, rules.PhaseFrozen, rules.PhaseRaised, rules.PhaseEnded:
		return true
	case rules.PhaseHandingOut:
		return c.Backup != nil && c.Deletion == nil
	case rules.PhaseCollecting:
		return c.Wants() || c.Key != nil && c.Plan.Operation == ceremony.Unseal
	}
	return c.Wants()
}

// askToRevoke prints once that a root token is in use.
func (s *session) askToRevoke(c rules.State) {
	if s.nags[c.ID()] {
		return
	}
	s.nags[c.ID()] = true
	s.screen.tell(c.ID(), "It is completed, and a root token is about. When %s has revoked it: revoked %[1]s; "+
		"or have Vault asked: accessor %[1]s; or quit, and the bot reminds them.", c.Plan.Requester.Name)
}

// conclude prints what has become of each ceremony. It returns an error when one of them
// has ended without being completed.
func (s *session) conclude() error {
	var faults []error
	for _, id := range s.held {
		c, live, err := s.engine.Ceremony(id)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		switch {
		case errors.Is(live.Vault, ceremony.ErrJournal):
			faults = append(faults, live.Vault)
		case !c.Ended():
			s.screen.tell(id, "It is left open until %s. conclave run takes it up, or: conclave ceremony take-up %s",
				c.Plan.Closes.UTC().Format(time.RFC1123), id)
		case !saidHere(c):
			s.screen.tell(id, "It has ended, and not everything was handed out: conclave ceremony take-up %s", id)
		case !slices.ContainsFunc(c.Messages(), func(m rules.Message) bool { return m.Kind == rules.EndedMessage }):
			s.screen.tell(id, "%s", render.Status(c, live, time.Now())) // nobody was told how it ended
		}
		if c.Ended() && c.Outcome != event.Completed {
			faults = append(faults, cli.ReportedError{})
		}
	}
	return errors.Join(faults...)
}

// complain prints what was wrong with a line, and logs what people are not told.
func (s *session) complain(err error) {
	if mistake, ok := errors.AsType[inputError](err); ok {
		s.screen.say("not done: %v", mistake)
		return
	}
	s.log.Warn("not done", "error", err)
	s.screen.say("not done: %s", wording.Explain(err))
}
