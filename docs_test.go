package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/wording"
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

// A threat model that names no test for an attack would claim what nobody checks. What
// has no test stands among the accepted risks, with its reason.
func TestThreatModelNamesATestForEachAttack(t *testing.T) {
	model := read(t, "docs/threat-model.md")
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
	targets := 0
	for path := range tree(t) {
		if !strings.HasSuffix(path, "_test.go") || isDouble(module+"/"+filepath.ToSlash(path)) {
			continue
		}
		for _, target := range regexp.MustCompile(`func (Fuzz\w+)\(f`).FindAllStringSubmatch(read(t, path), -1) {
			targets++
			if !strings.Contains(model, target[1]) {
				t.Errorf("docs/threat-model.md does not name %s", target[1])
			}
		}
	}
	if targets == 0 {
		t.Error("no fuzz target found")
	}
}

// A row that names no test would claim what nobody checks.
func TestTableOfCallsNamesTestsAndMethodsOfTheAdapter(t *testing.T) {
	table := read(t, "docs/calls.md")
	code := readAll(t, "vault/*.go")
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

// People compare what a message says to type with their guide.
func TestHoldersGuideHasWhatMessagesSayToType(t *testing.T) {
	guide := read(t, "docs/holder.md")
	for _, command := range []string{
		wording.SaveKey, wording.ImportKey, wording.SaveOrder, wording.VerifyOrder, wording.PrintOrder,
	} {
		if !regexp.MustCompile(`(?m)^ {3}` + regexp.QuoteMeta(command) + `(?: +#.*)?$`).MatchString(guide) {
			t.Errorf("docs/holder.md does not have %s", command)
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
	verify := read(t, "ceremony/transcript/verify.go")
	checks := regexp.MustCompile(`(?m)^\tcheck\w+ += "([a-z ]+)"`).FindAllStringSubmatch(verify, -1)
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

// goNames are the names that the Go files of this module declare.
type goNames struct {
	packages map[string]bool // by name: rules, openpgp
	declared map[string]bool // Decide, rules.Decide, State.Plan, rules.State.Plan, planDrift
	selected map[string]bool // what is named of other modules' packages: runtime.GC
}

func namesOf(t *testing.T) goNames {
	t.Helper()
	names := goNames{packages: map[string]bool{}, declared: map[string]bool{}, selected: map[string]bool{}}
	for path, d := range tree(t) {
		if d.IsDir() || filepath.Ext(path) != ".go" {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		names.add(file)
	}
	if len(names.packages) < 20 || len(names.declared) < 1000 {
		t.Fatalf("%d packages and %d names found", len(names.packages), len(names.declared))
	}
	return names
}

func (n goNames) add(file *ast.File) {
	room := file.Name.Name
	n.packages[room] = true
	declare := func(name string) { n.declared[name], n.declared[room+"."+name] = true, true }
	for _, d := range file.Decls {
		switch x := d.(type) {
		case *ast.FuncDecl:
			if x.Recv == nil {
				declare(x.Name.Name)
				continue
			}
			n.declared[x.Name.Name] = true
			declare(strings.TrimPrefix(types.ExprString(x.Recv.List[0].Type), "*") + "." + x.Name.Name)
		case *ast.GenDecl:
			for _, spec := range x.Specs {
				switch x := spec.(type) {
				case *ast.TypeSpec:
					declare(x.Name.Name)
					n.addMembers(x, declare)
				case *ast.ValueSpec:
					for _, name := range x.Names {
						declare(name.Name)
					}
				}
			}
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		if x, ok := node.(*ast.SelectorExpr); ok {
			n.selected[types.ExprString(x)] = true
		}
		return true
	})
}

// addMembers adds the fields of a struct with their type's name, and the methods of an
// interface also without.
func (n goNames) addMembers(of *ast.TypeSpec, declare func(string)) {
	var members *ast.FieldList
	switch x := of.Type.(type) {
	case *ast.StructType:
		members = x.Fields
	case *ast.InterfaceType:
		members = x.Methods
	default:
		return
	}
	for _, m := range members.List {
		for _, name := range m.Names {
			declare(of.Name.Name + "." + name.Name)
			if _, method := m.Type.(*ast.FuncType); method {
				n.declared[name.Name] = true
			}
		}
	}
}

var (
	goFile     = regexp.MustCompile(`^[\w./-]+\.go$`)
	folder     = regexp.MustCompile(`^[\w.-]+(/[\w.-]+)+/?$`)
	qualified  = regexp.MustCompile(`^([a-z]\w*)\.[A-Z]\w*(\.\w+)?$`) // rules.Decide, rules.State.Plan
	memberOf   = regexp.MustCompile(`^[A-Z]\w*[a-z]\w*\.[A-Z]\w*$`)   // State.Plan
	exported   = regexp.MustCompile(`^[A-Z]\w*[a-z]\w*$`)             // Decide
	unexported = regexp.MustCompile(`^[a-z]+[A-Z]\w*$`)               // planDrift
)

// elsewhere reports whether a path that begins so is no folder of this tree: another
// module's, the standard library's, Vault's, or on the computer of whoever reads it.
func elsewhere(first string) bool {
	return strings.Contains(first, ".") || slices.Contains([]string{
		"net", "testing", "aws-sdk-go-v2", "charmbracelet", "fatih", "gorilla", "sigstore", "versity",
		"sys", "rekey-recovery-key", "secrets", "conclave",
	}, first)
}

// exist reports whether a span of code in a document, where it reads like a path of this
// tree or like a name in Go, stands for something that is there. Any other span does.
func (n goNames) exist(span string, files map[string]bool) bool {
	name, _, _ := strings.Cut(span, "(") // of a call
	first, _, below := strings.Cut(span, "/")
	there := func(path string) bool { _, err := os.Stat(path); return err == nil }
	switch {
	case goFile.MatchString(span):
		return below && there(span) || !below && files[span]
	case folder.MatchString(span):
		return there(span) || elsewhere(first)
	case qualified.MatchString(name):
		if n.packages[qualified.FindStringSubmatch(name)[1]] {
			return n.declared[name]
		}
		return n.selected[name]
	case memberOf.MatchString(name), exported.MatchString(name), unexported.MatchString(name):
		return n.declared[name]
	}
	return true
}

// goFiles returns the name of every Go file, without its folder.
func goFiles(t *testing.T) map[string]bool {
	t.Helper()
	files := map[string]bool{}
	for path := range tree(t) {
		if filepath.Ext(path) == ".go" {
			files[filepath.Base(path)] = true
		}
	}
	return files
}

func TestSpansThatStandForNothingAreFound(t *testing.T) {
	names, files := namesOf(t), goFiles(t)
	for _, span := range []string{
		"layout_test.go", "docs/design.md", "ceremony/openpgp", "vault/vaulttest/server",
		"rules.Decide", "rules.State.Plan", "State.Plan", "Decide(ceremony, command, now)", "runtime.GC",
		"TestSpansThatStandForNothingAreFound", "sys/rekey/init", "key-status", "net/http", "slack.pace",
	} {
		if !names.exist(span, files) {
			t.Errorf("%s is there", span)
		}
	}
	for _, span := range []string{
		"ceremony/nothing.go", "nothing.go", "ceremony/nothing", "nothing/at/all",
		"rules.Nothing", "rules.State.Nothing", "State.Nothing", "Foretell(ceremony)", "runtime.Nothing",
		"Foretell", "foretellAll", "TestThatNobodyHasWritten",
	} {
		if names.exist(span, files) {
			t.Errorf("%s is not there", span)
		}
	}
}

// What a document calls by a name or a path is called so in the code. A file is named by
// its path, or alone when only one folder can be meant; a name in Go by itself or with
// its package in front.
func TestDocumentsNamePathsAndNamesThatExist(t *testing.T) {
	names, files := namesOf(t), goFiles(t)
	fence, code := regexp.MustCompile("(?ms)^ *```.*?^ *```"), regexp.MustCompile("`([^`]+)`")
	spans := 0
	for path, d := range tree(t) {
		if d.IsDir() || filepath.Ext(path) != ".md" {
			continue
		}
		text := fence.ReplaceAllString(read(t, path), "")
		for _, m := range code.FindAllStringSubmatch(text, -1) {
			spans++
			if !names.exist(m[1], files) {
				t.Errorf("%s names `%s`, which is not there", path, m[1])
			}
		}
		for _, name := range regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+`).FindAllString(text, -1) {
			if !names.declared[name] {
				t.Errorf("%s names %s, which is no test", path, name)
			}
		}
	}
	if spans < 500 {
		t.Errorf("%d spans of code found", spans)
	}
}

// The list of packages is where a newcomer begins. It may leave out what a test double is
// made of.
func TestDesignListsEveryPackage(t *testing.T) {
	_, list, _ := strings.Cut(read(t, "docs/design.md"), "\n## Packages\n")
	_, list, _ = strings.Cut(list, "```\n")
	list, _, _ = strings.Cut(list, "```\n")
	listed := map[string]bool{}
	for line := range strings.Lines(list) {
		if room := strings.Fields(line); len(room) > 0 {
			listed[strings.TrimSuffix(module+"/"+room[0], "/.")] = true
		}
	}
	for _, p := range goList(t, "./...") {
		if !listed[p.ImportPath] && !isDouble(p.ImportPath) {
			t.Errorf("docs/design.md does not list %s", p.ImportPath)
		}
		delete(listed, p.ImportPath)
	}
	for room := range listed {
		t.Errorf("docs/design.md lists %s, which is no package", room)
	}
}
