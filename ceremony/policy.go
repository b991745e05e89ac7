package ceremony

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Policy is what a cluster demands of ceremonies of one operation. Whatever it says,
// nobody approves what they have proposed.
type Policy struct {
	// Approvals is how many people have to approve; 0 means as many as the cluster
	// asks for.
	Approvals int
	// Classes says from which classes of people approvals have to be among them.
	Classes []ClassQuota
	// Signed: only a word signed with the approver's PGP key approves.
	Signed bool
	// Separate: whoever holds or gets a share in the ceremony does not approve it.
	Separate bool
	// Witness: the gated steps wait for somebody who has no other part.
	Witness bool

	Window  time.Duration // from the proposal until the ceremony closes; 0 means the cluster's
	Cooling time.Duration // from the last approval until anything begins
	Quiet   Quiet         // the hours in which nothing begins

	RollCall RollCall
	// Ways in which an envelope may come; empty means every one.
	Ways []Way
}

// RollCall says whether people who will be given something encrypted have to show
// first that they can read it.
type RollCall struct {
	On bool
	// Needed is how many of the people who will get a share have to have shown it; 0
	// means all of them.
	Needed int
	// Fresh is for how long what a key has shown counts; 0 means that everybody is
	// called every time.
	Fresh time.Duration
}

// ClassQuota asks for a number of approvals from people of one class.
type ClassQuota struct {
	Class string `json:"class"`
	Count int    `json:"count"`
}

// Way is how an envelope comes to the bot.
type Way string

// Ways.
const (
	ByText     Way = "text"     // a direct message
	ByFile     Way = "file"     // a file in one
	ByForm     Way = "form"     // a form, which Slack does not keep as a message
	AtTerminal Way = "terminal" // a file at the terminal at which the ceremony is held: no policy forbids it
)

// policy is what the cluster demands of an operation, with the cluster's own words
// where the policy leaves them out.
func (c Cluster) policy(op Operation) Policy {
	p := c.Policies[op]
	p.Approvals = cmp.Or(p.Approvals, c.Approvals)
	p.Window = cmp.Or(p.Window, c.Window)
	if !op.NeedsApproval() {
		p.Approvals, p.Classes, p.Signed, p.Cooling = 0, nil, false, 0
	}
	return p
}

// follow writes into a plan what the policy of its operation demands, and refuses
// what can't be met by the people who are there.
func (p *Plan) follow(cluster Cluster, policy Policy) error {
	p.Approvals, p.ApprovalsFrom, p.SignedApprovals = policy.Approvals, policy.Classes, policy.Signed
	p.Cooling, p.Ways = Span(policy.Cooling), policy.Ways
	if policy.Quiet != (Quiet{}) {
		quiet := policy.Quiet
		p.Quiet = &quiet
	}

	takesPart := slices.Concat(p.Holders, p.Receivers)
	p.Approvers = slices.DeleteFunc(slices.Clone(cluster.Approvers), func(a Person) bool {
		_, part := find(takesPart, a.Account)
		return policy.Separate && part || policy.Signed && a.Key == ""
	})
	if err := p.enoughApprovers(); err != nil {
		return err
	}
	if policy.Witness {
		others := slices.Concat(p.deciders(), takesPart)
		for _, w := range cluster.Witnesses {
			if _, part := find(others, w.Account); !part {
				p.Witnesses = append(p.Witnesses, w)
			}
		}
		if len(p.Witnesses) == 0 {
			return NoWitness
		}
	}
	if begins := p.begins(p.Proposed.Add(policy.Cooling)); !begins.Before(p.Closes) {
		return fmt.Errorf("nothing begins before %s: %w", begins.Format(time.RFC3339), NoTime)
	}
	return nil
}

// enoughApprovers makes sure that the approvals that are asked for can come, from
// people who are not the initiator.
func (p Plan) enoughApprovers() error {
	classes := map[string]int{}
	n := 0
	for _, a := range p.Approvers {
		if a.Account != p.Initiator.Account {
			n++
			classes[a.Class]++
		}
	}
	if n < p.Approvals {
		return fmt.Errorf("%d can approve, %d approvals are asked for: %w", n, p.Approvals, TooFewApprovers)
	}
	for _, q := range p.ApprovalsFrom {
		if classes[q.Class] < q.Count {
			return fmt.Errorf("%d of class %s can approve, %d are asked for: %w", classes[q.Class], q.Class, q.Count, TooFewApprovers)
		}
	}
	return nil
}

// agreed says whether approvals are enough: in number, and from every class that is
// asked for.
func (p Plan) agreed(approvals []Approval) bool {
	classes := map[string]int{}
	for _, a := range approvals {
		classes[a.By.Class]++
	}
	return len(approvals) >= p.Approvals &&
		!slices.ContainsFunc(p.ApprovalsFrom, func(q ClassQuota) bool { return classes[q.Class] < q.Count })
}

// begins is the first moment from earliest on in which something may begin.
func (p Plan) begins(earliest time.Time) time.Time {
	if p.Quiet == nil {
		return earliest
	}
	return p.Quiet.over(earliest)
}

// StartsAt is when the ceremony may begin, zero while approvals are missing. It is in
// the past when nothing but Vault or people is waited for.
func (c Ceremony) StartsAt() time.Time {
	return c.startsAt(c.History[len(c.History)-1].At)
}

// startsAt is the first moment from now on in which the ceremony may begin: people have
// had time to think, and it is no quiet hour, whatever else was waited for meanwhile.
// It goes by the clock on the wall alone, by which the journal is read again: a clock
// that was set back is waited for.
func (c Ceremony) startsAt(now time.Time) time.Time {
	agreed := c.ApprovedAt().Round(0)
	if agreed.IsZero() || c.Attempt.Number > 0 {
		return agreed // what has begun goes on at any hour
	}
	earliest := agreed.Add(time.Duration(c.Plan.Cooling))
	if now := now.Round(0); now.After(earliest) {
		earliest = now
	}
	return c.Plan.begins(earliest)
}
