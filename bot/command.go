package bot

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"conclave/ceremony"
)

// verb is what a command does. Buttons carry the same verbs.
type verb string

const (
	verbStart   verb = "start"
	verbApprove verb = "approve"
	verbReject  verb = "reject"
	verbStatus  verb = "status"
	verbList    verb = "list"
	verbHistory verb = "history"
	verbSubmit  verb = "submit"
	verbCancel  verb = "cancel"
	verbResume  verb = "resume"
	verbHolders verb = "holders"
	verbHelp    verb = "help"
)

// grammar is every command: its form, and what it is for. Help and errors are
// made of it.
func grammar() []form {
	return []form{
		{verbStart, "start OPERATION CLUSTER [reason]", "propose a ceremony: `rekey` makes new key shares, `rekey-recovery` new recovery key shares, `generate-root` a root token"},
		{verbApprove, "approve ID [hash]", "approve a plan that somebody else proposed; with the hash that you were told, if you want it checked"},
		{verbReject, "reject ID [why]", "turn a plan down"},
		{verbStatus, "status [ID]", "where a ceremony stands"},
		{verbList, "list", "the open ceremonies"},
		{verbHistory, "history [CLUSTER]", "the ceremonies of the past, newest first"},
		{verbSubmit, "submit [ID]", "show again exactly what to run for your share"},
		{verbCancel, "cancel ID [why]", "end a ceremony, in Vault too"},
		{verbResume, "resume ID", "let a frozen ceremony go on; it takes the initiator and an approver"},
		{verbHolders, "holders [CLUSTER]", "who may do what on a cluster, and whose keys are pinned"},
		{verbHelp, "help [TOPIC]", "this list, or more about one of `shares`, `plan`, `frozen`, `rekey`, `rekey-recovery`, `generate-root`"},
	}
}

type form struct {
	verb verb
	how  string
	what string
}

// command is what a person asks for.
type command struct {
	verb      verb
	operation ceremony.Operation
	cluster   string
	id        string // as typed: a whole id or a part of one
	hash      string // of the plan, as typed; empty for the plan of this id
	text      string // reason, or why
	topic     string
}

// usage is a command that can't be understood.
type usage struct{ what, hint string }

func (u usage) Error() string { return "usage: " + u.what }

func (u usage) words() words { return words(u) }

func misuse(v verb) error {
	i := slices.IndexFunc(grammar(), func(f form) bool { return f.verb == v })
	return usage{"Something is missing.", fmt.Sprintf("It goes like this: `/ceremony %s`", grammar()[i].how)}
}

// id and hash as people type them, in either case.
var (
	idShape   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)
	hashShape = regexp.MustCompile(`^[0-9a-f]{8,64}$`)
)

// parseCommand reads what stands behind /ceremony. It knows the form alone: who
// may, and whether what is named exists, is asked elsewhere.
func parseCommand(text string) (command, error) {
	text = tidy(text)
	words := strings.Fields(text)
	if len(words) == 0 {
		return command{verb: verbHelp}, nil
	}
	v := verb(strings.ToLower(words[0]))
	if !slices.ContainsFunc(grammar(), func(f form) bool { return f.verb == v }) {
		if exposed(text) {
			return command{}, inCommand
		}
		return command{}, unknownVerb(words[0])
	}
	words = words[1:]
	// A plan's hash has the length of a share of one holder alone, and is the only
	// thing of this kind that is typed on purpose.
	if v == verbApprove && len(words) == 2 && hashShape.MatchString(strings.ToLower(words[1])) {
		if exposed(words[0]) {
			return command{}, inCommand
		}
	} else if exposed(text) {
		return command{}, inCommand
	}
	return parseArguments(v, words)
}

func parseArguments(v verb, words []string) (command, error) {
	cmd := command{verb: v}
	next := func() string {
		if len(words) == 0 {
			return ""
		}
		w := words[0]
		words = words[1:]
		return w
	}
	rest := func() string { return strings.Join(words, " ") }
	id := func(required bool) error {
		cmd.id = strings.ToLower(strings.Trim(next(), "`'\""))
		switch {
		case cmd.id == "" && required:
			return misuse(v)
		case cmd.id != "" && !idShape.MatchString(cmd.id):
			return usage{"This is not the id of a ceremony.", "Ids look like `prod-rekey-k7m2`; `/ceremony list` shows them."}
		}
		return nil
	}
	done := func() error {
		if len(words) > 0 {
			return usage{"There is more than this command takes.", misuse(v).(usage).hint}
		}
		return nil
	}

	switch v {
	case verbStart:
		cmd.operation, cmd.cluster = ceremony.Operation(strings.ToLower(next())), strings.ToLower(next())
		if cmd.cluster == "" {
			return command{}, misuse(v)
		}
		cmd.text = strings.Trim(rest(), "\"'")
		return cmd, nil
	case verbApprove:
		if err := id(true); err != nil {
			return command{}, err
		}
		if len(words) > 0 {
			cmd.hash = strings.ToLower(strings.Trim(next(), "`'\""))
			if !hashShape.MatchString(cmd.hash) {
				return command{}, usage{"This is not the hash of a plan.", "A hash has at least 8 of the digits 0-9 and a-f."}
			}
		}
		return cmd, done()
	case verbReject, verbCancel:
		err := id(true)
		cmd.text = rest()
		return cmd, err
	case verbResume:
		if err := id(true); err != nil {
			return command{}, err
		}
		return cmd, done()
	case verbStatus, verbSubmit:
		if err := id(false); err != nil {
			return command{}, err
		}
		return cmd, done()
	case verbHistory, verbHolders:
		cmd.cluster = strings.ToLower(next())
		return cmd, done()
	case verbList:
		return cmd, done()
	case verbHelp:
		cmd.topic = strings.ToLower(next())
		return cmd, done()
	}
	panic(fmt.Sprintf("verb %q has a form and no parser", v))
}

// exposed says whether a command holds what never belongs there: something
// secret, or a PGP block.
func exposed(text string) bool {
	_, secret := tripwire(text)
	return secret || pgpBlock.MatchString(text)
}

var straight = strings.NewReplacer(
	"“", `"`, "”", `"`, "„", `"`, "‘", "'", "’", "'", "–", "-", "—", "-",
	"\u00a0", " ", "\u202f", " ", "\u200b", "", "\u2060", "", "\ufeff", "",
	"&lt;", "<", "&gt;", ">", "&amp;", "&",
)

// tidy undoes what computers make of what people type: curly quotes, dashes in
// place of hyphens, spaces that are none. A dash that people type between words
// of a reason comes out as a hyphen, too.
func tidy(text string) string {
	text = straight.Replace(text)
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, text)
}

// unknownVerb answers with the verb that was probably meant. What was typed is
// not quoted: it may be what nobody should see again.
func unknownVerb(typed string) error {
	best, distance := verb(""), 3
	for _, f := range grammar() {
		if d := edits(strings.ToLower(typed), string(f.verb)); d < distance {
			best, distance = f.verb, d
		}
	}
	if best != "" {
		return usage{"There is no such command.", fmt.Sprintf("Did you mean `/ceremony %s`? `/ceremony help` lists all.", best)}
	}
	return usage{"There is no such command.", "`/ceremony help` lists all."}
}

// edits is how many insertions, deletions and replacements lie between two
// words (Levenshtein).
func edits(a, b string) int {
	if len(a) > 2*len(b)+3 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
