package bot

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
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

// passwordPlan is of a requester without a PGP key.
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

// approvedTale is a ceremony that bob has approved.
func approvedTale(t *testing.T, p ceremony.Plan) *tale {
	s := begin(t, p)
	return s.then(ceremony.Approved{By: s.who("bob"), PlanHash: p.Hash()})
}

// issued is a ceremony whose token was made.
func issued(t *testing.T, p ceremony.Plan, ended ...ceremony.Event) *tale {
	s := started(t, p)
	s.counted("bob", ceremony.Update, nonce1).counted("carol", ceremony.Update, nonce1)
	return s.share("dave", ceremony.Update, nonce1,
		ceremony.TokenIssued{By: person("dave"), Ciphertext: "d2NGTUE=", Keys: p.Recipients()},
		ceremony.Ended{Outcome: ceremony.Completed, Vault: ceremony.AttemptUsed}).then(ended...)
}

func node(address string, sealed bool, progress int) ceremony.NodeState {
	return ceremony.NodeState{Address: address, Reached: true, Sealed: sealed, Progress: progress}
}

func silent(address string) ceremony.NodeState { return ceremony.NodeState{Address: address} }

// unsealing is an unseal that the seal watch opened, of three nodes.
func unsealing(t *testing.T, nodes ...ceremony.NodeState) *tale {
	return begin(t, unsealPlan()).then(
		ceremony.Started{Nonce: nonce1, Required: 3},
		ceremony.NodesSeen{Nodes: nodes},
		ceremony.KeyAnnounced{Key: announced(ceremony.Enter, nonce1)},
	)
}

// entered sends somebody's share to every node that wants it.
func (s *tale) entered(name string, not []string, nodes ...ceremony.NodeState) *tale {
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
	return s.share(name, ceremony.Enter, nonce1, ceremony.Entered{By: s.who(name), At: at, Not: not, Nodes: nodes})
}

func drilling(t *testing.T) *tale {
	return approvedTale(t, drillPlan()).then(
		ceremony.Started{Nonce: nonce1, Required: 5},
		ceremony.KeyAnnounced{Key: announced(ceremony.Practice, nonce1)},
	)
}

func (s *tale) proves(name string) *tale {
	at := ceremony.Ref{Channel: "D" + name, TS: fmt.Sprintf("1.%d", len(s.entries))}
	return s.then(
		ceremony.Offered{By: s.who(name), Step: ceremony.Practice, Message: at},
		ceremony.Proven{By: s.who(name), Message: at},
	)
}

func (s *tale) fails(name string, step ceremony.Step, why ceremony.Refusal) *tale {
	at := ceremony.Ref{Channel: "D" + name, TS: fmt.Sprintf("1.%d", len(s.entries))}
	return s.then(
		ceremony.Offered{By: s.who(name), Step: step, Message: at},
		ceremony.Declined{By: s.who(name), Step: step, Message: at, Reason: why},
	)
}

// posted has everything that is due to people lie in Slack.
func (s *tale) posted(kind ceremony.MessageKind) *tale {
	for _, m := range s.c.Due() {
		if m.Kind == kind {
			s.then(ceremony.Posted{Key: m.Key, Ref: ceremony.Ref{Channel: "D1", TS: "1.1"}})
		}
	}
	return s
}

func backupOf(of ceremony.ID, outcome ceremony.Outcome, shares ...ceremony.NewShare) ceremony.BackupRead {
	return ceremony.BackupRead{Nonce: nonce2, Of: of, Outcome: outcome, Shares: shares}
}

// operationScenes are those of the operations that came after the first three.
func operationScenes(t *testing.T) map[string]message {
	t.Helper()
	now := noon.Add(37 * time.Minute)
	answers := ceremony.Live{Since: noon.Add(6 * time.Minute)}
	board := func(s *tale) message { return renderBoard(s.asked(), answers, now) }
	last := func(s *tale) message { return renderHistory(s.c, s.entries[len(s.entries)-1]) }
	history := func(s *tale, typeName string) message {
		for _, e := range s.entries {
			if ceremony.TypeOf(e.Event) == typeName {
				return renderHistory(s.c, e)
			}
		}
		t.Fatalf("nothing is %s", typeName)
		return message{}
	}
	outbox := func(s *tale, kind ceremony.MessageKind, to string) message {
		m, err := render(s.c, s.message(kind, to), signTestParcel)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	approval := func(p ceremony.Plan) message { return outbox(begin(t, p), ceremony.ApprovalMessage, "bob") }
	done := ceremony.Ended{Outcome: ceremony.Completed, Vault: ceremony.NothingToCancel}
	made := func(p ceremony.Plan) *tale {
		return approvedTale(t, p).then(ceremony.Acting{Act: ceremony.Initializing}, ceremony.Initialized{Shares: newShares(), Token: "d2NGTUE="})
	}

	// Init.
	initialized := made(initPlan("shamir"))
	initDone := made(initPlan("shamir")).posted(ceremony.DeliveryMessage).posted(ceremony.TokenMessage).then(ceremony.Ended{Outcome: ceremony.Completed, Vault: ceremony.AttemptUsed})
	initAuto := made(initPlan("transit")).then(ceremony.Ended{Outcome: ceremony.Completed, Vault: ceremony.AttemptUsed})
	initActing := approvedTale(t, initPlan("shamir")).then(ceremony.Acting{Act: ceremony.Initializing})
	initLost := approvedTale(t, initPlan("shamir")).then(ceremony.Acting{Act: ceremony.Initializing},
		ceremony.Closing{Outcome: ceremony.Failed, Fault: ceremony.InitLost}, ceremony.Ended{Outcome: ceremony.Failed, Vault: ceremony.AttemptUsed})

	// Unseal.
	sealed := func() *tale { return unsealing(t, node(vault0, true, 0), node(vault1, true, 0), silent(vault2)) }
	byHand := unsealPlan()
	byHand.Initiator, byHand.Reason = person("alice"), ""
	opened := begin(t, byHand)
	one := sealed().entered("bob", nil, node(vault0, true, 1), node(vault1, true, 1), silent(vault2))
	foreign := sealed().entered("bob", []string{vault1}, node(vault0, true, 1), node(vault1, true, 0), silent(vault2)).
		then(ceremony.NodesSeen{Nodes: []ceremony.NodeState{node(vault0, true, 2), node(vault1, true, 0), silent(vault2)}})
	half := sealed().entered("bob", []string{vault1}, node(vault0, true, 1), silent(vault1), silent(vault2))
	waits := sealed().then(ceremony.NodesSeen{Nodes: []ceremony.NodeState{node(vault0, false, 0), node(vault1, false, 0), silent(vault2)}})
	again := sealed().entered("bob", nil, node(vault0, true, 1), node(vault1, false, 0), silent(vault2)).
		then(ceremony.NodesSeen{Nodes: []ceremony.NodeState{node(vault0, true, 1), node(vault1, false, 0), node(vault2, true, 0)}},
			ceremony.KeyAnnounced{Key: announced(ceremony.Enter, nonce1)})
	refused := sealed().entered("bob", nil, node(vault0, true, 1), node(vault1, true, 1), silent(vault2)).
		entered("carol", nil, node(vault0, true, 2), node(vault1, true, 2), silent(vault2)).
		share("erin", ceremony.Enter, nonce1, ceremony.RoundRefused{Step: ceremony.Enter, Round: 1, With: people("bob", "carol", "erin"), Nodes: []string{vault0, vault1}})
	unsealed := sealed().entered("bob", nil, node(vault0, false, 0), node(vault1, false, 0), node(vault2, false, 0)).then(done)
	mostly := sealed().then(ceremony.NodesSeen{Nodes: []ceremony.NodeState{node(vault0, false, 0), node(vault1, false, 0), silent(vault2)}},
		ceremony.Closing{Outcome: ceremony.Completed}, done)
	tooFew := sealed().entered("bob", nil, node(vault0, true, 1), silent(vault1), silent(vault2)).
		then(ceremony.Closing{Outcome: ceremony.Expired}, ceremony.Ended{Outcome: ceremony.Expired, Vault: ceremony.AttemptDropped})
	forgetting := sealed().entered("bob", nil, node(vault0, true, 1), silent(vault1), silent(vault2)).
		then(ceremony.ResetAsked{By: person("bob")}, ceremony.Dropping{Step: ceremony.Enter, Nonce: nonce1})
	forgot := &tale{t: t, entries: forgetting.entries}
	forgot.then(ceremony.NodesSeen{Nodes: []ceremony.NodeState{node(vault0, true, 0), silent(vault1), silent(vault2)}}, ceremony.RoundReset{Step: ceremony.Enter, Nonce: nonce1})
	unsealFrozen := sealed().then(ceremony.Froze{Why: ceremony.VaultDiffers, Want: vault0 + ": 3 of 5 shares", Got: "2 of 3"})

	// Rekey: what only some plans have.
	unverified := rekeyPlan()
	unverified.Verification, unverified.Backup = false, false
	unverified.Receivers, unverified.NewThreshold = people("alice", "bob", "carol"), 2
	unverified.TokenExpires = noon.Add(time.Hour)
	made2 := started(t, unverified).counted("bob", ceremony.Update, nonce1).counted("carol", ceremony.Update, nonce1).
		share("erin", ceremony.Update, nonce1, ceremony.Rekeyed{By: person("erin"), Shares: newShares()[:3], Keys: unverified.Recipients()})
	single := rekeyPlan()
	single.Receivers, single.NewThreshold = people("carol"), 1
	single.Receivers[0].Key = ceremony.Fingerprint(strings.Repeat("f", 40))
	dropped := rekeyed(t).then(ceremony.KeyAnnounced{Key: announced(ceremony.Verify, nonce2)},
		ceremony.VerificationDropped{By: person("bob")}, ceremony.Dropping{Step: ceremony.Verify, Nonce: nonce2})

	reminded := rekeyDone(t).then(ceremony.BackupReminded{Number: 1})
	forgotten := rekeyDone(t).then(ceremony.BackupReminded{Number: 7}, ceremony.BackupLeft{})
	cleared := rekeyDone(t).then(ceremony.BackupReminded{Number: 1}, ceremony.BackupDeleted{})

	// Tokens.
	owed := issued(t, rootPlan())
	given := issued(t, rootPlan(), ceremony.AccessorGiven{By: person("alice"), Accessor: accessor}, ceremony.Reminded{Number: 1})
	gone := issued(t, rootPlan(), ceremony.AccessorGiven{By: person("alice"), Accessor: accessor}, ceremony.TokenRevoked{})
	believed := issued(t, rootPlan(), ceremony.Reminded{Number: 1}, ceremony.TokenRevoked{By: new(person("alice"))})
	left := issued(t, rootPlan(), ceremony.Reminded{Number: 9}, ceremony.TokenLeft{})
	signed := issued(t, rootPlan())
	signed.then(ceremony.TranscriptSigned{Number: 1, Lines: signed.c.Seq(), SHA256: strings.Repeat("5a", 32), Signature: "d2NGTUE="})
	count := issued(t, rootPlan()).c.Seq()
	witnessed := issued(t, rootPlan()).
		then(ceremony.TranscriptSigned{Number: 1, Lines: count, SHA256: strings.Repeat("5a", 32), Archives: []string{"time stamp", "bucket", "directory"}}).
		then(ceremony.Kept{
			Number: 1, Where: "time stamp", SHA256: strings.Repeat("5a", 32), TimeStamp: "MAA=",
			Receipt: "2026-03-01 14:03:07 UTC by CN=Time <stamps>, number 2f",
		})
	notKept := issued(t, rootPlan()).
		then(ceremony.TranscriptSigned{Number: 1, Lines: count, SHA256: strings.Repeat("5a", 32), Archives: []string{"bucket"}}).
		then(ceremony.NotKept{Number: 1, Where: "bucket"})
	asked := approvedTale(t, passwordPlan()).then(ceremony.KeyAnnounced{Key: announced(ceremony.Password, nonce1)})
	wrongPassword := approvedTale(t, passwordPlan()).then(ceremony.KeyAnnounced{Key: announced(ceremony.Password, nonce1)}).
		fails("alice", ceremony.Password, ceremony.OtherPassword)
	exposed := approvedTale(t, passwordPlan()).then(ceremony.KeyAnnounced{Key: announced(ceremony.Password, nonce1)}).
		fails("alice", ceremony.Password, ceremony.PlainPassword).
		then(ceremony.Closing{Outcome: ceremony.Failed, Fault: ceremony.PlainPassword}, ceremony.Ended{Outcome: ceremony.Failed, Vault: ceremony.NothingToCancel})
	passwordLost := approvedTale(t, passwordPlan()).then(ceremony.KeyAnnounced{Key: announced(ceremony.Password, nonce1)},
		ceremony.Starting{Attempt: 1}, ceremony.PasswordLost{})
	encoded := approvedTale(t, passwordPlan()).then(ceremony.Starting{Attempt: 1}, ceremony.Started{Nonce: nonce1, Required: 3}).
		counted("bob", ceremony.Update, nonce1).counted("carol", ceremony.Update, nonce1).
		share("dave", ceremony.Update, nonce1, ceremony.TokenIssued{By: person("dave"), Encoded: encodedToken})
	recovery := issued(t, tokenPlan("prod-recovery-token-x7fg", ceremony.RecoveryToken))
	secondary := issued(t, tokenPlan("prod-dr-token-n8kl", ceremony.DRToken))
	drPassword := passwordPlan()
	drPassword.Operation = ceremony.DRToken

	wrongKey := started(t, rootPlan())
	wrongKey.counted("bob", ceremony.Update, nonce1).counted("carol", ceremony.Update, nonce1).
		share("dave", ceremony.Update, nonce1,
			ceremony.TokenIssued{By: person("dave"), Ciphertext: "d2NGTUE=", Keys: []ceremony.Fingerprint{person("erin").Key}},
			ceremony.Froze{Why: ceremony.VaultDiffers, Want: "a token for AAAA", Got: "EEEE"},
			ceremony.Closing{Outcome: ceremony.Cancelled, By: new(person("bob"))}, ceremony.Ended{Outcome: ceremony.Cancelled, Vault: ceremony.NothingToCancel})

	// Rotate and its policy.
	rotated := approvedTale(t, rotatePlan()).then(ceremony.Acting{Act: ceremony.Rotating},
		ceremony.Rotated{Key: ceremony.KeyStatus{Term: 7, Installed: noon.Add(2 * time.Minute)}}, done)
	rotating := approvedTale(t, rotatePlan()).then(ceremony.Acting{Act: ceremony.Rotating})
	notRotated := approvedTale(t, rotatePlan()).then(ceremony.Acting{Act: ceremony.Rotating},
		ceremony.Closing{Outcome: ceremony.Failed, Fault: ceremony.VaultForbids}, ceremony.Ended{Outcome: ceremony.Failed, Vault: ceremony.NothingToCancel})
	policySet := approvedTale(t, policyPlan()).then(ceremony.Acting{Act: ceremony.SettingPolicy}, ceremony.RotationSet{Policy: *policyPlan().NewPolicy}, done)

	// Backup.
	twice := append(newShares(), ceremony.NewShare{For: person("bob"), Ciphertext: "d2NGTUI="})
	readFrom := backupOf("prod-rekey-k7m2", ceremony.Completed, newShares()...)
	readFrom.Unclaimed = []ceremony.Fingerprint{ceremony.Fingerprint(strings.Repeat("9", 40))}
	read := func() *tale { return approvedTale(t, backupPlan()).then(readFrom) }
	reading := read()
	handed := read().posted(ceremony.DeliveryMessage)
	strange := approvedTale(t, backupPlan()).then(backupOf("", "", twice...))
	broken := approvedTale(t, backupPlan()).then(backupOf("prod-rekey-q2w3", ceremony.Failed, newShares()...))
	unfinished := approvedTale(t, backupPlan()).then(backupOf("prod-rekey-q2w3", ceremony.Expired, newShares()...))
	agreed := read().posted(ceremony.DeliveryMessage).then(ceremony.DeletionAsked{By: person("bob")}, ceremony.Acting{Act: ceremony.DeletingBackup})
	deleted := read().posted(ceremony.DeliveryMessage).then(ceremony.DeletionAsked{By: person("bob")}, ceremony.Acting{Act: ceremony.DeletingBackup}, ceremony.BackupDeleted{}, done)
	nobodys := approvedTale(t, backupPlan()).then(ceremony.BackupRead{Nonce: nonce2, Unclaimed: readFrom.Unclaimed})
	kept := read().posted(ceremony.DeliveryMessage).then(ceremony.Closing{Outcome: ceremony.Completed}, done)
	nothing := approvedTale(t, backupPlan()).then(ceremony.Closing{Outcome: ceremony.Failed, Fault: ceremony.NoBackupKept}, ceremony.Ended{Outcome: ceremony.Failed, Vault: ceremony.NothingToCancel})

	// Drill.
	drill := drilling(t).proves("bob").fails("carol", ceremony.Practice, ceremony.Unsigned)
	spare := drilling(t).proves("alice").proves("bob").proves("carol").proves("dave").fails("erin", ceremony.Practice, ceremony.SignerInvalid).
		then(ceremony.Closing{Outcome: ceremony.Completed}, done)
	enough := drilling(t).proves("alice").proves("bob").proves("carol").then(ceremony.Closing{Outcome: ceremony.Completed}, done)
	short := drilling(t).proves("bob").fails("carol", ceremony.Practice, ceremony.BadShare).then(ceremony.Closing{Outcome: ceremony.Completed}, done)

	return map[string]message{
		"init-approval":          approval(initPlan("shamir")),
		"init-approval-auto":     approval(initPlan("transit")),
		"init-board-approved":    board(approvedTale(t, initPlan("shamir"))),
		"init-board-acting":      board(initActing),
		"init-board":             board(initDone),
		"init-board-auto":        board(initAuto),
		"init-board-lost":        board(initLost),
		"init-history":           last(initialized),
		"init-delivery":          outbox(initialized, ceremony.DeliveryMessage, "dave"),
		"init-delivery-recovery": outbox(initAuto, ceremony.DeliveryMessage, "dave"),
		"init-token":             outbox(initialized, ceremony.TokenMessage, "alice"),
		"init-not-here":          sayWords(explain(ceremony.AlreadyInitialized), ""),

		"unseal-board-opened":     board(opened),
		"unseal-board":            board(one),
		"unseal-board-foreign":    board(foreign),
		"unseal-board-waiting":    board(waits),
		"unseal-board-refused":    board(refused),
		"unseal-board-completed":  board(unsealed),
		"unseal-board-mostly":     board(mostly),
		"unseal-board-expired":    board(tooFew),
		"unseal-board-frozen":     board(unsealFrozen),
		"unseal-frozen":           outbox(unsealFrozen, ceremony.FrozenMessage, "bob"),
		"unseal-ask":              outbox(sealed(), ceremony.AskMessage, "carol"),
		"unseal-ask-again":        outbox(again, ceremony.AskMessage, "bob"),
		"unseal-receipt":          outbox(one, ceremony.ReceiptMessage, "bob"),
		"unseal-receipt-declined": outbox(foreign, ceremony.ReceiptMessage, "bob"),
		"unseal-receipt-silent":   outbox(half, ceremony.ReceiptMessage, "bob"),
		"unseal-receipt-refused":  outbox(refused, ceremony.ReceiptMessage, "carol"),
		"unseal-history-started":  history(one, "started"),
		"unseal-history-asked":    history(one, "key-announced"),
		"unseal-history-entered":  last(half),
		"unseal-history-refused":  last(refused),
		"unseal-history-ended":    last(tooFew),
		"unseal-ended":            outbox(mostly, ceremony.EndedMessage, "bob"),
		"unseal-not-here":         sayWords(explain(ceremony.SelfUnsealing), ""),
		"unseal-not-sealed":       sayWords(explain(ceremony.NotSealed), ""),

		"unverified-approval":  approval(unverified),
		"unverified-ask":       outbox(started(t, unverified), ceremony.AskMessage, "carol"),
		"unverified-board":     board(started(t, unverified)),
		"unverified-completed": board(made2.then(ceremony.Ended{Outcome: ceremony.Completed, Vault: ceremony.AttemptUsed})),
		"unverified-history":   history(made2, "rekeyed"),
		"unverified-delivery":  outbox(made2, ceremony.DeliveryMessage, "bob"),
		"single-approval":      approval(single),
		"unseal-reset-history": history(forgot, "reset-asked"),
		"unseal-reset-done":    history(forgot, "round-reset"),
		"unseal-reset-board":   board(forgetting),
		"reverify-history":     history(dropped, "verification-dropped"),
		"reverify-board":       board(dropped),

		"root-approval":         approval(rootPlan()),
		"root-board-owed":       board(owed),
		"root-board-named":      board(given),
		"root-board-revoked":    board(gone),
		"root-board-believed":   board(believed),
		"root-board-left":       board(left),
		"root-board-wrong-key":  board(wrongKey),
		"root-history-named":    history(given, "accessor-given"),
		"root-history-remind":   last(given),
		"root-history-revoked":  last(gone),
		"root-history-said":     last(believed),
		"root-history-left":     last(left),
		"root-history-kept":     last(witnessed),
		"root-history-not-kept": last(notKept),
		"root-not-kept":         outbox(notKept, ceremony.NotKeptMessage, "alice"),
		"root-transcript":       outbox(signed, ceremony.TranscriptMessage, ""),
		"root-reminder":         outbox(believed, ceremony.ReminderMessage, "alice"),
		"root-reminder-named":   outbox(given, ceremony.ReminderMessage, "alice"),
		"root-ended":            outbox(owed, ceremony.EndedMessage, "bob"),

		"otp-approval":        approval(passwordPlan()),
		"otp-board":           board(asked),
		"otp-ask":             outbox(asked, ceremony.AskMessage, "alice"),
		"otp-history-asked":   last(asked),
		"otp-receipt":         outbox(wrongPassword, ceremony.ReceiptMessage, "alice"),
		"otp-receipt-taken":   outbox(encoded, ceremony.ReceiptMessage, "alice"),
		"otp-board-exposed":   board(exposed),
		"otp-history-lost":    last(passwordLost),
		"otp-history-issued":  last(encoded),
		"otp-token":           outbox(encoded, ceremony.TokenMessage, "alice"),
		"otp-token-odd":       renderEncodedToken(encoded.c, "x\"; rm -rf ~; \""),
		"otp-token-secondary": renderEncodedToken(ceremony.Ceremony{Plan: drPassword}, encodedToken),
		"otp-board-issued":    board(encoded),
		"otp-needed":          sayWords(explain(ceremony.NeedsPassword), ""),

		"recovery-token-approval": approval(recovery.c.Plan),
		"recovery-token-token":    outbox(recovery, ceremony.TokenMessage, "alice"),
		"recovery-token-board":    board(recovery),
		"dr-token-approval":       approval(secondary.c.Plan),
		"dr-token-token":          outbox(secondary, ceremony.TokenMessage, "alice"),
		"dr-token-receipt":        outbox(secondary, ceremony.ReceiptMessage, "dave"),
		"dr-token-board":          board(secondary),

		"rotate-approval":      approval(rotatePlan()),
		"rotate-board-acting":  board(rotating),
		"rotate-board":         board(rotated),
		"rotate-board-failed":  board(notRotated),
		"rotate-history":       history(rotated, "rotated"),
		"rotate-config-plan":   approval(policyPlan()),
		"rotate-config-board":  board(policySet),
		"rotate-config-after":  history(policySet, "rotation-set"),
		"rotate-config-same":   sayWords(explain(ceremony.SamePolicy), ""),
		"rotate-config-option": sayWords(explain(ceremony.WrongOption), ""),

		"backup-approval":         approval(backupPlan()),
		"backup-board-reading":    board(approvedTale(t, backupPlan())),
		"backup-board-handing":    board(reading),
		"backup-board-handed":     board(handed),
		"backup-board-agreed":     board(agreed),
		"backup-board-deleted":    board(deleted),
		"backup-board-kept":       board(kept),
		"backup-board-nothing":    board(nothing),
		"backup-history-read":     last(reading),
		"backup-history-strange":  last(strange),
		"backup-history-broken":   last(broken),
		"backup-history-agreed":   history(agreed, "deletion-asked"),
		"backup-history-deleted":  history(deleted, "backup-deleted"),
		"backup-delivery":         outbox(reading, ceremony.DeliveryMessage, "carol"),
		"backup-delivery-second":  outbox(strange, ceremony.DeliveryMessage, "bob"),
		"backup-delivery-expired": outbox(unfinished, ceremony.DeliveryMessage, "carol"),
		"backup-deletion":         outbox(handed, ceremony.DeletionMessage, "bob"),
		"backup-deletion-nobody":  outbox(nobodys, ceremony.DeletionMessage, "bob"),
		"backup-deletion-over":    outbox(agreed, ceremony.DeletionMessage, "bob"),
		"backup-reminder":         outbox(reminded, ceremony.ReminderMessage, "alice"),
		"backup-reminder-history": last(reminded),
		"backup-board-left":       board(forgotten),
		"backup-left-history":     last(forgotten),
		"backup-board-cleared":    board(cleared),
		"backup-cleared-history":  last(cleared),
		"backup-left":             outbox(rekeyDone(t), ceremony.EndedMessage, "bob"),

		"drill-approval":        approval(drillPlan()),
		"drill-board":           board(drill),
		"drill-board-spare":     board(spare),
		"drill-board-enough":    board(enough),
		"drill-board-short":     board(short),
		"drill-ask":             outbox(drilling(t), ceremony.AskMessage, "carol"),
		"drill-receipt":         outbox(drill, ceremony.ReceiptMessage, "bob"),
		"drill-receipt-failed":  outbox(drill, ceremony.ReceiptMessage, "carol"),
		"drill-history-started": history(drill, "started"),
		"drill-history-asked":   history(drill, "key-announced"),
		"drill-history-proven":  history(drill, "proven"),
		"drill-ended":           outbox(short, ceremony.EndedMessage, "erin"),

		"answer-key-report": renderKeyReport("prod", ceremony.KeyReport{
			Key:    ceremony.KeyStatus{Term: 7, Installed: noon.Add(-40 * 24 * time.Hour), Encryptions: 12_345_678},
			Policy: policyPlan().NewPolicy, Backup: true, Rekeyed: noon.Add(-90 * 24 * time.Hour), Rotated: noon.Add(-40 * 24 * time.Hour),
		}),
		"answer-key-report-bare": renderKeyReport("prod", ceremony.KeyReport{Key: ceremony.KeyStatus{Term: 1, Installed: noon, Encryptions: 42}}),
	}
}

// rekeyDone is a rekey that was verified and has left its backup in Vault.
func rekeyDone(t *testing.T) *tale {
	return rekeyed(t).then(ceremony.KeyAnnounced{Key: announced(ceremony.Verify, nonce2)}).
		counted("alice", ceremony.Verify, nonce2).counted("bob", ceremony.Verify, nonce2).
		share("carol", ceremony.Verify, nonce2, ceremony.Verified{By: new(person("carol"))},
			ceremony.Ended{Outcome: ceremony.Completed, Vault: ceremony.AttemptUsed})
}
