package wording

import (
	"fmt"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/rules"
	"conclave/plural"
)

// demands says what the policy of a cluster asks of one operation, or nothing when it asks
// nothing.
func demands(op ceremony.Operation, p ceremony.Policy) string {
	var said []string
	add := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	if p.Approvals > 0 {
		add("%s", plural.Of(p.Approvals, "approval"))
	}
	for _, q := range p.Classes {
		add("%d of them from %s", q.Count, Escape(q.Class))
	}
	if p.Signed {
		add("approvals are signed")
	}
	if p.Separate {
		add("who has a share does not approve")
	}
	if p.Witness {
		add("a witness lets the gated steps happen")
	}
	if p.Window > 0 {
		add("open for %s", Spell(p.Window))
	}
	if p.Cooling > 0 {
		add("nothing begins for %s after the last approval", Spell(p.Cooling))
	}
	if p.Quiet != (ceremony.Quiet{}) {
		add("nothing begins between %s and %s, %s", p.Quiet.From, p.Quiet.To, Escape(p.Quiet.Zone))
	}
	if p.RollCall.On && (op.MakesShares() || op.IssuesToken()) {
		who := "everybody who gets something shows"
		if p.RollCall.Needed > 0 {
			who = fmt.Sprintf("%d of those who get something show", p.RollCall.Needed)
		}
		add("%s first that they can read it", who)
	}
	if len(p.Ways) > 0 {
		ways := make([]string, len(p.Ways))
		for i, w := range p.Ways {
			ways[i] = string(w)
		}
		add("envelopes come by %s", ListOr(ways))
	}
	if said == nil {
		return ""
	}
	return "`" + string(op) + "`: " + strings.Join(said, "; ")
}

// PolicyLines says what the policy of a cluster asks of each of its operations.
func PolicyLines(cl ceremony.Cluster) string {
	var lines []string
	for _, op := range cl.Operations {
		if line := demands(op, cl.Policies[op]); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// approvalsWanted says which approvals a plan waits for.
func approvalsWanted(c rules.State) string {
	words := fmt.Sprintf("%d of %d", len(c.Approvals), c.Plan.Approvals)
	for _, q := range c.Plan.ApprovalsFrom {
		n := 0
		for _, a := range c.Approvals {
			if a.By.Class == q.Class {
				n++
			}
		}
		words += fmt.Sprintf(", from %s %d of %d", Escape(q.Class), n, q.Count)
	}
	if c.Plan.SignedApprovals {
		words += ", each signed"
	}
	if c.Plan.Cooling > 0 {
		words += fmt.Sprintf("; then %s to think", Spell(time.Duration(c.Plan.Cooling)))
	}
	return words
}
