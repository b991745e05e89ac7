package bot

import (
	"os"
	"strings"
	"testing"

	"github.com/slack-go/slack"

	"conclave/bot/slacktest"
	"conclave/ceremony"
)

// text is what the sections of a message say.
func (m message) text() string {
	var all []string
	for _, b := range m.blocks {
		if s, ok := b.(*slack.SectionBlock); ok && s.Text != nil {
			all = append(all, s.Text.Text)
		}
	}
	return strings.Join(all, "\n")
}

func TestEveryCommandAndTopicHasHelp(t *testing.T) {
	asked := []string{"", "operations", "start", "rotation"}
	for _, f := range grammar() {
		asked = append(asked, string(f.verb))
	}
	for _, op := range ceremony.Operations() {
		asked = append(asked, string(op))
	}
	for _, topic := range topics() {
		asked = append(append(asked, topic.name), topic.other...)
	}
	seen := 0
	for _, about := range asked {
		m := renderHelp(about)
		switch text := m.text(); {
		case strings.Contains(text, "There is no help on this"):
			if about != "rotation" {
				t.Errorf("no help on %q", about)
			}
		case strings.HasSuffix(text, "…"), strings.TrimSpace(m.line) == "":
			t.Errorf("help on %q is cut, or has no line: %q\n%s", about, m.line, text)
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
		line, more := operationHelp(op)
		if line == "" || more == "" || !strings.Contains(renderHelp("operations").text(), "`"+string(op)+"`  "+line) {
			t.Errorf("no line for %s in the list", op)
		}
		help := renderHelp(string(op)).text()
		if !strings.Contains(help, "/ceremony start "+string(op)+" CLUSTER") {
			t.Errorf("help on %s does not show its command:\n%s", op, help)
		}
		for _, option := range op.Options() {
			if !strings.Contains(help, "["+option+"=") {
				t.Errorf("help on %s does not show %s:\n%s", op, option, help)
			}
		}
		cmd, err := parseCommand(strings.NewReplacer("[", "", "]", "", "COMMITMENT", commitment, "yes|no", "yes").Replace(startForm(op)), nil)
		if err != nil || len(cmd.options) != len(op.Options()) || cmd.text != "reason" {
			t.Errorf("what help shows of %s is understood as %+v, %v", op, cmd, err)
		}
	}
}

func TestHelpIsReadInSlack(t *testing.T) {
	s := play(t, slacktest.Config{})
	s.expect("`/ceremony key-status CLUSTER`", strings.ReplaceAll(s.types(s.carol, "help"), "\n", " "))
	s.expect("opens sealed nodes", s.types(s.carol, "help operations"))
	s.expect("[interval=720h]", s.types(s.carol, "help rotate-config"))
	s.expect("revoke", s.types(s.carol, "help tokens"))
	s.expect("There is no help on this", s.types(s.carol, "help xyzzy"))
}

// TestOperatorsGuideHasEveryCommand compares the guide with the grammar.
func TestOperatorsGuideHasEveryCommand(t *testing.T) {
	guide, err := os.ReadFile("../docs/operator.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range grammar() {
		if !strings.Contains(string(guide), "| `"+f.how+"` |") {
			t.Errorf("docs/operator.md lacks the command %q", f.how)
		}
	}
	for _, op := range ceremony.Operations() {
		if !strings.Contains(string(guide), "`"+string(op)+"`") {
			t.Errorf("docs/operator.md lacks the operation %s", op)
		}
	}
}
