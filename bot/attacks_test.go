package bot

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"conclave/bot/command"
	"conclave/bot/render"
	"conclave/bot/slacktest"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

const warnOpen = "looks like a share in the open"

// Plain share while the engine journals another refusal.
func TestExposedShareIsAlwaysTold(t *testing.T) {
	for _, why := range []ceremony.Refusal{ceremony.AlreadyCounted, ceremony.IsFrozen, ceremony.Busy,
		ceremony.NotAHolder} {
		t.Run(string(why), func(t *testing.T) {
			s := start(t, slacktest.Config{})
			s.engine.id = "prod-rekey-k7m2"
			s.engine.fail(why)
			if _, err := s.carol.DMs(hexShare); err != nil {
				t.Fatal(err)
			}
			s.offered(1)
			if !strings.Contains(s.inbox(s.carol), warnOpen) {
				t.Errorf("not warned; inbox:\n%s", s.inbox(s.carol))
			}
		})
	}
}

// The same in a file.
func TestExposedShareInAFileIsTold(t *testing.T) {
	s := start(t, slacktest.Config{})
	s.engine.fail(ceremony.NotCollecting)
	if _, err := s.carol.Uploads("share.txt", []byte(hexShare+"\n")); err != nil {
		t.Fatal(err)
	}
	s.offered(1)
	if !strings.Contains(s.inbox(s.carol), warnOpen) {
		t.Errorf("not warned; inbox:\n%s", s.inbox(s.carol))
	}
}

// Second edit of a message within 15 minutes.
func TestSecondEditIsReadToo(t *testing.T) {
	s := start(t, slacktest.Config{})
	sent, err := s.carol.DMs("hello")
	if err != nil {
		t.Fatal(err)
	}
	s.settle()
	if err := s.carol.Edits(sent[0], "hello you"); err != nil {
		t.Fatal(err)
	}
	s.settle()
	if err := s.carol.Edits(sent[0], "hello "+hexShare); err != nil {
		t.Fatal(err)
	}
	s.told(s.carol, warnOpen)
}

// A button of an earlier freeze.
func TestButtonOfAnEarlierFreezeIsOld(t *testing.T) {
	s := start(t, slacktest.Config{})
	scenario := begin(t, s.plan()).then(
		event.Approved{By: s.people(s.bob)[0], PlanHash: s.plan().Hash()},
	)
	_ = scenario
	p := s.plan()
	scenario = begin(t, p).then(
		event.Approved{By: s.people(s.bob)[0], PlanHash: p.Hash()},
		event.Starting{Attempt: 1},
		event.Started{Nonce: nonce1, Required: 2},
		event.KeyAnnounced{Key: announced(ceremony.StepUpdate, nonce1)},
		event.Frozen{Why: event.SealedMidway},
	)
	c := s.holds(scenario)
	ref, err := s.bot.Notifier().Deliver(s.ctx(), still(c), scenario.message(rules.FrozenMessage, "bob"), false)
	if err != nil {
		t.Fatal(err)
	}
	scenario.then(
		event.ResumeAsked{By: s.people(s.alice)[0]}, event.ResumeAsked{By: s.people(s.bob)[0]}, event.Resumed{},
		event.Frozen{Why: event.VaultDiffers, Want: "PGP keys a", Got: "PGP keys of a stranger"},
	)
	s.holds(scenario)
	m, ok := s.bob.Direct().Message(ref.TS)
	if !ok {
		t.Fatal("no message")
	}
	reply, err := s.bob.Clicks(m, string(command.VerbResume))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reply.Wait(s.ctx()); err != nil {
		t.Fatal(err)
	}
	if said := s.engine.said(); len(said) > 0 {
		t.Errorf("a click under the first freeze (%q) thawed the second (%q): %q", event.SealedMidway, event.VaultDiffers,
			said)
	}
}

// Slack makes links and mentions of bare text in mrkdwn unless verbatim.
func TestReasonMakesNoLinkAndNoMention(t *testing.T) {
	p := rekeyPlan()
	p.Reason = "see https://evil.example/approve @channel"
	for _, m := range []render.Message{render.StatusPost(begin(t, p).c, rules.Live{}, noon)} {
		raw, _ := json.Marshal(m.Blocks)
		var blocks []map[string]any
		_ = json.Unmarshal(raw, &blocks)
		for _, b := range blocks {
			if text, ok := b["text"].(map[string]any); ok && strings.Contains(fmt.Sprint(text["text"]), "evil.example") &&
				text["verbatim"] != true {
				t.Errorf("Slack makes a link of %v", text)
			}
		}
	}
}

// A text of Vault's must not leave its code span.
func TestVaultsWordsStayInTheirCode(t *testing.T) {
	got := wording.Code("x\n:white_check_mark: *Resume is safe*, see https://evil.example\n")
	if strings.ContainsAny(got, "\n\r\u2028") {
		t.Errorf("%q", got)
	}
	s := started(t, rekeyPlan()).then(event.Frozen{Why: event.VaultDiffers, Want: "x", Got: strings.Repeat("y", 4000)})
	m := render.StatusPost(s.c, rules.Live{}, noon)
	raw, _ := json.Marshal(m.Blocks)
	if !strings.Contains(string(raw), "/ceremony cancel") {
		t.Error("a long word of Vault's pushes what to do off the status post")
	}
}

// Another app's post is taken for ours.
func TestOnlyOurOwnPostIsFoundAgain(t *testing.T) {
	s, c := posting(t, slacktest.Config{})
	real := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "conversations.info"):
			fmt.Fprintf(w, `{"ok":true,"channel":{"id":%q,"is_member":true}}`, s.ops.ID())
		case strings.HasSuffix(r.URL.Path, "conversations.history"):
			fmt.Fprintf(w, `{"ok":true,"messages":[{"type":"message","ts":"1.1","bot_id":"B0EVIL","app_id":"A0EVIL","user":"U0EVIL","text":"all is well","metadata":{"event_type":"conclave","event_payload":{"ceremony":%q,"key":%q}}}]}`, c.ID(), statusPost(t, c).Key)
		case strings.HasSuffix(r.URL.Path, "chat.postMessage"):
			fmt.Fprintf(w, `{"ok":true,"channel":%q,"ts":"2.2"}`, s.ops.ID())
		case strings.HasSuffix(r.URL.Path, "auth.test"):
			fmt.Fprintf(w, `{"ok":true,"team_id":%q,"bot_id":"B0CEREMONY","user_id":"U0BOT"}`, s.w.TeamID())
		default:
			fmt.Fprint(w, `{"ok":false,"error":"unknown_method"}`)
		}
	}))
	defer real.Close()
	config := s.bot.config
	config.APIURL = real.URL + "/api/"
	b, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := b.Notifier().Deliver(t.Context(), still(c), statusPost(t, c), true)
	if err != nil || ref.TS == "1.1" {
		t.Errorf("%v, %v: the post of another app stands for ours, which nobody gets to see", ref, err)
	}
}

// A network that cuts every connection after a while.
func TestConnectionsThatServeAreNoRefusals(t *testing.T) {
	s := setUp(t, slacktest.Config{})
	close(s.engine.ready)
	s.bot.rhythm.Refusals, s.bot.rhythm.Abrupt = 3, 20*time.Millisecond
	s.run()
	for range 5 {
		s.hears() // it is greeted and does its work
		time.Sleep(40 * time.Millisecond)
		s.w.CutSockets()
		time.Sleep(300 * time.Millisecond)
		select {
		case err := <-s.ended:
			s.ended <- nil
			t.Fatalf("gave up: %v", err)
		default:
		}
	}
}

// A response URL is a capability: with it, anybody can post as the bot.
func TestResponseURLStaysOutOfTheLog(t *testing.T) {
	s := start(t, slacktest.Config{})
	d := &inbox{Bot: s.bot, engine: s.engine, work: t.Context(), answering: t.Context()}
	d.replyTo("http://127.0.0.1:1/commands/T1/123/SECRETCAPABILITY", s.carol.ID())(s.ctx(), render.Say("hello"))
	if strings.Contains(s.log.String(), "SECRETCAPABILITY") {
		t.Error("the log has the response_url")
	}
}

// Each message of a stranger's flood would be answered with a message.
func TestStrangersFloodIsNotAnsweredOneByOne(t *testing.T) {
	s := start(t, slacktest.Config{})
	mallory := s.w.AddPerson("mallory")
	for range 10 {
		if _, err := mallory.DMs("hi"); err != nil {
			t.Fatal(err)
		}
	}
	s.settle()
	if n := s.fromBot(mallory); n > 2 {
		t.Errorf("%d answers to somebody who has no part", n)
	}
}

// A deactivation notice waits behind the account's own jobs, or is lost.
func TestDeactivationNoticeIsNotQueuedBehindTheAccount(t *testing.T) {
	s := start(t, slacktest.Config{})
	hold := make(chan struct{})
	defer close(hold)
	s.engine.during = func() { <-hold }
	s.carol.DMs(envelope)
	s.wait("offer", func() bool { return len(s.engine.offered()) == 1 })
	s.carol.Deactivate()
	s.wait("the bot to believe the account no longer, while its job goes on", func() bool {
		return !s.bot.accounts.Knows(s.carol.ID())
	})
}

// The command that holders paste hands the share to their own long-term key, too.
func TestEnvelopeOpensWithTheCeremonyKeyAlone(t *testing.T) {
	c := started(t, rekeyPlan()).c
	said := instructionsOf(shown(t)(render.ShareRequest(c, person("carol"), *c.Key, testSigner{})))
	if len(said) != 1 || !strings.Contains(said[0], "--no-encrypt-to") {
		t.Errorf("gpg.conf's encrypt-to adds recipients: %s", said)
	}
}

var _ slack.Block

// A proposal only reads from Vault. When an answer is lost, nothing is uncertain.
func TestProposalThatFailedSaysSo(t *testing.T) {
	s := start(t, slacktest.Config{})
	s.engine.fail(fmt.Errorf("ask prod for its progress: %w", ceremony.ErrUncertain))
	got := s.types(s.alice, "start rekey prod OPS-1")
	if strings.Contains(got, "being asked") || !strings.Contains(got, "Nothing was") {
		t.Errorf("looks as if something were going on:\n%s", got)
	}
}
