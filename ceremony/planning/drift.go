package planning

import (
	"fmt"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// Drift returns the first way in which the configuration does not allow the plan, or
// nil. People may have been added to the configuration since the proposal, and a policy
// may have become less strict. Nobody in the plan may be missing from the configuration
// or be changed in it, and the plan must demand at least what the policy demands.
func Drift(p ceremony.Plan, cluster ceremony.Cluster) *rules.Difference {
	if !slices.Contains(cluster.Operations, p.Operation) {
		return OtherConfig("operation "+string(p.Operation), fmt.Sprintf("operations %v", cluster.Operations))
	}
	if d := unlikePeople(p, cluster); d != nil {
		return d
	}
	if d := unlikeShares(p, cluster); d != nil {
		return d
	}
	return unlikePolicy(p, cluster)
}

func OtherConfig(want, got string) *rules.Difference {
	return &rules.Difference{Why: event.OtherConfig, Want: want, Got: got}
}

// unlikePeople returns the first person of the plan who does not have the same part,
// account, key and class in the configuration, or nil.
func unlikePeople(p ceremony.Plan, cluster ceremony.Cluster) *rules.Difference {
	proposers, receivers := cluster.Initiators, cluster.Receivers
	if p.Initiator == ceremony.SealWatch {
		proposers = []ceremony.Person{ceremony.SealWatch}
	}
	if p.Operation == ceremony.ReadBackup {
		receivers = slices.Concat(receivers, cluster.Holders)
	}
	var requester []ceremony.Person
	if p.Requester != nil {
		requester = []ceremony.Person{*p.Requester}
	}
	for _, part := range [...]struct {
		name             string
		plan, configured []ceremony.Person
	}{
		{"initiator", []ceremony.Person{p.Initiator}, proposers},
		{"requester", requester, proposers},
		{"approver", p.Approvers, cluster.Approvers},
		{"witness", p.Witnesses, cluster.Witnesses},
		{"holder", p.Holders, cluster.Holders},
		{"receiver", p.Receivers, receivers},
		{"in the roll call:", p.RollCall, slices.Concat(receivers, proposers)},
	} {
		for _, who := range part.plan {
			if slices.Contains(part.configured, who) {
				continue
			}
			got := "nobody of this name with this part"
			named := func(c ceremony.Person) bool { return c.Name == who.Name }
			if i := slices.IndexFunc(part.configured, named); i >= 0 {
				got = part.name + " " + ceremony.Describe(part.configured[i])
			}
			return OtherConfig(part.name+" "+ceremony.Describe(who), got)
		}
	}
	return nil
}

// unlikeShares returns the first way in which the new shares of a rekey or an
// initialisation differ from the configuration, or nil.
func unlikeShares(p ceremony.Plan, cluster ceremony.Cluster) *rules.Difference {
	if !p.Operation.MakesShares() {
		return nil
	}
	for _, r := range cluster.Receivers {
		if !slices.Contains(p.Receivers, r) {
			return OtherConfig("no share for "+ceremony.Describe(r), "receiver "+ceremony.Describe(r))
		}
	}
	switch {
	case len(p.Receivers) != len(cluster.Receivers):
		return OtherConfig(fmt.Sprintf("%d new shares", len(p.Receivers)), fmt.Sprint(len(cluster.Receivers)))
	case p.NewThreshold < cluster.NewThreshold:
		return OtherConfig(fmt.Sprintf("new threshold %d", p.NewThreshold), fmt.Sprint(cluster.NewThreshold))
	case !p.Operation.Rekeys():
		return nil
	case cluster.Verification && !p.Verification:
		return OtherConfig("verification no", "yes")
	case p.Backup != cluster.Backup:
		return OtherConfig("backup in vault "+ceremony.YesNo(p.Backup), ceremony.YesNo(cluster.Backup))
	}
	return nil
}

// unlikePolicy returns the first demand of the policy that the plan does not make, or nil.
func unlikePolicy(p ceremony.Plan, cluster ceremony.Cluster) *rules.Difference {
	policy := cluster.Policy(p.Operation)
	if p.Approvals < policy.Approvals {
		return OtherConfig(fmt.Sprintf("approvals needed %d", p.Approvals), fmt.Sprint(policy.Approvals))
	}
	for _, q := range policy.Classes {
		has := 0
		for _, planned := range p.ApprovalsFrom {
			if planned.Class == q.Class {
				has = planned.Count
			}
		}
		if has < q.Count {
			return OtherConfig(fmt.Sprintf("approvals needed from %s %d", q.Class, has), fmt.Sprint(q.Count))
		}
	}
	for _, a := range p.Approvers {
		if _, part := ceremony.Find(slices.Concat(p.Holders, p.Receivers), a.Account); policy.Separate && part {
			return OtherConfig(a.Name+" may approve", "whoever holds or gets a share does not approve")
		}
	}
	var quiet ceremony.Quiet
	if p.Quiet != nil {
		quiet = *p.Quiet
	}
	forbidden := func(w ceremony.Intake) bool { return !slices.Contains(policy.Ways, w) }
	switch {
	case policy.Signed && !p.SignedApprovals:
		return OtherConfig("approvals by button", "signed")
	case policy.Witness && len(p.Witnesses) == 0:
		return OtherConfig("no witness", "a witness")
	case time.Duration(p.Cooling) < policy.Cooling:
		return OtherConfig("cooling-off "+p.Cooling.String(), policy.Cooling.String())
	case policy.Quiet != (ceremony.Quiet{}) && policy.Quiet != quiet:
		return OtherConfig("quiet hours "+quiet.String(), policy.Quiet.String())
	case len(policy.Ways) > 0 && (len(p.Ways) == 0 || slices.ContainsFunc(p.Ways, forbidden)):
		return OtherConfig(fmt.Sprintf("ways in %v", p.Ways), fmt.Sprint(policy.Ways))
	case p.Closes.Sub(p.Proposed) > policy.Window:
		return OtherConfig("a window of "+p.Closes.Sub(p.Proposed).String(), policy.Window.String())
	}
	return nil
}
