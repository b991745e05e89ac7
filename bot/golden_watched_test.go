package bot

import (
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
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
	p.Ways = []ceremony.Way{ceremony.ByFile, ceremony.ByForm}
	p.RollCall, p.Present = people("carol", "dave"), 2
	return p
}

// watchedScenes are people who are called, who watch, and who object.
func watchedScenes(t *testing.T) map[string]message {
	history := func(s *tale) message { return renderHistory(s.c, s.entries[len(s.entries)-1]) }
	board := func(s *tale) message { return renderBoard(s.asked(), ceremony.Live{}, noon) }
	outbox := func(s *tale, kind ceremony.MessageKind, to string) message {
		m, err := render(s.c, s.message(kind, to), nil)
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
	proposed := func() *tale { return begin(t, plan) }
	approved := func() *tale {
		s := proposed()
		return s.then(ceremony.Approved{By: s.who("bob"), PlanHash: plan.Hash(), Signed: signed})
	}
	called := func() *tale {
		return approved().then(ceremony.RollCalled{Certificate: signed, Challenges: []ceremony.Challenge{challenge("carol"), challenge("dave")}})
	}
	one := func() *tale { return called().then(ceremony.Present{By: person("carol"), Signed: signed}) }
	asked := func() *tale {
		return one().then(ceremony.Present{By: person("dave"), Signed: signed}, ceremony.WitnessAsked{Gate: ceremony.GateStart})
	}
	let := func() *tale {
		return asked().then(ceremony.Proceeded{By: person("sue"), Gate: ceremony.GateStart})
	}
	exception := let().then(ceremony.ExceptionNoted{By: person("sue"), Text: "the room's <door> was open"})
	freezing := let().then(ceremony.FreezeAsked{By: person("carol"), Why: "somebody called me", Signed: signed})
	frozen := let().then(ceremony.FreezeAsked{By: person("carol")}, ceremony.Froze{Why: ceremony.PersonStopped, Want: "nobody who objects", Got: "carol"})
	ended := func() *tale {
		return let().then(ceremony.Closing{Outcome: ceremony.Expired}, ceremony.Ended{Outcome: ceremony.Expired, Vault: ceremony.NothingToCancel})
	}
	agreed := ended().then(ceremony.WitnessStated{By: person("sue"), Agrees: true})
	disagreed := ended().then(ceremony.WitnessStated{By: person("sue"), Why: "the clock was wrong", Signed: signed})

	strict := ceremony.Cluster{
		Name: "prod", Operations: []ceremony.Operation{ceremony.Unseal, ceremony.Rekey}, Initiators: people("alice", "bob"), Approvers: people("alice", "bob"), Approvals: 1,
		Holders: people("alice", "bob"), Receivers: people("alice", "bob"), Witnesses: people("sue"), Window: 4 * time.Hour,
		Policies: map[ceremony.Operation]ceremony.Policy{ceremony.Rekey: {
			Approvals: 2, Classes: []ceremony.ClassQuota{{Class: "security", Count: 1}}, Signed: true, Separate: true, Witness: true,
			Window: 8 * time.Hour, Cooling: 30 * time.Minute, Quiet: ceremony.Quiet{From: 22 * 60, To: 6 * 60, Zone: "Europe/Berlin"},
			RollCall: ceremony.RollCall{On: true, Needed: 3}, Ways: []ceremony.Way{ceremony.ByFile, ceremony.ByForm},
		}},
	}

	return map[string]message{
		"answer-holders-policy":     renderHolders([]ceremony.Cluster{strict}, nil),
		"watched-board":             board(proposed()),
		"watched-approval":          outbox(proposed(), ceremony.ApprovalMessage, "bob"),
		"watched-approved":          history(approved()),
		"roll-call":                 outbox(called(), ceremony.RollCallMessage, "carol"),
		"roll-call-over":            outbox(ended(), ceremony.RollCallMessage, "carol"),
		"roll-call-history":         history(called()),
		"roll-call-board":           board(one()),
		"roll-call-present":         history(one()),
		"roll-call-receipt":         outbox(one(), ceremony.ReceiptMessage, "carol"),
		"witness-gate":              outbox(asked(), ceremony.GateMessage, "sue"),
		"witness-gate-over":         outbox(let(), ceremony.GateMessage, "sue"),
		"witness-gate-history":      history(asked()),
		"witness-gate-board":        board(asked()),
		"witness-proceeded":         history(let()),
		"witness-cooling-board":     board(let()),
		"witness-exception":         history(exception),
		"witness-ask":               outbox(ended(), ceremony.WitnessMessage, "sue"),
		"witness-ask-over":          outbox(agreed, ceremony.WitnessMessage, "sue"),
		"witness-agreed":            history(agreed),
		"witness-disagreed":         history(disagreed),
		"witness-left":              history(ended().then(ceremony.WitnessLeft{})),
		"freeze-asked":              history(freezing),
		"freeze-by-a-person":        history(frozen),
		"freeze-by-a-person-board":  board(frozen),
		"freeze-by-a-person-decide": outbox(frozen, ceremony.FrozenMessage, "bob"),
	}
}
