package event

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"

	"conclave/ceremony"
)

// NotKnown stands in [Conditions] in the place of what could not be learnt.
const NotKnown = "not known"

// Conditions says what the ceremony runs under, by what the program found out when it took
// the ceremony up. The first stands at the ceremony's beginning. Another one follows when a
// later start of the program finds something else.
type Conditions struct {
	Program       Program           `json:"program"`
	Configuration string            `json:"configuration"` // SHA-256 of the file, in hexadecimal digits
	Vault         []ceremony.Server `json:"vault"`         // each configured node, as it answered
	Host          Host              `json:"host"`
}

// Program is the running program.
type Program struct {
	Version  string `json:"version"`
	Revision string `json:"revision"` // of its source; "+changes" when the checkout had some
	SHA256   string `json:"sha256"`   // of the file that is running, in hexadecimal digits
}

// Host is the machine on which the program runs.
type Host struct {
	System    string       `json:"system"` // operating system and architecture, such as linux/amd64
	Hardening []Protection `json:"hardening"`
	// TimeSource is the service that sets the clock.
	TimeSource string `json:"time_source"`
	// Synchronized is the kernel's own word for whether the clock is: yes or no.
	Synchronized string `json:"synchronized"`
}

// Protection is one way to keep secrets within the program's memory.
type Protection struct {
	Name  string `json:"name"`
	State string `json:"state"` // in words
	Holds bool   `json:"holds"`
}

func (Conditions) event() {}

// Fact is one of the conditions. Its name is unique among them.
type Fact struct{ Name, Value string }

// Facts returns the conditions one by one, in the order in which people read them. A value
// that is missing is [NotKnown].
func (c Conditions) Facts() []Fact {
	var facts []Fact
	add := func(name, value string) { facts = append(facts, Fact{name, cmp.Or(value, NotKnown)}) }
	add("version of Conclave", c.Program.Version)
	add("revision of Conclave", c.Program.Revision)
	add("SHA-256 of the running program", c.Program.SHA256)
	add("SHA-256 of the configuration", c.Configuration)
	if len(c.Vault) == 0 {
		add("nodes of Vault", "")
	}
	for _, s := range c.Vault {
		add("product at "+s.Address, s.Product)
		add("version at "+s.Address, s.Version)
		add("seal at "+s.Address, s.Seal)
	}
	add("system", c.Host.System)
	if len(c.Host.Hardening) == 0 {
		add("hardening", "")
	}
	for _, p := range c.Host.Hardening {
		add("hardening: "+p.Name, p.State)
	}
	add("time source", c.Host.TimeSource)
	add("clock synchronised", c.Host.Synchronized)
	return facts
}

// Known returns the conditions with [NotKnown] in the place of each value that is missing.
func (c Conditions) Known() Conditions {
	for _, value := range []*string{
		&c.Program.Version, &c.Program.Revision, &c.Program.SHA256, &c.Configuration,
		&c.Host.System, &c.Host.TimeSource, &c.Host.Synchronized,
	} {
		*value = cmp.Or(*value, NotKnown)
	}
	servers := make([]ceremony.Server, len(c.Vault))
	for i, s := range c.Vault {
		servers[i] = ceremony.Server{
			Address: s.Address, Product: cmp.Or(s.Product, NotKnown), Version: cmp.Or(s.Version, NotKnown),
			Seal: cmp.Or(s.Seal, NotKnown),
		}
	}
	c.Vault = servers
	return c
}

// Plain returns an error unless each fact is a short line of printable text.
func (c Conditions) Plain() error {
	for _, f := range c.Facts() {
		for _, text := range []string{f.Name, f.Value} {
			if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) || len(text) > longestFact {
				return fmt.Errorf("%q is no condition", text)
			}
		}
	}
	return nil
}

// longestFact is how many bytes the name or the value of a fact may have.
const longestFact = 300

// Condition is a fact, and the number of the entry since which it is known to be so.
type Condition struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Seq   int    `json:"seq"`
}

// ConditionsOf returns what a ceremony has run under: everything that was recorded first,
// and then whatever was found to be different. It returns nothing when nothing was recorded.
// What is not known later is no difference.
func ConditionsOf(entries []Entry) []Condition {
	var all []Condition
	known := map[string]string{} // name → newest value
	for _, e := range entries {
		seen, ok := e.Event.(Conditions)
		if !ok {
			continue
		}
		for _, f := range seen.Facts() {
			before, told := known[f.Name]
			if told && (f.Value == before || f.Value == NotKnown) {
				continue
			}
			known[f.Name] = f.Value
			all = append(all, Condition{f.Name, f.Value, e.Seq})
		}
	}
	return all
}
