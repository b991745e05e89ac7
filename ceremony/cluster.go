package ceremony

import (
	"cmp"
	"slices"
	"time"
)

// Cluster is one configured cluster.
type Cluster struct {
	Name  string
	Vault Vault

	Operations []Operation // that may be run here
	Initiators []Person    // who may propose
	Approvers  []Person    // who may approve
	Approvals  int         // how many of them must; at least 1, and the initiator never counts
	Witnesses  []Person    // who may watch and let the gated steps happen
	Policies   map[Operation]Policy
	Holders    []Person // who holds the shares in force
	Receivers  []Person // who gets the new shares of a rekey

	NewThreshold int  // of a rekey
	Verification bool // a rekey waits for proof of the new shares (P7)
	Backup       bool // Vault keeps a rekey's encrypted new shares
	Watch        bool // sealed nodes are noticed, and an unseal is opened for them
	Interference bool // what happens in Vault that no ceremony has done raises an alarm

	Owners []Person // who is told of an alarm

	DailyProposals int // how many ceremonies a person may open within a day; 0: as many as they like

	Window time.Duration // from the proposal until the ceremony closes
	Poll   time.Duration // how often Vault is compared with the plan while a ceremony is open
}

// Everybody returns the people with a part in the cluster, some of them more than once.
func (c Cluster) Everybody() []Person {
	return slices.Concat(c.Holders, c.Receivers, c.Initiators, c.Approvers, c.Owners, c.Witnesses)
}

// HoldsOrGets reports whether a person is a holder or a receiver.
func (c Cluster) HoldsOrGets(who Account) bool {
	_, ok := Find(slices.Concat(c.Holders, c.Receivers), who)
	return ok
}

// ReplacesShares returns the operation that makes the shares in force worthless.
func (c Cluster) ReplacesShares() Operation {
	if slices.Contains(c.Operations, RekeyRecovery) {
		return RekeyRecovery
	}
	return Rekey
}

// Policy returns what the cluster demands of an operation. Where the operation's policy
// leaves something out, the cluster's own values count.
func (c Cluster) Policy(op Operation) Policy {
	p := c.Policies[op]
	p.Approvals = cmp.Or(p.Approvals, c.Approvals)
	p.Window = cmp.Or(p.Window, c.Window)
	if !op.NeedsApproval() {
		p.Approvals, p.Classes, p.Signed, p.Cooling = 0, nil, false, 0
	}
	return p
}
