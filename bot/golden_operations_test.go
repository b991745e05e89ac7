package bot

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"conclave/bot/render"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/ledger"
	"conclave/ceremony/rules"
)

const (
	vault0, vault1, vault2 = "https://vault-0.prod.example:8200", "https://vault-1.prod.example:8200", "https://vault-2.prod.example:8200"

	encodedToken = "EF4dWjFqJzYnCAQsUh8YSxUfPQ0iJwU1RDYQKA"
)

// plainPlan is a plan with nothing in it that only one operation has.
func plainPlan(id string, op ceremony.Operation) ceremony.Plan {
	p := rekeyPlan()
	p.Ceremony, p.Operation, p.Reason = ceremony.ID(id), op, "OPS-500"
	p.Receivers, p.NewThreshold, p.Verification, p.Backup = nil, 0, false, false
	if !op.TakesShares() {
		p.Holders, p.Shares, p.Threshold = nil, 0, 0
	}
	return p
}

func initPlan(seal string) ceremony.Plan {
	p := plainPlan("new-init-p3xq", ceremony.Init)
	p.Cluster, p.ClusterID, p.Seal, p.Nodes = "new", "", seal, []string{vault0, vault1, vault2}
	p.Receivers, p.NewThreshold, p.Requester = people("alice", "bob", "carol", "dave", "erin"), 3, new(person("alice"))
	return p
}

func unsealPlan() ceremony.Plan {
	p := plainPlan("prod-unseal-t8wd", ceremony.Unseal)
	p.Nodes, p.Approvals, p.Reason = []string{vault0, vault1, vault2}, 0, "a node is sealed"
	p.Initiator = ceremony.SealWatch
	return p
}

func tokenPlan(id string, op ceremony.Operation) ceremony.Plan {
	p := plainPlan(id, op)
	p.Requester = new(person("alice"))
	return p
}

// passwordPlan is the plan of a requester without a PGP key.
func passwordPlan() ceremony.Plan {
	p := tokenPlan("prod-generate-root-h6ns", ceremony.GenerateRoot)
	p.Requester.Key, p.OTP = "", commitment
	p.Initiator.Key, p.Approvers[0].Key = "", ""
	return p
}

func rotatePlan() ceremony.Plan {
	p := plainPlan("prod-rotate-b2yk", ceremony.Rotate)
	p.KeyTerm = 6
	return p
}

func policyPlan() ceremony.Plan {
	p := plainPlan("prod-rotate-config-v9cz", ceremony.RotateConfig)
	p.OldPolicy = &ceremony.RotationPolicy{Enabled: true, MaxOperations: 3_865_470_566}
	p.NewPolicy = &ceremony.RotationPolicy{Enabled: true, MaxOperations: 2_000_000_000, Interval: 90 * 24 * time.Hour}
	return p
}

func backupPlan() ceremony.Plan {
	p := plainPlan("prod-backup-m5jr", ceremony.ReadBackup)
	p.Seal, p.Receivers = "shamir", people("alice", "bob", "carol", "dave", "erin")
	return p
}

func drillPlan() ceremony.Plan { return plainPlan("prod-drill-c4tv", ceremony.Drill) }

// approvedScenario is a ceremony that bob has approved.
func approvedScenario(t *testing.T, p ceremony.Plan) *scenario {
	s := begin(t, p)
	return s.then(event.Approved{By: s.who("bob"), PlanHash: p.Hash()})
}

// issued is a ceremony whose token was made.
func issued(t *testing.T, p ceremony.Plan, ended ...event.Event) *scenario {
	s := started(t, p)
	s.counted("bob", ceremony.StepUpdate, nonce1).counted("carol", ceremony.StepUpdate, nonce1)
	return s.share("dave", ceremony.StepUpdate, nonce1,
		event.TokenIssued{By: person("dave"), Ciphertext: "d2NGTUE=", Keys: p.Recipients()},
		event.Ended{Outcome: event.Completed, Vault: event.AttemptUsed}).then(ended...)
}

func node(address string, sealed bool, progress int) ceremony.NodeState {
	return ceremony.NodeState{Address: address, Reached: true, Sealed: sealed, Progress: progress}
}

func silent(address string) ceremony.NodeState { return ceremony.NodeState{Address: address} }

// unsealing is an unseal that the seal watch opened, of three nodes.
func unsealing(t *testing.T, nodes ...ceremony.NodeState) *scenario {
	return begin(t, unsealPlan()).then(
		event.Started{Nonce: nonce1, Required: 3},
		event.NodesSeen{Nodes: nodes},
		event.KeyAnnounced{Key: announced(ceremony.StepUnseal, nonce1)},
	)
}

// entered sends a person's share to every node that wants it.
func (s *scenario) entered(name string, not []string, nodes ...ceremony.NodeState) *scenario {
	var at []string
	for _, n := range s.c.Nodes {
		refused := false
		for _, a := range not {
			refused = refused || a == n.Address
		}
		if n.Reached && n.Sealed && !refused {
			at = append(at, n.Address)
		}
	}
	return s.share(name, ceremony.StepUnseal, nonce1, event.Entered{By: s.who(name), At: at, Not: not, Nodes: nodes})
}

func drilling(t *testing.T) *scenario {
	return approvedScenario(t, drillPlan()).then(
		event.Started{Nonce: nonce1, Required: 5},
		event.KeyAnnounced{Key: announced(ceremony.StepDrill, nonce1)},
	)
}

func (s *scenario) proves(name string) *scenario {
	at := ceremony.Ref{Channel: "D" + name, TS: fmt.Sprintf("1.%d", len(s.entries))}
	return s.then(
		event.Offered{By: s.who(name), Step: ceremony.StepDrill, Message: at},
		event.Proven{By: s.who(name), Message: at},
	)
}

func (s *scenario) fails(name string, step ceremony.Step, why ceremony.Refusal) *scenario {
	at := ceremony.Ref{Channel: "D" + name, TS: fmt.Sprintf("1.%d", len(s.entries))}
	return s.then(
		event.Offered{By: s.who(name), Step: step, Message: at},
		event.Declined{By: s.who(name), Step: step, Message: at, Reason: why},
	)
}

// posted has everything that is due to people lie in Slack.
func (s *scenario) posted(kind rules.MessageKind) *scenario {
	for _, m := range s.c.Due() {
		if m.Kind == kind {
			s.then(event.Posted{Key: m.Key, Ref: ceremony.Ref{Channel: "D1", TS: "1.1"}})
		}
	}
	return s
}

func backupOf(of ceremony.ID, outcome event.Outcome, shares ...event.NewShare) event.BackupRead {
	return event.BackupRead{Nonce: nonce2, Of: of, Outcome: outcome, Shares: shares}
}

// operationScenes are those of the operations that came after the first three.
func operationScenes(t *testing.T) map[string]render.Message {
	t.Helper()
	now := noon.Add(37 * time.Minute)
	answers := rules.Live{Since: noon.Add(6 * time.Minute)}
	statusPost := func(s *scenario) render.Message { return render.StatusPost(s.asked(), answers, now) }
	last := func(s *scenario) render.Message { return render.History(s.c, s.entries[len(s.entries)-1]) }
	history := func(s *scenario, typeName string) render.Message {
		for _, e := range s.entries {
			if event.TypeOf(e.Event) == typeName {
				return render.History(s.c, e)
			}
		}
		t.Fatalf("nothing is %s", typeName)
		return render.Message{}
	}
	outbox := func(s *scenario, kind rules.MessageKind, to string) render.Message {
		m, err := render.Notification(s.c, s.message(kind, to), testSigner{})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	approval := func(p ceremony.Plan) render.Message { return outbox(begin(t, p), rules.ApprovalMessage, "bob") }
	done := event.Ended{Outcome: event.Completed, Vault: event.NothingToCancel}
	made := func(p ceremony.Plan) *scenario {
		return approvedScenario(t, p).then(event.Acting{Act: event.Initializing}, event.Initialized{Shares: newShares(), Token: "d2NGTUE="})
	}

	// Init.
	initialized := made(initPlan("shamir"))
	initDone := made(initPlan("shamir")).posted(rules.DeliveryMessage).posted(rules.TokenMessage).
		then(event.Ended{Outcome: event.Completed, Vault: event.AttemptUsed})
	initAuto := made(initPlan("transit")).then(event.Ended{Outcome: event.Completed, Vault: event.AttemptUsed})
	initActing := approvedScenario(t, initPlan("shamir")).then(event.Acting{Act: event.Initializing})
	initLost := approvedScenario(t, initPlan("shamir")).then(event.Acting{Act: event.Initializing},
		event.Closing{Outcome: event.Failed, Fault: ceremony.InitLost}, event.Ended{Outcome: event.Failed,
			Vault: event.AttemptUsed})

	// Unseal.
	sealed := func() *scenario { return unsealing(t, node(vault0, true, 0), node(vault1, true, 0), silent(vault2)) }
	byHand := unsealPlan()
	byHand.Initiator, byHand.Reason = person("alice"), ""
	opened := begin(t, byHand)
	one := sealed().entered("bob", nil, node(vault0, true, 1), node(vault1, true, 1), silent(vault2))
	foreign := sealed().entered("bob", []string{vault1}, node(vault0, true, 1), node(vault1, true, 0), silent(vault2)).
		then(event.NodesSeen{Nodes: []ceremony.NodeState{node(vault0, true, 2), node(vault1, true, 0), silent(vault2)}})
	half := sealed().entered("bob", []string{vault1}, node(vault0, true, 1), silent(vault1), silent(vault2))
	waits := sealed().then(event.NodesSeen{Nodes: []ceremony.NodeState{node(vault0, false, 0), node(vault1, false, 0), silent(vault2)}})
	again := sealed().entered("bob", nil, node(vault0, true, 1), node(vault1, false, 0), silent(vault2)).
		then(event.NodesSeen{Nodes: []ceremony.NodeState{node(vault0, true, 1), node(vault1, false, 0),
			node(vault2, true, 0)}},
			event.KeyAnnounced{Key: announced(ceremony.StepUnseal, nonce1)})
	refused := sealed().entered("bob", nil, node(vault0, true, 1), node(vault1, true, 1), silent(vault2)).
		entered("carol", nil, node(vault0, true, 2), node(vault1, true, 2), silent(vault2)).
		share("erin", ceremony.StepUnseal, nonce1,
			event.RoundRefused{Step: ceremony.StepUnseal, Round: 1, With: people("bob", "carol", "erin"),
				Nodes: []string{vault0, vault1}})
	unsealed := sealed().entered("bob", nil, node(vault0, false, 0), node(vault1, false, 0), node(vault2, false, 0)).
		then(done)
	mostly := sealed().then(event.NodesSeen{Nodes: []ceremony.NodeState{node(vault0, false, 0), node(vault1, false, 0), silent(vault2)}},
		event.Closing{Outcome: event.Completed}, done)
	tooFew := sealed().entered("bob", nil, node(vault0, true, 1), silent(vault1), silent(vault2)).
		then(event.Closing{Outcome: event.Expired}, event.Ended{Outcome: event.Expired, Vault: event.AttemptDropped})
	forgetting := sealed().entered("bob", nil, node(vault0, true, 1), silent(vault1), silent(vault2)).
		then(event.ResetAsked{By: person("bob")}, event.Dropping{Step: ceremony.StepUnseal, Nonce: nonce1})
	forgot := &scenario{t: t, entries: forgetting.entries}
	forgot.then(event.NodesSeen{Nodes: []ceremony.NodeState{node(vault0, true, 0), silent(vault1), silent(vault2)}},
		event.RoundReset{Step: ceremony.StepUnseal, Nonce: nonce1})
	unsealFrozen := sealed().then(event.Frozen{Why: event.VaultDiffers, Want: vault0 + ": 3 of 5 shares", Got: "2 of 3"})

	// Rekey: what only some plans have.
	unverified := rekeyPlan()
	unverified.Verification, unverified.Backup = false, false
	unverified.Receivers, unverified.NewThreshold = people("alice", "bob", "carol"), 2
	unverified.TokenExpires = noon.Add(time.Hour)
	made2 := started(t, unverified).counted("bob", ceremony.StepUpdate, nonce1).
		counted("carol", ceremony.StepUpdate, nonce1).
		share("erin", ceremony.StepUpdate, nonce1,
			event.Rekeyed{By: person("erin"), Shares: newShares()[:3], Keys: unverified.Recipients()})
	single := rekeyPlan()
	single.Receivers, single.NewThreshold = people("carol"), 1
	single.Receivers[0].Key = ceremony.Fingerprint(strings.Repeat("f", 40))
	dropped := rekeyed(t).then(event.KeyAnnounced{Key: announced(ceremony.StepVerify, nonce2)},
		event.VerificationDropped{By: person("bob")}, event.Dropping{Step: ceremony.StepVerify, Nonce: nonce2})

	reminded := rekeyDone(t).then(event.BackupReminded{Number: 1})
	forgotten := rekeyDone(t).then(event.BackupReminded{Number: 7}, event.BackupLeft{})
	cleared := rekeyDone(t).then(event.BackupReminded{Number: 1}, event.BackupDeleted{})

	// Tokens.
	owed := issued(t, rootPlan())
	given := issued(t, rootPlan(), event.AccessorGiven{By: person("alice"), Accessor: accessor}, event.Reminded{Number: 1})
	gone := issued(t, rootPlan(), event.AccessorGiven{By: person("alice"), Accessor: accessor}, event.TokenRevoked{})
	believed := issued(t, rootPlan(), event.Reminded{Number: 1}, event.TokenRevoked{By: new(person("alice"))})
	left := issued(t, rootPlan(), event.Reminded{Number: 9}, event.TokenLeft{})
	signed := issued(t, rootPlan())
	signed.then(event.TranscriptSigned{Number: 1, Lines: signed.c.Seq(), SHA256: strings.Repeat("5a", 32),
		Signature: "d2NGTUE="})
	count := issued(t, rootPlan()).c.Seq()
	witnessed := issued(t, rootPlan()).
		then(event.TranscriptSigned{Number: 1, Lines: count, SHA256: strings.Repeat("5a", 32),
			Archives: []string{"time stamp", "bucket", "directory"}}).
		then(event.Archived{
			Number: 1, Where: "time stamp", SHA256: strings.Repeat("5a", 32), TimeStamp: "MAA=",
			Receipt: "2026-03-01 14:03:07 UTC by CN=Time <stamps>, number 2f",
		})
	notKept := issued(t, rootPlan()).
		then(event.TranscriptSigned{Number: 1, Lines: count, SHA256: strings.Repeat("5a", 32), Archives: []string{"bucket"}}).
		then(event.ArchiveFailed{Number: 1, Where: "bucket"})
	asked := approvedScenario(t, passwordPlan()).then(event.KeyAnnounced{Key: announced(ceremony.StepOTP, nonce1)})
	wrongPassword := approvedScenario(t, passwordPlan()).
		then(event.KeyAnnounced{Key: announced(ceremony.StepOTP, nonce1)}).
		fails("alice", ceremony.StepOTP, ceremony.OtherPassword)
	exposed := approvedScenario(t, passwordPlan()).then(event.KeyAnnounced{Key: announced(ceremony.StepOTP, nonce1)}).
		fails("alice", ceremony.StepOTP, ceremony.PlainPassword).
		then(event.Closing{Outcome: event.Failed, Fault: ceremony.PlainPassword},
			event.Ended{Outcome: event.Failed, Vault: event.NothingToCancel})
	passwordLost := approvedScenario(t, passwordPlan()).then(event.KeyAnnounced{Key: announced(ceremony.StepOTP, nonce1)},
		event.Starting{Attempt: 1}, event.PasswordLost{})
	encoded := approvedScenario(t, passwordPlan()).
		then(event.Starting{Attempt: 1}, event.Started{Nonce: nonce1, Required: 3}).
		counted("bob", ceremony.StepUpdate, nonce1).counted("carol", ceremony.StepUpdate, nonce1).
		share("dave", ceremony.StepUpdate, nonce1, event.TokenIssued{By: person("dave"), Encoded: encodedToken})
	recovery := issued(t, tokenPlan("prod-recovery-token-x7fg", ceremony.RecoveryToken))
	secondary := issued(t, tokenPlan("prod-dr-token-n8kl", ceremony.DRToken))
	drPassword := passwordPlan()
	drPassword.Operation = ceremony.DRToken

	wrongKey := started(t, rootPlan())
	wrongKey.counted("bob", ceremony.StepUpdate, nonce1).counted("carol", ceremony.StepUpdate, nonce1).
		share("dave", ceremony.StepUpdate, nonce1,
			event.TokenIssued{By: person("dave"), Ciphertext: "d2NGTUE=", Keys: []ceremony.Fingerprint{person("erin").Key}},
			event.Frozen{Why: event.VaultDiffers, Want: "a token for AAAA", Got: "EEEE"},
			event.Closing{Outcome: event.Cancelled, By: new(person("bob"))}, event.Ended{Outcome: event.Cancelled,
				Vault: event.NothingToCancel})

	// Rotate and its policy.
	rotated := approvedScenario(t, rotatePlan()).then(event.Acting{Act: event.Rotating},
		event.Rotated{Key: ceremony.KeyStatus{Term: 7, Installed: noon.Add(2 * time.Minute)}}, done)
	rotating := approvedScenario(t, rotatePlan()).then(event.Acting{Act: event.Rotating})
	notRotated := approvedScenario(t, rotatePlan()).then(event.Acting{Act: event.Rotating},
		event.Closing{Outcome: event.Failed, Fault: ceremony.VaultForbids}, event.Ended{Outcome: event.Failed,
			Vault: event.NothingToCancel})
	policySet := approvedScenario(t, policyPlan()).
		then(event.Acting{Act: event.SettingPolicy}, event.RotationSet{Policy: *policyPlan().NewPolicy}, done)

	// Backup.
	twice := append(newShares(), event.NewShare{For: person("bob"), Ciphertext: "d2NGTUI="})
	readFrom := backupOf("prod-rekey-k7m2", event.Completed, newShares()...)
	readFrom.Unclaimed = []ceremony.Fingerprint{ceremony.Fingerprint(strings.Repeat("9", 40))}
	read := func() *scenario { return approvedScenario(t, backupPlan()).then(readFrom) }
	reading := read()
	handed := read().posted(rules.DeliveryMessage)
	strange := approvedScenario(t, backupPlan()).then(backupOf("", "", twice...))
	broken := approvedScenario(t, backupPlan()).then(backupOf("prod-rekey-q2w3", event.Failed, newShares()...))
	unfinished := approvedScenario(t, backupPlan()).then(backupOf("prod-rekey-q2w3", event.Expired, newShares()...))
	agreed := read().posted(rules.DeliveryMessage).
		then(event.DeletionAsked{By: person("bob")}, event.Acting{Act: event.DeletingBackup})
	deleted := read().posted(rules.DeliveryMessage).
		then(event.DeletionAsked{By: person("bob")}, event.Acting{Act: event.DeletingBackup}, event.BackupDeleted{}, done)
	nobodys := approvedScenario(t, backupPlan()).then(event.BackupRead{Nonce: nonce2, Unclaimed: readFrom.Unclaimed})
	kept := read().posted(rules.DeliveryMessage).then(event.Closing{Outcome: event.Completed}, done)
	nothing := approvedScenario(t, backupPlan()).
		then(event.Closing{Outcome: event.Failed, Fault: ceremony.NoBackupKept},
			event.Ended{Outcome: event.Failed, Vault: event.NothingToCancel})

	// Drill.
	drill := drilling(t).proves("bob").fails("carol", ceremony.StepDrill, ceremony.Unsigned)
	spare := drilling(t).proves("alice").proves("bob").proves("carol").proves("dave").
		fails("erin", ceremony.StepDrill, ceremony.SignerInvalid).
		then(event.Closing{Outcome: event.Completed}, done)
	enough := drilling(t).posted(rules.AskMessage).proves("alice").proves("bob").proves("carol").then(event.Closing{Outcome: event.Completed}, done)
	short := drilling(t).proves("bob").fails("carol", ceremony.StepDrill, ceremony.BadShare).
		then(event.Closing{Outcome: event.Completed}, done)

	return map[string]render.Message{
		"init-approval":          approval(initPlan("shamir")),
		"init-approval-auto":     approval(initPlan("transit")),
		"init-board-approved":    statusPost(approvedScenario(t, initPlan("shamir"))),
		"init-board-acting":      statusPost(initActing),
		"init-board":             statusPost(initDone),
		"init-board-auto":        statusPost(initAuto),
		"init-board-lost":        statusPost(initLost),
		"init-history":           last(initialized),
		"init-delivery":          outbox(initialized, rules.DeliveryMessage, "dave"),
		"init-delivery-recovery": outbox(initAuto, rules.DeliveryMessage, "dave"),
		"init-token":             outbox(initialized, rules.TokenMessage, "alice"),
		"init-not-here":          render.SayWords(explain(ceremony.AlreadyInitialized), ""),

		"unseal-board-opened":     statusPost(opened),
		"unseal-board":            statusPost(one),
		"unseal-board-foreign":    statusPost(foreign),
		"unseal-board-waiting":    statusPost(waits),
		"unseal-board-refused":    statusPost(refused),
		"unseal-board-completed":  statusPost(unsealed),
		"unseal-board-mostly":     statusPost(mostly),
		"unseal-board-expired":    statusPost(tooFew),
		"unseal-board-frozen":     statusPost(unsealFrozen),
		"unseal-frozen":           outbox(unsealFrozen, rules.FrozenMessage, "bob"),
		"unseal-ask":              outbox(sealed(), rules.AskMessage, "carol"),
		"unseal-ask-again":        outbox(again, rules.AskMessage, "bob"),
		"unseal-receipt":          outbox(one, rules.ReceiptMessage, "bob"),
		"unseal-receipt-declined": outbox(foreign, rules.ReceiptMessage, "bob"),
		"unseal-receipt-silent":   outbox(half, rules.ReceiptMessage, "bob"),
		"unseal-receipt-refused":  outbox(refused, rules.ReceiptMessage, "carol"),
		"unseal-history-started":  history(one, "started"),
		"unseal-history-asked":    history(one, "key-announced"),
		"unseal-history-entered":  last(half),
		"unseal-history-refused":  last(refused),
		"unseal-history-ended":    last(tooFew),
		"unseal-ended":            outbox(mostly, rules.EndedMessage, "bob"),
		"unseal-not-here":         render.SayWords(explain(ceremony.SelfUnsealing), ""),
		"unseal-not-sealed":       render.SayWords(explain(ceremony.NotSealed), ""),

		"unverified-approval":  approval(unverified),
		"unverified-ask":       outbox(started(t, unverified), rules.AskMessage, "carol"),
		"unverified-board":     statusPost(started(t, unverified)),
		"unverified-completed": statusPost(made2.then(event.Ended{Outcome: event.Completed, Vault: event.AttemptUsed})),
		"unverified-history":   history(made2, "rekeyed"),
		"unverified-delivery":  outbox(made2, rules.DeliveryMessage, "bob"),
		"single-approval":      approval(single),
		"unseal-reset-history": history(forgot, "reset-asked"),
		"unseal-reset-done":    history(forgot, "round-reset"),
		"unseal-reset-board":   statusPost(forgetting),
		"reverify-history":     history(dropped, "verification-dropped"),
		"reverify-board":       statusPost(dropped),

		"root-approval":         approval(rootPlan()),
		"root-board-owed":       statusPost(owed),
		"root-board-named":      statusPost(given),
		"root-board-revoked":    statusPost(gone),
		"root-board-believed":   statusPost(believed),
		"root-board-left":       statusPost(left),
		"root-board-wrong-key":  statusPost(wrongKey),
		"root-history-named":    history(given, "accessor-given"),
		"root-history-remind":   last(given),
		"root-history-revoked":  last(gone),
		"root-history-said":     last(believed),
		"root-history-left":     last(left),
		"root-history-kept":     last(witnessed),
		"root-history-not-kept": last(notKept),
		"root-not-kept":         outbox(notKept, rules.NotKeptMessage, "alice"),
		"root-transcript":       outbox(signed, rules.TranscriptMessage, ""),
		"root-reminder":         outbox(believed, rules.ReminderMessage, "alice"),
		"root-reminder-named":   outbox(given, rules.ReminderMessage, "alice"),
		"root-ended":            outbox(owed, rules.EndedMessage, "bob"),

		"otp-approval":        approval(passwordPlan()),
		"otp-board":           statusPost(asked),
		"otp-ask":             outbox(asked, rules.AskMessage, "alice"),
		"otp-history-asked":   last(asked),
		"otp-receipt":         outbox(wrongPassword, rules.ReceiptMessage, "alice"),
		"otp-receipt-taken":   outbox(encoded, rules.ReceiptMessage, "alice"),
		"otp-board-exposed":   statusPost(exposed),
		"otp-history-lost":    last(passwordLost),
		"otp-history-issued":  last(encoded),
		"otp-token":           outbox(encoded, rules.TokenMessage, "alice"),
		"otp-token-odd":       render.EncodedToken(encoded.c, "x\"; rm -rf ~; \""),
		"otp-token-secondary": render.EncodedToken(rules.State{Plan: drPassword}, encodedToken),
		"otp-board-issued":    statusPost(encoded),
		"otp-needed":          render.SayWords(explain(ceremony.NeedsPassword), ""),

		"recovery-token-approval": approval(recovery.c.Plan),
		"recovery-token-token":    outbox(recovery, rules.TokenMessage, "alice"),
		"recovery-token-board":    statusPost(recovery),
		"dr-token-approval":       approval(secondary.c.Plan),
		"dr-token-token":          outbox(secondary, rules.TokenMessage, "alice"),
		"dr-token-receipt":        outbox(secondary, rules.ReceiptMessage, "dave"),
		"dr-token-board":          statusPost(secondary),

		"rotate-approval":      approval(rotatePlan()),
		"rotate-board-acting":  statusPost(rotating),
		"rotate-board":         statusPost(rotated),
		"rotate-board-failed":  statusPost(notRotated),
		"rotate-history":       history(rotated, "rotated"),
		"rotate-config-plan":   approval(policyPlan()),
		"rotate-config-board":  statusPost(policySet),
		"rotate-config-after":  history(policySet, "rotation-set"),
		"rotate-config-same":   render.SayWords(explain(ceremony.SamePolicy), ""),
		"rotate-config-option": render.SayWords(explain(ceremony.WrongOption), ""),

		"backup-approval":         approval(backupPlan()),
		"backup-board-reading":    statusPost(approvedScenario(t, backupPlan())),
		"backup-board-handing":    statusPost(reading),
		"backup-board-handed":     statusPost(handed),
		"backup-board-agreed":     statusPost(agreed),
		"backup-board-deleted":    statusPost(deleted),
		"backup-board-kept":       statusPost(kept),
		"backup-board-nothing":    statusPost(nothing),
		"backup-history-read":     last(reading),
		"backup-history-strange":  last(strange),
		"backup-history-broken":   last(broken),
		"backup-history-agreed":   history(agreed, "deletion-asked"),
		"backup-history-deleted":  history(deleted, "backup-deleted"),
		"backup-delivery":         outbox(reading, rules.DeliveryMessage, "carol"),
		"backup-delivery-second":  outbox(strange, rules.DeliveryMessage, "bob"),
		"backup-delivery-expired": outbox(unfinished, rules.DeliveryMessage, "carol"),
		"backup-deletion":         outbox(handed, rules.DeletionMessage, "bob"),
		"backup-deletion-nobody":  outbox(nobodys, rules.DeletionMessage, "bob"),
		"backup-deletion-over":    outbox(agreed, rules.DeletionMessage, "bob"),
		"backup-reminder":         outbox(reminded, rules.ReminderMessage, "alice"),
		"backup-reminder-history": last(reminded),
		"backup-board-left":       statusPost(forgotten),
		"backup-left-history":     last(forgotten),
		"backup-board-cleared":    statusPost(cleared),
		"backup-cleared-history":  last(cleared),
		"backup-left":             outbox(rekeyDone(t), rules.EndedMessage, "bob"),

		"drill-approval":        approval(drillPlan()),
		"drill-board":           statusPost(drill),
		"drill-board-spare":     statusPost(spare),
		"drill-board-enough":    statusPost(enough),
		"drill-board-short":     statusPost(short),
		"drill-ask":             outbox(drilling(t), rules.AskMessage, "carol"),
		"drill-receipt":         outbox(drill, rules.ReceiptMessage, "bob"),
		"drill-receipt-failed":  outbox(drill, rules.ReceiptMessage, "carol"),
		"drill-history-started": history(drill, "started"),
		"drill-history-asked":   history(drill, "key-announced"),
		"drill-history-proven":  history(drill, "proven"),
		"drill-ended":           outbox(short, rules.EndedMessage, "erin"),

		"answer-key-report": render.KeyReport("prod", ledger.KeyReport{
			Key:    ceremony.KeyStatus{Term: 7, Installed: noon.Add(-40 * 24 * time.Hour), Encryptions: 12_345_678},
			Policy: policyPlan().NewPolicy, Backup: true, Rekeyed: noon.Add(-90 * 24 * time.Hour),
			Rotated: noon.Add(-40 * 24 * time.Hour),
		}),
		"answer-key-report-bare": render.KeyReport("prod", ledger.KeyReport{Key: ceremony.KeyStatus{Term: 1, Installed: noon, Encryptions: 42}}),
	}
}

// rekeyDone is a rekey that was verified and has left its backup in Vault.
func rekeyDone(t *testing.T) *scenario {
	return rekeyed(t).then(event.KeyAnnounced{Key: announced(ceremony.StepVerify, nonce2)}).
		counted("alice", ceremony.StepVerify, nonce2).counted("bob", ceremony.StepVerify, nonce2).
		share("carol", ceremony.StepVerify, nonce2, event.Verified{By: new(person("carol"))},
			event.Ended{Outcome: event.Completed, Vault: event.AttemptUsed})
}
