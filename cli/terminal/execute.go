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

// execute does what somebody typed.
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
		return mistypedf("that shows something secret in the open, and it is on the screen. It was not used; tell your security team")
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
		return s.speak(ctx, ceremony.Verb(verb), args[0], args[1])
	case ceremony.Verb(verb).Decides() && len(args) == 1:
		return s.showWord(ceremony.Verb(verb), args[0])
	default:
		return mistypedf("that is no line that is known here; help shows them")
	}
	return nil
}

// showsSecret reports whether a word that was typed is one that should not have been.
// The path of a file may look like a share.
func showsSecret(typed string) bool {
	_, err := os.Lstat(typed)
	return err != nil && len(leak.In(typed, nil)) > 0
}

// statusOf shows the ceremony that is named, or all that this session is about.
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

func (s *session) status(id ceremony.ID) error {
	c, live, err := s.engine.Ceremony(id)
	if err != nil {
		return err
	}
	s.screen.tell(id, "%s", render.Status(c, live, time.Now()))
	return nil
}

// person is somebody in the configuration.
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

// speaker is somebody who can be heard here: a name alone is worth nothing.
func (s *session) speaker(name string) (ceremony.Person, error) {
	p, err := s.person(name)
	if err == nil && p.Key == "" {
		err = mistypedf("%s has no PGP key in the configuration, and so no voice at a terminal", name)
	}
	return p, err
}

// fetch reads what somebody made: from a file, or pasted.
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

// share brings an envelope. Whose it is, its signature says: the name is only where
// to look.
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
		return nil // it is in the journal, from which it is told
	}
	return err
}

// verify makes sure that somebody has signed a word, not before since.
func (s *session) verify(pasted string, by ceremony.Person, since time.Time) (spoken, error) {
	signed, err := s.opener.VerifyStatement([]byte(pasted), by.Key, since, time.Now())
	if err != nil {
		return spoken{}, err
	}
	w, ok := ceremony.ParseStatement(signed.Line)
	switch {
	case !ok:
		return spoken{}, mistypedf("%s has signed something else than a word for a terminal, which begins with %s", by.Name, ceremony.StatementTag)
	case w.Verb.Decides() && bot.WordExposes(signed.Line) || !w.Verb.Decides() && len(leak.In(w.More, nil)) > 0:
		return spoken{}, mistypedf("what %s has signed shows something secret in the open. It was not used; tell your security team", by.Name)
	}
	return spoken{w, signed.Armor}, nil
}

// speak does what somebody has signed that they want.
func (s *session) speak(ctx context.Context, verb ceremony.Verb, name, file string) error {
	by, err := s.speaker(name)
	if err != nil {
		return err
	}
	pasted, err := s.fetch(ctx, file)
	if err != nil {
		return err
	}
	c, said, err := s.hear(by, pasted)
	if err != nil {
		return err
	}
	if said.Verb != verb {
		return mistypedf("%s has signed %q, and not %q", name, said.Verb, verb)
	}
	switch err := c.Fits(said.Statement); {
	case errors.Is(err, ceremony.OldWord): // not repeated: nobody knows what it is
		return mistypedf("%s has signed an earlier %s, or something else; now it would be %q", name, verb, c.StatementFor(verb).Line())
	case err != nil:
		return err
	}
	// Durable before it is acted upon: it is what shows later that they said it.
	if _, err := s.folder.keep(wordFile(said.Of, name, verb), said.armor); err != nil {
		return inputError{err}
	}
	ctx, cancel := context.WithTimeout(ctx, actTimeout)
	defer cancel()
	return s.engine.ApplyStatement(ctx, by.Account, said.Statement, said.armor)
}

// hear finds the ceremony that a signed word is about. The key is the one that the
// plan pins for its speaker; a plan that pins none leaves it to the configuration.
func (s *session) hear(by ceremony.Person, pasted string) (rules.State, spoken, error) {
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
	// Now that it is known how old the word may be.
	said, err = s.verify(pasted, by, c.Plan.Proposed)
	return c, said, err
}

// showWord shows somebody what to sign.
func (s *session) showWord(verb ceremony.Verb, name string) error {
	by, err := s.speaker(name)
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
		file := wordFile(string(id), name, verb)
		s.screen.tell(id, "%s signs on their own computer:\n%s\nand here: %s %[1]s %[4]s", name, signCommand(c.StatementFor(verb), by.Key, file), verb, file)
	}
	return nil
}
