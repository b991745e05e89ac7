package engine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/transcript"
)

// doubt returns why a ceremony that was open when the program started must not go on as
// its journal has it, or nil. An attacker who can write to the journal's folder can add a
// line. So signed statements are verified again, and the plan is compared with the
// configuration. Neither changes while the program runs.
func (e *Engine) doubt(c rules.State, cluster ceremony.Cluster) *rules.Difference {
	switch bot := e.config.OpenPGP.Identity(); {
	case c.Ended() || c.Plan.Operation == ceremony.Alarm:
		return nil
	case bot != c.Plan.Identity:
		return rules.OtherBot(c.Plan, bot)
	}
	if d := configDrift(c.Plan, cluster); d != nil {
		return d
	}
	if d := e.uncalled(c.Plan, cluster); d != nil {
		return d
	}
	if d := e.unsigned(c); d != nil {
		return d
	}
	return c.Adoption()
}

// unsigned returns the statements in the journal that nobody has signed, as one
// difference, or nil when there is none.
func (e *Engine) unsigned(c rules.State) *rules.Difference {
	certificates := map[ceremony.Fingerprint]string{}
	for _, f := range c.Plan.Keys() {
		if armored, err := e.config.OpenPGP.PublicKey(f); err == nil {
			certificates[f] = armored
		}
	}
	faults, err := transcript.StatementFaults(c, certificates, e.config.Signatures)
	switch {
	case err != nil: // although it was replayed a moment ago
		return &rules.Difference{Why: event.NotSigned, Got: err.Error()}
	case len(faults) > 0:
		return &rules.Difference{Why: event.NotSigned, Got: strings.Join(faults, "; ")}
	}
	return nil
}

// configDrift returns the first way in which the configuration does not allow the plan, or
// nil. People may have been added to the configuration since the proposal, and a policy
// may have become less strict. Nobody in the plan may be missing from the configuration
// or be changed in it, and the plan must demand at least what the policy demands.
func configDrift(p ceremony.Plan, cluster ceremony.Cluster) *rules.Difference {
	if !slices.Contains(cluster.Operations, p.Operation) {
		return otherConfig("operation "+string(p.Operation), fmt.Sprintf("operations %v", cluster.Operations))
	}
	if d := unlikePeople(p, cluster); d != nil {
		return d
	}
	if d := unlikeShares(p, cluster); d != nil {
		return d
	}
	return unlikePolicy(p, cluster)
}

func otherConfig(want, got string) *rules.Difference {
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
			return otherConfig(part.name+" "+ceremony.Describe(who), got)
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
			return otherConfig("no share for "+ceremony.Describe(r), "receiver "+ceremony.Describe(r))
		}
	}
	switch {
	case len(p.Receivers) != len(cluster.Receivers):
		return otherConfig(fmt.Sprintf("%d new shares", len(p.Receivers)), fmt.Sprint(len(cluster.Receivers)))
	case p.NewThreshold < cluster.NewThreshold:
		return otherConfig(fmt.Sprintf("new threshold %d", p.NewThreshold), fmt.Sprint(cluster.NewThreshold))
	case !p.Operation.Rekeys():
		return nil
	case cluster.Verification && !p.Verification:
		return otherConfig("verification no", "yes")
	case p.Backup != cluster.Backup:
		return otherConfig("backup in vault "+ceremony.YesNo(p.Backup), ceremony.YesNo(cluster.Backup))
	}
	return nil
}

// unlikePolicy returns the first demand of the policy that the plan does not make, or nil.
func unlikePolicy(p ceremony.Plan, cluster ceremony.Cluster) *rules.Difference {
	policy := cluster.Policy(p.Operation)
	if p.Approvals < policy.Approvals {
		return otherConfig(fmt.Sprintf("approvals needed %d", p.Approvals), fmt.Sprint(policy.Approvals))
	}
	for _, q := range policy.Classes {
		has := 0
		for _, planned := range p.ApprovalsFrom {
			if planned.Class == q.Class {
				has = planned.Count
			}
		}
		if has < q.Count {
			return otherConfig(fmt.Sprintf("approvals needed from %s %d", q.Class, has), fmt.Sprint(q.Count))
		}
	}
	for _, a := range p.Approvers {
		if _, part := ceremony.Find(slices.Concat(p.Holders, p.Receivers), a.Account); policy.Separate && part {
			return otherConfig(a.Name+" may approve", "whoever holds or gets a share does not approve")
		}
	}
	var quiet ceremony.Quiet
	if p.Quiet != nil {
		quiet = *p.Quiet
	}
	forbidden := func(w ceremony.Intake) bool { return !slices.Contains(policy.Ways, w) }
	switch {
	case policy.Signed && !p.SignedApprovals:
		return otherConfig("approvals by button", "signed")
	case policy.Witness && len(p.Witnesses) == 0:
		return otherConfig("no witness", "a witness")
	case time.Duration(p.Cooling) < policy.Cooling:
		return otherConfig("cooling-off "+p.Cooling.String(), policy.Cooling.String())
	case policy.Quiet != (ceremony.Quiet{}) && policy.Quiet != quiet:
		return otherConfig("quiet hours "+quiet.String(), policy.Quiet.String())
	case len(policy.Ways) > 0 && (len(p.Ways) == 0 || slices.ContainsFunc(p.Ways, forbidden)):
		return otherConfig(fmt.Sprintf("ways in %v", p.Ways), fmt.Sprint(policy.Ways))
	case p.Closes.Sub(p.Proposed) > policy.Window:
		return otherConfig("a window of "+p.Closes.Sub(p.Proposed).String(), policy.Window.String())
	}
	return nil
}

// uncalled returns a difference when the policy's roll call asks for more people than the
// plan's, or nil. The journals show that everybody who is not called has used their key.
func (e *Engine) uncalled(p ceremony.Plan, cluster ceremony.Cluster) *rules.Difference {
	again := p
	again.RollCall, again.Present = nil, 0
	e.callRoll(&again, cluster.Policy(p.Operation).RollCall)
	if p.Present < again.Present {
		return otherConfig(fmt.Sprintf("roll call, present needed %d", p.Present), fmt.Sprint(again.Present))
	}
	return nil
}
