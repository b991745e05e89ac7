package journal

import (
	"errors"
	"fmt"
	"os"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// Report is what a journal tells about one ceremony when it is checked afterwards, without
// the bot and without Vault.
type Report struct {
	Path      string
	Ceremony  ceremony.ID
	Operation ceremony.Operation
	Cluster   string
	PlanHash  string
	State     rules.Phase
	Outcome   event.Outcome // when State is PhaseEnded
	Nonce     string        // of its attempt in Vault; empty when there is none
	Events    int
	Previous  string    // hash of the first line of the ceremony before this one
	First     string    // hash of the first line
	Head      string    // hash of the last line
	From      time.Time // of the first event
	To        time.Time // of the last event
	// Conditions says what the ceremony has run under; empty when nothing was recorded.
	Conditions []event.Condition
	Torn       bool // an unfinished line stands at the end: the program died while it wrote
}

// VerifyFile checks the journal of one ceremony: that every line continues the one before,
// and that the rules allow the events. The error names the line.
func VerifyFile(path string) (Report, error) {
	r := Report{Path: path}
	f, err := openLines(path, os.O_RDONLY)
	if err != nil {
		return r, err
	}
	defer f.Close()
	c, err := ReadChain(f)
	if err != nil {
		return r, err
	}
	if len(c.Entries) == 0 {
		return r, fmt.Errorf("no whole line: %w", ceremony.ErrChain)
	}
	value, err := rules.Replay(c.Entries)
	if err != nil {
		return r, fmt.Errorf("%w: %w", ceremony.ErrChain, err)
	}
	if value.ID() != c.ceremony {
		return r, fmt.Errorf("the plan is of %s, the lines of %s: %w", value.ID(), c.ceremony, ceremony.ErrChain)
	}
	first, last := c.Entries[0], c.Entries[len(c.Entries)-1]
	r.Ceremony, r.PlanHash, r.State, r.Outcome = value.ID(), value.PlanHash, value.Phase, value.Outcome
	r.Operation, r.Cluster, r.Nonce = value.Plan.Operation, value.Plan.Cluster, value.Attempt.Nonce
	r.Previous = c.Entries[0].Event.(event.Proposed).Previous // Replay has checked its type
	r.Events, r.First, r.Head, r.Torn = len(c.Entries), first.Hash, last.Hash, c.torn > 0
	r.From, r.To = first.At, last.At
	r.Conditions = event.ConditionsOf(c.Entries)
	return r, nil
}

// VerifyDir checks every ceremony in a journal directory, and that each one's first line
// names the ceremony before it: so none was taken away from between the others. Whether the
// newest were taken away can't be seen from the directory. Compare the last id with what
// the ops channel shows. The reports leave out the ceremonies at fault; their errors are
// joined.
func VerifyDir(dir string) ([]Report, error) {
	ids, err := listDir(dir)
	if err != nil {
		return nil, err
	}
	var reports []Report
	var faults []error
	byFirst := map[string]bool{"": true}
	for _, id := range ids {
		path := FilePath(dir, id)
		r, err := VerifyFile(path)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", path, err))
			continue
		}
		byFirst[r.First] = true
		reports = append(reports, r)
	}
	// This takes a second turn, since a clock that was set back changes the list's order.
	for _, r := range reports {
		if !byFirst[r.Previous] {
			fault := fmt.Errorf("%s: the ceremony before it is missing or was changed: %w", r.Path, ceremony.ErrChain)
			faults = append(faults, fault)
		}
	}
	return reports, errors.Join(faults...)
}
