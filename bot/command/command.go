package command

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"conclave/ceremony"
	"conclave/ceremony/wording"
)

// Verb is what a command does. Buttons carry the same verbs.
type Verb string

const (
	VerbStart    Verb = "start"
	VerbApprove  Verb = "approve"
	VerbReject   Verb = "reject"
	VerbStatus   Verb = "status"
	VerbList     Verb = "list"
	VerbHistory  Verb = "history"
	VerbSubmit   Verb = "submit"
	VerbCancel   Verb = "cancel"
	VerbResume   Verb = "resume"
	VerbReverify Verb = "reverify"
	VerbReset    Verb = "reset"
	VerbDelete   Verb = "delete"
	VerbAccessor Verb = "accessor"
	VerbRevoked  Verb = "revoked"
	VerbHolders  Verb = "holders"

	VerbAcknowledge Verb = "acknowledge"

	VerbFreeze     Verb = "freeze"
	VerbProceed    Verb = "proceed"
	VerbAgree      Verb = "agree"
	VerbDisagree   Verb = "disagree"
	verbWitness    Verb = "witness"
	VerbException  Verb = "exception"
	VerbTranscript Verb = "transcript"

	VerbKeyStatus Verb = "key-status"
	VerbHelp      Verb = "help"
)

// VerbForm is a button's alone; typed, it is a word behind submit.
const VerbForm Verb = "form"

// Grammar is every command: its form, and what it is for. Help and errors are
// made of it.
func Grammar() []form {
	return []form{
		{VerbStart, "start OPERATION CLUSTER [name=value …] [reason]", "propose a ceremony; `/ceremony help operations` lists what there is"},
		{VerbApprove, "approve ID [hash]", "approve a plan that somebody else proposed; with the hash that you were told, if you want it checked"},
		{VerbReject, "reject ID [why]", "turn a plan down"},
		{VerbStatus, "status [ID]", "where a ceremony stands"},
		{VerbList, "list", "the open ceremonies"},
		{VerbHistory, "history [CLUSTER]", "the ceremonies of the past, newest first"},
		{VerbSubmit, "submit [ID] [form]", "show again exactly what to run for your share, or open the form that takes what it prints"},
		{VerbCancel, "cancel ID [why]", "end a ceremony, in Vault too"},
		{VerbFreeze, "freeze ID [why]", "have everything stand still, for anybody who has a part in it; nothing is lost"},
		{VerbResume, "resume ID", "let a frozen ceremony go on; it takes the initiator and an approver"},
		{VerbReset, "reset ID", "have the sealed nodes of an unseal forget the shares that they have counted"},
		{VerbReverify, "reverify ID", "have the new shares of a rekey proven again, from the beginning"},
		{VerbException, "exception ID TEXT", "write down what was not as it should be"},
		{verbWitness, "witness ID WORD [why]", "as a witness: `proceed` lets the next step happen, `agree` or `disagree` says at the end what you think of it"},
		{VerbDelete, "delete ID", "let Vault forget the backup that was handed out; for an approver who did not propose it"},
		{VerbAccessor, "accessor ID ACCESSOR", "name the root token that a ceremony has made, so that Vault can be asked whether it is gone"},
		{VerbRevoked, "revoked ID", "say that this token is revoked, when nobody knows its accessor"},
		{VerbAcknowledge, "acknowledge ID [why]", "look after what an alarm is about, and end it"},
		{VerbTranscript, "transcript ID [send]", "where the signed transcript of a ceremony is, or have it sent to you"},
		{VerbHolders, "holders [CLUSTER]", "who may do what on a cluster, and whose keys are pinned"},
		{VerbKeyStatus, "key-status CLUSTER", "a cluster's encryption key: its term, its age, and when it is rotated"},
		{VerbHelp, "help [TOPIC]", "this list, or more about one thing: an operation, or " + TopicNames()},
	}
}

type form struct {
	Verb Verb
	How  string
	What string
}

// Command is what a person asks for.
type Command struct {
	Verb      Verb
	Operation ceremony.Operation
	Cluster   string
	ID        string            // as typed: a whole id or a part of one
	Hash      string            // of the plan, as typed; empty for the plan of this id
	Options   map[string]string // of the operation, by name; nil when none was typed
	Accessor  string            // of a root token
	Form      bool              // the form is wanted
	Send      bool              // the files are wanted
	Text      string            // reason, or why
	Topic     string
}

// Usage is a command that can't be understood.
type Usage struct{ what, Hint string }

func (u Usage) Error() string { return "usage: " + u.what }

func (u Usage) Words() wording.Words { return wording.Words{What: u.what, Hint: u.Hint} }

func Misuse(v Verb) error {
	i := slices.IndexFunc(Grammar(), func(f form) bool { return f.Verb == v })
	return Usage{"Something is missing.", fmt.Sprintf("It goes like this: `/ceremony %s`", Grammar()[i].How)}
}

// id and hash as people type them, in either case.
var (
	idShape   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)
	hashShape = regexp.MustCompile(`^[0-9a-f]{8,64}$`)
)

// ParseCommand reads what stands behind /ceremony. It knows the form alone: who
// may, and whether what is named exists, is asked elsewhere. harmless, which may be
// nil, knows what looks like a secret and is none.
func ParseCommand(text string, harmless func(word string) bool) (Command, error) {
	text = tidy(text)
	words := strings.Fields(text)
	if len(words) == 0 {
		return Command{Verb: VerbHelp}, nil
	}
	v := Verb(strings.ToLower(words[0]))
	if !slices.ContainsFunc(Grammar(), func(f form) bool { return f.Verb == v }) {
		if err := Guard(v, text, nil, harmless); err != nil {
			return Command{}, err
		}
		return Command{}, unknownVerb(words[0])
	}
	words = words[1:]
	if err := Guard(v, text, words, harmless); err != nil {
		return Command{}, err
	}
	return parseArguments(v, words)
}

// longestOpening is more than a command that opens a form has.
const longestOpening = 200

// WantsForm reports whether a command opens a form, at a glance: it decides what the
// command waits for.
func WantsForm(text string) bool {
	if len(text) > longestOpening {
		return false
	}
	words := strings.Fields(text)
	return len(words) > 1 && strings.EqualFold(words[0], string(VerbSubmit)) && strings.EqualFold(words[len(words)-1], string(VerbForm))
}

func parseArguments(v Verb, words []string) (Command, error) {
	cmd := Command{Verb: v}
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
		cmd.ID = strings.ToLower(strings.Trim(next(), "`'\""))
		switch {
		case cmd.ID == "" && required:
			return Misuse(v)
		case cmd.ID != "" && !idShape.MatchString(cmd.ID):
			return Usage{"This is not the id of a ceremony.", "Ids look like `prod-rekey-k7m2`; `/ceremony list` shows them."}
		}
		return nil
	}
	done := func() error {
		if len(words) > 0 {
			return Usage{"There is more than this command takes.", Misuse(v).(Usage).Hint}
		}
		return nil
	}

	switch v {
	case VerbStart:
		cmd.Operation, cmd.Cluster = ceremony.Operation(strings.ToLower(next())), strings.ToLower(next())
		if cmd.Cluster == "" || optionShape.MatchString(cmd.Cluster) {
			return Command{}, Misuse(v)
		}
		for len(words) > 0 && optionShape.MatchString(words[0]) {
			if err := cmd.option(next()); err != nil {
				return Command{}, err
			}
		}
		if slices.ContainsFunc(words, func(w string) bool { return takes(cmd.Operation, w) }) {
			return Command{}, Usage{"An option stands behind the reason.", Misuse(v).(Usage).Hint}
		}
		cmd.Text = strings.Trim(rest(), "\"'")
		return cmd, nil
	case VerbApprove:
		if err := id(true); err != nil {
			return Command{}, err
		}
		if len(words) > 0 {
			cmd.Hash = strings.ToLower(strings.Trim(next(), "`'\""))
			if !hashShape.MatchString(cmd.Hash) {
				return Command{}, Usage{"This is not the hash of a plan.", "A hash has at least 8 of the digits 0-9 and a-f."}
			}
		}
		return cmd, done()
	case verbWitness:
		if err := id(true); err != nil {
			return Command{}, err
		}
		switch said := Verb(strings.ToLower(next())); said {
		case VerbProceed, VerbAgree, VerbDisagree:
			cmd.Verb, cmd.Text = said, rest()
			return cmd, nil
		}
		return Command{}, Misuse(v)
	case VerbException:
		if err := id(true); err != nil {
			return Command{}, err
		}
		if cmd.Text = rest(); cmd.Text == "" {
			return Command{}, Misuse(v)
		}
		return cmd, nil
	case VerbReject, VerbCancel, VerbFreeze, VerbAcknowledge:
		err := id(true)
		cmd.Text = rest()
		return cmd, err
	case VerbTranscript:
		if err := id(true); err != nil {
			return Command{}, err
		}
		if len(words) > 0 && strings.EqualFold(words[0], "send") {
			cmd.Send = true
			next()
		}
		return cmd, done()
	case VerbResume, VerbReverify, VerbReset, VerbDelete, VerbRevoked:
		if err := id(true); err != nil {
			return Command{}, err
		}
		return cmd, done()
	case VerbAccessor:
		if err := id(true); err != nil {
			return Command{}, err
		}
		cmd.Accessor = strings.Trim(next(), "`'\"")
		switch {
		case cmd.Accessor == "":
			return Command{}, Misuse(v)
		case !accessorShape.MatchString(cmd.Accessor):
			return Command{}, Usage{"This is not an accessor.", "An accessor has 24 letters and digits; `vault token lookup` shows it. It is not the token: that never belongs here."}
		}
		return cmd, done()
	case VerbKeyStatus:
		if cmd.Cluster = strings.ToLower(next()); cmd.Cluster == "" {
			return Command{}, Misuse(v)
		}
		return cmd, done()
	case VerbSubmit:
		if n := len(words); n > 0 && strings.EqualFold(words[n-1], string(VerbForm)) {
			cmd.Form, words = true, words[:n-1]
		}
		if err := id(false); err != nil {
			return Command{}, err
		}
		return cmd, done()
	case VerbStatus:
		if err := id(false); err != nil {
			return Command{}, err
		}
		return cmd, done()
	case VerbHistory, VerbHolders:
		cmd.Cluster = strings.ToLower(next())
		return cmd, done()
	case VerbList:
		return cmd, done()
	case VerbHelp:
		cmd.Topic = strings.ToLower(next())
		return cmd, done()
	}
	panic(fmt.Sprintf("verb %q has a form and no parser", v))
}

var straight = strings.NewReplacer(
	"“", `"`, "”", `"`, "„", `"`, "‘", "'", "’", "'", "–", "-", "—", "-",
	"&lt;", "<", "&gt;", ">", "&amp;", "&",
)

// tidy undoes what computers make of what people type: curly quotes, dashes in
// place of hyphens, spaces that are none, soft hyphens and other marks that nobody
// sees, behind which a share would be in pieces. A dash that people type between
// words of a reason comes out as a hyphen, too.
func tidy(text string) string {
	text = straight.Replace(text)
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, text)
}
