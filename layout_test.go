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
	ImportPath   string
	Standard     bool
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func goList(t *testing.T, args ...string) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json=ImportPath,Standard,Imports,TestImports,XTestImports"}, args...)...)
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

// within says whether path is one of the packages, or lies below it.
func within(path string, packages ...string) bool {
	return slices.ContainsFunc(packages, func(p string) bool {
		p = module + "/" + p
		return path == p || strings.HasPrefix(path, p+"/")
	})
}

// isDouble says whether a package exists for tests and rehearsals only.
func isDouble(path string) bool {
	return within(path, "bot/slacktest", "vault/vaulttest", "archive/archivetest", "rehearsal", "needs")
}

// leaves are packages that everybody may import, since they import nothing of ours.
var leaves = []string{"ceremony/leak", "host/durable", "host/hostport", "plural"}

func isLeaf(path string) bool { return slices.Contains(leaves, strings.TrimPrefix(path, module+"/")) }

func TestCeremonyImportsTheStandardLibraryAndLeavesOnly(t *testing.T) {
	for _, p := range goList(t, "-deps", "./ceremony") {
		if !p.Standard && p.ImportPath != module+"/ceremony" && !isLeaf(p.ImportPath) {
			t.Errorf("ceremony depends on %s", p.ImportPath)
		}
	}
}

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

func TestAdaptersImportOfThisModuleOnlyCeremonyAndLeaves(t *testing.T) {
	for _, p := range goList(t, "./...") {
		if !within(p.ImportPath, "ceremony/openpgp", "ceremony/page", "vault", "bot", "archive") || isDouble(p.ImportPath) {
			continue
		}
		for _, i := range p.Imports {
			if ours(i) && i != module+"/ceremony" && !isLeaf(i) {
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
		}
	}
}

// A library that talks to the world has one package that knows it. Test doubles
// must know their own side's formats and are free.
func TestEveryOutsideLibraryHasOneImporter(t *testing.T) {
	owner := map[string]string{ // library → its only importer
		"github.com/ProtonMail/go-crypto": module + "/ceremony/openpgp",
		"github.com/slack-go/slack":       module + "/bot",
		"github.com/hashicorp/vault/api":  module + "/vault",
		"github.com/minio/minio-go/v7":    module + "/archive",
		"github.com/digitorus/timestamp":  module + "/archive",
		"github.com/digitorus/pkcs7":      module + "/archive",
		"github.com/spf13/cobra":          module,
		"go.yaml.in/yaml/v3":              module,
		"github.com/cenkalti/backoff/v5":  module + "/bot",
		"github.com/gorilla/websocket":    module + "/bot",
		"golang.org/x/time":               module + "/bot",
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
			if owner[library] != p.ImportPath {
				t.Errorf("%s imports %s, which belongs to %q alone", p.ImportPath, i, owner[library])
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
		if isDouble(p.ImportPath) || slices.Contains([]string{"testing", "net/http/httptest", "net/http/pprof", "expvar"}, p.ImportPath) {
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
				for _, p := range number.FindAllString(regexp.MustCompile(`P\d+`).ReplaceAllString(strings.TrimPrefix(name, "Test"), " $0 "), -1) {
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
		if d.IsDir() && slices.Contains([]string{".git", ".build", "node_modules"}, d.Name()) {
			return fs.SkipDir
		}
		found[path] = d
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
