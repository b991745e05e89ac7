package ceremony_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
)

func TestPlanTextIsCanonical(t *testing.T) {
	plan := ceremonytest.SamplePlan("prod-rekey-aaaa")
	text := plan.Text()
	if strings.Count(text, "\n") != strings.Count(text, ": ")+1 {
		t.Errorf("a line is not a key and a value:\n%s", text)
	}
	changes := map[string]func(*ceremony.Plan){
		"operation":  func(p *ceremony.Plan) { p.Operation = ceremony.GenerateRoot },
		"cluster":    func(p *ceremony.Plan) { p.Cluster = "dev" },
		"cluster id": func(p *ceremony.Plan) { p.ClusterID = "x" },
		"reason":     func(p *ceremony.Plan) { p.Reason = "x" },
		"initiator":  func(p *ceremony.Plan) { p.Initiator = ceremonytest.Person("quin") },
		"approvers":  func(p *ceremony.Plan) { p.Approvers = p.Approvers[:1] },
		"approvals":  func(p *ceremony.Plan) { p.Approvals = 2 },
		"holders":    func(p *ceremony.Plan) { p.Holders = p.Holders[1:] },
		"a holder's key": func(p *ceremony.Plan) {
			p.Holders = slices.Clone(p.Holders)
			p.Holders[0].Key = ceremonytest.Fpr("x")
		},
		"shares":            func(p *ceremony.Plan) { p.Shares = 6 },
		"threshold":         func(p *ceremony.Plan) { p.Threshold = 2 },
		"receivers":         func(p *ceremony.Plan) { p.Receivers = p.Receivers[1:] },
		"new threshold":     func(p *ceremony.Plan) { p.NewThreshold = 2 },
		"verification":      func(p *ceremony.Plan) { p.Verification = false },
		"backup":            func(p *ceremony.Plan) { p.Backup = false },
		"requester":         func(p *ceremony.Plan) { p.Requester = &p.Initiator },
		"identity":          func(p *ceremony.Plan) { p.Identity = ceremonytest.Fpr("x") },
		"proposed":          func(p *ceremony.Plan) { p.Proposed = p.Proposed.Add(time.Second) },
		"closes":            func(p *ceremony.Plan) { p.Closes = p.Closes.Add(time.Second) },
		"ceremony":          func(p *ceremony.Plan) { p.Ceremony = "x" },
		"nodes":             func(p *ceremony.Plan) { p.Nodes = []string{"n1"} },
		"seal":              func(p *ceremony.Plan) { p.Seal = ceremonytest.Transit },
		"one-time password": func(p *ceremony.Plan) { p.OTP = ceremonytest.Commitment("x") },
		"key term":          func(p *ceremony.Plan) { p.KeyTerm = 2 },
		"token's end":       func(p *ceremony.Plan) { p.TokenExpires = p.Closes },
		"owners":            func(p *ceremony.Plan) { p.Owners = p.Approvers[:1] },
		"who may propose":   func(p *ceremony.Plan) { p.Initiators = p.Approvers[:1] },
		"rotation policy": func(p *ceremony.Plan) {
			p.OldPolicy, p.NewPolicy = &ceremony.RotationPolicy{}, &ceremony.RotationPolicy{Enabled: true}
		},
	}
	for what, change := range changes {
		other := plan
		change(&other)
		if other.Hash() == plan.Hash() {
			t.Errorf("another %s has the same hash", what)
		}
	}
}

func TestFingerprintIsReadAsPeopleWriteIt(t *testing.T) {
	want := ceremony.Fingerprint("e58294f2e9a227486e8b061b31cc528fd7fa3f19")
	for _, s := range []string{
		"e58294f2e9a227486e8b061b31cc528fd7fa3f19", "E58294F2E9A227486E8B061B31CC528FD7FA3F19",
		"E582 94F2 E9A2 2748 6E8B  061B 31CC 528F D7FA 3F19", "0xE58294F2E9A227486E8B061B31CC528FD7FA3F19",
	} {
		if got, err := ceremony.ParseFingerprint(s); err != nil || got != want {
			t.Errorf("%q: %q, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "e58294f2", "e58294f2e9a227486e8b061b31cc528fd7fa3f1g", "31CC528FD7FA3F19"} {
		if got, err := ceremony.ParseFingerprint(s); err == nil {
			t.Errorf("%q is read as %q", s, got)
		}
	}
}
