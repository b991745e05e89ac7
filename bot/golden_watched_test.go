package bot

import (
	"strings"
	"testing"
	"time"

	"conclave/bot/render"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/ledger"
	"conclave/ceremony/rules"
)

// watchedPlan asks for everything that a policy can.
func watchedPlan() ceremony.Plan {
	p := rekeyPlan()
	p.Approvals, p.SignedApprovals = 1, true
	p.ApprovalsFrom = []ceremony.ClassQuota{{Class: "security", Count: 1}}
	p.Approvers = people("alice", "bob")
	p.Approvers[1].Class = "security"
	p.Witnesses = people("sue")
	p.Cooling = ceremony.Span(30 * time.Minute)
	p.Ways = []ceremony.Intake{ceremony.ByFile, ceremony.ByForm}
	p.RollCall, p.Present = people("carol", "dave"), 2
	return p
}

// watchedScenes returns the scenes with a roll call, a witness, or a person who objects.
func watchedScenes(t *testing.T) map[string]render.Message {
	history := func(s *scenario) render.Message { return render.History(s.c, s.entries[len(s.entries)-1]) }
	statusPost := func(s *scenario) render.Message { return render.StatusPost(s.asked(), rules.Live{}, noon) }
	outbox := func(s *scenario, kind rules.MessageKind, to string) render.Message {
		m, err := render.Notification(s.c, s.message(kind, to), testSigner{})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	const signed = "-----BEGIN PGP MESSAGE-----\n\nowE=\n-----END PGP MESSAGE-----\n"
	challenge := func(name string) ceremony.Challenge {
		return ceremony.Challenge{For: person(name), Ciphertext: signed, Digest: strings.Repeat("ab", 32), Notice: signed}
	}
	plan := watchedPlan()
	proposed := func() *scenario { return begin(t, plan) }
	approved := func() *scenario {
		s := proposed()
		return s.then(event.Approved{By: s.who("bob"), PlanHash: plan.Hash(), Signed: signed})
	}
	called := func() *scenario {
		return approved().then(event.RollCalled{Certificate: signed, Challenges: []ceremony.Challenge{challenge("carol"), challenge("dave")}})
	}
	one := func() *scenario { return called().then(event.Present{By: person("carol"), Signed: signed}) }
	asked := func() *scenario {
		return one().then(event.Present{By: person("dave"), Signed: signed}, event.WitnessAsked{Gate: ceremony.GateStart})
	}
	let := func() *scenario {
		return asked().then(event.Proceeded{By: person("sue"), Gate: ceremony.GateStart})
	}
	exception := let().then(event.ExceptionNoted{By: person("sue"), Text: "the room's <door> was open"})
	freezing := let().then(event.FreezeAsked{By: person("carol"), Why: "somebody called me", Signed: signed})
	frozen := let().then(event.FreezeAsked{By: person("carol")}, event.Frozen{Why: event.PersonStopped, Want: "nobody who objects", Got: "carol"})
	ended := func() *scenario {
		return let().then(event.Closing{Outcome: event.Expired}, event.Ended{Outcome: event.Expired, Vault: event.NothingToCancel})
	}
	agreed := ended().then(event.WitnessStated{By: person("sue"), Agrees: true})
	disagreed := ended().then(event.WitnessStated{By: person("sue"), Why: "the clock was wrong", Signed: signed})

	strict := ceremony.Cluster{
		Name: "prod", Operations: []ceremony.Operation{ceremony.Unseal, ceremony.Rekey}, Initiators: people("alice", "bob"),
		Approvers: people("alice", "bob"), Approvals: 1,
		Holders: people("alice", "bob"), Receivers: people("alice", "bob"), Witnesses: people("sue"), Window: 4 * time.Hour,
		Policies: map[ceremony.Operation]ceremony.Policy{ceremony.Rekey: {
			Approvals: 2, Classes: []ceremony.ClassQuota{{Class: "security", Count: 1}}, Signed: true, Separate: true,
			Witness: true,
			Window:  8 * time.Hour, Cooling: 30 * time.Minute,
			Quiet:    ceremony.Quiet{From: 22 * 60, To: 6 * 60, Zone: "Europe/Berlin"},
			RollCall: ceremony.RollCall{On: true, Needed: 3}, Ways: []ceremony.Intake{ceremony.ByFile, ceremony.ByForm},
		}},
	}

	return map[string]render.Message{
		"answer-holders-policy":     render.Holders([]ceremony.Cluster{strict}, func(string) []ledger.Exposure { return nil }),
		"watched-board":             statusPost(proposed()),
		"watched-approval":          outbox(proposed(), rules.ApprovalMessage, "bob"),
		"watched-approved":          history(approved()),
		"roll-call":                 outbox(called(), rules.RollCallMessage, "carol"),
		"roll-call-over":            outbox(ended(), rules.RollCallMessage, "carol"),
		"roll-call-history":         history(called()),
		"roll-call-board":           statusPost(one()),
		"roll-call-present":         history(one()),
		"roll-call-receipt":         outbox(one(), rules.ReceiptMessage, "carol"),
		"witness-gate":              outbox(asked(), rules.GateMessage, "sue"),
		"witness-gate-over":         outbox(let(), rules.GateMessage, "sue"),
		"witness-gate-history":      history(asked()),
		"witness-gate-board":        statusPost(asked()),
		"witness-proceeded":         history(let()),
		"witness-cooling-board":     statusPost(let()),
		"witness-exception":         history(exception),
		"witness-ask":               outbox(ended(), rules.WitnessMessage, "sue"),
		"witness-ask-over":          outbox(agreed, rules.WitnessMessage, "sue"),
		"witness-agreed":            history(agreed),
		"witness-disagreed":         history(disagreed),
		"witness-left":              history(ended().then(event.WitnessLeft{})),
		"freeze-asked":              history(freezing),
		"freeze-by-a-person":        history(frozen),
		"freeze-by-a-person-board":  statusPost(frozen),
		"freeze-by-a-person-decide": outbox(frozen, rules.FrozenMessage, "bob"),
	}
}
