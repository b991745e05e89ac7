package terminal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"conclave/bot"
	"conclave/bot/render"
	"conclave/ceremony"
	"conclave/ceremony/leak"
	"conclave/ceremony/rules"
	"conclave/host"
)

const sessionHelp = `share NAME FILE      an envelope that NAME has made: of a share or a one-time password
approve NAME FILE    NAME's signed word; in the same way
present              answers the roll call; the signed word has what the challenge gave
proceed              a witness lets the next step happen
agree, disagree      what a witness says at the end; the signed word may say why
exception            writes down what was not as it should be; the signed word says what
freeze               has everything stand still; the signed word may say why
reject, cancel       ends the ceremony; the signed word may say why
resume               thaws a frozen ceremony: the initiator's word and an approver's
reset                has sealed nodes forget the shares that they have counted
reverify             has the new shares of a rekey proven again
delete               lets go the backup that was handed out
accessor, revoked    tell of the root token that was made
acknowledge          ends an alarm; the signed word may say why
status [ID]          shows where it stands
quit                 leaves it open

FILE may be -: then paste it, up to its END line. VERB NAME alone shows what NAME
has to sign. What is signed names its ceremony.`

// execute does what a typed line says. An inputError means that the line was wrong.
func (s *session) execute(ctx context.Context, line string) error {
	typed := strings.Fields(line)
	if len(typed) == 0 {
		return nil
	}
	if strings.HasPrefix(line, armorBegins) {
		s.input.skip(ctx)
		return mistypedf("type what it is first: share NAME -, or VERB NAME -")
	}
	if slices.ContainsFunc(typed, showsSecret) {
		return mistypedf("that shows something secret in the open, and it is on the screen. " +
			"It was not used; tell your security team")
	}
	verb, args := typed[0], typed[1:]
	switch {
	case verb == "help" && len(args) == 0:
		s.screen.say("%s", sessionHelp)
	case verb == "quit" && len(args) == 0:
		s.left = true
	case verb == "status" && len(args) <= 1:
		return s.statusOf(args)
	case verb == "share" && len(args) == 2:
		return s.share(ctx, args[0], args[1])
	case ceremony.Verb(verb).Decides() && len(args) == 2:
		return s.submit(ctx, ceremony.Verb(verb), args[0], args[1])
	case ceremony.Verb(verb).Decides() && len(args) == 1:
		return s.showStatement(ceremony.Verb(verb), args[0])
	default:
		return mistypedf("that is no line that is known here; help shows them")
	}
	return nil
}

// showsSecret reports whether a typed word shows a secret. The path of a file may look
// like a share.
func showsSecret(typed string) bool {
	_, err := os.Lstat(typed)
	return err != nil && len(leak.In(typed, nil)) > 0
}

// statusOf shows the status of the named ceremony, or of every ceremony of the session.
func (s *session) statusOf(args []string) error {
	ids := s.held
	if len(args) == 1 {
		ids = []ceremony.ID{ceremony.ID(args[0])}
	}
	for _, id := range ids {
		if err := s.status(id); err != nil {
			return err
		}
	}
	return nil
}

// status shows the status of a ceremony.
func (s *session) status(id ceremony.ID) error {
	c, live, err := s.engine.Ceremony(id)
	if err != nil {
		return err
	}
	s.screen.tell(id, "%s", render.Status(c, live, time.Now()))
	return nil
}

// person returns a person of the configuration.
func (s *session) person(name string) (ceremony.Person, error) {
	p, ok := s.people[name]
	switch {
	case !ok && slices.Contains(s.held, ceremony.ID(name)):
		return p, mistypedf("type who says it, as in: VERB NAME; what they sign names the ceremony")
	case !ok:
		return p, mistypedf("nobody under people in the configuration is called %q", name)
	}
	return p, nil
}

// signer returns a person of the configuration who has a key. Without one they can't
// decide anything here: a typed name is no proof.
func (s *session) signer(name string) (ceremony.Person, error) {
	p, err := s.person(name)
	if err == nil && p.Key == "" {
		err = mistypedf("%s has no PGP key in the configuration, and so no voice at a terminal", name)
	}
	return p, err
}

// fetch reads a message: from a file, or pasted when file is "-".
func (s *session) fetch(ctx context.Context, file string) (string, error) {
	if file == "-" {
		text, err := s.input.paste(ctx)
		if err != nil {
			return "", inputError{fmt.Errorf("read what is pasted: %w", err)}
		}
		return text, nil
	}
	text, err := host.ReadFile(host.Path(file), false)
	if err != nil {
		return "", inputError{err}
	}
	return string(text), nil
}

// share hands an envelope to the engine. The name says only who brings it: its signature
// says whose it is.
func (s *session) share(ctx context.Context, name, file string) error {
	by, err := s.person(name)
	if err != nil {
		return err
	}
	envelope, err := s.fetch(ctx, file)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, actTimeout)
	defer cancel()
	id, err := s.engine.Share(ctx, ceremony.Envelope{
		By:       by.Account,
		Message:  ceremony.Ref{Channel: ceremony.Terminal, TS: strconv.FormatInt(time.Now().UnixNano(), 10)},
		Way:      ceremony.AtTerminal,
		Envelope: []byte(envelope),
	})
	if id != "" {
		return nil // it is in the journal, and the notifier tells of it
	}
	return err
}

// verify makes sure that a message is a statement which a person has signed, not before
// since.
func (s *session) verify(pasted string, by ceremony.Person, since time.Time) (signedStatement, error) {
	signed, err := s.pgp.VerifyStatement([]byte(pasted), by.Key, since, time.Now())
	if err != nil {
		return signedStatement{}, err
	}
	w, ok := ceremony.ParseStatement(signed.Line)
	switch {
	case !ok:
		return signedStatement{}, mistypedf("%s has signed something else than a word for a terminal, which begins with %s",
			by.Name, ceremony.StatementTag)
	case w.Verb.Decides() && bot.WordExposes(signed.Line) || !w.Verb.Decides() && len(leak.In(w.More, nil)) > 0:
		return signedStatement{}, mistypedf("what %s has signed shows something secret in the open. "+
			"It was not used; tell your security team", by.Name)
	}
	return signedStatement{w, signed.Armor}, nil
}

// submit hands a signed statement to the engine, when it is the one that verb names and
// fits the ceremony as it is now.
func (s *session) submit(ctx context.Context, verb ceremony.Verb, name, file string) error {
	by, err := s.signer(name)
	if err != nil {
		return err
	}
	pasted, err := s.fetch(ctx, file)
	if err != nil {
		return err
	}
	c, said, err := s.match(by, pasted)
	if err != nil {
		return err
	}
	if said.Verb != verb {
		return mistypedf("%s has signed %q, and not %q", name, said.Verb, verb)
	}
	switch err := c.Fits(said.Statement); {
	case errors.Is(err, ceremony.OldWord): // not repeated: nobody knows what it is
		return mistypedf("%s has signed an earlier %s, or something else; now it would be %q",
			name, verb, c.StatementFor(verb).Line())
	case err != nil:
		return err
	}
	// It is kept before it is acted upon: later it proves that they have said it.
	if _, err := s.folder.keep(statementFile(said.Of, name, verb), said.armor); err != nil {
		return inputError{err}
	}
	ctx, cancel := context.WithTimeout(ctx, actTimeout)
	defer cancel()
	return s.engine.ApplyStatement(ctx, by.Account, said.Statement, said.armor)
}

// match verifies a statement, and returns it with the ceremony that it is about. When the
// plan pins a key for its signer, it must be the key in the configuration.
func (s *session) match(by ceremony.Person, pasted string) (rules.State, signedStatement, error) {
	said, err := s.verify(pasted, by, time.Time{})
	if err != nil {
		return rules.State{}, said, err
	}
	c, _, err := s.engine.Ceremony(ceremony.ID(said.Of))
	if err != nil {
		return c, said, err
	}
	if pinned, ok := c.Plan.KeyOf(by.Account); ok && pinned != by.Key {
		return c, said, mistypedf("the plan pins another PGP key of %s than the configuration has now", by.Name)
	}
	// Now it is known how old the statement may be.
	said, err = s.verify(pasted, by, c.Plan.Proposed)
	return c, said, err
}

// showStatement shows the command by which a person signs a statement.
func (s *session) showStatement(verb ceremony.Verb, name string) error {
	by, err := s.signer(name)
	if err != nil {
		return err
	}
	if len(s.held) == 0 {
		return mistypedf("no ceremony is open")
	}
	for _, id := range s.held {
		c, _, err := s.engine.Ceremony(id)
		if err != nil {
			return err
		}
		file := statementFile(string(id), name, verb)
		s.screen.tell(id, "%s signs on their own computer:\n%s\nand here: %s %[1]s %[4]s",
			name, signCommand(c.StatementFor(verb), by.Key, file), verb, file)
	}
	return nil
}
