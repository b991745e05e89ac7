package main

import (
	"bufio"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// absencesFile has one line for each sentence that says what was not done, is not there or is
// not known: its ground, whether it was changed for the want of one, and the sentence.
// docs/decisions/absences.md explains the grounds.
const absencesFile = "docs/decisions/absences.tsv"

// rooms are the packages that say something to people, or write it to the operator's log.
var absenceRooms = []string{
	"ceremony/wording", "bot", "bot/render", "bot/command", "bot/transport", "cli/operator", "cli/terminal",
	"cli/holder", "cli/auditor", "ceremony/transcript", "ceremony/transcript/page", "ceremony/engine",
	"ceremony/rules", "ceremony/planning", "ceremony/aside", "ceremony/mark", "ceremony/interference", "app",
}

// absence matches a sentence that may rest on something that was not seen.
var absence = regexp.MustCompile(`(?i)\b(nothing|nobody|never|none)\b` +
	`|\bno (answer|attempt|backup|ceremony|journal|key|message|node|one|part|proof|rekey|request|share|shares|token` +
	`|verification|witness|word|longer|more)\b` +
	`|\b(not|n't|n’t) (yet |been |be )*(acknowledged|act|agree|answer|answered|appl|approve|approved|arriv|asked|begun` +
	`|changed|checked|come|complete|completed|confirm|confirmed|counted|deliver|delivered|done|drawn|encrypted|ended` +
	`|found|get|give|given|go|handed|have|here|keep|kept|know|known|notice|opened|order|post|posted|proven|reach` +
	`|reached|read|revoked|seen|send|sent|show|signed|started|stopped|succeed|take|taken|tell|the one|told|used` +
	`|written|yet)` +
	`|\b(could|did|do|does|has|have|had|is|was|were|will|would)n't\b` +
	`|\b(is|are|was|were|be) (gone|lost|missing|silent)\b|\bany ?more\b` +
	`|\b(without|lacks?) (an? )?(answer|approval|proof|reply|share|verification)\b` +
	`|\bcan't be (asked|delivered|had|reached|read|sent|written|undone)`)

// apart matches what ends a sentence.
var apart = regexp.MustCompile(`\n|[.:;!?]\*? `)

// absences returns the sentences of a folder's string literals that rest on an absence.
func absences(t *testing.T, dir string) (all []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no files: %v", dir, err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				said, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, absencesIn(said)...)
			}
			return true
		})
	}
	return all
}

func absencesIn(said string) (all []string) {
	for _, sentence := range apart.Split(said, -1) {
		// What has no space is a name or a key, and no sentence.
		if sentence = strings.TrimSpace(sentence); strings.Contains(sentence, " ") && absence.MatchString(sentence) {
			all = append(all, sentence)
		}
	}
	return all
}

// readAbsences returns the table: sentence → ground. It fails on a line that it can't read.
func readAbsences(t *testing.T) map[string]string {
	t.Helper()
	explained, err := os.ReadFile("docs/decisions/absences.md")
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(absencesFile)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	table := map[string]string{}
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		field := strings.Split(lines.Text(), "\t")
		if n == 1 && strings.Join(field, " ") == "ground changed sentence" {
			continue
		}
		if len(field) != 3 || field[1] != "" && field[1] != "yes" {
			t.Fatalf("%s:%d: want a ground, yes or nothing, and a sentence: %q", absencesFile, n, lines.Text())
		}
		if !strings.Contains(string(explained), "\n- **"+field[0]+"**: ") {
			t.Errorf("%s:%d: docs/decisions/absences.md does not explain the ground %q", absencesFile, n, field[0])
		}
		if _, twice := table[field[2]]; twice {
			t.Errorf("%s:%d: the sentence is there twice: %q", absencesFile, n, field[2])
		}
		table[field[2]] = field[0]
	}
	if err := lines.Err(); err != nil || len(table) == 0 {
		t.Fatalf("%s has %d sentences: %v", absencesFile, len(table), err)
	}
	return table
}

// A new sentence that says what was not done needs a ground, and a line in the table (P10).
func TestP10SentencesThatRestOnAnAbsenceHaveAGround(t *testing.T) {
	table := readAbsences(t)
	said := map[string]bool{}
	for _, room := range absenceRooms {
		for _, sentence := range absences(t, room) {
			said[sentence] = true
			if table[sentence] == "" {
				t.Errorf("%s says, without a ground in %s:\n\t%s", room, absencesFile, sentence)
				table[sentence] = "told"
			}
		}
	}
	for sentence := range table {
		if !said[sentence] {
			t.Errorf("%s has a sentence that nobody says any more:\n\t%s", absencesFile, sentence)
		}
	}
}

// Every room with words for people is looked at.
func TestAbsencesAreLookedForWhereverPeopleAreToldSomething(t *testing.T) {
	for _, dir := range []string{"bot", "cli", "ceremony"} {
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.IsDir() || slices.Contains(absenceRooms, path) || strings.Contains(path, "test") {
				return err
			}
			files, err := filepath.Glob(filepath.Join(path, "*.go"))
			if err != nil || len(files) == 0 || slices.Contains(absenceFree, path) {
				return err
			}
			t.Errorf("%s is neither looked at for absences nor known to tell people nothing", path)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// absenceFree are the rooms whose words no person is told: names, errors that are looked at by
// their kind, protocol.
var absenceFree = []string{
	"bot/refusal",
	"ceremony",
	"ceremony/command",
	"ceremony/event",
	"ceremony/handover",
	"ceremony/index",
	"ceremony/journal",
	"ceremony/leak",
	"ceremony/ledger",
	"ceremony/midstate",
	"ceremony/openpgp",
	"ceremony/paste",
	"ceremony/secret",
	"cli",
}

func TestAbsencesAreKnownByTheirWords(t *testing.T) {
	for _, said := range []string{
		"Nothing was sent to Vault.", "Nobody has acknowledged it.", "It was not delivered.", "It has not been asked.",
		"There was no attempt in progress.", "They never answered.", "The backup is gone.", "It did not answer.",
		"Vault does not know it any more.", "The answer was lost.", "It ended without an answer.", "It wasn't counted.",
		"The message can't be delivered.", "Vault holds none of them.", "It is not known.",
	} {
		if len(absencesIn(said)) != 1 {
			t.Errorf("not found: %q", said)
		}
	}
	for _, said := range []string{"Your share is counted.", "%q is not a time of day", "nothing", "The notary is here."} {
		if found := absencesIn(said); len(found) > 0 {
			t.Errorf("found in %q: %q", said, found)
		}
	}
	if got := absencesIn("It is here. Nothing was sent. Nobody came: it is lost."); len(got) != 3 {
		t.Errorf("sentences: %q", got)
	}
}

// branchRooms are the packages that act on what Vault does not show.
var branchRooms = []string{
	"ceremony/engine", "ceremony/rules", "ceremony/interference", "ceremony/ledger", "vault",
}

// A function that acts on something that Vault does not show needs a ground, and a row in
// the table.
func TestBranchesThatActOnAnAbsenceHaveAGround(t *testing.T) {
	page := read(t, "docs/decisions/absences.md")
	named, found := map[string]bool{}, map[string]bool{} // package and function
	for line := range strings.Lines(page) {
		cells := strings.Split(line, "|")
		if len(cells) < 6 || !slices.Contains(branchRooms, strings.TrimSpace(cells[1])) {
			continue
		}
		for _, name := range strings.Split(cells[2], ",") {
			named[strings.TrimSpace(cells[1])+" "+strings.Trim(name, " `")] = true
		}
	}
	for _, room := range branchRooms {
		for _, name := range absentBranches(t, room) {
			found[room+" "+name] = true
			if !named[room+" "+name] {
				t.Errorf("%s: %s acts on an absence, and docs/decisions/absences.md names no ground", room, name)
			}
		}
	}
	if len(found) < 50 {
		t.Errorf("%d functions found", len(found))
	}
}

// absentBranches returns the functions of a package that ask whether something is not there.
func absentBranches(t *testing.T, dir string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no files: %v", dir, err)
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && actsOnAnAbsence(f) && !slices.Contains(names, f.Name.Name) {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names
}

// actsOnAnAbsence reports whether a function names an error or a value that stands for what
// is not there, or negates a field that stands for what is.
func actsOnAnAbsence(f *ast.FuncDecl) (acts bool) {
	absent := []string{"ErrNoBackup", "ErrUnsupported", "ErrNotSent", "ErrThrottled", "NothingToCancel", "mayArrive"}
	there := []string{"Started", "Exists", "Reached", "Initialized"}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			acts = acts || slices.Contains(absent, n.Sel.Name)
		case *ast.UnaryExpr:
			field, ok := n.X.(*ast.SelectorExpr)
			acts = acts || ok && n.Op == token.NOT && slices.Contains(there, field.Sel.Name)
		case *ast.BinaryExpr:
			field, ok := n.X.(*ast.SelectorExpr)
			acts = acts || ok && n.Op == token.EQL && field.Sel.Name == "Backup"
		}
		return !acts
	})
	return acts
}
