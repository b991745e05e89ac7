package index

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// Starts are the first lines of ceremonies. Each names the one before, so that a ceremony
// that was taken away whole is missed. The zero value has none.
type Starts struct {
	all      []start
	named    map[string]bool // hashes
	there    map[string]bool
	accepted []string // what acknowledged alarms say of lines that are missing
}

// start is the first line of a ceremony.
type start struct {
	at   time.Time
	id   ceremony.ID
	hash string
}

// Note takes down the first line of a ceremony, and which one it names as the one before.
func (s *Starts) Note(at time.Time, id ceremony.ID, hash, previous string) {
	s.all = append(s.all, start{at, id, hash})
	s.See(hash)
	if s.named == nil {
		s.named = map[string]bool{}
	}
	if previous != "" {
		s.named[previous] = true
	}
}

// See takes down a first line that is there, whoever has written it.
func (s *Starts) See(hash string) {
	if s.there == nil {
		s.there = map[string]bool{}
	}
	s.there[hash] = true
}

// Accept takes down which missing lines people know, if the ceremony is an alarm about them
// that somebody has acknowledged.
func (s *Starts) Accept(c rules.State) {
	if c.Plan.Operation != ceremony.Alarm || c.Outcome != event.Completed {
		return
	}
	for _, e := range c.Findings() {
		if n := e.Event.(event.Noticed); n.Kind == ceremony.RolledBack && n.Of == "" {
			s.accepted = append(s.accepted, n.Want)
		}
	}
}

// Newest returns the hash of the newest ceremony's first line. It is the one that no other
// names: the clock may have been set back.
func (s *Starts) Newest() string {
	slices.SortFunc(s.all, func(a, b start) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.id, b.id)) })
	for _, f := range slices.Backward(s.all) {
		if !s.named[f.hash] {
			return f.hash
		}
	}
	return ""
}

// shownHash is how many digits of a hash people are shown.
const shownHash = 16

// Missing returns the hashes of first lines that a ceremony names and that are not there, as
// far as people don't know it yet, in order.
func (s *Starts) Missing() []string {
	var missing []string
	for hash := range s.named {
		known := func(said string) bool { return strings.Contains(said, hash[:min(len(hash), shownHash)]) }
		if !s.there[hash] && !slices.ContainsFunc(s.accepted, known) {
			missing = append(missing, hash)
		}
	}
	slices.Sort(missing)
	return missing
}

// mostShown is how many missing lines one finding names. The next start tells of the others
// once these are acknowledged.
const mostShown = 50

// Lost returns what people are told of ceremonies that the journal had, and that are not
// there. missing are those that others name.
func Lost(had, has int, missing []string) event.Noticed {
	n := event.Noticed{Kind: ceremony.RolledBack, Want: fmt.Sprintf("%d ceremonies", had), Got: fmt.Sprint(has)}
	var hashes []string
	for _, hash := range missing[:min(len(missing), mostShown)] {
		hashes = append(hashes, hash[:min(len(hash), shownHash)])
	}
	if len(hashes) > 0 {
		n.Want += ", also with the first lines " + strings.Join(hashes, ", ")
	}
	return n
}
