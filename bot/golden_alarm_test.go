package bot

import (
	"testing"
	"time"

	"conclave/bot/render"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/ledger"
	"conclave/ceremony/rules"
)

func alarmPlan() ceremony.Plan {
	p := plainPlan("prod-alarm-w4hk", ceremony.Alarm)
	p.Reason, p.Initiator, p.Approvals = string(ceremony.ForeignStart), ceremony.InterferenceWatch, 0
	p.Holders, p.Shares, p.Threshold = nil, 0, 0
	p.Owners, p.Initiators = people("sue", "bob"), people("alice", "bob")
	p.Closes = p.Proposed.Add(7 * 24 * time.Hour)
	return p
}

// findings are one of each kind, and of each case that is told differently.
func findings() map[string]event.Noticed {
	const none = "no attempt in progress"
	rekey := "0 of 3 shares; makes 5 shares, threshold 3, verification no; for no PGP key"
	mallory := person("mallory")
	return map[string]event.Noticed{
		"foreign-start":         {Kind: ceremony.ForeignStart, Operation: ceremony.Rekey, Subject: nonce2, Want: none, Got: rekey},
		"foreign-cancel-ours":   {Kind: ceremony.ForeignCancel, Operation: ceremony.Rekey, Subject: nonce1, Of: "prod-rekey-k7m2", Want: "attempt " + nonce1, Got: none},
		"foreign-cancel-rekey":  {Kind: ceremony.ForeignCancel, Operation: ceremony.Rekey, Subject: nonce2, Want: rekey, Got: none},
		"foreign-cancel-root":   {Kind: ceremony.ForeignCancel, Operation: ceremony.GenerateRoot, Subject: nonce2, Want: "2 of 3 shares; for no PGP key", Got: none},
		"foreign-end":           {Kind: rules.ForeignEnd, Operation: ceremony.Rekey, Subject: nonce1, Of: "prod-rekey-k7m2"},
		"foreign-progress-ours": {Kind: ceremony.ForeignProgress, Operation: ceremony.Rekey, Subject: nonce1, Of: "prod-rekey-k7m2", Want: "1 shares counted", Got: "2"},
		"foreign-progress":      {Kind: ceremony.ForeignProgress, Operation: ceremony.GenerateRoot, Subject: nonce2, Want: "1 of 3 shares; for no PGP key", Got: "2 of 3 shares; for no PGP key"},
		"foreign-progress-node": {Kind: ceremony.ForeignProgress, Operation: ceremony.Unseal, Subject: vault1, Want: "no share entered", Got: "1 of 3 shares entered"},
		"key-term":              {Kind: ceremony.TermChanged, Term: 7, Want: "term 6", Got: "term 7", Perhaps: true},
		"sealed":                {Kind: ceremony.SealChanged, Subject: vault1, Want: "unsealed", Got: "sealed"},
		"unsealed":              {Kind: ceremony.SealChanged, Subject: vault1, Want: "sealed", Got: "unsealed"},
		"cluster":               {Kind: ceremony.ClusterChanged, Want: "5f0e5a2c-prod", Got: "77c1d9aa-else"},
		"journal-not-adopted": {
			Kind: ceremony.NotAdopted, Got: "7 ceremonies: prod-rekey-bbbb, prod-rekey-aaaa and 5 more",
		},
		"journal-broken": {
			Kind: ceremony.JournalBroken, Subject: "prod-rekey-bbbb", Got: "line 3: it does not follow line 2, which was changed",
		},
		"journal-broken-more":   {Kind: ceremony.JournalBroken, Got: "25 ceremonies: a, b, c, d, e and 20 more"},
		"key-changed":           {Kind: ceremony.KeyChanged, Want: "3 of 5 shares", Got: "1 of 1 shares"},
		"journal-lost":          {Kind: ceremony.RolledBack, Subject: "prod-rekey-k7m2", Of: "prod-rekey-k7m2", Want: "line 57, hash 3f2a9c0d51b7e846", Got: "not there"},
		"journal-older":         {Kind: ceremony.RolledBack, Subject: "prod-drill-m4nd", Of: "prod-drill-m4nd", Want: "line 30, hash 3f2a9c0d51b7e846", Got: "line 21, hash 7d10c6a2f98e4b35"},
		"journal-taken-over":    {Kind: ceremony.TakenOver, Subject: "prod-rekey-k7m2", Of: "prod-rekey-k7m2", Want: "lines of this identity", Got: "lines 1 to 30: no authentication code"},
		"journal-fewer":         {Kind: ceremony.RolledBack, Want: "12 ceremonies", Got: "11"},
		"exposed-share":         {Kind: ceremony.ExposedShare, Operation: ceremony.Rekey, By: &mallory},
		"exposed-share-unknown": {Kind: ceremony.ExposedShare, Operation: ceremony.RekeyRecovery},
		"many-proposals":        {Kind: ceremony.ManyProposals, Subject: "20", By: &mallory},
		"exposed-token":         {Kind: ceremony.ExposedToken, By: &mallory},
		"exposed-key":           {Kind: ceremony.ExposedKey, Operation: ceremony.Rekey, By: &mallory},
		"exposed-envelope":      {Kind: ceremony.ExposedEnvelope, Operation: ceremony.Rekey, By: &mallory},
	}
}

// alarmScenes are an alarm as its owners read it, of each kind of finding, and its
// status post.
func alarmScenes(t *testing.T) map[string]render.Message {
	t.Helper()
	all := map[string]render.Message{}
	kinds := findings()
	for name, n := range kinds {
		s := begin(t, alarmPlan()).then(n)
		m, err := render.Notification(s.c, s.message(rules.AlarmMessage, "sue"), testSigner{})
		if err != nil {
			t.Fatal(err)
		}
		all["alarm-"+name] = m
	}
	raised := func() *scenario {
		return begin(t, alarmPlan()).then(kinds["foreign-start"], kinds["foreign-progress"], kinds["sealed"])
	}
	history := func(s *scenario) render.Message { return render.History(s.c, s.entries[len(s.entries)-1]) }
	statusPost := func(s *scenario) render.Message { return render.StatusPost(s.asked(), rules.Live{}, noon) }
	sue := event.Acknowledged{By: person("sue"), Why: "a colleague has tried something out"}
	acknowledged := raised().then(sue)
	all["alarm-history-noticed"] = history(raised())
	all["alarm-history-acknowledged"] = history(acknowledged)
	acknowledged.then(event.Ended{Outcome: event.Completed, Vault: event.NothingToCancel})
	expired := raised().then(event.Closing{Outcome: event.Expired}, event.Ended{Outcome: event.Expired, Vault: event.NothingToCancel})
	all["alarm-board"] = statusPost(raised())
	all["alarm-board-acknowledged"] = statusPost(acknowledged)
	all["alarm-board-expired"] = statusPost(expired)
	all["alarm-over"] = render.Alarm(acknowledged.c, acknowledged.entries[1])

	exposed := begin(t, alarmPlan()).then(kinds["exposed-share"], kinds["exposed-key"])
	all["answer-holders-exposed"] = render.Holders([]ceremony.Cluster{{
		Name: "prod", Operations: ceremony.Operations(), Initiators: people("alice"), Approvers: people("bob"), Approvals: 1,
		Holders: people("alice", "mallory"), Receivers: people("alice", "mallory"), Window: 4 * time.Hour,
		Owners: people("sue"),
	}}, func(cluster string) []ledger.Exposure { return ledger.Exposures([]rules.State{exposed.c}, cluster) })
	return all
}
