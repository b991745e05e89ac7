package render_test

import (
	"strings"
	"testing"

	"github.com/slack-go/slack"

	"conclave/bot/command"
	"conclave/bot/render"
	"conclave/ceremony"
)

func TestEveryCommandAndTopicHasHelp(t *testing.T) {
	asked := []string{"", "operations", "start", "rotation"}
	for _, f := range command.Grammar() {
		asked = append(asked, string(f.Verb))
	}
	for _, op := range ceremony.Operations() {
		asked = append(asked, string(op))
	}
	for _, topic := range command.Topics() {
		asked = append(append(asked, topic.Name), topic.Other...)
	}
	seen := 0
	for _, about := range asked {
		m := render.Help(about)
		switch text := text(m); {
		case strings.Contains(text, "There is no help on this"):
			if about != "rotation" {
				t.Errorf("no help on %q", about)
			}
		case strings.HasSuffix(text, "…"), strings.TrimSpace(m.Line) == "":
			t.Errorf("help on %q is cut, or has no line: %q\n%s", about, m.Line, text)
		default:
			seen++
		}
	}
	if seen != len(asked)-1 {
		t.Errorf("help on %d of %d", seen, len(asked)-1)
	}
}

func TestHelpOnAnOperationShowsHowItIsProposed(t *testing.T) {
	for _, op := range ceremony.Operations() {
		line, more := command.OperationHelp(op)
		if line == "" || more == "" || !strings.Contains(text(render.Help("operations")), "`"+string(op)+"`  "+line) {
			t.Errorf("no line for %s in the list", op)
		}
		help := text(render.Help(string(op)))
		if !strings.Contains(help, "/ceremony start "+string(op)+" CLUSTER") {
			t.Errorf("help on %s does not show its command:\n%s", op, help)
		}
		for _, option := range op.Options() {
			if !strings.Contains(help, "["+option+"=") {
				t.Errorf("help on %s does not show %s:\n%s", op, option, help)
			}
		}
		cmd, err := command.ParseCommand(strings.NewReplacer("[", "", "]", "", "COMMITMENT", "3f5a1c7e9b2d4f608172839405a6b7c8d9eafb0c1d2e3f405162738495a6b7c8", "yes|no", "yes").Replace(command.StartForm(op)), nil)
		if err != nil || len(cmd.Options) != len(op.Options()) || cmd.Text != "reason" {
			t.Errorf("what help shows of %s is understood as %+v, %v", op, cmd, err)
		}
	}
}

// text returns the text of a message's sections.
func text(m render.Message) string {
	var all []string
	for _, b := range m.Blocks {
		if s, ok := b.(*slack.SectionBlock); ok && s.Text != nil {
			all = append(all, s.Text.Text)
		}
	}
	return strings.Join(all, "\n")
}
