package command_test

import (
	"os"
	"strings"
	"testing"

	"conclave/bot/command"
	"conclave/ceremony"
)

// TestOperatorsGuideHasEveryCommand compares the guide with the grammar.
func TestOperatorsGuideHasEveryCommand(t *testing.T) {
	guide, err := os.ReadFile("../../docs/operator.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range command.Grammar() {
		if !strings.Contains(string(guide), "| `"+f.How+"` |") {
			t.Errorf("docs/operator.md lacks the command %q", f.How)
		}
	}
	for _, op := range ceremony.Operations() {
		if !strings.Contains(string(guide), "`"+string(op)+"`") {
			t.Errorf("docs/operator.md lacks the operation %s", op)
		}
	}
}
