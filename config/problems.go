package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is a mistake in the configuration.
type Problem struct {
	Path string // YAML path: clusters.prod.threshold
	Line int    // 0 when neither the key nor any around it is in the file
	What string
}

// Problems has every mistake of a configuration file.
type Problems struct {
	file string
	List []Problem
}

// Error returns one line for each problem, in the order of the file:
//
//	conclave.yaml:12: clusters.prod.threshold: 5 is more than the 3 receivers listed
func (p *Problems) Error() string {
	lines := make([]string, len(p.List))
	for i, one := range p.List {
		where := place(p.file, one.Line)
		if one.Path != "" {
			where += ": " + one.Path
		}
		lines[i] = where + ": " + one.What
	}
	return strings.Join(lines, "\n")
}

// place returns a file and a line as editors take them.
func place(file string, line int) string {
	if line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, line)
}

// Place returns the file and the line of a key, or of the nearest key around it.
func (c *Config) Place(path string) string { return place(c.file, c.LineOf(path)) }

// Problems returns the problems in the order of the file. Those without a line come last.
func (c *Config) Problems(list []Problem) *Problems {
	slices.SortStableFunc(list, func(a, b Problem) int {
		if (a.Line == 0) != (b.Line == 0) {
			return cmp.Compare(b.Line, a.Line)
		}
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Path, b.Path))
	})
	return &Problems{file: c.file, List: list}
}

// unexplained returns the problems of the values that do not follow from those of reading: what
// could not be read counts as missing, and what is built on it as wrong.
func unexplained(values, reading []Problem) []Problem {
	return slices.DeleteFunc(values, func(p Problem) bool {
		return slices.ContainsFunc(reading, func(r Problem) bool { return follows(p, r.Path) })
	})
}

// follows reports whether a problem may follow from something at a path that could not be read.
func follows(p Problem, unread string) bool {
	within := func(path, around string) bool {
		rest, ok := strings.CutPrefix(path, around)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	}
	parts := strings.Split(unread, ".")
	switch {
	case within(p.Path, unread), within(unread, p.Path):
		return true
	case parts[0] == "people" && len(parts) < 3:
		return strings.HasPrefix(p.Path, "clusters.") // of whose parts a person may be the reason
	case parts[0] == "people":
		return strings.Contains(p.What, unread)
	case parts[0] == "clusters" && len(parts) == 3:
		list, _, _ := strings.Cut(parts[2], "[")
		return slices.Contains(rolesAndOperations, list) && within(p.Path, strings.Join(parts[:2], "."))
	}
	return false
}

// rolesAndOperations are the lists of a cluster by which its other values are judged.
var rolesAndOperations = []string{"operations", "initiators", "approvers", "holders", "receivers", "witnesses"}

// LineOf returns the line of a key. When the key is not in the file it returns the line of
// the nearest key around it, or 0.
func (c *Config) LineOf(path string) int {
	for path != "" {
		if line, ok := c.line[path]; ok {
			return line
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return 0
}
