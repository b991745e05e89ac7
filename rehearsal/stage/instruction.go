package stage

import (
	"io"
	"regexp"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
)

// entry is a command that a message says to type, with what is pasted into it.
type entry struct{ command, paste string }

var typed = regexp.MustCompile("[Tt]ype `((?:gpg|tee) [^`]+)`")

// entries returns what a message says to type to follow it with gpg alone, in order. Below each
// tee stands a block that is pasted into it.
func (n Note) entries() []entry {
	var all []entry
	inside := false
	var lines []string
	for line := range strings.SplitSeq(n.Text, "\n") {
		switch {
		case line == "```" && inside:
			if last := len(all) - 1; last >= 0 && all[last].paste == "" && strings.HasPrefix(all[last].command, "tee ") {
				all[last].paste = strings.Join(lines, "\n") + "\n"
			}
			inside, lines = false, nil
		case line == "```":
			inside = true
		case inside:
			lines = append(lines, line)
		default:
			for _, m := range typed.FindAllStringSubmatch(line, -1) {
				all = append(all, entry{command: m[1]})
			}
		}
	}
	return all
}

// Instruction returns what the message's instruction says. Its signature is not checked: this
// is for finding a message, and not for doing what it says.
func (n Note) Instruction() string {
	for _, e := range n.entries() {
		binary, err := dearmor(e.paste)
		if err != nil {
			continue
		}
		message, err := openpgp.ReadMessage(strings.NewReader(string(binary)), openpgp.EntityList{}, nil, nil)
		if err != nil {
			continue
		}
		text, err := io.ReadAll(message.UnverifiedBody)
		if err == nil || message.SignatureError != nil {
			return string(text)
		}
	}
	return ""
}

// said returns the value of a line in the head of an instruction.
func said(instruction, line string) string {
	head, _, _ := strings.Cut(instruction, "\n\n")
	for l := range strings.SplitSeq(head, "\n") {
		if value, ok := strings.CutPrefix(l, line+": "); ok && value != "-" {
			return value
		}
	}
	return ""
}

// commandsIn returns the commands of an instruction. A comment of the shell stands before each.
func commandsIn(instruction string) []string {
	var all []string
	_, body, _ := strings.Cut(instruction, "\n# ")
	command := ""
	for line := range strings.Lines("# " + body + "\n# ") {
		if !strings.HasPrefix(line, "# ") {
			command += line
			continue
		}
		if command = strings.TrimSpace(command); command != "" {
			all = append(all, command)
		}
		command = ""
	}
	return all
}
