package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/vault"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestReadmeShowsALineOfThePolicyAsItIsPrinted(t *testing.T) {
	policy := vault.Policy(vault.Use{Operation: ceremony.Rekey, Dialect: vault.Open, Backup: true}.Rights())
	if !strings.Contains(read(t, "README.md"), policy) {
		t.Errorf("README.md does not show this policy:\n%s", policy)
	}
}

func TestOperatorsGuideNamesEveryCommand(t *testing.T) {
	guide := read(t, "docs/operator.md")
	for _, cmd := range rootCommand(streams{}).Commands() {
		if !strings.Contains(guide, "`"+cmd.CommandPath()+" ") && !strings.Contains(guide, "`"+cmd.CommandPath()+"`") {
			t.Errorf("docs/operator.md does not name %s", cmd.CommandPath())
		}
	}
}

func TestAuditorsGuideNamesEveryEvent(t *testing.T) {
	guide := read(t, "docs/auditor.md")
	events := regexp.MustCompile(`func \((\w+)\) event\(\)`).FindAllStringSubmatch(read(t, "ceremony/event.go"), -1)
	if len(events) == 0 {
		t.Fatal("no events found")
	}
	for _, e := range events {
		// RoundRefused is round-refused in the journal: see ceremony.TypeOf.
		name := strings.ToLower(regexp.MustCompile(`([a-z])([A-Z])`).ReplaceAllString(e[1], "$1-$2"))
		if !strings.Contains(guide, "`"+name+"`") {
			t.Errorf("docs/auditor.md does not explain %s", name)
		}
	}
}

// testdata/script/verify.txtar runs it.
func TestAuditorsScriptIsTheOneThatIsTested(t *testing.T) {
	_, script, ok := strings.Cut(read(t, "testdata/script/verify.txtar"), "-- chain.sh --\n")
	if !ok || !strings.Contains(read(t, "docs/auditor.md"), script) {
		t.Error("docs/auditor.md shows another script than testdata/script/verify.txtar runs")
	}
}

func TestEveryDecisionIsListed(t *testing.T) {
	pages, err := filepath.Glob("docs/decisions/*.md")
	if err != nil || len(pages) < 2 {
		t.Fatalf("no decisions: %v", err)
	}
	list := read(t, "docs/decisions/README.md")
	for _, page := range pages {
		if name := filepath.Base(page); name != "README.md" && !strings.Contains(list, "("+name+")") {
			t.Errorf("docs/decisions/README.md does not list %s", name)
		}
	}
}
