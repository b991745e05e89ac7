package bot

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"conclave/bot/command"
	"conclave/bot/render"
	"conclave/ceremony"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// tapped is a bot at the end of a wire on which anything can be sent.
type tapped struct {
	*stage
	wire *wire
	conn *websocket.Conn
	sent int64
}

func tap(t *testing.T) *tapped {
	t.Helper()
	w := newWire(t)
	b, err := New(Config{
		AppToken: "xapp-1", BotToken: "xoxb-1", APIURL: w.server.URL + "/api/", Team: "T0CONCLAVE", Channel: "C0OPS",
		Sign: testSigner{}, Mark: testMark, Files: testFiles, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	b.rhythm.LeastGap, b.notifier.pace.Gap = time.Millisecond, 0
	s := &stage{t: t, bot: b, engine: &fakeEngine{ready: make(chan struct{}), all: map[ceremony.ID]rules.State{}}, ended: make(chan error, 1)}
	s.engine.clusters = []ceremony.Cluster{{Name: "prod", Initiators: people("alice"), Approvers: people("bob"), Holders: people("carol"), Operations: ceremony.Operations()}}
	close(s.engine.ready)
	s.runQuietly(t)
	return &tapped{stage: s, wire: w, conn: <-w.conns}
}

// sends puts a frame on the wire and waits until all that it sets off is done.
func (s *tapped) sends(frame any) {
	s.t.Helper()
	raw, err := json.Marshal(frame)
	if err != nil {
		s.t.Fatal(err)
	}
	s.sent++
	s.wire.outlives(s.t.(*testing.T), &s.conn, raw, s.sent)
	s.wait("the end of all work", func() bool {
		_, busy := s.bot.queue.Waiting("")
		_, answering := s.bot.answers.Waiting("")
		return !busy && !answering
	})
}

func slashFrame(id, team, user, text, trigger string) object {
	return object{"envelope_id": id, "type": "slash_commands", "accepts_response_payload": true, "payload": object{
		"team_id": team, "user_id": user, "command": "/ceremony", "text": text, "is_enterprise_install": "false", "trigger_id": trigger,
	}}
}

func clickFrame(id, team, user, action, value, trigger string) object {
	return object{"envelope_id": id, "type": "interactive", "payload": object{
		"type": "block_actions", "team": object{"id": team}, "user": object{"id": user, "team_id": team}, "trigger_id": trigger,
		"actions": []object{{"type": "button", "block_id": "decide", "action_id": action, "value": value}},
	}}
}

func formFrame(id, team, user, view, typed, trigger string) object {
	return object{"envelope_id": id, "type": "interactive", "accepts_response_payload": true, "payload": object{
		"type": "view_submission", "team": object{"id": team}, "user": object{"id": user, "team_id": team}, "trigger_id": trigger,
		"view": object{"id": view, "type": "modal", "callback_id": render.FormCallback, "state": object{"values": object{render.FormCallback: object{render.FormInput: object{"type": "plain_text_input", "value": typed}}}}},
	}}
}

func messageFrame(id, team, event string, message object) object {
	said := object{"type": "message", "channel_type": "im", "channel": "D1", "ts": "1.2", "event_ts": "1.2"}
	for key, value := range message {
		said[key] = value
	}
	return object{"envelope_id": id, "type": "events_api", "payload": object{"team_id": team, "type": "event_callback", "event_id": event, "event": said}}
}

// TestP2NothingOfAnotherTeamIsTaken, whatever sender the envelope names.
func TestP2NothingOfAnotherTeamIsTaken(t *testing.T) {
	s := tap(t)
	c := s.holds(begin(t, rekeyPlan()))
	for _, frame := range []object{
		slashFrame("a", "T0EVIL", "U0BOB", "approve k7m2", "1"),
		clickFrame("b", "T0EVIL", "U0BOB", "approve", wording.ButtonValue(c), "2"),
		formFrame("c", "T0EVIL", "U0CAROL", "V1", envelope, "3"),
		messageFrame("d", "T0EVIL", "Ev1", object{"user": "U0CAROL", "text": envelope}),
		messageFrame("e", "T0CONCLAVE", "Ev2", object{"user": "U0CAROL", "text": envelope, "user_team": "T0EVIL"}),
		messageFrame("f", "T0CONCLAVE", "Ev3", object{"user": "U0CAROL", "text": envelope, "source_team": "T0EVIL"}),
	} {
		s.sends(frame)
	}
	if said := s.engine.said(); len(said) > 0 {
		t.Errorf("the engine was asked for %q", said)
	}
}

// TestReplayedSocketEnvelopeActsOnce: as it was, and under another envelope's id.
func TestReplayedSocketEnvelopeActsOnce(t *testing.T) {
	for name, frame := range map[string]func(id string) object{
		"a command": func(id string) object {
			return slashFrame(id, "T0CONCLAVE", "U0BOB", "approve prod-rekey-k7m2", "1.2.3")
		},
		"a click": func(id string) object {
			return clickFrame(id, "T0CONCLAVE", "U0BOB", "approve", "prod-rekey-k7m2 "+rekeyPlan().Hash(), "1.2.3")
		},
		"a form": func(id string) object {
			return formFrame(id, "T0CONCLAVE", "U0CAROL", "V1", envelope, id)
		},
		"a message": func(id string) object {
			return messageFrame(id, "T0CONCLAVE", "Ev"+id, object{"user": "U0CAROL", "text": envelope})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := tap(t)
			s.holds(begin(t, rekeyPlan()))
			for _, id := range []string{"a", "a", "b", "c"} {
				s.sends(frame(id))
			}
			if said := s.engine.said(); len(said) != 1 {
				t.Errorf("the engine was asked for %q", said)
			}
		})
	}
}

// TestReplayAfterARestartHasTheSamePlace: by then the bot has forgotten it, and the
// engine looks at one place once.
func TestReplayAfterARestartHasTheSamePlace(t *testing.T) {
	var places []ceremony.Ref
	for range 2 {
		s := tap(t)
		s.sends(formFrame("a", "T0CONCLAVE", "U0CAROL", "V0FORM", envelope, "1"))
		s.sends(messageFrame("b", "T0CONCLAVE", "Ev1", object{"user": "U0CAROL", "text": envelope}))
		for _, o := range s.engine.offered() {
			places = append(places, o.Message)
		}
	}
	form, message := ceremony.Ref{Channel: formChannel, TS: "V0FORM"}, ceremony.Ref{Channel: "D1", TS: "1.2"}
	if diff := cmp.Diff([]ceremony.Ref{form, message, form, message}, places); diff != "" {
		t.Error(diff)
	}
}

// TestForgedButtonsDecideNothing: of every verb, under values that no message of ours
// has.
func TestForgedButtonsDecideNothing(t *testing.T) {
	s := tap(t)
	c := s.holds(begin(t, rekeyPlan()))
	n := 0
	for _, f := range command.Grammar() {
		for _, value := range []string{"", string(c.ID()), string(c.ID()) + " ", string(c.ID()) + " deadbeef", string(c.ID()) + " " + strings.ToUpper(c.PlanHash), "prod-rekey-x " + c.PlanHash, wording.ButtonValue(c) + " 999"} {
			n++
			s.sends(clickFrame(fmt.Sprint("e", n), "T0CONCLAVE", "U0BOB", string(f.Verb), value, fmt.Sprint(n)))
		}
	}
	if said := s.engine.said(); len(said) > 0 {
		t.Errorf("the engine was asked for %q", said)
	}
}

// TestFormOfAnotherIsTheirsWhoSendsIt: the account counts, and never what a form or
// its metadata say.
func TestFormOfAnotherIsTheirsWhoSendsIt(t *testing.T) {
	s := tap(t)
	s.sends(formFrame("a", "T0CONCLAVE", "U0BOB", "V0CAROLS", envelope, "1"))
	if got := s.engine.offered(); len(got) != 1 || got[0].By.User != "U0BOB" {
		t.Errorf("offered: %+v", got)
	}
	other := formFrame("b", "T0CONCLAVE", "U0CAROL", "V2", envelope, "2")
	other["payload"].(object)["view"].(object)["callback_id"] = "lookalike"
	s.sends(other)
	if n := len(s.engine.offered()); n != 1 {
		t.Errorf("another form's text was offered: %d", n)
	}
}

// TestWhatAnAdministratorOrAnAppMakesOfMessagesIsNotRead: edits, deletions, and posts
// in another person's name.
func TestWhatAnAdministratorOrAnAppMakesOfMessagesIsNotRead(t *testing.T) {
	s := tap(t)
	c := s.holds(started(t, rekeyPlan()))
	for i, message := range []object{
		{"user": "U0CAROL", "text": envelope, "bot_id": "B0EVIL"},
		{"subtype": "bot_message", "username": "conclave", "bot_id": "B0EVIL", "text": envelope},
		{"subtype": "message_deleted", "deleted_ts": "1.1", "previous_message": object{"user": "U0CAROL", "text": envelope, "ts": "1.1"}},
		{"subtype": "message_changed", "message": object{"user": "U0CAROL", "text": envelope, "ts": "1.1", "edited": object{"user": "U0ADMIN", "ts": "1.3"}}, "previous_message": object{"user": "U0CAROL", "text": "hello", "ts": "1.1"}},
		{"subtype": "message_changed", "message": object{"user": "U0BOT", "bot_id": "B1", "text": "the key is " + strings.Repeat("8", 40), "ts": "1.1", "edited": object{"user": "U0ADMIN", "ts": "1.3"}}, "previous_message": object{"user": "U0BOT", "text": "x", "ts": "1.1"}},
		{"subtype": "message_replied", "message": object{"user": "U0CAROL", "text": envelope, "ts": "1.1"}},
	} {
		s.sends(messageFrame(fmt.Sprint("e", i), "T0CONCLAVE", fmt.Sprint("Ev", i), message))
	}
	if said := s.engine.said(); len(said) > 0 {
		t.Errorf("the engine was asked for %q", said)
	}
	// Whatever became of the request in Slack, the key comes from the journal.
	_, to, err := (&inbox{Bot: s.bot, engine: s.engine}).wanted(c.ID(), person("carol").Account)
	if err != nil {
		t.Fatal(err)
	}
	if said := render.PlainText(shown(t)(render.ShareRequest(c, to, *c.Key, testSigner{}))); strings.Contains(said, strings.Repeat("8", 40)) || !strings.Contains(said, wording.Short(c.PlanHash)) {
		t.Errorf("asked anew:\n%s", said)
	}
}

// TestStolenInitiatorsAccountDecidesInItsOwnNameOnly: the engine then says that who
// proposes does not approve. No account is taken from what is typed or clicked.
func TestStolenInitiatorsAccountDecidesInItsOwnNameOnly(t *testing.T) {
	s := tap(t)
	c := s.holds(begin(t, rekeyPlan()))
	s.sends(slashFrame("a", "T0CONCLAVE", "U0ALICE", "approve k7m2 by U0BOB", "1"))
	s.sends(slashFrame("b", "T0CONCLAVE", "U0ALICE", "approve prod-rekey-k7m2", "2"))
	s.sends(clickFrame("c", "T0CONCLAVE", "U0ALICE", "approve", wording.ButtonValue(c), "3"))
	for _, said := range s.engine.said() {
		if !strings.HasSuffix(said, "by T0CONCLAVE/U0ALICE") {
			t.Errorf("in another name: %q", said)
		}
	}
	if n := len(s.engine.said()); n != 2 {
		t.Errorf("%d decisions", n)
	}
}
