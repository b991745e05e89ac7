package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"conclave/ceremony"
)

const (
	rollCallOff = "off"
	rollCallAll = "all"
	// mostCooling is the longest cooling-off time that is accepted.
	mostCooling = 7 * 24 * time.Hour
)

// PolicyOf returns what the cluster demands of an operation. The configuration must have
// been checked.
func (c *Cluster) PolicyOf(op ceremony.Operation) ceremony.Policy {
	from := c.Policy[string(op)]
	if from == nil {
		from = &Policy{}
		from.setDefaults()
	}
	policy := ceremony.Policy{
		Approvals: from.Approvals, Classes: from.quotas(),
		Signed: from.Signed, Separate: from.Separate, Witness: from.Witness,
		Window: from.Window, Cooling: from.CoolingOff, RollCall: from.rollCall(op),
	}
	if from.QuietHours != "" {
		policy.Quiet, _ = ceremony.ParseQuiet(from.QuietHours)
	}
	for _, w := range from.Ways {
		policy.Ways = append(policy.Ways, ceremony.Intake(w))
	}
	return policy
}

// quotas returns how many approvals are asked for from each class, sorted by its name.
func (p *Policy) quotas() []ceremony.ClassQuota {
	count := map[string]int{}
	for _, class := range p.ApprovalsFrom {
		count[class]++
	}
	var quotas []ceremony.ClassQuota
	for _, class := range slices.Sorted(maps.Keys(count)) {
		quotas = append(quotas, ceremony.ClassQuota{Class: class, Count: count[class]})
	}
	return quotas
}

// rollCall returns who must answer the roll call of an operation.
func (p *Policy) rollCall(op ceremony.Operation) ceremony.RollCall {
	call := ceremony.RollCall{Fresh: p.RollCallFresh}
	switch p.RollCall {
	case "":
		call.On = op.MakesShares()
	case rollCallAll:
		call.On = true
	case rollCallOff:
	default:
		call.On = true
		call.Needed, _ = strconv.Atoi(p.RollCall)
	}
	return call
}

// policies checks what is demanded of each operation, and that the listed people can meet
// it.
func (k *check) policies(path string, c *Cluster) {
	for i, name := range c.Witnesses {
		where := fmt.Sprintf("%s.witnesses[%d]", path, i)
		if k.People[name] == nil {
			k.nobody(where, name)
		}
		for _, role := range []struct {
			name   string
			people []string
		}{{"approvers", c.Approvers}, {"holders", c.Holders}, {"receivers", c.Receivers}} {
			if slices.Contains(role.people, name) {
				k.complain(where, "%s is among the %s: a witness has no other part", name, role.name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Policy)) {
		at := path + ".policy." + name
		if !slices.Contains(c.Operations, name) {
			k.complain(at, "is about an operation that operations does not allow")
			continue
		}
		k.policy(at, ceremony.Operation(name), c)
	}
}

func (k *check) policy(at string, op ceremony.Operation, c *Cluster) {
	p := c.Policy[string(op)]
	if !op.NeedsApproval() {
		k.idle(at, "approvals, and "+string(op)+" needs none",
			"approvals", "approvals_from", "signed", "separate", "cooling_off")
	}
	if p.Approvals < 0 || k.line[at+".approvals"] > 0 && p.Approvals == 0 {
		k.complain(at+".approvals", "%d is less than 1: nothing is sent to Vault on one person's word", p.Approvals)
	}
	if p.Witness && len(c.Witnesses) == 0 {
		k.complain(at+".witness", "nobody is listed under witnesses")
	}
	if k.line[at+".window"] > 0 {
		k.between(at+".window", p.Window, time.Second, maxWindow)
	}
	if k.line[at+".cooling_off"] > 0 {
		k.between(at+".cooling_off", p.CoolingOff, 0, mostCooling)
		window := p.Window
		if window == 0 {
			window = c.Window
		}
		if p.CoolingOff >= window {
			k.complain(at+".cooling_off", "%s leaves nothing of the window of %s", short(p.CoolingOff), short(window))
		}
	}
	if p.QuietHours != "" {
		if _, err := ceremony.ParseQuiet(p.QuietHours); err != nil {
			k.complain(at+".quiet_hours", "%v", err)
		}
	}
	k.rollCall(at, op, p)
	for i, way := range p.Ways {
		k.oneOf(fmt.Sprintf("%s.ways[%d]", at, i), way,
			string(ceremony.ByText), string(ceremony.ByFile), string(ceremony.ByForm))
	}
	k.approvers(at, op, p, c)
}

func (k *check) rollCall(at string, op ceremony.Operation, p *Policy) {
	where := at + ".roll_call"
	if k.line[where] > 0 && !op.MakesShares() && !op.IssuesToken() && p.RollCall != rollCallOff {
		k.complain(where, "nothing is encrypted to anybody by %s", op)
		return
	}
	n, err := strconv.Atoi(p.RollCall)
	if err == nil && n < 1 || err != nil && !slices.Contains([]string{"", rollCallOff, rollCallAll}, p.RollCall) {
		k.complain(where, "%q is neither %s nor %s nor a number of people", p.RollCall, rollCallOff, rollCallAll)
	}
	if p.RollCallFresh < 0 {
		k.complain(at+".roll_call_fresh", "%s is less than nothing", short(p.RollCallFresh))
	}
}

// approvers makes sure that enough people may approve, for each initiator who may propose.
func (k *check) approvers(at string, op ceremony.Operation, p *Policy, c *Cluster) {
	if !op.NeedsApproval() {
		return
	}
	if p.Signed {
		for _, name := range c.Approvers {
			if who := k.People[name]; who != nil && who.Key == "" {
				k.complain(at+".signed", "%s approves and has no people.%s.key to sign with", name, name)
			}
		}
	}
	var may []string
	for _, name := range c.Approvers {
		part := op.TakesShares() && slices.Contains(c.Holders, name) ||
			op.MakesShares() && slices.Contains(c.KeyReceivers(), name)
		if k.People[name] != nil && !(p.Separate && part) {
			may = append(may, name)
		}
	}
	needed := cmp.Or(p.Approvals, c.Approvals)
	for _, initiator := range c.Initiators {
		others := slices.DeleteFunc(slices.Clone(may), func(a string) bool { return a == initiator })
		if len(others) < needed {
			k.complain(at, "%d approvals can't be reached when %s proposes: %d may approve then", needed, initiator, len(others))
		}
		for _, q := range p.quotas() {
			n := 0
			for _, name := range others {
				if k.People[name].Class == q.Class {
					n++
				}
			}
			if n < q.Count {
				k.complain(at+".approvals_from", "asks for %d of class %s, and %d may approve when %s proposes",
					q.Count, q.Class, n, initiator)
			}
		}
	}
}
