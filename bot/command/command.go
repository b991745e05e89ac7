// Package command is the grammar of /ceremony: which commands there are, how their
// arguments are read, what must not stand in them, and which ceremony a typed id means.
//
// It knows the form alone. Whether a person may do it is for the engine to say.
package command

import (
	"fmt"
	"slices"
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/paste"
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

// VerbForm is the verb of a button. Typed, it is a word behind submit.
const VerbForm Verb = "form"

// Grammar returns every command: its form, how its arguments are read, and what it
// is for. Help and errors are made of it.
func Grammar() []Form {
	return []Form{
		{VerbStart, readStart, "start OPERATION CLUSTER [name=value …] [reason]", "propose a ceremony; `/ceremony help operations` lists what there is"},
		{VerbApprove, readApproval, "approve ID [hash]", "approve a plan that somebody else proposed; with the hash that you were told, if you want it checked"},
		{VerbReject, readIDAndText, "reject ID [why]", "turn a plan down"},
		{VerbStatus, readAnyID, "status [ID]", "where a ceremony stands"},
		{VerbList, readNothing, "list", "the open ceremonies"},
		{VerbHistory, readAnyCluster, "history [CLUSTER]", "the ceremonies of the past, newest first"},
		{VerbSubmit, readSubmit, "submit [ID] [form]", "show again exactly what to run for your share, or open the form that takes what it prints"},
		{VerbCancel, readIDAndText, "cancel ID [why]", "end a ceremony, in Vault too"},
		{VerbFreeze, readIDAndText, "freeze ID [why]", "have everything stand still, for anybody who has a part in it; nothing is lost"},
		{VerbResume, readID, "resume ID", "let a frozen ceremony go on; it takes the initiator and an approver"},
		{VerbReset, readID, "reset ID", "have the sealed nodes of an unseal forget the shares that they have counted"},
		{VerbReverify, readID, "reverify ID", "have the new shares of a rekey proven again, from the beginning"},
		{VerbException, readException, "exception ID TEXT", "write down what was not as it should be"},
		{verbWitness, readWitness, "witness ID WORD [why]", "as a witness: `proceed` lets the next step happen, `agree` or `disagree` says at the end what you think of it"},
		{VerbDelete, readID, "delete ID", "let Vault forget the backup that was handed out; for an approver who did not propose it"},
		{VerbAccessor, readAccessor, "accessor ID ACCESSOR", "name the root token that a ceremony has made, so that Vault can be asked whether it is gone"},
		{VerbRevoked, readID, "revoked ID", "say that this token is revoked, when nobody knows its accessor"},
		{VerbAcknowledge, readIDAndText, "acknowledge ID [why]", "look after what an alarm is about, and end it"},
		{VerbTranscript, readTranscript, "transcript ID [send]", "where the signed transcript of a ceremony is, or have it sent to you"},
		{VerbHolders, readAnyCluster, "holders [CLUSTER]", "who may do what on a cluster, and whose keys are pinned"},
		{VerbKeyStatus, readCluster, "key-status CLUSTER", "a cluster's encryption key: its term, its age, and when it is rotated"},
		{VerbHelp, readTopic, "help [TOPIC]", "this list, or more about one thing: an operation, or " + TopicNames()},
	}
}

// Form is how a command is typed.
type Form struct {
	Verb Verb
	read func(*arguments, *Command) error
	How  string
	What string
}

// formOf returns the form of a verb, and reports whether there is one.
func formOf(v Verb) (f Form, known bool) {
	grammar := Grammar()
	i := slices.IndexFunc(grammar, func(f Form) bool { return f.Verb == v })
	if i < 0 {
		return Form{}, false
	}
	return grammar[i], true
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

// Usage is the error of a command that can't be understood.
type Usage struct{ what, Hint string }

func (u Usage) Error() string { return "usage: " + u.what }

// Words returns what the person who typed the command reads.
func (u Usage) Words() wording.Words { return wording.Words{What: u.what, Hint: u.Hint} }

// howTo returns the hint that shows the form of a verb.
func howTo(v Verb) string {
	f, _ := formOf(v)
	return fmt.Sprintf("It goes like this: `/ceremony %s`", f.How)
}

// misuse returns the error of a command that lacks something.
func misuse(v Verb) error { return Usage{"Something is missing.", howTo(v)} }

// ParseCommand reads the text behind /ceremony. It knows the form alone: whether the
// person may do it, and whether what they name exists, is checked elsewhere. harmless
// reports whether a word that looks like a secret is none; it may be nil.
func ParseCommand(text string, harmless func(word string) bool) (Command, error) {
	text = tidy(text)
	words := strings.Fields(text)
	if len(words) == 0 {
		return Command{Verb: VerbHelp}, nil
	}
	v := Verb(strings.ToLower(words[0]))
	f, known := formOf(v)
	if !known {
		if err := Guard(v, text, nil, harmless); err != nil {
			return Command{}, err
		}
		return Command{}, unknownVerb(words[0])
	}
	words = words[1:]
	if err := Guard(v, text, words, harmless); err != nil {
		return Command{}, err
	}
	return f.parse(words)
}

// longestOpening is more characters than a command that opens a form has.
const longestOpening = 200

// WantsForm reports whether a command opens a form. It is called before a command is
// queued, and takes no longer for a longer text.
func WantsForm(text string) bool {
	if len(text) > longestOpening {
		return false
	}
	words := strings.Fields(text)
	return len(words) > 1 && strings.EqualFold(words[0], string(VerbSubmit)) &&
		strings.EqualFold(words[len(words)-1], string(VerbForm))
}

// unescaping undoes what Slack does to a text. Source: docs.slack.dev "Formatting message text".
var unescaping = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

// tidy undoes what Slack and computers make of what people type. Invisible marks would cut a
// share into pieces. A dash between the words of a reason becomes a hyphen, too.
func tidy(text string) string { return paste.Line(unescaping.Replace(text)) }
