package bot

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"conclave/bot/render"
	"conclave/bot/slacktest"
	"conclave/bot/slacktest/blockkit"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/ledger"
	"conclave/ceremony/rules"
)

var update = flag.Bool("update", false, "write the golden files anew")

// scenes are every kind of message that people see, in every state that changes
// it. Each is frozen twice: as Slack gets it, and as a person reads it.
func scenes(t *testing.T) map[string]render.Message {
	t.Helper()
	now := noon.Add(37 * time.Minute)
	answers := rules.Live{Since: noon.Add(6 * time.Minute)}
	silent := rules.Live{Vault: ceremony.ErrNotSent, Since: noon.Add(20 * time.Minute)}
	statusPost := func(s *scenario, live rules.Live) render.Message { return render.StatusPost(s.asked(), live, now) }
	outbox := func(s *scenario, kind rules.MessageKind, to string) render.Message {
		m, err := render.Notification(s.c, s.message(kind, to), testSigner{})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	last := func(s *scenario) render.Message { return render.History(s.c, s.entries[len(s.entries)-1]) }

	proposed := begin(t, rekeyPlan())
	collecting := started(t, rekeyPlan())
	asking := started(t, rekeyPlan())
	asking.then(
		event.Posted{Key: asking.message(rules.AskMessage, "alice").Key, Ref: ceremony.Ref{Channel: "D1", TS: "1.1"}},
		event.Undeliverable{Key: asking.message(rules.AskMessage, "dave").Key},
	)
	unreached := started(t, rekeyPlan()).counted("bob", ceremony.StepUpdate, nonce1)
	unreached.then(event.Undeliverable{Key: unreached.message(rules.AskMessage, "dave").Key})
	unapproved := begin(t, rekeyPlan())
	unapproved.then(event.Undeliverable{Key: unapproved.message(rules.ApprovalMessage, "bob").Key})
	two := started(t, rekeyPlan()).counted("bob", ceremony.StepUpdate, nonce1).
		counted("carol", ceremony.StepUpdate, nonce1)
	refused := started(t, rekeyPlan()).counted("bob", ceremony.StepUpdate, nonce1).
		counted("carol", ceremony.StepUpdate, nonce1).
		share("erin", ceremony.StepUpdate, nonce1,
			event.RoundRefused{Step: ceremony.StepUpdate, Round: 1, With: people("bob", "carol", "erin")})
	onItsWay := started(t, rekeyPlan()).share("bob", ceremony.StepUpdate, nonce1)
	lost := started(t, rekeyPlan()).share("bob", ceremony.StepUpdate, nonce1, event.AnswerLost{})
	frozen := started(t, rekeyPlan()).counted("bob", ceremony.StepUpdate, nonce1).
		then(event.Frozen{Why: event.VaultDiffers, Want: "nonce " + nonce1, Got: "nonce " + nonce2})
	older := event.Frozen{Why: event.RolledBack, Want: "line 57, hash 3f2a9c0d51b7e846", Got: "line 12, hash 7d10c6a2f98e4b35"}
	olderRekey, olderRoot := started(t, rekeyPlan()).then(older), started(t, rootPlan()).then(older)
	olderRotate := begin(t, plainPlan("prod-rotate-m4nd", ceremony.Rotate)).then(older)
	olderEnd := begin(t, rootPlan()).then(older, event.Closing{Outcome: event.Cancelled, By: new(person("alice"))},
		event.Ended{Outcome: event.Cancelled, Vault: event.AttemptUnknown})
	half := started(t, rekeyPlan()).then(event.Frozen{Why: event.AttemptGone}, event.ResumeAsked{By: person("alice")})
	handed := rekeyed(t)
	handed.then(
		event.Posted{Key: handed.message(rules.DeliveryMessage, "alice").Key, Ref: ceremony.Ref{Channel: "D1", TS: "1.1"}},
		event.Undeliverable{Key: handed.message(rules.DeliveryMessage, "dave").Key},
	)
	verifying := rekeyed(t).then(event.KeyAnnounced{Key: announced(ceremony.StepVerify, nonce2)}).
		counted("alice", ceremony.StepVerify, nonce2)
	verified := rekeyed(t).then(event.KeyAnnounced{Key: announced(ceremony.StepVerify, nonce2)}).
		counted("alice", ceremony.StepVerify, nonce2).counted("bob", ceremony.StepVerify, nonce2).
		share("carol", ceremony.StepVerify, nonce2, event.Verified{By: new(person("carol"))})
	unconfirmed := rekeyed(t).then(event.KeyAnnounced{Key: announced(ceremony.StepVerify, nonce2)}).
		counted("alice", ceremony.StepVerify, nonce2).counted("bob", ceremony.StepVerify, nonce2).
		share("carol", ceremony.StepVerify, nonce2, event.Verified{By: new(person("carol")), Unconfirmed: true})
	unconfirmed.then(event.Ended{Outcome: event.Completed, Vault: event.AttemptUsed})
	unproven := rekeyed(t).then(event.KeyAnnounced{Key: announced(ceremony.StepVerify, nonce2)},
		event.Closing{Outcome: event.Expired}, event.AttemptLost{Nonce: nonce1,
			Unproven: true}, event.Ended{Outcome: event.Expired, Vault: event.AttemptUnknown})
	goneMade := started(t, rekeyPlan()).counted("bob", ceremony.StepUpdate, nonce1).
		then(event.Frozen{Why: event.AttemptGone, Want: "attempt " + nonce1, Got: "no attempt in progress",
			Remains: rules.SharesMade})
	goneNothing := started(t, rekeyPlan()).then(event.Frozen{Why: event.AttemptGone, Remains: rules.NothingMade})
	goneToken := started(t, rootPlan()).then(event.Frozen{Why: event.AttemptGone, Want: "attempt " + nonce1, Got: "no attempt in progress"})
	unknownToken := started(t, rootPlan()).
		then(event.Frozen{Why: event.AttemptGone}, event.Closing{Outcome: event.Cancelled, By: new(person("alice"))},
			event.AttemptLost{Nonce: nonce1, Unproven: true}, event.Ended{Outcome: event.Cancelled, Vault: event.AttemptUnknown})
	past := carriedThrough(t)
	elsewhere := rekeyed(t).then(event.KeyAnnounced{Key: announced(ceremony.StepVerify, nonce2)}, event.Verified{})
	reset := rekeyed(t).then(event.KeyAnnounced{Key: announced(ceremony.StepVerify, nonce2)}, event.RoundReset{Step: ceremony.StepVerify, Nonce: nonce1})
	completed := &scenario{t: t, entries: verified.entries}
	completed.then(event.Ended{Outcome: event.Completed, Vault: event.AttemptUsed})
	alice := person("alice")
	cancelled := started(t, rekeyPlan()).then(event.Closing{Outcome: event.Cancelled, By: &alice, Why: "wrong day"}, event.Ended{Outcome: event.Cancelled, Vault: event.AttemptDropped})
	rejected := begin(t, rekeyPlan()).then(event.Rejected{By: person("bob"), Why: "not today"}, event.Ended{Outcome: event.WasRejected, Vault: event.NothingToCancel})
	expired := started(t, rekeyPlan()).then(event.Closing{Outcome: event.Expired}, event.Ended{Outcome: event.Expired, Vault: event.AttemptForeign})
	lateEnd := &scenario{t: t, entries: verifying.entries}
	lateEnd.then(event.Closing{Outcome: event.Expired}, event.Ended{Outcome: event.Expired, Vault: event.AttemptDropped})
	failed := started(t, rootPlan()).then(event.Closing{Outcome: event.Failed, Fault: ceremony.TokenLost}, event.Ended{Outcome: event.Failed, Vault: event.AttemptUsed})
	root := started(t, rootPlan()).counted("bob", ceremony.StepUpdate, nonce1).
		counted("carol", ceremony.StepUpdate, nonce1).
		share("dave", ceremony.StepUpdate, nonce1, event.TokenIssued{By: person("dave"), Ciphertext: "d2NGTUE="})
	declined := started(t, rekeyPlan())
	declined.then(event.Offered{By: person("carol"), Step: ceremony.StepUpdate,
		Message: ceremony.Ref{Channel: "D2", TS: "1.9"}},
		event.Declined{By: person("carol"), Step: ceremony.StepUpdate, Message: ceremony.Ref{Channel: "D2", TS: "1.9"},
			Reason: ceremony.Unsigned})

	recovery := started(t, recoveryPlan())
	recoveryRefused := started(t, recoveryPlan()).counted("bob", ceremony.StepUpdate, nonce1).
		counted("carol", ceremony.StepUpdate, nonce1).
		share("erin", ceremony.StepUpdate, nonce1,
			event.RoundRefused{Step: ceremony.StepUpdate, Round: 1, With: people("bob", "carol", "erin")})
	recoveryMade := remade(t, recoveryPlan())
	recoveryDone := remade(t, recoveryPlan()).then(event.KeyAnnounced{Key: announced(ceremony.StepVerify, nonce2)}).
		counted("alice", ceremony.StepVerify, nonce2).counted("bob", ceremony.StepVerify, nonce2).
		share("carol", ceremony.StepVerify, nonce2, event.Verified{By: new(person("carol"))},
			event.Ended{Outcome: event.Completed, Vault: event.AttemptUsed})

	oddKey := announced(ceremony.StepUpdate, "x'; rm -rf ~; '")

	clusters := []ceremony.Cluster{{
		Name: "prod", Operations: ceremony.Operations(), Initiators: people("alice", "bob"),
		Approvers: people("alice", "bob"), Approvals: 1,
		Holders: people("alice", "bob", "carol", "dave", "erin"), Receivers: people("alice", "bob", "carol"),
		Window: 4 * time.Hour,
	}}
	list := []rules.State{two.c, completed.c, cancelled.c}
	ended := list[1:]
	noneExposed := func(string) []ledger.Exposure { return nil }
	aside := []ceremony.Aside{
		{Ceremony: "prod-rekey-aaaa", Why: ceremony.ErrNotAdopted}, {Ceremony: "prod-rekey-bbbb", Why: ceremony.ErrChain},
	}

	all := operationScenes(t)
	maps.Copy(all, alarmScenes(t))
	maps.Copy(all, watchedScenes(t))
	maps.Copy(all, doubtScenes(t))
	maps.Copy(all, map[string]render.Message{
		"board-proposed":        statusPost(proposed, rules.Live{}),
		"board-collecting":      statusPost(collecting, answers),
		"board-two-of-three":    statusPost(two, answers),
		"board-asking":          render.StatusPost(asking.c, answers, now),
		"board-not-asked":       statusPost(unreached, answers),
		"board-no-approver":     statusPost(unapproved, answers),
		"board-vault-silent":    statusPost(two, silent),
		"board-round-two":       statusPost(refused, answers),
		"board-on-its-way":      statusPost(onItsWay, answers),
		"board-answer-lost":     statusPost(lost, silent),
		"board-frozen":          statusPost(frozen, answers),
		"board-half-thawed":     statusPost(half, answers),
		"frozen-older":          outbox(olderRekey, rules.FrozenMessage, "alice"),
		"frozen-older-root":     outbox(olderRoot, rules.FrozenMessage, "alice"),
		"frozen-older-rotate":   outbox(olderRotate, rules.FrozenMessage, "alice"),
		"board-older-cancelled": statusPost(olderEnd, answers),
		"board-handing-out":     statusPost(handed, answers),
		"board-verifying":       statusPost(verifying, answers),
		"board-completed":       statusPost(completed, answers),
		"board-cancelled":       statusPost(cancelled, answers),
		"board-rejected":        statusPost(rejected, answers),
		"board-expired":         statusPost(expired, answers),
		"board-failed":          statusPost(failed, answers),
		"board-unconfirmed":     statusPost(unconfirmed, answers),
		"board-root":            statusPost(root, answers),

		"history-approved":           render.History(collecting.c, collecting.entries[1]),
		"history-rejected":           render.History(rejected.c, rejected.entries[1]),
		"history-started":            render.History(collecting.c, collecting.entries[3]),
		"history-key-announced":      render.History(collecting.c, collecting.entries[4]),
		"history-counted":            last(two),
		"history-declined":           last(declined),
		"history-round-refused":      last(refused),
		"history-rekeyed":            render.History(handed.c, handed.message(rules.DeliveryMessage, "alice").Entry),
		"history-token-issued":       last(root),
		"history-verified":           last(verified),
		"history-froze":              last(frozen),
		"history-resume-asked":       last(half),
		"history-resumed":            render.History(half.c, event.Entry{Seq: 8, At: noon, Hash: "ab", Event: event.Resumed{}}),
		"history-attempt-lost":       render.History(half.c, event.Entry{Seq: 9, At: noon, Hash: "ab", Event: event.AttemptLost{Nonce: nonce1}}),
		"history-closing":            render.History(cancelled.c, cancelled.entries[5]),
		"history-round-reset":        last(reset),
		"history-verified-elsewhere": last(elsewhere),
		"history-unconfirmed":        render.History(unconfirmed.c, unconfirmed.entries[len(unconfirmed.entries)-2]),
		"history-failed":             render.History(failed.c, failed.entries[5]),
		"history-ended":              last(cancelled),

		"approval":              outbox(proposed, rules.ApprovalMessage, "bob"),
		"approval-too-late":     outbox(collecting, rules.ApprovalMessage, "bob"),
		"ask":                   outbox(collecting, rules.AskMessage, "carol"),
		"ask-verify":            outbox(verifying, rules.AskMessage, "dave"),
		"ask-replaced":          shown(t)(render.ShareRequest(verifying.c, person("carol"), ceremony.Announced{Subkey: "00"}, testSigner{})),
		"ask-odd-nonce":         shown(t)(render.ShareRequest(collecting.c, person("carol"), oddKey, testSigner{})).OrStop(),
		"ask-over":              outbox(cancelled, rules.AskMessage, "carol"),
		"receipt-counted":       outbox(two, rules.ReceiptMessage, "bob"),
		"receipt-declined":      outbox(declined, rules.ReceiptMessage, "carol"),
		"receipt-round-refused": outbox(refused, rules.ReceiptMessage, "carol"),
		"receipt-rekeyed":       outbox(handed, rules.ReceiptMessage, "erin"),
		"receipt-verified":      outbox(verified, rules.ReceiptMessage, "carol"),
		"receipt-unconfirmed":   outbox(unconfirmed, rules.ReceiptMessage, "carol"),
		"receipt-token":         outbox(root, rules.ReceiptMessage, "dave"),
		"delivery":              outbox(handed, rules.DeliveryMessage, "dave"),
		"token":                 outbox(root, rules.TokenMessage, "alice"),
		"frozen":                outbox(frozen, rules.FrozenMessage, "bob"),
		"frozen-over": outbox(func() *scenario {
			s := &scenario{t: t, entries: frozen.entries}
			return s.then(event.Closing{Outcome: event.Cancelled, By: &alice},
				event.Ended{Outcome: event.Cancelled, Vault: event.AttemptDropped})
		}(), rules.FrozenMessage, "bob"),
		"ended-completed":     outbox(completed, rules.EndedMessage, "bob"),
		"history-unproven":    render.History(half.c, event.Entry{Seq: 9, At: noon, Hash: "ab", Event: event.AttemptLost{Nonce: nonce1, Unproven: true}}),
		"board-gone-made":     statusPost(goneMade, answers),
		"board-gone-nothing":  statusPost(goneNothing, answers),
		"root-board-gone":     statusPost(goneToken, answers),
		"root-board-unknown":  statusPost(unknownToken, answers),
		"root-history-lost":   render.History(unknownToken.c, unknownToken.entries[len(unknownToken.entries)-2]),
		"frozen-gone":         outbox(goneMade, rules.FrozenMessage, "bob"),
		"board-elsewhere":     statusPost(past, answers),
		"history-elsewhere":   render.History(past.c, past.entries[len(past.entries)-2]),
		"delivery-elsewhere":  outbox(past, rules.DeliveryMessage, "dave"),
		"ended-elsewhere":     outbox(past, rules.EndedMessage, "bob"),
		"ended-unproven":      outbox(unproven, rules.EndedMessage, "dave"),
		"ended-unconfirmed":   outbox(unconfirmed, rules.EndedMessage, "bob"),
		"ended-without-force": outbox(lateEnd, rules.EndedMessage, "dave"),

		"recovery-board":           statusPost(recovery, answers),
		"recovery-board-completed": statusPost(recoveryDone, answers),
		"recovery-approval":        outbox(begin(t, recoveryPlan()), rules.ApprovalMessage, "bob"),
		"recovery-ask":             outbox(recovery, rules.AskMessage, "carol"),
		"recovery-round-refused":   last(recoveryRefused),
		"recovery-receipt-refused": outbox(recoveryRefused, rules.ReceiptMessage, "carol"),
		"recovery-delivery":        outbox(recoveryMade, rules.DeliveryMessage, "dave"),
		"recovery-ended":           outbox(recoveryDone, rules.EndedMessage, "dave"),
		"recovery-help":            render.Help("rekey-recovery"),
		"recovery-not-here":        render.SayWords(explain(ceremony.NoRecoveryKey), ""),
		"recovery-instead":         render.SayWords(explain(ceremony.WrongSealType), ""),

		"answer-help":        render.Help(""),
		"answer-help-topic":  render.Help("shares"),
		"answer-list":        render.OpenCeremonies(list, nil, now),
		"key-expires":        render.KeyExpires(identity, now.Add(20*24*time.Hour+time.Hour), now),
		"key-expired":        render.KeyExpires(identity, time.Time{}, now),
		"answer-reload-due":  reloadDue(render.OpenCeremonies(list, nil, now)),
		"answer-list-empty":  render.OpenCeremonies(nil, nil, now),
		"answer-list-aside":  render.OpenCeremonies(list, aside, now),
		"answer-history":     render.PastCeremonies(ended, len(ended)),
		"answer-holders":     render.Holders(clusters, noneExposed),
		"answer-refused":     render.SayWords(explain(ceremony.OwnProposal), ""),
		"answer-failed":      render.SayWords(explain(errors.New("detail that stays inside")), "K7M2QX"),
		"answer-direct-help": render.DirectHelp(),
	})
	return all
}

// TestEveryMessageIsFrozen renders each scene, posts it in a workspace that has
// Slack's limits, and compares what Slack gets and what a person reads with the
// golden files.
func TestEveryMessageIsFrozen(t *testing.T) {
	w, err := slacktest.Start(slacktest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	ops := w.AddChannel("ops", w.AddPerson("alice"), w.Bot())
	api := slack.New(w.BotToken(), slack.OptionAPIURL(w.URL()+"/api/"))

	for name, m := range scenes(t) {
		t.Run(name, func(t *testing.T) {
			_, ts, err := api.PostMessageContext(t.Context(), ops.ID(), m.Options()...)
			if err != nil {
				t.Fatalf("Slack refuses it: %v", err)
			}
			posted, _ := ops.Message(ts)
			read := posted.Text + "\n\n" + w.Read(posted) + "\n"
			for _, text := range instructionsOf(m) {
				read += "\n=== what gpg prints of it ===\n" + text
			}
			compare(t, filepath.Join("testdata", name+".txt"), []byte(read))

			var sent bytes.Buffer
			e := json.NewEncoder(&sent)
			e.SetEscapeHTML(false)
			e.SetIndent("", "  ")
			if err := e.Encode(map[string]any{"text": m.Line, "blocks": m.Blocks}); err != nil {
				t.Fatal(err)
			}
			compare(t, filepath.Join("testdata", name+".json"), sent.Bytes())
		})
	}
	for _, v := range w.Violations() {
		t.Errorf("Slack's rule broken: %s", v)
	}
}

func compare(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-frozen +rendered; -update writes it anew):\n%s", file, diff)
	}
}

// TestNoGoldenFileIsLeftOver keeps files of scenes that are gone from being
// checked for ever, and an empty folder from passing.
func TestNoGoldenFileIsLeftOver(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	known := scenes(t)
	for _, f := range files {
		if name := filepath.Base(f); known[name[:len(name)-len(".json")]].Blocks == nil {
			t.Errorf("%s belongs to no scene", f)
		}
	}
	if len(files) != len(known) {
		t.Errorf("%d golden files for %d scenes", len(files), len(known))
	}
}

func TestEveryMessageIsBlockKitByTheOfficialTypes(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	blockkit.CheckBlockKit(t, files...)
}

// reloadDue is an answer while two files were changed since they were read.
func reloadDue(m render.Message) render.Message {
	m.Blocks = append(m.Blocks, render.ReloadDue([]string{"/etc/conclave/conclave.yaml", "/etc/conclave/keys/alice.asc"}))
	return m
}
