package transcript

import (
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
)

// Audit is what a check of a transcript has found. Its words are for people; its
// names and codes stay the same for programs.
type Audit struct {
	Ceremony  ceremony.ID          `json:"ceremony"`
	Operation ceremony.Operation   `json:"operation"`
	Cluster   string               `json:"cluster"`
	PlanHash  string               `json:"plan_hash"`
	Outcome   event.Outcome        `json:"outcome"`
	Identity  ceremony.Fingerprint `json:"identity"` // that was pinned, not the one that the file names
	SHA256    string               `json:"sha256"`   // of the file
	Events    int                  `json:"events"`
	Head      string               `json:"head"` // hash of the last line
	From      time.Time            `json:"from"`
	To        time.Time            `json:"to"`
	// with the keys that the plan pins for them, by which their signatures were checked
	People    []ceremony.Person `json:"people"`
	Checks    []Check           `json:"checks"`
	NotProven []Gap             `json:"not_proven"` // what the file leaves open although all of it is true
}

// Check is one kind of thing that was looked at.
type Check struct {
	Name   string   `json:"name"`
	Words  string   `json:"words"`            // what holds when there is no fault
	Count  int      `json:"count"`            // of the things that were looked at; with 0 there was none to look at
	Faults []string `json:"faults,omitempty"` // each with its reason
}

// Passed reports whether nothing that was looked at is wrong.
func (c Check) Passed() bool { return len(c.Faults) == 0 }

// Gap is something that a transcript does not prove.
type Gap struct {
	Code  string `json:"code"`
	Words string `json:"words"`
}

// Passed reports whether every check has: the file is what the pinned identity signed,
// and what people signed in it says the same.
func (a Audit) Passed() bool {
	return len(a.Checks) > 0 && !slices.ContainsFunc(a.Checks, func(c Check) bool { return !c.Passed() })
}

// Faults are the reasons of every check that has not passed.
func (a Audit) Faults() []string {
	var all []string
	for _, c := range a.Checks {
		for _, f := range c.Faults {
			all = append(all, c.Name+": "+f)
		}
	}
	return all
}
