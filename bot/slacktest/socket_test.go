package slacktest_test

import (
	"strings"
	"testing"
	"time"

	"conclave/bot/slacktest"
	"conclave/bot/slacktest/record"

	"github.com/gorilla/websocket"
)

// quick is Slack with short clocks. The pause between pings stays as it is, so that they disturb no test.
func quick() slacktest.Timing {
	return slacktest.Timing{Ack: 100 * time.Millisecond,
		Redelivery: []time.Duration{50 * time.Millisecond, 50 * time.Millisecond,
			50 * time.Millisecond}, Linger: 50 * time.Millisecond}
}

func TestSocketURLWorksOnce(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	address := c.socketURL()
	hello := c.dial(address).next()
	if hello["type"] != "hello" || hello["num_connections"] != 1.0 || at(hello, "connection_info", "app_id") != w.AppID() {
		t.Errorf("hello: %v", hello)
	}
	if _, _, err := websocket.DefaultDialer.Dial(address, nil); err == nil {
		t.Error("a used ticket opened a second socket")
	}
	clock := newClock()
	late := start(t, slacktest.Config{Now: clock.Now})
	address = client{t, late}.socketURL()
	clock.Advance(time.Hour)
	if _, _, err := websocket.DefaultDialer.Dial(address, nil); err == nil {
		t.Error("an expired ticket opened a socket")
	}
}

func TestServerPings(t *testing.T) {
	w := start(t, slacktest.Config{Timing: slacktest.Timing{Ping: 10 * time.Millisecond}})
	s := client{t, w}.connect()
	<-s.pings
	w.Mute(true)
	for len(s.pings) > 0 {
		<-s.pings
	}
	// One ping may have been on its way; another would mean that the server goes on.
	for range 2 {
		select {
		case <-s.pings:
		case <-time.After(100 * time.Millisecond):
			return
		}
	}
	t.Error("a mute server pings")
}

func TestEventIsSentAgainUntilItIsAcknowledged(t *testing.T) {
	for _, fresh := range []bool{false, true} {
		w := start(t, slacktest.Config{FreshEnvelopes: fresh,
			Timing: slacktest.Timing{Redelivery: []time.Duration{50 * time.Millisecond, time.Minute}}})
		s := client{t, w}.connect()
		alice := w.AddPerson("alice")
		must(alice.DMs("hello"))(t)
		first := s.next()
		if first["type"] != "events_api" || first["retry_attempt"] != 0.0 || first["accepts_response_payload"] != false {
			t.Errorf("first delivery: %v", first)
		}
		second := s.next()
		if second["retry_attempt"] != 1.0 || second["retry_reason"] != "timeout" ||
			at(second, "payload", "event_id") != at(first, "payload", "event_id") {
			t.Errorf("second delivery: %v", second)
		}
		if same := second["envelope_id"] == first["envelope_id"]; same == fresh {
			t.Errorf("fresh %v: envelopes %v and %v", fresh, first["envelope_id"], second["envelope_id"])
		}
		s.ack(second)
		waitFor(t, w, "the acknowledgement", func() bool { return w.Unacknowledged() == 0 })
		s.silent(20 * time.Millisecond)
		wantNoViolations(t, w)
	}
}

func TestEventIsGivenUpAfterThreeRepetitions(t *testing.T) {
	w := start(t, slacktest.Config{Timing: quick()})
	s := client{t, w}.connect()
	alice := w.AddPerson("alice")
	must(alice.DMs("hello"))(t)
	for attempt := range 4 {
		if got := s.next()["retry_attempt"]; got != float64(attempt) {
			t.Errorf("attempt %d says %v", attempt, got)
		}
	}
	waitFor(t, w, "the event to be given up", func() bool { return w.Unacknowledged() == 0 })
	s.silent(150 * time.Millisecond)
}

func TestEventRaisedWhileNobodyListensComesLater(t *testing.T) {
	t.Parallel()
	w := start(t, slacktest.Config{Timing: slacktest.Timing{Redelivery: []time.Duration{3 * time.Second, time.Minute}}})
	alice := w.AddPerson("alice")
	must(alice.DMs("hello"))(t)
	s := client{t, w}.connect()
	if got := s.next()["retry_attempt"]; got != 1.0 {
		t.Errorf("retry_attempt is %v", got)
	}
}

func TestEachEnvelopeGoesToOneOfTheSockets(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	sockets := []*connection{c.connect(), c.connect(), c.connect()}
	alice := w.AddPerson("alice")
	for range 30 {
		must(alice.DMs("hello"))(t)
	}
	total := 0
	for total < 30 {
		for _, s := range sockets {
			for len(s.frames) > 0 {
				s.ack(<-s.frames)
				total++
			}
		}
	}
	waitFor(t, w, "acknowledgements", func() bool { return w.Unacknowledged() == 0 })
	wantNoViolations(t, w)
}

func TestEleventhSocketIsTooMany(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	for range 10 {
		c.connect()
	}
	wantNoViolations(t, w)
	frame := c.dial(c.socketURL()).next()
	if frame["type"] != "disconnect" || frame["reason"] != "too_many_websockets" {
		t.Errorf("got %v", frame)
	}
	wantViolation(t, w, record.RuleSockets)
}

func TestBadAcknowledgementsAreRemembered(t *testing.T) {
	clock := newClock()
	w := start(t, slacktest.Config{Now: clock.Now})
	s := client{t, w}.connect()
	alice := w.AddPerson("alice")
	send := func(frame string) {
		t.Helper()
		do(t, s.conn.WriteMessage(websocket.TextMessage, []byte(frame)))
	}
	send(`{"envelope_id":"never-sent"}`)
	wantViolation(t, w, record.RuleAckUnknown)
	send(`{"envelope_id":""}`)
	wantViolation(t, w, record.RuleFrame)
	send(`{"envelope_id":"` + strings.Repeat("x", 20480) + `"}`)
	wantViolation(t, w, record.RuleAckSize)

	must(alice.DMs("one"))(t)
	one := s.next()
	s.ack(one)
	s.ack(one)
	wantViolation(t, w, record.RuleAckTwice)
	must(alice.DMs("two"))(t)
	s.ack(s.next(), answer{"text": "events take no payload"})
	wantViolation(t, w, record.RuleAckPayload)
	must(alice.DMs("three"))(t)
	three := s.next()
	clock.Advance(4 * time.Second)
	s.ack(three)
	wantViolation(t, w, record.RuleAckLate)
}

func TestOnlySubscribedEventsWithinReachAreSent(t *testing.T) {
	w := start(t, slacktest.Config{Events: []string{"message.groups"}})
	s := client{t, w}.connect()
	alice := w.AddPerson("alice")
	without := w.AddPrivateChannel("without", alice)
	with := w.AddPrivateChannel("with", alice, w.Bot())
	must(alice.DMs("not subscribed"))(t)
	must(alice.Says(without, "the app is not here"))(t)
	must(alice.Says(with, "heard"))(t)
	if got := at(s.next(), "payload", "event", "text"); got != "heard" {
		t.Errorf("got %v", got)
	}
	w.RemoveScope("groups:history")
	must(alice.Says(with, "no scope any more"))(t)
	s.silent(50 * time.Millisecond)
}

func TestSharedChannelIsMarkedInEvents(t *testing.T) {
	w := start(t, slacktest.Config{Events: []string{"message.channels"}})
	s := client{t, w}.connect()
	visitor := w.AddPerson("visitor", slacktest.Connected)
	ops := w.AddChannel("ops", visitor, w.Bot())
	ops.ShareOutside(true)
	must(visitor.Says(ops, "hello"))(t)
	envelope := s.next()
	if at(envelope, "payload", "is_ext_shared_channel") != true ||
		at(envelope, "payload", "event", "user_team") != "T0ELSEWHERE" {
		t.Errorf("got %v", envelope)
	}
}

func TestAppHearsItsOwnMessages(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	s := c.connect()
	alice := w.AddPerson("alice")
	c.ok("chat.postMessage", "channel", alice.ID(), "text", "my own words")
	event := at(s.next(), "payload", "event")
	if at(event, "bot_id") != w.BotID() || at(event, "user") != w.Bot().ID() {
		t.Errorf("got %v", event)
	}
}

func TestDisconnectEndsTheSocketAfterAWhile(t *testing.T) {
	w := start(t, slacktest.Config{Timing: quick()})
	c := client{t, w}
	s := c.connect()
	w.Disconnect("warning")
	if frame := s.next(); frame["reason"] != "warning" {
		t.Errorf("got %v", frame)
	}
	if w.Sockets() != 1 {
		t.Error("a warning ended the socket")
	}
	w.Disconnect("refresh_requested")
	if frame := s.next(); frame["reason"] != "refresh_requested" {
		t.Errorf("got %v", frame)
	}
	if w.Sockets() != 0 {
		t.Error("a socket that must go still counts")
	}
	if frame := s.next(); frame != nil {
		t.Errorf("got %v", frame)
	}
	w.SwitchSocketMode(false)
	if frame := c.dial(c.socketURL()).next(); frame["reason"] != "link_disabled" {
		t.Errorf("got %v", frame)
	}
	w.SwitchSocketMode(true)
	c.connect()
}

func TestCutSocketIsGoneWithoutAGoodbye(t *testing.T) {
	w := start(t, slacktest.Config{})
	s := client{t, w}.connect()
	w.CutSockets()
	if frame := s.next(); frame != nil {
		t.Errorf("got %v", frame)
	}
	waitFor(t, w, "no sockets", func() bool { return w.Sockets() == 0 })
}
