// House measures a tree of Go: its packages, their files, lines and exported names, the
// longest functions, and how comments and lines read. It needs nothing but the standard
// library and the text, so that it measures an old checkout as well.
//
//	go run .ci/house.go [DIR]
//
// Tests count for comments and long lines only, nested modules for nothing.
package main

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func main() {
	dir := "."
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	h, err := measure(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "house:", err)
		os.Exit(1)
	}
	h.print()
}

// room is one package without its tests.
type room struct {
	path                   string
	files, lines, exported int
}

type function struct {
	name, at string
	lines    int
}

type house struct {
	rooms     []*room
	functions []function
	whether   int // comments with "says whether"
	answers   int // comments with "answers"
	over120   int // lines, tests included
	over160   int
}

func measure(dir string) (*house, error) {
	h, files := &house{}, map[string][]string{} // folder → files
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != dir && skipped(path, d.Name()):
			return fs.SkipDir
		case !d.Type().IsRegular() || filepath.Ext(path) != ".go":
			return nil
		}
		files[filepath.Dir(path)] = append(files[filepath.Dir(path)], path)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no Go files below %s", dir)
	}
	for folder, paths := range files {
		if err := h.add(dir, folder, paths); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(h.rooms, func(a, b *room) int {
		return cmp.Or(cmp.Compare(b.lines, a.lines), cmp.Compare(a.path, b.path))
	})
	slices.SortFunc(h.functions, func(a, b function) int {
		return cmp.Or(cmp.Compare(b.lines, a.lines), cmp.Compare(a.at, b.at))
	})
	return h, nil
}

// skipped reports whether a folder has nothing of this module's packages in it.
func skipped(path, name string) bool {
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "node_modules" {
		return true
	}
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	return err == nil
}

var (
	whether = regexp.MustCompile(`\bsays\s+whether\b`)
	answers = regexp.MustCompile(`\banswers\b`)
)

// add measures one folder.
func (h *house) add(dir, folder string, paths []string) error {
	name, err := filepath.Rel(dir, folder)
	if err != nil {
		return err
	}
	r := &room{path: filepath.ToSlash(name)}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		h.read(file, text)
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		r.files++
		r.lines += bytes.Count(text, []byte("\n"))
		r.exported += exportedOf(file)
		h.functions = append(h.functions, functionsOf(set, file, r.path)...)
	}
	if r.files > 0 {
		h.rooms = append(h.rooms, r)
	}
	return nil
}

// read counts comments and long lines.
func (h *house) read(file *ast.File, text []byte) {
	for _, group := range file.Comments {
		h.whether += len(whether.FindAllString(group.Text(), -1))
		h.answers += len(answers.FindAllString(group.Text(), -1))
	}
	for line := range strings.Lines(string(text)) {
		switch n := len([]rune(strings.TrimRight(line, "\n"))); {
		case n > 160:
			h.over160++
			fallthrough
		case n > 120:
			h.over120++
		}
	}
}

// exportedOf counts the exported names that a file declares at its top level, and its
// exported methods; neither fields nor methods of an interface.
func exportedOf(file *ast.File) (n int) {
	count := func(names ...*ast.Ident) {
		for _, name := range names {
			if name.IsExported() {
				n++
			}
		}
	}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			count(d.Name)
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					count(s.Name)
				case *ast.ValueSpec:
					count(s.Names...)
				}
			}
		}
	}
	return n
}

func functionsOf(set *token.FileSet, file *ast.File, room string) (all []function) {
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		begin, end := set.Position(f.Pos()), set.Position(f.End())
		all = append(all, function{
			name:  f.Name.Name,
			at:    fmt.Sprintf("%s/%s:%d", room, filepath.Base(begin.Filename), begin.Line),
			lines: end.Line - begin.Line + 1,
		})
	}
	return all
}

func (h *house) print() {
	files, lines, exported := 0, 0, 0
	for _, r := range h.rooms {
		files, lines, exported = files+r.files, lines+r.lines, exported+r.exported
	}
	fmt.Printf("%d packages, %d files, %d lines, %d exported names, without tests\n", len(h.rooms), files, lines, exported)
	of := func(what string, value func(*room) int) {
		values := make([]int, len(h.rooms))
		for i, r := range h.rooms {
			values[i] = value(r)
		}
		slices.Sort(values)
		fmt.Printf("  %-24s median %5d, most %6d\n", what+" a package", values[len(values)/2], values[len(values)-1])
	}
	of("files", func(r *room) int { return r.files })
	of("lines", func(r *room) int { return r.lines })
	of("exported names", func(r *room) int { return r.exported })

	fmt.Printf("\n%-30s %6s %6s %8s\n", "package", "files", "lines", "exported")
	for _, r := range h.rooms {
		fmt.Printf("%-30s %6d %6d %8d\n", r.path, r.files, r.lines, r.exported)
	}

	fmt.Println("\nlongest functions")
	for _, f := range h.functions[:min(10, len(h.functions))] {
		fmt.Printf("%5d lines  %-24s %s\n", f.lines, f.name, f.at)
	}
	fmt.Println("\ntests included")
	fmt.Printf("%5d comments say \"says whether\"\n%5d comments say \"answers\"\n", h.whether, h.answers)
	fmt.Printf("%5d lines over 120 columns\n%5d lines over 160\n", h.over120, h.over160)
}
