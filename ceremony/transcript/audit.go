package transcript

import (
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
)

// Audit is the result of a check of a transcript. Its words are for people and may change.
// Its names and codes are for programs and stay the same.
type Audit struct {
	Ceremony  ceremony.ID          `json:"ceremony"`
	Operation ceremony.Operation   `json:"operation"`
	Cluster   string               `json:"cluster"`
	PlanHash  string               `json:"plan_hash"`
	Outcome   event.Outcome        `json:"outcome"`
	Identity  ceremony.Fingerprint `json:"identity"` // the identity that was pinned, not the one that the file names
	SHA256    string               `json:"sha256"`   // of the file
	Events    int                  `json:"events"`
	Head      string               `json:"head"` // hash of the last line
	From      time.Time            `json:"from"`
	To        time.Time            `json:"to"`
	// with the keys of the plan, by which their signatures were checked
	People []ceremony.Person `json:"people"`
	// Conditions says what the ceremony has run under, by Conclave's own word. It is empty
	// when nothing was recorded, as by programs before this one.
	Conditions []event.Condition `json:"conditions"`
	Checks     []Check           `json:"checks"`
	NotProven  []Gap             `json:"not_proven"` // what the file leaves open even if all of it is true
}

// Check is one of the checks of a transcript.
type Check struct {
	Name   string   `json:"name"`
	Words  string   `json:"words"`            // what holds without a fault
	Count  int      `json:"count"`            // of the things that were checked; 0 when there was none
	Faults []string `json:"faults,omitempty"` // each with its reason
}

// Passed reports whether the check has found no fault.
func (c Check) Passed() bool { return len(c.Faults) == 0 }

// Gap is something that a transcript does not prove.
type Gap struct {
	Code  string `json:"code"`
	Words string `json:"words"`
}

// Passed reports whether every check has passed: the file is what the pinned identity
// signed, and the signed statements of people in it agree with it.
func (a Audit) Passed() bool {
	return len(a.Checks) > 0 && !slices.ContainsFunc(a.Checks, func(c Check) bool { return !c.Passed() })
}

// Faults returns the faults of all checks, each behind the name of its check.
func (a Audit) Faults() []string {
	var all []string
	for _, c := range a.Checks {
		for _, f := range c.Faults {
			all = append(all, c.Name+": "+f)
		}
	}
	return all
}
