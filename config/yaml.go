package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"conclave/host"
)

// yamlReading fills a struct from YAML, and remembers the line of each key.
//
// It walks the tree itself: the library's strict decoding stops at the first duplicate
// key, and tells neither the path of a mistake nor what would have been right.
type yamlReading struct {
	dir      string         // where relative paths start
	text     []string       // the file's lines
	line     map[string]int // YAML path → line
	problems []Problem
	whole    bool // it is YAML: whatever can be read was read
}

// readYAML fills into, a pointer to a struct, and collects everything that does not fit.
// Relative paths are made relative to dir.
func readYAML(data []byte, dir string, into any) *yamlReading {
	r := &yamlReading{dir: dir, text: strings.Split(string(data), "\n"), line: map[string]int{}}
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	err := d.Decode(&doc)
	switch {
	case errors.Is(err, io.EOF):
		r.complain("", 0, "the file is empty")
		return r
	case err != nil:
		line, what := r.fault(err)
		r.complain("", line, "%s", what)
		return r
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		r.complain("", 0, "more than one YAML document in one file")
	} else {
		r.whole = true
	}
	setDefaults(reflect.ValueOf(into).Elem())
	r.value(doc.Content[0], "", reflect.ValueOf(into).Elem())
	return r
}

func (r *yamlReading) complain(path string, line int, what string, args ...any) {
	r.problems = append(r.problems, Problem{path, line, fmt.Sprintf(what, args...)})
}

var (
	yamlError   = regexp.MustCompile(`^yaml: line (\d+): `)
	tabIndent   = regexp.MustCompile(`^ *\t`)
	commentSign = regexp.MustCompile(`:[ \t]+(#\S*)`)
)

// fault returns where the file is no YAML, and in what. The library says of a tab that no token
// can start there, and names the line before it or behind it.
func (r *yamlReading) fault(err error) (line int, what string) {
	what = strings.TrimPrefix(err.Error(), "yaml: ")
	if m := yamlError.FindStringSubmatch(err.Error()); m != nil {
		line, _ = strconv.Atoi(m[1])
		what = strings.TrimPrefix(err.Error(), m[0])
	}
	for i, text := range r.text {
		if tabIndent.MatchString(text) && strings.TrimSpace(text) != "" {
			return i + 1, "is indented with a tab, and YAML takes spaces only"
		}
	}
	return line, what
}

// comment returns what to add about a key without a value, in whose line a comment stands where
// the value would.
func (r *yamlReading) comment(path string, line int) string {
	if line < 1 || line > len(r.text) {
		return ""
	}
	m := commentSign.FindStringSubmatch(r.text[line-1])
	switch {
	case m == nil:
		return ""
	case strings.HasSuffix(path, "channel"):
		return fmt.Sprintf(": YAML takes %s for a comment; name the channel by its id, such as C0123456789", m[1])
	}
	return fmt.Sprintf(": YAML takes %s for a comment; a value that begins with # stands in quotes", m[1])
}

// value fills v from a node.
func (r *yamlReading) value(n *yaml.Node, path string, v reflect.Value) {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		r.complain(path, n.Line, "anchors and aliases (& and *) are not read here: write it out")
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		r.complain(path, n.Line, "has no value%s", r.comment(path, n.Line))
	case v.Kind() == reflect.Struct:
		r.mapping(n, path, func(key *yaml.Node, at string, value *yaml.Node) {
			field, ok := fieldFor(v, key.Value)
			if !ok {
				r.unknown(n, key, at, value, v)
				return
			}
			r.value(value, at, field)
		})
	case v.Kind() == reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		r.mapping(n, path, func(key *yaml.Node, at string, value *yaml.Node) {
			element := reflect.New(v.Type().Elem().Elem())
			setDefaults(element.Elem())
			r.value(value, at, element.Elem())
			v.SetMapIndex(reflect.ValueOf(key.Value), element)
		})
	case v.Kind() == reflect.Slice:
		r.list(n, path, v)
	case n.Kind != yaml.ScalarNode:
		r.complain(path, n.Line, "takes one value, not a list or a mapping")
	default:
		r.scalar(n, path, v)
	}
}

// unknown complains of a key in n that v does not have. When it looks like one that is not in n,
// its value is read as that one's: else the same slip would be reported again, as a key that is
// missing, or hide what is wrong with the value.
func (r *yamlReading) unknown(n, key *yaml.Node, at string, value *yaml.Node, v reflect.Value) {
	var known []string
	for name := range keys(v.Type()) {
		known = append(known, name)
	}
	meant := neighbour(key.Value, known)
	if meant == "" {
		r.complain(at, key.Line, "is not a key that is known here; these are: %s", strings.Join(known, ", "))
		return
	}
	r.complain(at, key.Line, "is not a key that is known here; did you mean %s?", meant)
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == meant {
			return
		}
	}
	at = strings.TrimSuffix(at, key.Value) + meant
	r.line[at] = key.Line
	field, _ := fieldFor(v, meant)
	r.value(value, at, field)
}

// mapping calls visit for each key once.
func (r *yamlReading) mapping(n *yaml.Node, path string, visit func(key *yaml.Node, at string, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		r.complain(path, n.Line, "takes keys with values, one a line")
		return
	}
	first := map[string]int{} // key → line
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := key.Value
		if path != "" {
			at = path + "." + at
		}
		if line, twice := first[key.Value]; twice {
			r.complain(at, key.Line, "is there twice, on line %d before", line)
			continue
		}
		first[key.Value] = key.Line
		r.line[at] = key.Line
		visit(key, at, value)
	}
}

func (r *yamlReading) list(n *yaml.Node, path string, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		r.complain(path, n.Line, "takes a list: [one, two], or one a line after a dash")
		return
	}
	for i, item := range n.Content {
		at := fmt.Sprintf("%s[%d]", path, i)
		r.line[at] = item.Line
		element := reflect.New(v.Type().Elem()).Elem()
		r.value(item, at, element)
		v.Set(reflect.Append(v, element))
	}
}

// unreplaced matches a path with something that a shell would replace.
var unreplaced = regexp.MustCompile(`^~|\$[A-Za-z_({]|%[A-Za-z_]+%|\{\{`)

func (r *yamlReading) scalar(n *yaml.Node, path string, v reflect.Value) {
	switch v.Interface().(type) {
	case host.Path:
		if unreplaced.MatchString(n.Value) {
			r.complain(path, n.Line, "%q has a ~ or a variable in it, which nothing replaces here: write the whole path", n.Value)
		}
		name := filepath.FromSlash(n.Value)
		if name != "" && !filepath.IsAbs(name) {
			name = filepath.Join(r.dir, name)
		}
		v.SetString(name)
	case string:
		v.SetString(n.Value)
	case time.Duration:
		d, err := time.ParseDuration(n.Value)
		if err != nil {
			r.complain(path, n.Line, "%q is not a duration such as 90s, 15m or 4h", n.Value)
			return // with the default no other value is judged by it
		}
		v.SetInt(int64(d))
	case int:
		i, err := strconv.Atoi(n.Value)
		if err != nil {
			r.complain(path, n.Line, "%q is not a whole number", n.Value)
		}
		v.SetInt(int64(i))
	case bool:
		if n.Value != "true" && n.Value != "false" {
			r.complain(path, n.Line, "%q is neither true nor false", n.Value)
		}
		v.SetBool(n.Value == "true")
	default:
		panic(fmt.Sprintf("no way to read a %s", v.Type()))
	}
}

// setDefaults sets the defaults of v and of the structs in it.
func setDefaults(v reflect.Value) {
	if d, ok := v.Addr().Interface().(interface{ setDefaults() }); ok {
		d.setDefaults()
	}
	for _, index := range keys(v.Type()) {
		if f := v.FieldByIndex(index); f.Kind() == reflect.Struct {
			setDefaults(f)
		}
	}
}

// fieldFor returns the field of a struct for a YAML key.
func fieldFor(v reflect.Value, key string) (reflect.Value, bool) {
	for name, index := range keys(v.Type()) {
		if name == key {
			return v.FieldByIndex(index), true
		}
	}
	return reflect.Value{}, false
}

// keys yields the YAML keys of a struct with the index of their field, in the order of the
// fields. A field without a tag has no key.
func keys(t reflect.Type) iter.Seq2[string, []int] {
	return func(yield func(string, []int) bool) {
		for _, f := range reflect.VisibleFields(t) {
			if name := f.Tag.Get("yaml"); name != "" && !yield(name, f.Index) {
				return
			}
		}
	}
}
