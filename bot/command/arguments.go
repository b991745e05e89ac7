package command

import (
	"regexp"
	"slices"
	"strings"

	"conclave/ceremony"
)

// An id and a plan's hash as people type them, in either case.
var (
	idShape   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)
	hashShape = regexp.MustCompile(`^[0-9a-f]{8,64}$`)
)

// arguments are the words behind a verb that were not read yet.
type arguments struct{ words []string }

// parse reads the arguments of a command. A word that is left over is an error.
func (f Form) parse(words []string) (Command, error) {
	cmd, args := Command{Verb: f.Verb}, &arguments{words}
	if err := f.read(args, &cmd); err != nil {
		return Command{}, err
	}
	if len(args.words) > 0 {
		return Command{}, Usage{"There is more than this command takes.", howTo(f.Verb)}
	}
	return cmd, nil
}

// next takes one word, and returns an empty one when there is none.
func (a *arguments) next() string {
	if len(a.words) == 0 {
		return ""
	}
	w := a.words[0]
	a.words = a.words[1:]
	return w
}

// unquoted takes one word without the quotes and backticks around it.
func (a *arguments) unquoted() string { return strings.Trim(a.next(), "`'\"") }

// lower takes one word in lower case.
func (a *arguments) lower() string { return strings.ToLower(a.next()) }

// rest takes all words that are left.
func (a *arguments) rest() string {
	text := strings.Join(a.words, " ")
	a.words = nil
	return text
}

func readNothing(*arguments, *Command) error { return nil }

// readAnyID takes the id of a ceremony, or part of one. It may be left out.
func readAnyID(a *arguments, cmd *Command) error {
	cmd.ID = strings.ToLower(a.unquoted())
	if cmd.ID != "" && !idShape.MatchString(cmd.ID) {
		return Usage{"This is not the id of a ceremony.", "Ids look like `prod-rekey-k7m2`; `/ceremony list` shows them."}
	}
	return nil
}

// readID takes the id of a ceremony, or part of one. It must be there.
func readID(a *arguments, cmd *Command) error {
	if err := readAnyID(a, cmd); err != nil {
		return err
	}
	if cmd.ID == "" {
		return misuse(cmd.Verb)
	}
	return nil
}

func readIDAndText(a *arguments, cmd *Command) error {
	err := readID(a, cmd)
	cmd.Text = a.rest()
	return err
}

func readAnyCluster(a *arguments, cmd *Command) error {
	cmd.Cluster = a.lower()
	return nil
}

func readCluster(a *arguments, cmd *Command) error {
	if cmd.Cluster = a.lower(); cmd.Cluster == "" {
		return misuse(cmd.Verb)
	}
	return nil
}

func readTopic(a *arguments, cmd *Command) error {
	cmd.Topic = a.lower()
	return nil
}

// readStart takes a proposal. Everything behind its options is the reason.
func readStart(a *arguments, cmd *Command) error {
	cmd.Operation, cmd.Cluster = ceremony.Operation(a.lower()), a.lower()
	if cmd.Cluster == "" || optionShape.MatchString(cmd.Cluster) {
		return misuse(cmd.Verb)
	}
	for len(a.words) > 0 && optionShape.MatchString(a.words[0]) {
		if err := cmd.option(a.next()); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(a.words, func(w string) bool { return takes(cmd.Operation, w) }) {
		return Usage{"An option stands behind the reason.", howTo(cmd.Verb)}
	}
	cmd.Text = strings.Trim(a.rest(), "\"'")
	return nil
}

func readApproval(a *arguments, cmd *Command) error {
	if err := readID(a, cmd); err != nil || len(a.words) == 0 {
		return err
	}
	if cmd.Hash = strings.ToLower(a.unquoted()); !hashShape.MatchString(cmd.Hash) {
		return Usage{"This is not the hash of a plan.", "A hash has at least 8 of the digits 0-9 and a-f."}
	}
	return nil
}

// readWitness takes what a witness says. It becomes the command's verb.
func readWitness(a *arguments, cmd *Command) error {
	if err := readID(a, cmd); err != nil {
		return err
	}
	switch said := Verb(a.lower()); said {
	case VerbProceed, VerbAgree, VerbDisagree:
		cmd.Verb, cmd.Text = said, a.rest()
		return nil
	}
	return misuse(cmd.Verb)
}

func readException(a *arguments, cmd *Command) error {
	if err := readIDAndText(a, cmd); err != nil {
		return err
	}
	if cmd.Text == "" {
		return misuse(cmd.Verb)
	}
	return nil
}

func readTranscript(a *arguments, cmd *Command) error {
	err := readID(a, cmd)
	if len(a.words) > 0 && strings.EqualFold(a.words[0], "send") {
		cmd.Send = true
		a.next()
	}
	return err
}

func readAccessor(a *arguments, cmd *Command) error {
	if err := readID(a, cmd); err != nil {
		return err
	}
	cmd.Accessor = a.unquoted()
	switch {
	case cmd.Accessor == "":
		return misuse(cmd.Verb)
	case !accessorShape.MatchString(cmd.Accessor):
		return Usage{"This is not an accessor.", "An accessor has 24 letters and digits; `vault token lookup` shows it. " +
			"It is not the token: that never belongs here."}
	}
	return nil
}

// readSubmit takes an id that may be left out, and at the end the wish for a form.
func readSubmit(a *arguments, cmd *Command) error {
	if n := len(a.words); n > 0 && strings.EqualFold(a.words[n-1], string(VerbForm)) {
		cmd.Form, a.words = true, a.words[:n-1]
	}
	return readAnyID(a, cmd)
}
