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

	"conclave/bot/slacktest"
	"conclave/ceremony"
)

var update = flag.Bool("update", false, "write the golden files anew")

// scenes are every kind of message that people see, in every state that changes
// it. Each is frozen twice: as Slack gets it, and as a person reads it.
func scenes(t *testing.T) map[string]message {
	t.Helper()
	now := noon.Add(37 * time.Minute)
	answers := ceremony.Live{Since: noon.Add(6 * time.Minute)}
	silent := ceremony.Live{Vault: ceremony.ErrNotSent, Since: noon.Add(20 * time.Minute)}
	board := func(s *tale, live ceremony.Live) message { return renderBoard(s.asked(), live, now) }
	outbox := func(s *tale, kind ceremony.MessageKind, to string) message {
		m, err := render(s.c, s.message(kind, to), signTestParcel)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	last := func(s *tale) message { return renderHistory(s.c, s.entries[len(s.entries)-1]) }

	proposed := begin(t, rekeyPlan())
	collecting := started(t, rekeyPlan())
	asking := started(t, rekeyPlan())
	asking.then(
		ceremony.Posted{Key: asking.message(ceremony.AskMessage, "alice").Key, Ref: ceremony.Ref{Channel: "D1", TS: "1.1"}},
		ceremony.Undeliverable{Key: asking.message(ceremony.AskMessage, "dave").Key},
	)
	unreached := started(t, rekeyPlan()).counted("bob", ceremony.Update, nonce1)
	unreached.then(ceremony.Undeliverable{Key: unreached.message(ceremony.AskMessage, "dave").Key})
	unapproved := begin(t, rekeyPlan())
	unapproved.then(ceremony.Undeliverable{Key: unapproved.message(ceremony.ApprovalMessage, "bob").Key})
	two := started(t, rekeyPlan()).counted("bob", ceremony.Update, nonce1).counted("carol", ceremony.Update, nonce1)
	refused := started(t, rekeyPlan()).counted("bob", ceremony.Update, nonce1).counted("carol", ceremony.Update, nonce1).
		share("erin", ceremony.Update, nonce1, ceremony.RoundRefused{Step: ceremony.Update, Round: 1, With: people("bob", "carol", "erin")})
	onItsWay := started(t, rekeyPlan()).share("bob", ceremony.Update, nonce1)
	lost := started(t, rekeyPlan()).share("bob", ceremony.Update, nonce1, ceremony.AnswerLost{})
	frozen := started(t, rekeyPlan()).counted("bob", ceremony.Update, nonce1).
		then(ceremony.Froze{Why: ceremony.VaultDiffers, Want: "nonce " + nonce1, Got: "nonce " + nonce2})
	half := started(t, rekeyPlan()).then(ceremony.Froze{Why: ceremony.AttemptGone}, ceremony.ResumeAsked{By: person("alice")})
	handed := rekeyed(t)
	handed.then(
		ceremony.Posted{Key: handed.message(ceremony.DeliveryMessage, "alice").Key, Ref: ceremony.Ref{Channel: "D1", TS: "1.1"}},
		ceremony.Undeliverable{Key: handed.message(ceremony.DeliveryMessage, "dave").Key},
	)
	verifying := rekeyed(t).then(ceremony.KeyAnnounced{Key: announced(ceremony.Verify, nonce2)}).counted("alice", ceremony.Verify, nonce2)
	verified := rekeyed(t).then(ceremony.KeyAnnounced{Key: announced(ceremony.Verify, nonce2)}).
		counted("alice", ceremony.Verify, nonce2).counted("bob", ceremony.Verify, nonce2).
		share("carol", ceremony.Verify, nonce2, ceremony.Verified{By: new(person("carol"))})
	unconfirmed := rekeyed(t).then(ceremony.KeyAnnounced{Key: announced(ceremony.Verify, nonce2)}).
		counted("alice", ceremony.Verify, nonce2).counted("bob", ceremony.Verify, nonce2).
		share("carol", ceremony.Verify, nonce2, ceremony.Verified{By: new(person("carol")), Unconfirmed: true})
	unconfirmed.then(ceremony.Ended{Outcome: ceremony.Completed, Vault: ceremony.AttemptUsed})
	unproven := rekeyed(t).then(ceremony.KeyAnnounced{Key: announced(ceremony.Verify, nonce2)},
		ceremony.Closing{Outcome: ceremony.Expired}, ceremony.AttemptLost{Nonce: nonce1, Unproven: true}, ceremony.Ended{Outcome: ceremony.Expired, Vault: ceremony.AttemptUnknown})
	goneMade := started(t, rekeyPlan()).counted("bob", ceremony.Update, nonce1).
		then(ceremony.Froze{Why: ceremony.AttemptGone, Want: "attempt " + nonce1, Got: "no attempt in progress", Remains: ceremony.SharesMade})
	goneNothing := started(t, rekeyPlan()).then(ceremony.Froze{Why: ceremony.AttemptGone, Remains: ceremony.NothingMade})
	goneToken := started(t, rootPlan()).then(ceremony.Froze{Why: ceremony.AttemptGone, Want: "attempt " + nonce1, Got: "no attempt in progress"})
	unknownToken := started(t, rootPlan()).then(ceremony.Froze{Why: ceremony.AttemptGone}, ceremony.Closing{Outcome: ceremony.Cancelled, By: new(person("alice"))},
		ceremony.AttemptLost{Nonce: nonce1, Unproven: true}, ceremony.Ended{Outcome: ceremony.Cancelled, Vault: ceremony.AttemptUnknown})
	past := carriedThrough(t)
	elsewhere := rekeyed(t).then(ceremony.KeyAnnounced{Key: announced(ceremony.Verify, nonce2)}, ceremony.Verified{})
	reset := rekeyed(t).then(ceremony.KeyAnnounced{Key: announced(ceremony.Verify, nonce2)}, ceremony.RoundReset{Step: ceremony.Verify, Nonce: nonce1})
	completed := &tale{t: t, entries: verified.entries}
	completed.then(ceremony.Ended{Outcome: ceremony.Completed, Vault: ceremony.AttemptUsed})
	alice := person("alice")
	cancelled := started(t, rekeyPlan()).then(ceremony.Closing{Outcome: ceremony.Cancelled, By: &alice, Why: "wrong day"}, ceremony.Ended{Outcome: ceremony.Cancelled, Vault: ceremony.AttemptDropped})
	rejected := begin(t, rekeyPlan()).then(ceremony.Rejected{By: person("bob"), Why: "not today"}, ceremony.Ended{Outcome: ceremony.WasRejected, Vault: ceremony.NothingToCancel})
	expired := started(t, rekeyPlan()).then(ceremony.Closing{Outcome: ceremony.Expired}, ceremony.Ended{Outcome: ceremony.Expired, Vault: ceremony.AttemptForeign})
	lateEnd := &tale{t: t, entries: verifying.entries}
	lateEnd.then(ceremony.Closing{Outcome: ceremony.Expired}, ceremony.Ended{Outcome: ceremony.Expired, Vault: ceremony.AttemptDropped})
	failed := started(t, rootPlan()).then(ceremony.Closing{Outcome: ceremony.Failed, Fault: ceremony.TokenLost}, ceremony.Ended{Outcome: ceremony.Failed, Vault: ceremony.AttemptUsed})
	root := started(t, rootPlan()).counted("bob", ceremony.Update, nonce1).counted("carol", ceremony.Update, nonce1).
		share("dave", ceremony.Update, nonce1, ceremony.TokenIssued{By: person("dave"), Ciphertext: "d2NGTUE="})
	declined := started(t, rekeyPlan())
	declined.then(ceremony.Offered{By: person("carol"), Step: ceremony.Update, Message: ceremony.Ref{Channel: "D2", TS: "1.9"}},
		ceremony.Declined{By: person("carol"), Step: ceremony.Update, Message: ceremony.Ref{Channel: "D2", TS: "1.9"}, Reason: ceremony.Unsigned})

	recovery := started(t, recoveryPlan())
	recoveryRefused := started(t, recoveryPlan()).counted("bob", ceremony.Update, nonce1).counted("carol", ceremony.Update, nonce1).
		share("erin", ceremony.Update, nonce1, ceremony.RoundRefused{Step: ceremony.Update, Round: 1, With: people("bob", "carol", "erin")})
	recoveryMade := remade(t, recoveryPlan())
	recoveryDone := remade(t, recoveryPlan()).then(ceremony.KeyAnnounced{Key: announced(ceremony.Verify, nonce2)}).
		counted("alice", ceremony.Verify, nonce2).counted("bob", ceremony.Verify, nonce2).
		share("carol", ceremony.Verify, nonce2, ceremony.Verified{By: new(person("carol"))}, ceremony.Ended{Outcome: ceremony.Completed, Vault: ceremony.AttemptUsed})

	oddKey := announced(ceremony.Update, "x'; rm -rf ~; '")

	clusters := []ceremony.Cluster{{
		Name: "prod", Operations: ceremony.Operations(), Initiators: people("alice", "bob"), Approvers: people("alice", "bob"), Approvals: 1,
		Holders: people("alice", "bob", "carol", "dave", "erin"), Receivers: people("alice", "bob", "carol"), Window: 4 * time.Hour,
	}}
	list := []ceremony.Ceremony{two.c, completed.c, cancelled.c}

	all := operationScenes(t)
	maps.Copy(all, alarmScenes(t))
	maps.Copy(all, watchedScenes(t))
	maps.Copy(all, doubtScenes(t))
	maps.Copy(all, map[string]message{
		"board-proposed":     board(proposed, ceremony.Live{}),
		"board-collecting":   board(collecting, answers),
		"board-two-of-three": board(two, answers),
		"board-asking":       renderBoard(asking.c, answers, now),
		"board-not-asked":    board(unreached, answers),
		"board-no-approver":  board(unapproved, answers),
		"board-vault-silent": board(two, silent),
		"board-round-two":    board(refused, answers),
		"board-on-its-way":   board(onItsWay, answers),
		"board-answer-lost":  board(lost, silent),
		"board-frozen":       board(frozen, answers),
		"board-half-thawed":  board(half, answers),
		"board-handing-out":  board(handed, answers),
		"board-verifying":    board(verifying, answers),
		"board-completed":    board(completed, answers),
		"board-cancelled":    board(cancelled, answers),
		"board-rejected":     board(rejected, answers),
		"board-expired":      board(expired, answers),
		"board-failed":       board(failed, answers),
		"board-unconfirmed":  board(unconfirmed, answers),
		"board-root":         board(root, answers),

		"history-approved":           renderHistory(collecting.c, collecting.entries[1]),
		"history-rejected":           renderHistory(rejected.c, rejected.entries[1]),
		"history-started":            renderHistory(collecting.c, collecting.entries[3]),
		"history-key-announced":      renderHistory(collecting.c, collecting.entries[4]),
		"history-counted":            last(two),
		"history-declined":           last(declined),
		"history-round-refused":      last(refused),
		"history-rekeyed":            renderHistory(handed.c, handed.message(ceremony.DeliveryMessage, "alice").Entry),
		"history-token-issued":       last(root),
		"history-verified":           last(verified),
		"history-froze":              last(frozen),
		"history-resume-asked":       last(half),
		"history-resumed":            renderHistory(half.c, ceremony.Entry{Seq: 8, At: noon, Hash: "ab", Event: ceremony.Resumed{}}),
		"history-attempt-lost":       renderHistory(half.c, ceremony.Entry{Seq: 9, At: noon, Hash: "ab", Event: ceremony.AttemptLost{Nonce: nonce1}}),
		"history-closing":            renderHistory(cancelled.c, cancelled.entries[5]),
		"history-round-reset":        last(reset),
		"history-verified-elsewhere": last(elsewhere),
		"history-unconfirmed":        renderHistory(unconfirmed.c, unconfirmed.entries[len(unconfirmed.entries)-2]),
		"history-failed":             renderHistory(failed.c, failed.entries[5]),
		"history-ended":              last(cancelled),

		"approval":              outbox(proposed, ceremony.ApprovalMessage, "bob"),
		"approval-too-late":     outbox(collecting, ceremony.ApprovalMessage, "bob"),
		"ask":                   outbox(collecting, ceremony.AskMessage, "carol"),
		"ask-verify":            outbox(verifying, ceremony.AskMessage, "dave"),
		"ask-replaced":          renderAsk(verifying.c, person("carol"), ceremony.Announced{Subkey: "00"}),
		"ask-odd-nonce":         renderAsk(collecting.c, person("carol"), oddKey).orStop(),
		"ask-over":              outbox(cancelled, ceremony.AskMessage, "carol"),
		"receipt-counted":       outbox(two, ceremony.ReceiptMessage, "bob"),
		"receipt-declined":      outbox(declined, ceremony.ReceiptMessage, "carol"),
		"receipt-round-refused": outbox(refused, ceremony.ReceiptMessage, "carol"),
		"receipt-rekeyed":       outbox(handed, ceremony.ReceiptMessage, "erin"),
		"receipt-verified":      outbox(verified, ceremony.ReceiptMessage, "carol"),
		"receipt-unconfirmed":   outbox(unconfirmed, ceremony.ReceiptMessage, "carol"),
		"receipt-token":         outbox(root, ceremony.ReceiptMessage, "dave"),
		"delivery":              outbox(handed, ceremony.DeliveryMessage, "dave"),
		"token":                 outbox(root, ceremony.TokenMessage, "alice"),
		"frozen":                outbox(frozen, ceremony.FrozenMessage, "bob"),
		"frozen-over": outbox(func() *tale {
			s := &tale{t: t, entries: frozen.entries}
			return s.then(ceremony.Closing{Outcome: ceremony.Cancelled, By: &alice}, ceremony.Ended{Outcome: ceremony.Cancelled, Vault: ceremony.AttemptDropped})
		}(), ceremony.FrozenMessage, "bob"),
		"ended-completed":     outbox(completed, ceremony.EndedMessage, "bob"),
		"history-unproven":    renderHistory(half.c, ceremony.Entry{Seq: 9, At: noon, Hash: "ab", Event: ceremony.AttemptLost{Nonce: nonce1, Unproven: true}}),
		"board-gone-made":     board(goneMade, answers),
		"board-gone-nothing":  board(goneNothing, answers),
		"root-board-gone":     board(goneToken, answers),
		"root-board-unknown":  board(unknownToken, answers),
		"root-history-lost":   renderHistory(unknownToken.c, unknownToken.entries[len(unknownToken.entries)-2]),
		"frozen-gone":         outbox(goneMade, ceremony.FrozenMessage, "bob"),
		"board-elsewhere":     board(past, answers),
		"history-elsewhere":   renderHistory(past.c, past.entries[len(past.entries)-2]),
		"delivery-elsewhere":  outbox(past, ceremony.DeliveryMessage, "dave"),
		"ended-elsewhere":     outbox(past, ceremony.EndedMessage, "bob"),
		"ended-unproven":      outbox(unproven, ceremony.EndedMessage, "dave"),
		"ended-unconfirmed":   outbox(unconfirmed, ceremony.EndedMessage, "bob"),
		"ended-without-force": outbox(lateEnd, ceremony.EndedMessage, "dave"),

		"recovery-board":           board(recovery, answers),
		"recovery-board-completed": board(recoveryDone, answers),
		"recovery-approval":        outbox(begin(t, recoveryPlan()), ceremony.ApprovalMessage, "bob"),
		"recovery-ask":             outbox(recovery, ceremony.AskMessage, "carol"),
		"recovery-round-refused":   last(recoveryRefused),
		"recovery-receipt-refused": outbox(recoveryRefused, ceremony.ReceiptMessage, "carol"),
		"recovery-delivery":        outbox(recoveryMade, ceremony.DeliveryMessage, "dave"),
		"recovery-ended":           outbox(recoveryDone, ceremony.EndedMessage, "dave"),
		"recovery-help":            renderHelp("rekey-recovery"),
		"recovery-not-here":        sayWords(explain(ceremony.NoRecoveryKey), ""),
		"recovery-instead":         sayWords(explain(ceremony.WrongSealType), ""),

		"answer-help":        renderHelp(""),
		"answer-help-topic":  renderHelp("shares"),
		"answer-list":        renderList(list, now),
		"answer-list-empty":  renderList(nil, now),
		"answer-history":     renderPast(list, ""),
		"answer-holders":     renderHolders(clusters, nil),
		"answer-refused":     sayWords(explain(ceremony.OwnProposal), ""),
		"answer-failed":      sayWords(explain(errors.New("detail that stays inside")), "K7M2QX"),
		"answer-direct-help": renderDirectHelp(),
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
			_, ts, err := api.PostMessageContext(t.Context(), ops.ID(), m.options()...)
			if err != nil {
				t.Fatalf("Slack refuses it: %v", err)
			}
			shown, _ := ops.Message(ts)
			compare(t, filepath.Join("testdata", name+".txt"), []byte(shown.Text+"\n\n"+w.Read(shown)+"\n"))

			var sent bytes.Buffer
			e := json.NewEncoder(&sent)
			e.SetEscapeHTML(false)
			e.SetIndent("", "  ")
			if err := e.Encode(map[string]any{"text": m.line, "blocks": m.blocks}); err != nil {
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
		if name := filepath.Base(f); known[name[:len(name)-len(".json")]].blocks == nil {
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
	slacktest.CheckBlockKit(t, files...)
}
