package bot

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"

	"conclave/bot/command"
	"conclave/bot/render"
	"conclave/bot/slacktest"
	"conclave/bot/transport"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// longest is the most characters that Slack delivers of a message.
// Source: docs.slack.dev "Truncating really long messages".
const longest = 40000

// TestNothingIsAskedOfTheEngineBeforeAnAcknowledgement: it may wait for a disk, and one
// socket is read for everybody. Here it answers nothing until all is acknowledged.
func TestNothingIsAskedOfTheEngineBeforeAnAcknowledgement(t *testing.T) {
	s, ask := startAsked(t, slacktest.Config{})
	form := s.pressForm(s.carol, ask)
	guest := s.w.AddPerson("mallory", slacktest.Guest)
	s.settle()

	s.engine.mu.Lock()
	release := sync.OnceFunc(s.engine.mu.Unlock)
	defer release()
	words := strings.Repeat("word "+soleHex+" ", 150)
	for _, text := range []string{words, envelope, soleHex} {
		if _, err := guest.DMs(text); err != nil {
			t.Fatal(err)
		}
		if _, err := s.bob.DMs(text); err != nil {
			t.Fatal(err)
		}
	}
	for _, typed := range []string{"list", "status k7m2", "start rekey prod " + soleHex, "approve k7m2 " + soleHex,
		"submit form", soleHex} {
		if r := s.alice.Command(s.ops, "/ceremony", typed); r.Error != "" {
			t.Errorf("/ceremony %s: Slack shows %s", typed, r.Error)
		}
	}
	if _, err := s.carol.Clicks(ask, string(command.VerbForm)); err != nil {
		t.Errorf("a click: %v", err)
	}
	if done, err := s.carol.Submits(form, map[string]string{render.FormInput: soleHex + "\n" + envelope}); err != nil ||
		done.Trouble != "" || len(done.Errors) > 0 {
		t.Errorf("a form: %+v, %v", done, err)
	}
	s.wait("all acknowledgements", func() bool { return s.w.Unacknowledged() == 0 })
	release()
	s.settle()
}

// wordyText returns a text of so many characters, in which nothing looks like a share.
func wordyText(characters int) string { return strings.Repeat("a ", characters/2) }

func saidBy(user, text string) transport.Envelope {
	m := &slack.Msg{Text: text, Blocks: slack.Blocks{BlockSet: []slack.Block{
		slack.NewRichTextBlock("b", slack.NewRichTextSection(slack.NewRichTextSectionTextElement(text, nil))),
	}}}
	return transport.Envelope{ID: "e", Data: slackevents.EventsAPIEvent{
		Data: &slackevents.EventsAPICallbackEvent{EventID: "Ev1"},
		InnerEvent: slackevents.EventsAPIInnerEvent{Data: &slackevents.MessageEvent{User: user, Channel: "D1",
			TimeStamp: "1.1", ChannelType: slackevents.ChannelTypeIM, Message: m}},
	}}
}

func commandedBy(user, text string) transport.Envelope {
	return transport.Envelope{ID: "e",
		Data: slack.SlashCommand{UserID: user, TriggerID: "1.2.3", Text: text}}
}

func submittedBy(user, text string) transport.Envelope {
	return transport.Envelope{ID: "e", Accepts: true,
		Data: slack.InteractionCallback{
			Type: slack.InteractionTypeViewSubmission, User: slack.User{ID: user}, View: slack.View{
				ID: "V1", CallbackID: render.FormCallback,
				State: &slack.ViewState{Values: map[string]map[string]slack.BlockAction{render.FormCallback: {render.FormInput: {Value: text}}}},
			},
		}}
}

// TestAcknowledgementCostsTheSameForEveryText counts allocations.
func TestAcknowledgementCostsTheSameForEveryText(t *testing.T) {
	s := setUp(t, slacktest.Config{})
	d := &inbox{Bot: s.bot, engine: s.engine}
	for name, of := range map[string]func(user, text string) transport.Envelope{"message": saidBy, "command": commandedBy,
		"form": submittedBy} {
		cost := func(text string) float64 {
			ev := of("U1", text)
			if _, j := d.read(ev); j.Do == nil {
				t.Fatalf("a %s sets off nothing", name)
			}
			return testing.AllocsPerRun(20, func() { d.read(ev) })
		}
		short := cost(envelope)
		if long := cost(envelope + "\n" + wordyText(longest)); long > short {
			t.Errorf("a long %s costs %v allocations before its acknowledgement, a short one %v", name, long, short)
		}
	}
}

// TestEngineIsAskedAboutWhatLooksLikeADigestAlone, however long a message is.
func TestEngineIsAskedAboutWhatLooksLikeADigestAlone(t *testing.T) {
	s := start(t, slacktest.Config{})
	for _, row := range []struct {
		text string
		most int
	}{
		{wordyText(10000), 0},
		{strings.Repeat(hexShare[:40]+" ", 100), 0},
		{hexShare + " " + newToken, 0},
		{wordyText(5000) + " plan " + soleHex, 4},
	} {
		s.engine.mu.Lock()
		s.engine.asks = 0
		s.engine.mu.Unlock()
		if _, err := s.bob.DMs(row.text); err != nil {
			t.Fatal(err)
		}
		s.settle()
		s.engine.mu.Lock()
		asks := s.engine.asks
		s.engine.mu.Unlock()
		if asks > row.most {
			t.Errorf("the engine was asked %d times about a message of %d characters, want at most %d", asks, len(row.text),
				row.most)
		}
	}
}

// TestDigestInAFormIsAnsweredAfterItWasLookedAt: whether it is one that people were
// shown is not known when the form is acknowledged (P10).
func TestDigestInAFormIsAnsweredAfterItWasLookedAt(t *testing.T) {
	for name, row := range map[string]struct {
		typed   func(c rules.State) string
		offers  int
		becomes string // what they are told besides
	}{
		"a plan's hash alone":          {func(c rules.State) string { return c.PlanHash }, 0, "no PGP message"},
		"a plan's hash, an envelope":   {func(c rules.State) string { return c.PlanHash + "\n" + envelope }, 1, ""},
		"another hash, or a share":     {func(rules.State) string { return soleHex }, 1, warnOpen},
		"one of the kind, an envelope": {func(rules.State) string { return soleHex + "\n" + envelope }, 1, warnOpen},
	} {
		t.Run(name, func(t *testing.T) {
			s, ask := startAsked(t, slacktest.Config{})
			s.engine.id = ""
			v := s.pressForm(s.carol, ask)
			c, _, err := s.engine.Ceremony("prod-rekey-k7m2")
			if err != nil {
				t.Fatal(err)
			}
			done, err := s.carol.Submits(v, map[string]string{render.FormInput: row.typed(c)})
			if err != nil || done.Trouble != "" || len(done.Errors) > 0 {
				t.Fatalf("%+v, %v", done, err)
			}
			after, _ := s.carol.Form()
			s.expect("being looked at", s.w.ReadView(after))
			if row.becomes != "" {
				s.told(s.carol, row.becomes)
			}
			s.settle()
			if n := len(s.engine.offered()); n != row.offers {
				t.Errorf("%d offers, want %d", n, row.offers)
			}
		})
	}
}

// BenchmarkAcknowledgement measures the work between an envelope and its acknowledgement,
// of which one is made after the other.
func BenchmarkAcknowledgement(b *testing.B) {
	for _, ended := range []int{0, 200, 1000} {
		for _, characters := range []int{100, 4000, longest} {
			for name, of := range map[string]func(user, text string) transport.Envelope{"message": saidBy,
				"command": commandedBy, "form": submittedBy} {
				b.Run(fmt.Sprintf("%s/ended=%d/characters=%d", name, ended, characters), func(b *testing.B) {
					d := floodedInbox(b, ended)
					ev := of("U1", wordyText(characters))
					b.ResetTimer()
					for b.Loop() {
						d.read(ev)
					}
				})
			}
		}
	}
}

// floodedInbox returns an inbox whose engine has so many ceremonies of 70 lines that have ended.
func floodedInbox(b *testing.B, ended int) *inbox {
	s := setUp(b, slacktest.Config{})
	for i := range ended {
		c := rules.State{Plan: rekeyPlan(), PlanHash: fmt.Sprintf("%064x", i)}
		c.Plan.Ceremony = ceremony.ID(fmt.Sprintf("prod-rekey-%04d", i))
		for k := range 70 {
			c.History = append(c.History, event.Entry{Hash: fmt.Sprintf("%056x%08x", i, k)})
		}
		s.engine.all[c.ID()] = c
	}
	return &inbox{Bot: s.bot, engine: s.engine}
}
