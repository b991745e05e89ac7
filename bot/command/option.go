package command

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/wording"
)

// optionShape matches name=value. A word with a dash in front is an option with a wrong
// name, and does not begin the reason. A URL with a query is no option.
var optionShape = regexp.MustCompile(`^([A-Za-z0-9_-]+)=(.*)$`)

// option reads one name=value. The engine checks the name and the value.
func (cmd *Command) option(word string) error {
	m := optionShape.FindStringSubmatch(word)
	name, value := strings.ToLower(m[1]), strings.ToLower(strings.Trim(m[2], "`'\""))
	if _, twice := cmd.Options[name]; twice {
		return Usage{"An option is given twice.", howTo(cmd.Verb)}
	}
	if cmd.Options == nil {
		cmd.Options = map[string]string{}
	}
	cmd.Options[name] = value
	return nil
}

// takes reports whether a word is an option of the operation. As part of the reason it
// would have no effect, and nobody would notice.
func takes(op ceremony.Operation, word string) bool {
	m := optionShape.FindStringSubmatch(word)
	return m != nil && slices.Contains(op.Options(), strings.ToLower(m[1]))
}

// Understood returns a start command as it was read, to be corrected and sent again. A
// value of otp that is no commitment may be the password itself, and is left out.
func (cmd Command) Understood() string {
	words := []string{"start", string(cmd.Operation), cmd.Cluster}
	for _, name := range slices.Sorted(maps.Keys(cmd.Options)) {
		value := cmd.Options[name]
		if name == "otp" && !commitmentShape.MatchString(value) {
			value = "…"
		}
		words = append(words, name+"="+value)
	}
	return strings.TrimSpace(strings.Join(words, " ") + " " + cmd.Text)
}

// WrongOption returns an error that shows how a start command was read, so that it can
// be corrected. It leaves out the engine's reason, which may quote what was typed.
func WrongOption(cmd Command) error {
	hint := fmt.Sprintf("`%s` takes no options.", cmd.Operation)
	if len(cmd.Operation.Options()) > 0 {
		hint = fmt.Sprintf("It goes like this: `/ceremony %s`. `/ceremony help %s` says which values it takes.",
			StartForm(cmd.Operation), cmd.Operation)
	}
	return Usage{"An option, or its value, is not one that the operation takes. Nothing was proposed.",
		fmt.Sprintf("%s\nUnderstood was: `/ceremony %s`", hint, wording.Code(cmd.Understood()))}
}
