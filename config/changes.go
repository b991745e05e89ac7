package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"conclave/host"
)

// startOnly are the sections that are read when the program starts, and not again.
var startOnly = []string{"slack", "identity", "journal", "archive", "log"}

// Changes returns the YAML paths of the values in which another configuration differs, sorted.
// Of a person or a cluster that only one of them has, it returns the path of the whole.
func (c *Config) Changes(other *Config) []string {
	before, after := c.values(), other.values()
	var changed []string
	for path := range before {
		if before[path] != after[path] {
			changed = append(changed, path)
		}
	}
	for path := range after {
		if _, there := before[path]; !there {
			changed = append(changed, path)
		}
	}
	whole := map[string]bool{}
	for _, path := range changed {
		whole[wholeOf(path, before, after)] = true
	}
	return slices.Sorted(maps.Keys(whole))
}

// wholeOf returns the path of the person, the cluster or the policy around a value that only
// one of two configurations has, or else the value's own path.
func wholeOf(path string, before, after map[string]string) string {
	parts := strings.Split(path, ".")
	for n := range parts {
		around := strings.Join(parts[:n], ".")
		_, had := before[around]
		_, has := after[around]
		if had != has {
			return around
		}
	}
	return path
}

// NeedsRestart returns those of the changed paths that a reload does not reach.
func NeedsRestart(changed []string) []string {
	var all []string
	for _, path := range changed {
		if section, _, _ := strings.Cut(path, "."); slices.Contains(startOnly, section) {
			all = append(all, path)
		}
	}
	return all
}

// Files returns the files from which a reload reads: the configuration, everybody's key, and
// the authorities of each cluster.
func (c *Config) Files() []host.Path {
	all := map[host.Path]bool{host.Path(c.path): true}
	for _, p := range c.People {
		all[p.Key] = true
	}
	for _, cluster := range c.Clusters {
		all[cluster.CAFile] = true
	}
	delete(all, "")
	return slices.Sorted(maps.Keys(all))
}

// values returns every value by its YAML path, and an entry for each element of a map.
func (c *Config) values() map[string]string {
	all := map[string]string{}
	collect(reflect.ValueOf(c).Elem(), "", all)
	return all
}

// collect adds the values in v, whose path is at.
func collect(v reflect.Value, at string, into map[string]string) {
	below := func(name string) string { return strings.TrimPrefix(at+"."+name, ".") }
	switch v.Kind() {
	case reflect.Pointer:
		collect(v.Elem(), at, into)
	case reflect.Struct:
		for name, index := range keys(v.Type()) {
			collect(v.FieldByIndex(index), below(name), into)
		}
	case reflect.Map:
		for name, element := range v.Seq2() {
			into[below(name.String())] = ""
			collect(element, below(name.String()), into)
		}
	default:
		into[at] = fmt.Sprintf("%q", fmt.Sprint(v.Interface()))
	}
}
