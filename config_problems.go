package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// problem is one thing that is wrong with the configuration.
type problem struct {
	path string // YAML path: clusters.prod.threshold
	line int    // 0 when nothing around it is in the file either
	what string
}

// Problems is everything that is wrong with a configuration file.
type Problems struct {
	file string
	list []problem
}

// Error is one line a problem, in the order of the file:
//
//	conclave.yaml:12: clusters.prod.threshold: 5 is more than the 3 receivers listed
func (p *Problems) Error() string {
	lines := make([]string, len(p.list))
	for i, one := range p.list {
		where := p.file
		if one.line > 0 {
			where = fmt.Sprintf("%s:%d", p.file, one.line)
		}
		if one.path != "" {
			where += ": " + one.path
		}
		lines[i] = where + ": " + one.what
	}
	return strings.Join(lines, "\n")
}

// problems puts what was found into the order of the file; what is missing from
// it comes last.
func (c *Config) problems(list []problem) *Problems {
	slices.SortStableFunc(list, func(a, b problem) int {
		if (a.line == 0) != (b.line == 0) {
			return cmp.Compare(b.line, a.line)
		}
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.path, b.path))
	})
	return &Problems{file: c.file, list: list}
}

// lineOf is the line of a key, or of the nearest one around it when the key
// itself is not there.
func (c *Config) lineOf(path string) int {
	for path != "" {
		if line, ok := c.line[path]; ok {
			return line
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return 0
}
