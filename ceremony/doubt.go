package ceremony

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// doubt is why a ceremony that was open when the program started must not go on as
// its journal has it, nil when nothing speaks against it. Whoever can write to the
// journal's folder can add a line to it: what people are said to have signed is
// verified again, and the plan is held against the configuration. Neither changes
// while the program runs.
func (e *Engine) doubt(c Ceremony, cluster Cluster) *difference {
	switch bot := e.config.Opener.Identity(); {
	case c.Ended() || c.Plan.Operation == Alarm:
		return nil
	case bot != c.Plan.Identity:
		return otherBot(c.Plan, bot)
	}
	if d := c.Plan.unlike(cluster); d != nil {
		return d
	}
	if d := e.uncalled(c.Plan, cluster); d != nil {
		return d
	}
	return e.unsigned(c)
}

func otherBot(p Plan, bot Fingerprint) *difference {
	return &difference{OtherBot, "identity " + p.Identity.String(), bot.String()}
}

// unsigned is the first word in the journal that is not what somebody has signed.
func (e *Engine) unsigned(c Ceremony) *difference {
	v := verifier{
		identity: c.Plan.Identity, signatures: e.config.Signatures, checks: map[string]*Check{},
		t: Transcript{Certificates: map[Fingerprint]string{}},
	}
	for _, f := range c.Plan.keys() {
		if armored, err := e.config.Opener.PublicKey(f); err == nil {
			v.t.Certificates[f] = armored
		}
	}
	for _, entry := range c.History {
		v.spoken(entry)
		next, err := Apply(v.c, entry)
		if err != nil {
			return &difference{NotSigned, "", err.Error()} // what was replayed a moment ago
		}
		v.c = next
	}
	if faults := (Audit{}).with(v.checks).Faults(); len(faults) > 0 {
		return &difference{NotSigned, "", strings.Join(faults, "; ")}
	}
	return nil
}

// unlike is the first way in which the plan is not one that the configuration allows.
// Who has come into the configuration since the proposal has no part in the plan,
// and a policy may have become less strict; nobody in the plan may have gone or
// changed, and it may demand nothing less than the policy does.
func (p Plan) unlike(cluster Cluster) *difference {
	if !slices.Contains(cluster.Operations, p.Operation) {
		return otherConfig("operation "+string(p.Operation), fmt.Sprintf("operations %v", cluster.Operations))
	}
	if d := p.unlikePeople(cluster); d != nil {
		return d
	}
	if d := p.unlikeShares(cluster); d != nil {
		return d
	}
	return p.unlikePolicy(cluster)
}

func otherConfig(want, got string) *difference { return &difference{OtherConfig, want, got} }

// unlikePeople finds somebody in the plan who has not this part, account, key or
// class in the configuration.
func (p Plan) unlikePeople(cluster Cluster) *difference {
	proposers, receivers := cluster.Initiators, cluster.Receivers
	if p.Initiator == SealWatch {
		proposers = []Person{SealWatch}
	}
	if p.Operation == ReadBackup {
		receivers = slices.Concat(receivers, cluster.Holders)
	}
	var requester []Person
	if p.Requester != nil {
		requester = []Person{*p.Requester}
	}
	for _, part := range [...]struct {
		name             string
		plan, configured []Person
	}{
		{"initiator", []Person{p.Initiator}, proposers},
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
			if i := slices.IndexFunc(part.configured, func(c Person) bool { return c.Name == who.Name }); i >= 0 {
				got = part.name + " " + describe(part.configured[i])
			}
			return otherConfig(part.name+" "+describe(who), got)
		}
	}
	return nil
}

// unlikeShares holds what a rekey or an initialisation makes against the
// configuration.
func (p Plan) unlikeShares(cluster Cluster) *difference {
	if !p.Operation.MakesShares() {
		return nil
	}
	for _, r := range cluster.Receivers {
		if !slices.Contains(p.Receivers, r) {
			return otherConfig("no share for "+describe(r), "receiver "+describe(r))
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
		return otherConfig("backup in vault "+yesNo(p.Backup), yesNo(cluster.Backup))
	}
	return nil
}

// unlikePolicy finds something that the policy demands and the plan does not.
func (p Plan) unlikePolicy(cluster Cluster) *difference {
	policy := cluster.policy(p.Operation)
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
		if _, part := find(slices.Concat(p.Holders, p.Receivers), a.Account); policy.Separate && part {
			return otherConfig(a.Name+" may approve", "whoever holds or gets a share does not approve")
		}
	}
	var quiet Quiet
	if p.Quiet != nil {
		quiet = *p.Quiet
	}
	switch {
	case policy.Signed && !p.SignedApprovals:
		return otherConfig("approvals by button", "signed")
	case policy.Witness && len(p.Witnesses) == 0:
		return otherConfig("no witness", "a witness")
	case time.Duration(p.Cooling) < policy.Cooling:
		return otherConfig("cooling-off "+p.Cooling.String(), policy.Cooling.String())
	case policy.Quiet != (Quiet{}) && policy.Quiet != quiet:
		return otherConfig("quiet hours "+quiet.String(), policy.Quiet.String())
	case len(policy.Ways) > 0 && (len(p.Ways) == 0 || slices.ContainsFunc(p.Ways, func(w Way) bool { return !slices.Contains(policy.Ways, w) })):
		return otherConfig(fmt.Sprintf("ways in %v", p.Ways), fmt.Sprint(policy.Ways))
	case p.Closes.Sub(p.Proposed) > policy.Window:
		return otherConfig("a window of "+p.Closes.Sub(p.Proposed).String(), policy.Window.String())
	}
	return nil
}

// uncalled finds that the policy has more people show their keys than the plan. Of
// the people whom it does not call, the journals show that they have.
func (e *Engine) uncalled(p Plan, cluster Cluster) *difference {
	again := p
	again.RollCall, again.Present = nil, 0
	e.callRoll(&again, cluster.policy(p.Operation).RollCall)
	if p.Present < again.Present {
		return otherConfig(fmt.Sprintf("roll call, present needed %d", p.Present), fmt.Sprint(again.Present))
	}
	return nil
}

// stands says whether people alone can't thaw what was frozen for this reason: the
// program has to start anew, with another configuration or another journal.
func (why FreezeReason) stands() bool {
	return why == OtherBot || why == OtherConfig || why == NotSigned
}

// FrozenFor reports whether the ceremony is frozen for this reason, if perhaps not for
// this alone: a doubt may have frozen it once more.
func (c Ceremony) FrozenFor(why FreezeReason) bool {
	froze := c.last(func(e Event) bool { f, ok := e.(Froze); return ok && f.Why == why })
	return c.Freeze != nil && froze > c.last(is[Resumed])
}

// inDoubt says whether the ceremony must be frozen before anything else is done. What
// was sent to Vault is settled first, and what Vault has done is not undone.
func (c Ceremony) inDoubt(d *difference) bool {
	if d == nil || c.Ended() || c.Closing != nil || c.Freeze != nil && c.Freeze.Froze == d.freeze() {
		return false
	}
	if _, sent := c.Pending.submitting(); sent || c.Pending.begins() {
		return false
	}
	return c.State == StateFrozen || !c.done()
}
