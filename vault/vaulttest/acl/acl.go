package acl

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Capabilities are the rights of a token on a path.
type Capabilities uint16

const (
	mayCreate Capabilities = 1 << iota
	mayRead
	mayUpdate
	mayDelete
	mayList
	MaySudo
	mayPatch
	maySubscribe
	mayRecover
	denied // and nothing else, whatever another policy grants
)

var capabilityNames = map[string]Capabilities{
	"create": mayCreate, "read": mayRead, "update": mayUpdate, "delete": mayDelete, "list": mayList, "sudo": MaySudo,
	"patch": mayPatch, "subscribe": maySubscribe, "recover": mayRecover, "deny": denied,
}

// Names lists the capabilities as sys/capabilities-self does.
func (c Capabilities) Names() []string {
	if c&denied != 0 || c == 0 {
		return []string{"deny"}
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(capabilityNames)) {
		if c&capabilityNames[name] != 0 {
			names = append(names, name)
		}
	}
	return names
}

// neededFor is the capability that each method needs. Other methods are for root tokens.
var neededFor = map[string]Capabilities{ // method → capability
	"GET": mayRead, "PUT": mayUpdate, "DELETE": mayDelete, "LIST": mayList,
}

// Allow reports whether the capabilities that a token has on a path are enough for a request with this method.
func (c Capabilities) Allow(method, path string) bool {
	needed := neededFor[method]
	if needsSudo(path) {
		needed |= MaySudo
	}
	return needed != 0 && c&needed == needed
}

// Granted returns what policies grant on a path: those of the best matching rule alone, which rules of the same path in
// other policies add to (vault/acl.go). A nil policy grants nothing. A list asks for the path with a final slash and is
// content with the rule for the one without.
func Granted(policies []*Policy, path string) Capabilities {
	var best specificity
	var granted Capabilities
	for _, p := range policies {
		if p == nil {
			continue
		}
		for _, r := range p.rules {
			if !r.matches(path) {
				continue
			}
			switch order := r.specificity().compare(best); {
			case order > 0:
				best, granted = r.specificity(), r.grants
			case order == 0:
				granted |= r.grants
			}
		}
	}
	if granted&denied != 0 {
		return denied
	}
	return granted
}

func (r rule) matches(path string) bool {
	pattern, isPrefix := strings.CutSuffix(r.path, "*")
	segments, parts := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(parts) < len(segments) || !isPrefix && len(parts) != len(segments) {
		return false
	}
	for i, segment := range segments {
		last := i == len(segments)-1
		switch {
		case segment == "+", segment == parts[i]:
		case isPrefix && last && strings.HasPrefix(parts[i], segment):
		default:
			return false
		}
	}
	return true
}

// specificity orders the rules that match a path, in the order of its fields. The zero value is the least specific.
type specificity struct {
	exact    bool
	plain    int // characters before the first + or the final *
	whole    bool
	segments int // how many are +, negated: fewer are better
	length   int
	path     string
}

func (r rule) specificity() specificity {
	pattern, isPrefix := strings.CutSuffix(r.path, "*")
	s := specificity{whole: !isPrefix, plain: len(pattern), length: len(pattern), path: pattern}
	for segment := range strings.SplitSeq(pattern, "/") {
		if segment == "+" {
			s.segments--
		}
	}
	if s.segments < 0 {
		s.plain = strings.Index(r.path, "+")
	}
	s.exact = s.whole && s.segments == 0
	return s
}

func (s specificity) compare(other specificity) int {
	return cmp.Or(
		compareBools(s.exact, other.exact),
		cmp.Compare(s.plain, other.plain),
		compareBools(s.whole, other.whole),
		cmp.Compare(s.segments, other.segments),
		cmp.Compare(s.length, other.length),
		cmp.Compare(s.path, other.path),
	)
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	default:
		return -1
	}
}

// sudoPaths need the capability sudo beside the method's own (vault/logical_system.go, PathsSpecial.Root). So does
// every path below sys/auth.
var sudoPaths = map[string]bool{
	"sys/rotate":           true,
	"sys/rotate/keyring":   true, // OpenBao's, as is the next
	"sys/rotate/root":      true,
	"sys/seal":             true,
	"sys/step-down":        true,
	"auth/token/accessors": true,
}

func needsSudo(path string) bool { return sudoPaths[path] || strings.HasPrefix(path, "sys/auth/") }
