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

// optionShape is name=value. A dash in front makes a wrong name, and not the
// beginning of the reason. A URL with a question in it is no option.
var optionShape = regexp.MustCompile(`^([A-Za-z0-9_-]+)=(.*)$`)

// option reads one name=value. What the names and the values may be is the
// engine's to say.
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

// takes reports whether a word is an option of the operation. In the reason it would
// go without effect, and without anybody noticing.
func takes(op ceremony.Operation, word string) bool {
	m := optionShape.FindStringSubmatch(word)
	return m != nil && slices.Contains(op.Options(), strings.ToLower(m[1]))
}

// Understood is a start as it was read, to be corrected and sent again. A value
// that is no commitment may be the one-time password itself, and is left out.
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

// WrongOption says what was understood, so that it can be corrected and is not
// lost. The engine's reason is not told: it may quote what was typed.
func WrongOption(cmd Command) error {
	hint := fmt.Sprintf("`%s` takes no options.", cmd.Operation)
	if len(cmd.Operation.Options()) > 0 {
		hint = fmt.Sprintf("It goes like this: `/ceremony %s`. `/ceremony help %s` says which values it takes.", StartForm(cmd.Operation), cmd.Operation)
	}
	return Usage{"An option, or its value, is not one that the operation takes. Nothing was proposed.",
		fmt.Sprintf("%s\nUnderstood was: `/ceremony %s`", hint, wording.Code(cmd.Understood()))}
}
