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
	verbStart    verb = "start"
	verbApprove  verb = "approve"
	verbReject   verb = "reject"
	verbStatus   verb = "status"
	verbList     verb = "list"
	verbHistory  verb = "history"
	verbSubmit   verb = "submit"
	verbCancel   verb = "cancel"
	verbResume   verb = "resume"
	verbReverify verb = "reverify"
	verbReset    verb = "reset"
	verbDelete   verb = "delete"
	verbAccessor verb = "accessor"
	verbRevoked  verb = "revoked"
	verbHolders  verb = "holders"

	verbAcknowledge verb = "acknowledge"

	verbFreeze     verb = "freeze"
	verbProceed    verb = "proceed"
	verbAgree      verb = "agree"
	verbDisagree   verb = "disagree"
	verbWitness    verb = "witness"
	verbException  verb = "exception"
	verbTranscript verb = "transcript"

	verbKeyStatus verb = "key-status"
	verbHelp      verb = "help"
)

// verbForm is a button's alone; typed, it is a word behind submit.
const verbForm verb = "form"

// grammar is every command: its form, and what it is for. Help and errors are
// made of it.
func grammar() []form {
	return []form{
		{verbStart, "start OPERATION CLUSTER [name=value …] [reason]", "propose a ceremony; `/ceremony help operations` lists what there is"},
		{verbApprove, "approve ID [hash]", "approve a plan that somebody else proposed; with the hash that you were told, if you want it checked"},
		{verbReject, "reject ID [why]", "turn a plan down"},
		{verbStatus, "status [ID]", "where a ceremony stands"},
		{verbList, "list", "the open ceremonies"},
		{verbHistory, "history [CLUSTER]", "the ceremonies of the past, newest first"},
		{verbSubmit, "submit [ID] [form]", "show again exactly what to run for your share, or open the form that takes what it prints"},
		{verbCancel, "cancel ID [why]", "end a ceremony, in Vault too"},
		{verbFreeze, "freeze ID [why]", "have everything stand still, for anybody who has a part in it; nothing is lost"},
		{verbResume, "resume ID", "let a frozen ceremony go on; it takes the initiator and an approver"},
		{verbReset, "reset ID", "have the sealed nodes of an unseal forget the shares that they have counted"},
		{verbReverify, "reverify ID", "have the new shares of a rekey proven again, from the beginning"},
		{verbException, "exception ID TEXT", "write down what was not as it should be"},
		{verbWitness, "witness ID WORD [why]", "as a witness: `proceed` lets the next step happen, `agree` or `disagree` says at the end what you think of it"},
		{verbDelete, "delete ID", "let Vault forget the backup that was handed out; for an approver who did not propose it"},
		{verbAccessor, "accessor ID ACCESSOR", "name the root token that a ceremony has made, so that Vault can be asked whether it is gone"},
		{verbRevoked, "revoked ID", "say that this token is revoked, when nobody knows its accessor"},
		{verbAcknowledge, "acknowledge ID [why]", "look after what an alarm is about, and end it"},
		{verbTranscript, "transcript ID [send]", "where the signed transcript of a ceremony is, or have it sent to you"},
		{verbHolders, "holders [CLUSTER]", "who may do what on a cluster, and whose keys are pinned"},
		{verbKeyStatus, "key-status CLUSTER", "a cluster's encryption key: its term, its age, and when it is rotated"},
		{verbHelp, "help [TOPIC]", "this list, or more about one thing: an operation, or " + topicNames()},
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
	id        string            // as typed: a whole id or a part of one
	hash      string            // of the plan, as typed; empty for the plan of this id
	options   map[string]string // of the operation, by name; nil when none was typed
	accessor  string            // of a root token
	form      bool              // the form is wanted
	send      bool              // the files are wanted
	text      string            // reason, or why
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
// may, and whether what is named exists, is asked elsewhere. harmless, which may be
// nil, knows what looks like a secret and is none.
func parseCommand(text string, harmless func(word string) bool) (command, error) {
	text = tidy(text)
	words := strings.Fields(text)
	if len(words) == 0 {
		return command{verb: verbHelp}, nil
	}
	v := verb(strings.ToLower(words[0]))
	if !slices.ContainsFunc(grammar(), func(f form) bool { return f.verb == v }) {
		if err := guard(v, text, nil, harmless); err != nil {
			return command{}, err
		}
		return command{}, unknownVerb(words[0])
	}
	words = words[1:]
	if err := guard(v, text, words, harmless); err != nil {
		return command{}, err
	}
	return parseArguments(v, words)
}

// longestOpening is more than a command that opens a form has.
const longestOpening = 200

// wantsForm says whether a command opens a form, at a glance: it decides what the
// command waits for.
func wantsForm(text string) bool {
	if len(text) > longestOpening {
		return false
	}
	words := strings.Fields(text)
	return len(words) > 1 && strings.EqualFold(words[0], string(verbSubmit)) && strings.EqualFold(words[len(words)-1], string(verbForm))
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
		if cmd.cluster == "" || optionShape.MatchString(cmd.cluster) {
			return command{}, misuse(v)
		}
		for len(words) > 0 && optionShape.MatchString(words[0]) {
			if err := cmd.option(next()); err != nil {
				return command{}, err
			}
		}
		if slices.ContainsFunc(words, func(w string) bool { return takes(cmd.operation, w) }) {
			return command{}, usage{"An option stands behind the reason.", misuse(v).(usage).hint}
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
	case verbWitness:
		if err := id(true); err != nil {
			return command{}, err
		}
		switch said := verb(strings.ToLower(next())); said {
		case verbProceed, verbAgree, verbDisagree:
			cmd.verb, cmd.text = said, rest()
			return cmd, nil
		}
		return command{}, misuse(v)
	case verbException:
		if err := id(true); err != nil {
			return command{}, err
		}
		if cmd.text = rest(); cmd.text == "" {
			return command{}, misuse(v)
		}
		return cmd, nil
	case verbReject, verbCancel, verbFreeze, verbAcknowledge:
		err := id(true)
		cmd.text = rest()
		return cmd, err
	case verbTranscript:
		if err := id(true); err != nil {
			return command{}, err
		}
		if len(words) > 0 && strings.EqualFold(words[0], "send") {
			cmd.send = true
			next()
		}
		return cmd, done()
	case verbResume, verbReverify, verbReset, verbDelete, verbRevoked:
		if err := id(true); err != nil {
			return command{}, err
		}
		return cmd, done()
	case verbAccessor:
		if err := id(true); err != nil {
			return command{}, err
		}
		cmd.accessor = strings.Trim(next(), "`'\"")
		switch {
		case cmd.accessor == "":
			return command{}, misuse(v)
		case !accessorShape.MatchString(cmd.accessor):
			return command{}, usage{"This is not an accessor.", "An accessor has 24 letters and digits; `vault token lookup` shows it. It is not the token: that never belongs here."}
		}
		return cmd, done()
	case verbKeyStatus:
		if cmd.cluster = strings.ToLower(next()); cmd.cluster == "" {
			return command{}, misuse(v)
		}
		return cmd, done()
	case verbSubmit:
		if n := len(words); n > 0 && strings.EqualFold(words[n-1], string(verbForm)) {
			cmd.form, words = true, words[:n-1]
		}
		if err := id(false); err != nil {
			return command{}, err
		}
		return cmd, done()
	case verbStatus:
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
