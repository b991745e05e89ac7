package slacktest_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"conclave/bot/slacktest"
	"conclave/bot/slacktest/record"

	"github.com/google/go-cmp/cmp"
)

// background runs what a person does, while the test plays the app.
func background[T any](do func() T) <-chan T {
	done := make(chan T, 1)
	go func() { done <- do() }()
	return done
}

func TestCommandReachesTheAppAndItsAnswerThePerson(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	s := c.connect()
	alice, bob := w.AddPerson("alice"), w.AddPerson("bob")
	ops := w.AddPrivateChannel("ops", alice, bob, w.Bot())
	done := background(func() slacktest.Reply { return alice.Command(ops, "/ceremony", " start rekey prod ") })
	envelope := s.next()
	payload := at(envelope, "payload")
	if envelope["type"] != "slash_commands" || envelope["accepts_response_payload"] != true ||
		at(payload, "text") != "start rekey prod" ||
		at(payload, "channel_name") != "privategroup" || at(payload, "user_id") != alice.ID() ||
		at(payload, "is_enterprise_install") != "false" {
		t.Errorf("got %v", envelope)
	}
	s.ack(envelope, answer{"text": "working on it"})
	reply := <-done
	if reply.Error != "" || len(reply.Messages()) != 1 || reply.Messages()[0].To != alice.ID() || len(bob.Sees(ops)) != 0 {
		t.Errorf("reply %+v %+v, bob sees %v", reply, reply.Messages(), bob.Sees(ops))
	}

	respond := func(body string) int {
		t.Helper()
		in, err := http.Post(at(payload, "response_url").(string), "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = in.Body.Close() }()
		return in.StatusCode
	}
	if status := respond(`{"text":"proposed","response_type":"in_channel"}`); status != http.StatusOK ||
		len(bob.Sees(ops)) != 1 {
		t.Errorf("status %d, bob sees %v", status, bob.Sees(ops))
	}
	for range 4 {
		respond(`{"text":"more"}`)
	}
	wantNoViolations(t, w)
	if status := respond(`{"text":"too much"}`); status != http.StatusNotFound {
		t.Errorf("sixth use: %d", status)
	}
	wantViolation(t, w, record.RuleResponseURL)
	if n := len(reply.Messages()); n != 6 {
		t.Errorf("%d answers", n)
	}
}

func TestCommandFailsAsSlackShowsIt(t *testing.T) {
	w := start(t, slacktest.Config{Timing: slacktest.Timing{Ack: 50 * time.Millisecond}})
	c := client{t, w}
	alice, gone := w.AddPerson("alice"), w.AddPerson("gone", slacktest.Deactivated)
	ops := w.AddPrivateChannel("ops", alice, gone, w.Bot())
	for _, test := range []struct {
		name  string
		reply slacktest.Reply
		want  string
	}{
		{"no socket", alice.Command(ops, "/ceremony", "x"), "dispatch_failed"},
		{"another app's", alice.Command(ops, "/lunch", "x"), "not_a_command"},
		{"no account", gone.Command(ops, "/ceremony", "x"), "not_allowed"},
	} {
		if test.reply.Error != test.want {
			t.Errorf("%s: %q, want %s", test.name, test.reply.Error, test.want)
		}
	}
	s := c.connect()
	if reply := alice.Command(ops, "/ceremony", "x"); reply.Error != "operation_timeout" {
		t.Errorf("no acknowledgement: %q", reply.Error)
	}
	s.next()
	s.silent(100 * time.Millisecond) // a command is not sent again
}

func TestGraceLastsWhileAnAcknowledgementCanCome(t *testing.T) {
	w := start(t, slacktest.Config{Timing: slacktest.Timing{Ack: 50 * time.Millisecond, Grace: time.Hour}})
	c := client{t, w}
	alice := w.AddPerson("alice")
	command := func() <-chan slacktest.Reply {
		return background(func() slacktest.Reply { return alice.Command(alice.Direct(), "/ceremony", "x") })
	}
	s := c.connect()
	done := command()
	late := s.next()
	time.Sleep(100 * time.Millisecond)
	s.ack(late)
	if reply := <-done; reply.Error != "" {
		t.Errorf("late: %s", reply.Error)
	}
	wantNoViolations(t, w)

	for _, method := range []string{"socket.send", "socket.ack"} {
		w.Inject(slacktest.Fault{Method: method, Times: 1, Effect: slacktest.Lose()})
		done = command()
		if method == "socket.ack" {
			s.ack(s.next())
		}
		if reply := <-done; reply.Error != "operation_timeout" {
			t.Errorf("%s lost: %q", method, reply.Error)
		}
	}
	done = command()
	s.next()
	w.CutSockets()
	if reply := <-done; reply.Error != "operation_timeout" {
		t.Errorf("no socket: %q", reply.Error)
	}
}

func TestTriggerOpensOneFormInTime(t *testing.T) {
	clock := newClock()
	w := start(t, slacktest.Config{Now: clock.Now})
	c := client{t, w}
	s := c.connect()
	alice := w.AddPerson("alice")
	trigger := func() string {
		done := background(func() slacktest.Reply { return alice.Command(alice.Direct(), "/ceremony", "submit") })
		envelope := s.next()
		s.ack(envelope)
		<-done
		return at(envelope, "payload", "trigger_id").(string)
	}
	form := marshal(t, modal(nil))
	first := trigger()
	c.ok("views.open", "trigger_id", first, "view", form)
	for id, want := range map[string]string{first: "exchanged_trigger_id", "1.2.3": "invalid_trigger_id",
		"nonsense": "invalid_arguments"} {
		if a := c.form("views.open", "trigger_id", id, "view", form); a["error"] != want {
			t.Errorf("%s: %v, want %s", id, a, want)
		}
	}
	late := trigger()
	clock.Advance(4 * time.Second)
	if a := c.form("views.open", "trigger_id", late, "view", form); a["error"] != "expired_trigger_id" {
		t.Errorf("late: %v", a)
	}
	wantViolation(t, w, record.RuleTrigger)
}

// openForm lets the app open a form in front of alice.
func openForm(c client, s *connection, alice *slacktest.Person, view string) answer {
	c.t.Helper()
	done := background(func() slacktest.Reply { return alice.Command(alice.Direct(), "/ceremony", "submit") })
	envelope := s.next()
	s.ack(envelope)
	<-done
	return c.ok("views.open", "trigger_id", at(envelope, "payload", "trigger_id").(string), "view", view)
}

const shareForm = `{"type":"modal","callback_id":"share","notify_on_close":true,"title":{"type":"plain_text","text":"Share"},"submit":{"type":"plain_text","text":"Send"},"blocks":[
	{"type":"input","block_id":"armor","label":{"type":"plain_text","text":"Armor"},"element":{"type":"plain_text_input","action_id":"text","multiline":true,"min_length":5,"max_length":20}},
	{"type":"input","block_id":"cluster","optional":true,"label":{"type":"plain_text","text":"Cluster"},"element":{"type":"static_select","action_id":"which","options":[{"text":{"type":"plain_text","text":"Prod"},"value":"prod"}]}}]}`

func TestFormSendsEveryInputAndShowsTheAnswer(t *testing.T) {
	w := start(t, slacktest.Config{Timing: slacktest.Timing{Ack: 50 * time.Millisecond, Grace: hang}})
	c := client{t, w}
	s := c.connect()
	alice := w.AddPerson("alice")
	openForm(c, s, alice, shareForm)
	form, _ := alice.Form()

	if _, err := alice.Submits(form, map[string]string{"armor": "abc"}); !errors.Is(err, slacktest.ErrNotAllowed) {
		t.Errorf("Slack's client let too short a text go: %v", err)
	}
	if _, err := alice.Submits(form, nil); !errors.Is(err, slacktest.ErrNotAllowed) {
		t.Errorf("Slack's client let an empty input go: %v", err)
	}
	type result struct {
		slacktest.Submission
		err error
	}
	submit := func(values map[string]string, ack ...any) (slacktest.Submission, answer) {
		t.Helper()
		done := background(func() result {
			s, err := alice.Forces(form, values)
			return result{s, err}
		})
		envelope := s.next()
		if len(ack) > 0 && ack[0] == nil { // none
			w.Inject(slacktest.Fault{Method: "socket.ack", Times: 1, Effect: slacktest.Lose()})
		}
		s.ack(envelope, ack...)
		r := <-done
		if r.err != nil {
			t.Fatal(r.err)
		}
		return r.Submission, at(envelope, "payload", "view", "state", "values").(answer)
	}
	got, values := submit(map[string]string{"text": "<&> raw", "which": "prod"},
		answer{"response_action": "errors", "errors": answer{"armor": "no armor"}})
	if at(values, "armor", "text", "value") != "<&> raw" ||
		at(values, "cluster", "which", "selected_option", "value") != "prod" {
		t.Errorf("values: %v", values)
	}
	if diff := cmp.Diff(slacktest.Submission{Errors: map[string]string{"armor": "no armor"}}, got); diff != "" {
		t.Error(diff)
	}
	got, values = submit(nil, answer{"response_action": "errors", "errors": answer{"nowhere": "x"}})
	if got.Trouble != slacktest.Trouble || at(values, "armor", "text", "value") != nil {
		t.Errorf("errors for no input: %+v, %v", got, values)
	}
	wantViolation(t, w, record.RuleAckPayload)
	if got, _ = submit(nil, nil); got.Trouble != slacktest.Trouble {
		t.Errorf("no acknowledgement: %+v", got)
	}
	next := `{"type":"modal","title":{"type":"plain_text","text":"Thanks"},"blocks":[]}`
	if got, _ = submit(nil, answer{"response_action": "update", "view": decode(t, next)}); got.Trouble != "" ||
		got.Closed {
		t.Errorf("update: %+v", got)
	}
	if form, _ = alice.Form(); form.Title != "Thanks" {
		t.Errorf("form is %+v", form)
	}
	if got, _ = submit(nil); !got.Closed {
		t.Errorf("empty acknowledgement: %+v", got)
	}
	if _, open := alice.Form(); open {
		t.Error("the form is still open")
	}
}

func decode(t *testing.T, raw string) answer {
	t.Helper()
	var a answer
	do(t, json.Unmarshal([]byte(raw), &a))
	return a
}

func TestViewsAreUpdatedByTheirHash(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	s := c.connect()
	alice := w.AddPerson("alice")
	opened := openForm(c, s, alice, shareForm)
	id, hash := at(opened, "view", "id").(string), at(opened, "view", "hash").(string)
	c.ok("views.update", "view_id", id, "hash", hash, "view", shareForm)
	if a := c.form("views.update", "view_id", id, "hash", hash, "view", shareForm); a["error"] != "hash_conflict" {
		t.Errorf("old hash: %v", a)
	}
	if a := c.form("views.update", "view_id", "V404", "view", shareForm); a["error"] != "not_found" {
		t.Errorf("no such view: %v", a)
	}
	if a := c.form("views.open", "trigger_id", "1.2.3", "view", `{"type":"modal"}`); a["error"] != "invalid_arguments" {
		t.Errorf("bad view: %v", a)
	}
	form, _ := alice.Form()
	closed := background(func() error { return alice.Closes(form) })
	envelope := s.next()
	if at(envelope, "payload", "type") != "view_closed" {
		t.Errorf("got %v", envelope)
	}
	s.ack(envelope)
	do(t, <-closed)
}

func TestHomeIsPublishedAndOpened(t *testing.T) {
	w := start(t, slacktest.Config{Events: []string{"app_home_opened"}})
	c := client{t, w}
	s := c.connect()
	alice := w.AddPerson("alice")
	c.ok("views.publish", "user_id", alice.ID(), "view", `{"type":"home","blocks":[{"type":"header","text":{"type":"plain_text","text":"Ceremonies"}},
		{"type":"actions","elements":[{"type":"button","action_id":"refresh","text":{"type":"plain_text","text":"Refresh"}}]}]}`)
	home, _ := alice.Home()
	if got := w.ReadView(home); got != "# Ceremonies\n[ Refresh ]" {
		t.Errorf("home reads %q", got)
	}
	do(t, alice.Opens("home"))
	envelope := s.next()
	if at(envelope, "payload", "event", "view", "id") != home.ID {
		t.Errorf("got %v", envelope)
	}
	s.ack(envelope)
	done := background(func() slacktest.Reply {
		r, err := alice.ClicksIn(home, "refresh")
		if err != nil {
			t.Error(err)
		}
		return r
	})
	envelope = s.next()
	if at(envelope, "payload", "container", "view_id") != home.ID || envelope["accepts_response_payload"] != false {
		t.Errorf("got %v", envelope)
	}
	s.ack(envelope)
	if r := <-done; r.Error != "" {
		t.Errorf("click: %+v", r)
	}
}

func TestClickCarriesTheValueAndCanReplaceTheMessage(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	s := c.connect()
	alice, eve := w.AddPerson("alice"), w.AddPerson("eve")
	ops := w.AddPrivateChannel("ops", alice, w.Bot())
	ts := c.ok("chat.postMessage", "channel", ops.ID(), "text", "approve?", "blocks",
		`[{"type":"actions","block_id":"b","elements":[{"type":"button","action_id":"approve","value":"prod-rekey-k7m2","text":{"type":"plain_text","text":"A & B"}}]}]`)["ts"].(string)
	before, _ := ops.Message(ts)
	if _, err := eve.Clicks(before, "approve"); !errors.Is(err, slacktest.ErrNotAllowed) {
		t.Errorf("somebody from outside clicked: %v", err)
	}
	if _, err := alice.Clicks(before, "reject"); !errors.Is(err, slacktest.ErrNotThere) {
		t.Errorf("a button that is not there was clicked: %v", err)
	}
	click := func() (answer, slacktest.Reply) {
		t.Helper()
		done := background(func() slacktest.Reply { r, _ := alice.Clicks(before, "approve"); return r })
		envelope := s.next()
		s.ack(envelope)
		return at(envelope, "payload").(answer), <-done
	}
	payload, _ := click()
	action := payload["actions"].([]any)[0]
	if at(action, "value") != "prod-rekey-k7m2" || at(action, "block_id") != "b" ||
		at(action, "text", "text") != "A &amp; B" ||
		at(payload, "user", "team_id") != w.TeamID() || at(payload, "message", "ts") != ts {
		t.Errorf("got %v", payload)
	}
	in, err := http.Post(payload["response_url"].(string), "application/json",
		strings.NewReader(`{"text":"approved","replace_original":true}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = in.Body.Close()
	if after, _ := ops.Message(ts); after.Text != "approved" || len(after.Blocks) != 0 {
		t.Errorf("after: %+v", after)
	}
	// A person who sees an older state can still press a button that is gone.
	if payload, reply := click(); reply.Error != "" || at(payload["actions"].([]any)[0], "value") != "prod-rekey-k7m2" {
		t.Errorf("old screen: %v, %+v", payload, reply)
	}
}

func TestPeopleDoOnlyWhatSlackLetsThem(t *testing.T) {
	w := start(t, slacktest.Config{MessagesTab: slacktest.TabReadOnly})
	alice, bob := w.AddPerson("alice"), w.AddPerson("bob")
	ops := w.AddChannel("ops", alice)
	m := must(alice.Says(ops, "mine"))(t)[0]
	for name, err := range map[string]error{
		"write where they are not":    second(bob.Says(ops, "x")),
		"write to a read-only app":    second(alice.DMs("x")),
		"edit what is not theirs":     bob.Edits(m, "x"),
		"upload to a read-only app":   second(alice.Uploads("a.asc", []byte("x"))),
		"delete from where they left": bob.Deletes(m),
	} {
		if !errors.Is(err, slacktest.ErrNotAllowed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ops.Archive()
	if _, err := alice.Says(ops, "x"); !errors.Is(err, slacktest.ErrNotAllowed) {
		t.Errorf("write into an archive: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestReplyStandsInTheThread(t *testing.T) {
	w := start(t, slacktest.Config{Events: []string{"message.channels"}})
	s := client{t, w}.connect()
	alice := w.AddPerson("alice")
	ops := w.AddChannel("ops", alice, w.Bot())
	first := must(alice.Says(ops, "first"))(t)[0]
	s.ack(s.next())
	reply := must(alice.RepliesTo(first, "second"))(t)[0]
	must(alice.RepliesTo(reply, "third"))(t)
	if got := at(s.next(), "payload", "event", "thread_ts"); got != first.TS {
		t.Errorf("thread_ts is %v", got)
	}
	if n := len(ops.Thread(first.TS)); n != 3 {
		t.Errorf("%d messages in the thread", n)
	}
}

func TestEditTellsWhatWasThereBefore(t *testing.T) {
	w := start(t, slacktest.Config{})
	s := client{t, w}.connect()
	alice := w.AddPerson("alice")
	m := must(alice.DMs("a share, pasted in haste"))(t)[0]
	s.ack(s.next())
	do(t, alice.Edits(m, "nothing"))
	event := at(s.next(), "payload", "event")
	if at(event, "subtype") != "message_changed" || at(event, "previous_message", "text") != "a share, pasted in haste" ||
		at(event, "message", "text") != "nothing" {
		t.Errorf("got %v", event)
	}
}
