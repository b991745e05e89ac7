package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// module is this module's path, which every package of it begins with.
const module = "conclave"

// pkg is what these tests need of "go list -json".
type pkg struct {
	ImportPath string
	Standard   bool
	Imports    []string
}

func goList(t *testing.T, args ...string) []pkg {
	t.Helper()
	fields := "-json=ImportPath,Standard,Imports"
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", fields}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", cmd.Args, err)
	}
	var list []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	if len(list) == 0 {
		t.Fatalf("%v lists nothing", cmd.Args)
	}
	return list
}

func ours(path string) bool { return path == module || strings.HasPrefix(path, module+"/") }

// within reports whether path is one of the packages, or lies below it.
func within(path string, packages ...string) bool {
	return slices.ContainsFunc(packages, func(p string) bool {
		p = module + "/" + p
		return path == p || strings.HasPrefix(path, p+"/")
	})
}

// isDouble reports whether a package exists for tests and rehearsals only.
func isDouble(path string) bool {
	return within(path, "bot/slacktest", "vault/vaulttest", "archive/archivetest", "ceremony/ceremonytest",
		"rehearsal", "needs")
}

// leaves are packages that everybody may import, since they import nothing of ours.
var leaves = []string{"ceremony/leak", "ceremony/paste", "host/durable", "host/hostport", "host/regular", "plural"}

func isLeaf(path string) bool { return slices.Contains(leaves, strings.TrimPrefix(path, module+"/")) }

func TestLeavesImportTheStandardLibraryOnly(t *testing.T) {
	for _, leaf := range leaves {
		for _, p := range goList(t, "-deps", "./"+leaf) {
			if !p.Standard && p.ImportPath != module+"/"+leaf {
				t.Errorf("%s depends on %s", leaf, p.ImportPath)
			}
		}
	}
}

// Quiet hours have a time zone, and an empty image or Windows has none to look up.
func TestProgramBringsItsTimeZones(t *testing.T) {
	if !slices.ContainsFunc(goList(t, "-deps", "."), func(p pkg) bool { return p.ImportPath == "time/tzdata" }) {
		t.Error("the program does not import time/tzdata")
	}
}

// mayImport are the walls of the house: room → rooms of ours that it may import, beside
// the leaves. docs/design.md says why.
var mayImport = map[string]string{
	"ceremony/secret":          "",
	"ceremony":                 "ceremony/secret",
	"ceremony/event":           "ceremony ceremony/secret",
	"ceremony/command":         "ceremony ceremony/secret ceremony/event",
	"ceremony/rules":           "ceremony ceremony/secret ceremony/event ceremony/command",
	"ceremony/journal":         "ceremony ceremony/secret ceremony/event ceremony/rules",
	"ceremony/ledger":          "ceremony ceremony/secret ceremony/event ceremony/rules",
	"ceremony/mark":            "ceremony ceremony/secret ceremony/event ceremony/rules",
	"ceremony/index":           "ceremony ceremony/secret ceremony/event ceremony/rules ceremony/ledger ceremony/mark",
	"ceremony/story":           "ceremony ceremony/event ceremony/command ceremony/rules",
	"ceremony/transcript":      "ceremony ceremony/event ceremony/command ceremony/rules ceremony/journal ceremony/story",
	"ceremony/transcript/page": "ceremony ceremony/event ceremony/rules ceremony/transcript",
	"ceremony/interference":    "ceremony ceremony/event ceremony/command ceremony/rules",
	"ceremony/aside":           "ceremony ceremony/secret ceremony/event",
	"ceremony/planning":        "ceremony ceremony/event ceremony/rules",
	"ceremony/wording":         "ceremony ceremony/event ceremony/ledger ceremony/rules",
	"ceremony/handover":        "ceremony",
	"ceremony/engine":          "ceremony ceremony/secret ceremony/event ceremony/command ceremony/rules ceremony/planning ceremony/handover ceremony/aside ceremony/journal ceremony/ledger ceremony/index ceremony/mark ceremony/story ceremony/transcript ceremony/interference",
	"ceremony/openpgp":         "ceremony ceremony/secret ceremony/midstate",
	"ceremony/midstate":        "",
	"vault":                    "ceremony ceremony/secret",
	"archive":                  "ceremony",
	"bot/refusal":              "ceremony",
	"bot/transport":            "ceremony bot/refusal",
	"bot/command":              "ceremony ceremony/rules ceremony/wording bot/refusal",
	"bot/render":               "ceremony ceremony/event ceremony/ledger ceremony/rules ceremony/wording bot/command",
	"bot":                      "ceremony ceremony/event ceremony/ledger ceremony/rules ceremony/wording bot/refusal bot/transport bot/command bot/render",
	"host":                     "",
	"config":                   "host ceremony",
	"app":                      "host config ceremony ceremony/secret ceremony/event ceremony/rules ceremony/journal ceremony/ledger ceremony/index ceremony/mark ceremony/transcript/page ceremony/wording ceremony/openpgp ceremony/handover ceremony/engine vault archive bot",
	"cli":                      "",
	"cli/holder":               "cli host ceremony ceremony/openpgp ceremony/wording",
	"cli/auditor":              "cli host archive ceremony ceremony/openpgp ceremony/rules ceremony/journal ceremony/transcript ceremony/transcript/page ceremony/wording",
	"cli/operator":             "cli host config app archive bot vault ceremony ceremony/event ceremony/openpgp ceremony/rules ceremony/journal ceremony/transcript ceremony/ledger ceremony/mark",
	"cli/terminal":             "cli host config app bot bot/render ceremony ceremony/event ceremony/ledger ceremony/rules ceremony/journal ceremony/engine ceremony/openpgp ceremony/wording",
	"":                         "cli cli/holder cli/auditor cli/operator cli/terminal config host",
}

func TestEveryRoomImportsWhatItMay(t *testing.T) {
	seen := 0
	for _, p := range goList(t, "./...") {
		room := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		if isDouble(p.ImportPath) || isLeaf(p.ImportPath) {
			continue
		}
		allowed, known := mayImport[room]
		if !known {
			t.Errorf("%s has no row in the table of rooms", room)
			continue
		}
		seen++
		for _, i := range p.Imports {
			if ours(i) && !isLeaf(i) && !slices.Contains(strings.Fields(allowed), strings.TrimPrefix(i, module+"/")) {
				t.Errorf("%s imports %s", room, strings.TrimPrefix(i, module+"/"))
			}
		}
	}
	if seen != len(mayImport) {
		t.Errorf("the table has %d rooms, and the house %d", len(mayImport), seen)
	}
}

// The vocabulary, the events and the rules need no library, and the rules neither a
// file nor the network: they say what follows from what they are given.
func TestTheRulesNeedTheStandardLibraryOnly(t *testing.T) {
	core := []string{"ceremony/secret", "ceremony", "ceremony/event", "ceremony/command", "ceremony/rules"}
	for _, room := range core {
		for _, p := range goList(t, "-deps", "./"+room) {
			if !p.Standard && !slices.Contains(core, strings.TrimPrefix(p.ImportPath, module+"/")) && !isLeaf(p.ImportPath) {
				t.Errorf("%s depends on %s", room, p.ImportPath)
			}
		}
	}
	for _, p := range goList(t, "./ceremony/rules") {
		for _, i := range []string{"os", "net", "net/http", "io/fs"} {
			if slices.Contains(p.Imports, i) {
				t.Errorf("the rules import %s", i)
			}
		}
	}
	now := regexp.MustCompile(`\btime\.(Now|Since|Until|After|Tick|NewTimer|Sleep)\(`)
	for path, d := range tree(t) {
		if d.IsDir() || filepath.Dir(path) != filepath.Join("ceremony", "rules") || strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if m := now.Find(text); m != nil {
			t.Errorf("%s asks the clock: %s", path, m)
		}
	}
}

// A holder and an auditor run what can't speak to Slack or to Vault.
func TestHoldersAndAuditorsToolsAreLinkedWithNeitherSlackNorVault(t *testing.T) {
	for _, room := range []string{"cli/holder", "cli/auditor"} {
		for _, p := range goList(t, "-deps", "./"+room) {
			for _, client := range []string{"github.com/slack-go/", "github.com/hashicorp/vault/"} {
				if strings.HasPrefix(p.ImportPath, client) {
					t.Errorf("%s depends on %s", room, p.ImportPath)
				}
			}
		}
	}
}

// A room that nobody can read in one sitting has become two.
func TestNoRoomIsTooLarge(t *testing.T) {
	const mostFiles, mostLines = 32, 4500
	files, lines := map[string]int{}, map[string]int{}
	for path, d := range tree(t) {
		if d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Dir(path)]++
		lines[filepath.Dir(path)] += bytes.Count(text, []byte("\n"))
	}
	for room, n := range files {
		if n > mostFiles || lines[room] > mostLines {
			t.Errorf("%s has %d files and %d lines; %d and %d are enough", room, n, lines[room], mostFiles, mostLines)
		}
	}
	if files["."] != 1 {
		t.Errorf("%d Go files beside main.go at the top level", files["."]-1)
	}
}

// A library that talks to the world has one folder that knows it. Test doubles
// must know their own side's formats and are free.
func TestEveryOutsideLibraryHasOneFolder(t *testing.T) {
	owner := map[string]string{ // library → rooms that may import it
		"github.com/ProtonMail/go-crypto": "ceremony/openpgp",
		"github.com/slack-go/slack":       "bot bot/transport bot/render",
		"github.com/hashicorp/vault/api":  "vault",
		"github.com/minio/minio-go/v7":    "archive",
		"github.com/digitorus/timestamp":  "archive",
		"github.com/digitorus/pkcs7":      "archive",
		"github.com/spf13/cobra":          ". cli cli/holder cli/auditor cli/operator cli/terminal",
		"github.com/spf13/pflag":          "cli/operator",
		"golang.org/x/term":               "host cli/holder",
		"go.yaml.in/yaml/v3":              "config",
		"github.com/cenkalti/backoff/v5":  "bot/transport",
		"github.com/gorilla/websocket":    "bot/transport",
		"golang.org/x/time":               "bot/transport",
		"github.com/rogpeppe/go-internal": "", // tests
		"github.com/google/go-cmp":        "", // tests
		"github.com/hashicorp/vault":      "", // the real server is a program of the tests
		"github.com/versity/versitygw":    "", // so is this one
	}
	used := map[string]bool{}
	for _, p := range goList(t, "./...") {
		if isDouble(p.ImportPath) {
			continue
		}
		for _, i := range p.Imports {
			library := ""
			for l := range owner {
				if (i == l || strings.HasPrefix(i, l+"/")) && len(l) > len(library) {
					library = l
				}
			}
			if library == "" {
				continue
			}
			used[library] = true
			room := strings.TrimPrefix(strings.Replace(p.ImportPath, module, ".", 1), "./")
			if !slices.Contains(strings.Fields(owner[library]), room) {
				t.Errorf("%s imports %s, which is for %q alone", room, i, owner[library])
			}
		}
	}
	for library, importer := range owner {
		if importer != "" && !used[library] {
			t.Errorf("%s does not import %s any more: drop it from this table", importer, library)
		}
	}
}

func TestTheBinaryHoldsNoTestDouble(t *testing.T) {
	for _, p := range goList(t, "-deps", ".") {
		inTests := []string{"testing", "net/http/httptest", "net/http/pprof", "expvar"}
		if isDouble(p.ImportPath) || slices.Contains(inTests, p.ImportPath) {
			t.Errorf("conclave is linked with %s", p.ImportPath)
		}
	}
}

func TestNoFolderIsNamedAfterNothing(t *testing.T) {
	empty := []string{"internal", "pkg", "util", "utils", "common", "helpers", "helper", "misc", "lib"}
	for path, d := range tree(t) {
		if d.IsDir() && slices.Contains(empty, d.Name()) {
			t.Errorf("%s says nothing about what is in it", path)
		}
	}
}

// What was true on the machine where a line was written is not true elsewhere.
func TestNoFileNamesAMachine(t *testing.T) {
	forbidden := regexp.MustCompile(strings.Join([]string{
		`(^|[\s"'=(:])/(work|farm)/`, `(^|[^a-z}])/root` + `/`, `/tmp/bash` + `_jobs`,
		`proxy\.golang` + `\.org`, `registry\.npmjs` + `\.org`, `deb\.debian` + `\.org`,
	}, "|"))
	for path, d := range tree(t) {
		if d.IsDir() || filepath.Base(path) == "go.sum" || path == "layout_test.go" {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for n, line := range strings.Split(string(text), "\n") {
			if forbidden.MatchString(line) {
				t.Errorf("%s:%d: %s", path, n+1, strings.TrimSpace(line))
			}
		}
	}
}

// docs/design.md numbers the promises. Each is cited where it is kept, and has a
// test that is named after it.
func TestEveryPromiseIsCitedAndTested(t *testing.T) {
	const promises = 10
	design, err := os.ReadFile("docs/design.md")
	if err != nil {
		t.Fatal(err)
	}
	number := regexp.MustCompile(`\bP\d+\b`)
	cited, tested := map[string]bool{}, map[string]bool{}
	for path, d := range tree(t) {
		if d.IsDir() || filepath.Ext(path) != ".go" {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(path, "_test.go") {
			for name := range testNames(file) {
				// TestP3IntentIsOnDiskFirst, and TestP3P9… for a test of two.
				apart := regexp.MustCompile(`P\d+`).ReplaceAllString(strings.TrimPrefix(name, "Test"), " $0 ")
				for _, p := range number.FindAllString(apart, -1) {
					tested[p] = true
				}
			}
			continue
		}
		for _, group := range file.Comments {
			for _, p := range number.FindAllString(group.Text(), -1) {
				cited[p] = true
			}
		}
	}
	for n := range promises {
		p := fmt.Sprintf("P%d", n+1)
		if !strings.Contains(string(design), "**"+p+"**") {
			t.Errorf("docs/design.md does not state %s", p)
		}
		if !cited[p] {
			t.Errorf("no comment cites %s", p)
		}
		if !tested[p] {
			t.Errorf("no test is named after %s", p)
		}
	}
	for _, p := range slices.Sorted(maps.Keys(cited)) {
		if !strings.Contains(string(design), "**"+p+"**") {
			t.Errorf("a comment cites %s, which docs/design.md does not state", p)
		}
	}
}

// testNames are the test functions of a file.
func testNames(file *ast.File) map[string]bool {
	names := map[string]bool{}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
			names[f.Name.Name] = true
		}
	}
	return names
}

// Somebody who follows a share reads these seven comments.
func TestLifeOfAShareHasSevenStops(t *testing.T) {
	stop := regexp.MustCompile(`Life of a share[^\d\n]*(\d)`)
	found := map[string]string{} // stop → file
	for path, d := range tree(t) {
		if d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range stop.FindAllStringSubmatch(string(text), -1) {
			if first, twice := found[m[1]]; twice {
				t.Errorf("stop %s is in %s and in %s", m[1], first, path)
			}
			found[m[1]] = path
		}
	}
	if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, []string{"1", "2", "3", "4", "5", "6", "7"}) {
		t.Errorf("the stops are %v", got)
	}
}

// A link that leads nowhere is a promise that nobody keeps.
func TestDocumentsLinkToWhatIsThere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#]+)(#[^)]*)?\)`)
	documents := 0
	for path, d := range tree(t) {
		if d.IsDir() || filepath.Ext(path) != ".md" {
			continue
		}
		documents++
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", path, m[1], err)
			}
		}
	}
	if documents == 0 {
		t.Error("there are no documents")
	}
}

// tree is everything in the checkout but what was built or fetched.
func tree(t *testing.T) map[string]fs.DirEntry {
	t.Helper()
	found := map[string]fs.DirEntry{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if slices.Contains([]string{".git", ".build", "node_modules"}, d.Name()) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil // a link to what another checkout has built
		}
		found[path] = d
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
