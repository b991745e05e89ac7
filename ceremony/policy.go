package ceremony

import (
	"slices"
	"time"
)

// Policy is what a cluster demands of ceremonies of one operation. Whatever it says,
// nobody approves what they have proposed.
type Policy struct {
	// Approvals is how many people have to approve; 0 means as many as the cluster
	// asks for.
	Approvals int
	// Classes are the classes of people from which approvals have to be among them.
	Classes []ClassQuota
	// Signed means that only a statement signed with the approver's PGP key approves.
	Signed bool
	// Separate means that nobody approves who holds or gets a share in the ceremony.
	Separate bool
	// Witness means that the gated steps wait for a person who has no other part.
	Witness bool

	Window  time.Duration // from the proposal until the ceremony closes; 0 means the cluster's
	Cooling time.Duration // from the last approval until anything begins
	Quiet   Quiet         // the hours in which nothing begins

	RollCall RollCall
	// Ways in which an envelope may come; empty means every one.
	Ways []Intake
}

// RollCall tells whether the people who will be given something encrypted have to show first
// that they can read it.
type RollCall struct {
	On bool
	// Needed is how many of the people who will get a share have to show it; 0 means all
	// of them.
	Needed int
	// Fresh is for how long it counts that a key was shown to work; 0 means that everybody
	// is called every time.
	Fresh time.Duration
}

// ClassQuota asks for a number of approvals from people of one class.
type ClassQuota struct {
	Class string `json:"class"`
	Count int    `json:"count"`
}

// Intake is how an envelope comes to the bot.
type Intake string

// Ways in which an envelope may come.
const (
	ByText     Intake = "text"     // a direct message
	ByFile     Intake = "file"     // a file in one
	ByForm     Intake = "form"     // a form, of which Slack keeps no message
	AtTerminal Intake = "terminal" // a file at the terminal where the ceremony is held; no policy forbids it
)

// Agreed reports whether approvals are enough, in number and from every class that is asked
// for.
func (p Plan) Agreed(approvals []Approval) bool {
	classes := map[string]int{}
	for _, a := range approvals {
		classes[a.By.Class]++
	}
	return len(approvals) >= p.Approvals &&
		!slices.ContainsFunc(p.ApprovalsFrom, func(q ClassQuota) bool { return classes[q.Class] < q.Count })
}

// Begins returns the first moment from earliest on at which something may begin.
func (p Plan) Begins(earliest time.Time) time.Time {
	if p.Quiet == nil {
		return earliest
	}
	return p.Quiet.nextAllowed(earliest)
}
