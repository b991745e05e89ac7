package ceremonytest

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"conclave/ceremony"
)

// SamplePlan returns the plan of a rekey.
func SamplePlan(id ceremony.ID) ceremony.Plan {
	olga := Person("olga")
	return ceremony.Plan{
		Ceremony: id, Operation: ceremony.Rekey, Cluster: "prod", ClusterID: "cluster-1", Reason: "<a> & b",
		Initiator: olga, Approvers: People("paul", "quin"), Approvals: 1,
		Holders: People(Holders...), Shares: 5, Threshold: 3,
		Receivers: People(Holders...), NewThreshold: 3, Verification: true, Backup: true,
		Identity: Fpr("identity"),
		Proposed: time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC), Closes: time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC),
	}
}

// Password is a one-time password.
const Password = "0123456789abcdefghijklmnopqr"

// Commitment returns the SHA-256 of s in lower-case hexadecimal digits.
func Commitment(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// PlanOf returns a plan of the operation as the engine would make it.
func PlanOf(op ceremony.Operation) ceremony.Plan {
	p := SamplePlan("prod-" + ceremony.ID(op) + "-aaaa")
	p.Operation = op
	if !op.NeedsApproval() {
		p.Approvals = 0
	}
	if !op.Rekeys() {
		p.Verification, p.Backup = false, false
	}
	if !op.MakesShares() && op != ceremony.ReadBackup {
		p.Receivers, p.NewThreshold = nil, 0
	}
	if op.IssuesToken() || op == ceremony.Init {
		p.Requester = &p.Initiator
	}
	switch op {
	case ceremony.Alarm:
		p.Initiator, p.Owners, p.Initiators = ceremony.InterferenceWatch, People("sue"), People("olga", "alice")
	case ceremony.Unseal:
		p.Nodes = []string{"n1", "n2"}
	case ceremony.Rotate:
		p.KeyTerm = 3
	case ceremony.RotateConfig:
		p.OldPolicy, p.NewPolicy = &ceremony.RotationPolicy{Enabled: true}, &ceremony.RotationPolicy{}
	}
	return p
}

// Demand adds to a plan what a policy may ask for, a demand for each bit.
func Demand(p *ceremony.Plan, bits byte) {
	if p.Operation == ceremony.Alarm {
		return
	}
	if bits&1 != 0 {
		p.Witnesses = People("wendy", "walt")
	}
	if bits&2 != 0 && p.Operation.NeedsApproval() {
		p.RollCall = p.Receivers
		if p.Requester != nil && p.OTP == "" {
			p.RollCall = append(slices.Clip(p.RollCall), *p.Requester)
		}
		p.Present = (len(p.RollCall) + 1) / 2
	}
	if bits&4 != 0 && p.Operation.NeedsApproval() {
		p.Approvers = People("paul", "quin")
		p.Approvers[0].Class, p.Approvers[1].Class = "security", "operations"
		p.ApprovalsFrom = []ceremony.ClassQuota{{Class: "security", Count: 1}, {Class: "operations", Count: 1}}
	}
	if bits&8 != 0 && p.Operation.NeedsApproval() {
		p.Cooling = ceremony.Span(10 * time.Second)
	}
	if bits&16 != 0 {
		p.Quiet = &ceremony.Quiet{From: 2 * 60, To: 3*60 + 1, Zone: "UTC"} // the minute of the proposal, too
	}
	if bits&32 != 0 {
		p.Ways = []ceremony.Intake{ceremony.ByText}
	}
	if bits&64 != 0 {
		p.SignedApprovals = true
	}
}

// Taken is the identity of a bot that was taken over.
const Taken = ceremony.Fingerprint("abababababababababababababababababababab")

// ForgedPlan returns a plan that a bot which was taken over could make up.
func ForgedPlan() ceremony.Plan {
	person := func(name string, key ceremony.Fingerprint) ceremony.Person {
		return ceremony.Person{Name: name, Account: ceremony.Account{Team: "T1", User: name}, Key: key}
	}
	return ceremony.Plan{
		Ceremony: "prod-rotate-k7m2", Operation: ceremony.Rotate, Cluster: "prod", Reason: "it is time",
		Initiator: person("alice", Fingerprint("a")),
		Approvers: []ceremony.Person{person("bob", "")}, Approvals: 1, SignedApprovals: true,
		Identity: Taken, Proposed: time.Unix(1770000000, 0).UTC(), Closes: time.Unix(1780000000, 0).UTC(),
	}
}

// ScriptPlan returns the plan of a rekey that begins now, whose only holder has this key.
func ScriptPlan(id ceremony.ID, key ceremony.Fingerprint) ceremony.Plan {
	person := func(name string) ceremony.Person {
		return ceremony.Person{Name: name, Account: ceremony.Account{Team: "T1", User: "U" + strings.ToUpper(name)}}
	}
	holder := person("alice")
	holder.Key = key
	now := time.Now().Truncate(time.Second)
	return ceremony.Plan{
		Ceremony: id, Operation: ceremony.Rekey, Cluster: "prod", ClusterID: "5c1b1c3e", Reason: "carol leaves",
		Initiator: holder, Approvers: []ceremony.Person{person("bob")}, Approvals: 1,
		Holders: []ceremony.Person{holder}, Shares: 1, Threshold: 1,
		Receivers: []ceremony.Person{holder}, NewThreshold: 1, Verification: true,
		Identity: Fingerprint("0"),
		Proposed: now, Closes: now.Add(time.Hour),
	}
}
