package slacktest

import (
	"fmt"
	"slices"

	"conclave/bot/slacktest/record"
)

// Journal returns everything that passed so far, in order.
func (w *Workspace) Journal() []record.Entry {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.journal)
}

// Calls returns the journal's entries of one API method's calls.
func (w *Workspace) Calls(method string) []record.Entry {
	return slices.DeleteFunc(w.Journal(),
		func(e record.Entry) bool { return e.Way != record.FromClient || e.What != method })
}

// Traffic returns the bodies of what passed these ways, or all ways if none is named, as [record.Traffic] does. A test
// looks in it for what must never have been there.
func (w *Workspace) Traffic(ways ...record.Direction) []byte {
	return record.Traffic(w.Journal(), ways...)
}

func (w *Workspace) recordLocked(way record.Direction, what string, body []byte) {
	w.journal = append(w.journal, record.Entry{
		Seq: len(w.journal) + 1, At: w.cfg.Now(), Way: way, What: what, Body: record.Redact(body),
	})
	w.changeLocked()
}

func (w *Workspace) record(way record.Direction, what string, body []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.recordLocked(way, what, body)
}

// Violations returns the rules that the client broke so far, in order. A test of a good client ends with none.
func (w *Workspace) Violations() []record.Violation {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.broken)
}

func (w *Workspace) violateLocked(rule record.Rule, where, format string, args ...any) {
	w.broken = append(w.broken, record.Violation{
		At: w.cfg.Now(), Rule: rule, Where: where, Detail: fmt.Sprintf(format, args...),
	})
	w.changeLocked()
}
