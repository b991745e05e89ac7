package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"conclave/bot/command"
	"conclave/ceremony"
	"conclave/ceremony/wording"
)

// Help explains an operation, a topic or a command. Without one it lists the commands.
func Help(about string) Message {
	switch about {
	case "":
		return renderGrammar()
	case "operations", "operation", "start":
		return renderOperations()
	}
	if op := ceremony.Operation(about); slices.Contains(ceremony.Operations(), op) {
		line, more := command.OperationHelp(op)
		return Say("*%s* %s. %s\n`/ceremony %s`", op, line, more, command.StartForm(op))
	}
	for _, t := range command.Topics() {
		if t.Name == about || slices.Contains(t.Other, about) {
			return Say("%s", t.Text)
		}
	}
	for _, f := range command.Grammar() {
		if string(f.Verb) == about {
			return Say("`/ceremony %s`  %s", f.How, f.What)
		}
	}
	return SayWords(wording.Words{What: "There is no help on this.", Hint: "Topics are " + command.TopicNames() + ", and every operation; `/ceremony help operations` lists those."}, "")
}

func renderGrammar() Message {
	var lines []string
	for _, f := range command.Grammar() {
		lines = append(lines, fmt.Sprintf("`/ceremony %s`  %s", f.How, f.What))
	}
	return Message{Line: "What you can type", Blocks: []slack.Block{
		section("*What you can type*\n%s", strings.Join(lines, "\n")),
		footnote("An ID may be shortened to its last word: `k7m2` for `prod-rekey-k7m2`. Shares go into a direct message to me, encrypted, never behind a command."),
	}}
}

func renderOperations() Message {
	var lines []string
	for _, op := range ceremony.Operations() {
		line, _ := command.OperationHelp(op)
		lines = append(lines, fmt.Sprintf("`%s`  %s", op, line))
	}
	return Message{Line: "What can be proposed", Blocks: []slack.Block{
		section("*What can be proposed*\n%s", strings.Join(lines, "\n")),
		footnote("`/ceremony help` and the name of one says more about it. `/ceremony holders` shows what is allowed where, and to whom."),
	}}
}

// DirectHelp answers a direct message that holds nothing to work with.
func DirectHelp() Message {
	return Say("I take encrypted shares here: PGP messages, as text or as a file. `/ceremony submit` shows what to run when yours is needed, `/ceremony status` where a ceremony stands, `/ceremony help` the rest.")
}
