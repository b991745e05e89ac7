package stage

import (
	"io"
	"regexp"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
)

// paste is something that a message says to paste, and into what.
type paste struct{ into, text string }

var typed = regexp.MustCompile("Type `(gpg [^`]+)`")

// pastes returns what a message says to paste into gpg, in order.
func (n Note) pastes() []paste {
	var all []paste
	into, inside := "", false
	var lines []string
	for line := range strings.SplitSeq(n.Text, "\n") {
		switch {
		case line == "```" && inside:
			if into != "" {
				all = append(all, paste{into, strings.Join(lines, "\n") + "\n"})
			}
			into, inside, lines = "", false, nil
		case line == "```":
			inside = true
		case inside:
			lines = append(lines, line)
		default:
			if m := typed.FindStringSubmatch(line); m != nil {
				into = m[1]
			}
		}
	}
	return all
}

// Instruction returns what the message's instruction says. Its signature is not checked: this
// is for finding a message, and not for doing what it says.
func (n Note) Instruction() string {
	for _, p := range n.pastes() {
		if p.into != "gpg -d" {
			continue
		}
		binary, err := dearmor(p.text)
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
