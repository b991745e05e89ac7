package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/cli"
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
	for _, cmd := range rootCommand(cli.Streams{}).Commands() {
		if !strings.Contains(guide, "`"+cmd.CommandPath()+" ") && !strings.Contains(guide, "`"+cmd.CommandPath()+"`") {
			t.Errorf("docs/operator.md does not name %s", cmd.CommandPath())
		}
	}
}

func TestAuditorsGuideNamesEveryEvent(t *testing.T) {
	guide := read(t, "docs/auditor.md")
	names := regexp.MustCompile(`\{"([a-z-]+)", \w+\{\}\},`).FindAllStringSubmatch(read(t, "ceremony/event/names.go"), -1)
	if len(names) == 0 {
		t.Fatal("no events found")
	}
	for _, name := range names {
		if !strings.Contains(guide, "`"+name[1]+"`") {
			t.Errorf("docs/auditor.md does not explain %s", name[1])
		}
	}
}

// A threat model that names a test which is not there, or none, would claim what
// nobody checks. What has no test stands among the accepted risks, with its reason.
func TestThreatModelNamesTestsThatExist(t *testing.T) {
	model := read(t, "docs/threat-model.md")
	code := everyTest(t, true)
	for _, name := range regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+`).FindAllString(model, -1) {
		if !strings.Contains(code, "func "+name+"(") {
			t.Errorf("docs/threat-model.md names %s, which is no test", name)
		}
	}
	_, attacks, _ := strings.Cut(model, "\n## Attacks\n")
	attacks, accepted, ok := strings.Cut(attacks, "\n## Accepted risks\n")
	accepted, _, _ = strings.Cut(accepted, "\n## ")
	rows := func(section string) [][]string {
		var rows [][]string
		for line := range strings.SplitSeq(section, "\n") {
			if cells := strings.Split(line, " | "); strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| ---") {
				rows = append(rows, cells)
			}
		}
		return rows[1:] // the first is the head
	}
	if all := rows(attacks); !ok || len(all) < 30 {
		t.Fatalf("%d attacks found", len(all))
	}
	for _, row := range rows(attacks) {
		if len(row) != 4 || !regexp.MustCompile("`(Test|Fuzz)\\w+`").MatchString(row[3]) {
			t.Errorf("nothing holds what becomes of: %s", strings.Join(row, " | "))
		}
	}
	for _, row := range rows(accepted) {
		if len(row) != 3 || len(row[2]) < 20 {
			t.Errorf("no reason is given for: %s", strings.Join(row, " | "))
		}
	}
	for _, target := range regexp.MustCompile(`func (Fuzz\w+)\(f`).FindAllStringSubmatch(everyTest(t, false), -1) {
		if !strings.Contains(model, target[1]) {
			t.Errorf("docs/threat-model.md does not name %s", target[1])
		}
	}
}

// everyTest returns the source of every test, with that of the doubles' own or without.
func everyTest(t *testing.T, doubles bool) string {
	t.Helper()
	var all strings.Builder
	for path := range tree(t) {
		if strings.HasSuffix(path, "_test.go") && (doubles || !isDouble(module+"/"+filepath.ToSlash(path))) {
			all.WriteString(read(t, path))
		}
	}
	return all.String()
}

// A table of calls that names a test which is not there would claim what nobody
// checks.
func TestTableOfCallsNamesTestsAndMethodsThatExist(t *testing.T) {
	table := read(t, "docs/calls.md")
	code := readAll(t, "*_test.go", "vault/*.go")
	for _, test := range regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(table, -1) {
		if !strings.Contains(code, "func "+test[1]+"(") {
			t.Errorf("docs/calls.md names %s, which is no test", test[1])
		}
	}
	rows := regexp.MustCompile(`(?m)^\|.*\|$`).FindAllString(table, -1)
	if len(rows) < 25 {
		t.Fatalf("the table has %d rows", len(rows))
	}
	for _, row := range rows {
		cells := strings.Split(row, "|")
		if strings.HasPrefix(cells[1], " call") || strings.HasPrefix(cells[1], " ---") {
			continue
		}
		if !strings.Contains(cells[5], "`Test") {
			t.Errorf("no test for%s", cells[1])
		}
		for _, method := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(cells[4], -1) {
			if !strings.Contains(code, "func (c *Client) "+method[1]+"(") {
				t.Errorf("the adapter has no method %s", method[1])
			}
		}
	}
}

func readAll(t *testing.T, patterns ...string) string {
	t.Helper()
	var all strings.Builder
	for _, pattern := range patterns {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(paths), err)
		}
		for _, path := range paths {
			all.WriteString(read(t, path))
		}
	}
	return all.String()
}

// testdata/script/verify.txtar runs it.
func TestAuditorsScriptIsTheOneThatIsTested(t *testing.T) {
	_, script, ok := strings.Cut(read(t, "testdata/script/verify.txtar"), "-- chain.sh --\n")
	if !ok || !strings.Contains(read(t, "docs/auditor.md"), script) {
		t.Error("docs/auditor.md shows another script than testdata/script/verify.txtar runs")
	}
}

// testdata/script/transcript.txtar runs it.
func TestAuditorsScriptForTranscriptsIsTheOneThatIsTested(t *testing.T) {
	_, script, ok := strings.Cut(read(t, "testdata/script/transcript.txtar"), "-- transcript.sh --\n")
	if !ok || !strings.Contains(read(t, "docs/auditor.md"), script) {
		t.Error("docs/auditor.md shows another script than testdata/script/transcript.txtar runs")
	}
}

// A gap that the guide does not explain is a code that nobody can act upon.
func TestAuditorsGuideExplainsEveryCheckAndEveryGap(t *testing.T) {
	guide := read(t, "docs/auditor.md")
	gaps := regexp.MustCompile(`gap\("([a-z-]+)"`).FindAllStringSubmatch(read(t, "ceremony/transcript/gaps.go"), -1)
	checks := regexp.MustCompile(`(?m)^\tcheck\w+ += "([a-z ]+)"`).FindAllStringSubmatch(read(t, "ceremony/transcript/verify.go"), -1)
	if len(gaps) < 15 || len(checks) < 12 {
		t.Fatalf("%d gaps and %d checks found", len(gaps), len(checks))
	}
	for _, name := range append(gaps, checks...) {
		if !strings.Contains(guide, "`"+name[1]+"`") {
			t.Errorf("docs/auditor.md does not explain %s", name[1])
		}
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
