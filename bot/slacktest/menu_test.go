package slacktest_test

import (
	"net/http"
	"strings"
	"testing"

	"conclave/bot/slacktest"

	"github.com/google/go-cmp/cmp"
)

const everyInput = `{"type":"modal","title":{"type":"plain_text","text":"All"},"submit":{"type":"plain_text","text":"Send"},"blocks":[
	{"type":"input","block_id":"one","label":{"type":"plain_text","text":"One"},"element":{"type":"static_select","action_id":"a","option_groups":[
		{"label":{"type":"plain_text","text":"G"},"options":[{"text":{"type":"plain_text","text":"X"},"value":"x"},{"text":{"type":"plain_text","text":"Y"},"value":"y"}]}]}},
	{"type":"input","block_id":"some","label":{"type":"plain_text","text":"Some"},"element":{"type":"checkboxes","action_id":"a","options":[{"text":{"type":"plain_text","text":"X"},"value":"x"},{"text":{"type":"mrkdwn","text":"Y"},"value":"y"}]}},
	{"type":"input","block_id":"user","label":{"type":"plain_text","text":"User"},"element":{"type":"users_select","action_id":"a"}},
	{"type":"input","block_id":"users","label":{"type":"plain_text","text":"Users"},"element":{"type":"multi_users_select","action_id":"a"}},
	{"type":"input","block_id":"where","label":{"type":"plain_text","text":"Where"},"element":{"type":"conversations_select","action_id":"a"}},
	{"type":"input","block_id":"room","label":{"type":"plain_text","text":"Room"},"element":{"type":"channels_select","action_id":"a"}},
	{"type":"input","block_id":"day","label":{"type":"plain_text","text":"Day"},"hint":{"type":"plain_text","text":"soon"},"element":{"type":"datepicker","action_id":"a"}},
	{"type":"input","block_id":"hour","label":{"type":"plain_text","text":"Hour"},"element":{"type":"timepicker","action_id":"a"}}]}`

func TestEveryKindOfInputReportsInItsOwnWay(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	s := c.connect()
	alice := w.AddPerson("alice")
	openForm(c, s, alice, everyInput)
	form, _ := alice.Form()
	if got := w.ReadView(form); !strings.Contains(got, "Some: ( X | Y )") || !strings.Contains(got, "· soon") {
		t.Errorf("form reads %q", got)
	}
	if _, err := alice.Forces(form, map[string]string{"one": "z"}); err == nil {
		t.Error("an option that is not there was chosen")
	}
	done := background(func() error {
		return second(alice.Submits(form, map[string]string{
			"one": "y", "some": "x,y", "user": "U1", "users": "U1,U2", "where": "C1", "room": "C2", "day": "2027-01-15",
			"hour": "08:00",
		}))
	})
	envelope := s.next()
	s.ack(envelope, answer{"response_action": "clear"})
	do(t, <-done)
	x, y := o{"text": o{"type": "plain_text", "text": "X"}, "value": "x"}, o{"text": o{"type": "plain_text", "text": "Y"},
		"value": "y"}
	want := o{
		"one": o{"a": o{"type": "static_select", "selected_option": y}},
		"some": o{"a": o{"type": "checkboxes",
			"selected_options": l{x, o{"text": o{"type": "mrkdwn", "text": "Y"}, "value": "y"}}}},
		"user":  o{"a": o{"type": "users_select", "selected_user": "U1"}},
		"users": o{"a": o{"type": "multi_users_select", "selected_users": l{"U1", "U2"}}},
		"where": o{"a": o{"type": "conversations_select", "selected_conversation": "C1"}},
		"room":  o{"a": o{"type": "channels_select", "selected_channel": "C2"}},
		"day":   o{"a": o{"type": "datepicker", "selected_date": "2027-01-15"}},
		"hour":  o{"a": o{"type": "timepicker", "selected_time": "08:00"}},
	}
	if diff := cmp.Diff(want, at(envelope, "payload", "view", "state", "values")); diff != "" {
		t.Error(diff)
	}
	if _, open := alice.Form(); open {
		t.Error("clear left a form open")
	}
}

func TestFormsStackThreeDeep(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	s := c.connect()
	alice := w.AddPerson("alice")
	push := func(view string) answer {
		t.Helper()
		done := background(func() slacktest.Reply { return alice.Shortcut("more") })
		envelope := s.next()
		s.ack(envelope)
		if r := <-done; r.Error != "" || at(envelope, "payload", "type") != "shortcut" ||
			at(envelope, "payload", "callback_id") != "more" {
			t.Errorf("shortcut: %+v, %v", r, envelope)
		}
		return c.form("views.push", "trigger_id", at(envelope, "payload", "trigger_id").(string), "view", view)
	}
	opened := openForm(c, s, alice, shareForm)
	second := push(marshal(t, modal(o{"external_id": "mine"})))
	if at(second, "view", "previous_view_id") != at(opened, "view", "id") ||
		at(second, "view", "root_view_id") != at(opened, "view", "id") {
		t.Errorf("second: %v", second)
	}
	if a := push(marshal(t, modal(o{"external_id": "mine"}))); a["error"] != "duplicate_external_id" {
		t.Errorf("same external_id: %v", a)
	}
	if a := push(marshal(t, modal(nil))); a["ok"] != true {
		t.Errorf("third: %v", a)
	}
	if a := push(marshal(t, modal(nil))); a["error"] != "push_limit_reached" {
		t.Errorf("fourth: %v", a)
	}
	front, _ := alice.Form()
	do(t, alice.Closes(front))
	if front, _ = alice.Form(); front.ExternalID != "mine" {
		t.Errorf("in front: %+v", front)
	}
}

func TestMenuOfAMessageReportsTheChoice(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	s := c.connect()
	alice := w.AddPerson("alice")
	ops := w.AddPrivateChannel("ops", alice, w.Bot())
	ts := c.ok("chat.postMessage", "channel", ops.ID(), "text", "which?", "blocks",
		`[{"type":"actions","elements":[{"type":"static_select","action_id":"which","options":[{"text":{"type":"plain_text","text":"Prod"},"value":"prod"}]}]}]`)["ts"].(string)
	m, _ := ops.Message(ts)
	done := background(func() error { return second(alice.Selects(m, "which", "prod")) })
	envelope := s.next()
	s.ack(envelope)
	do(t, <-done)
	if got := at(at(envelope, "payload").(o)["actions"].(l)[0], "selected_option", "value"); got != "prod" {
		t.Errorf("got %v", envelope)
	}
}

func TestResponseURLReplacesAndDeletesWhatOnlyOnePersonSees(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	s := c.connect()
	alice := w.AddPerson("alice")
	ops := w.AddPrivateChannel("ops", alice, w.Bot())
	c.ok("chat.postEphemeral", "channel", ops.ID(), "user", alice.ID(), "text", "sure?", "blocks",
		`[{"type":"actions","elements":[{"type":"button","action_id":"yes","text":{"type":"plain_text","text":"Yes"}}]}]`)
	done := background(func() error { return second(alice.Clicks(alice.Sees(ops)[0], "yes")) })
	envelope := s.next()
	s.ack(envelope)
	do(t, <-done)
	if at(envelope, "payload", "container", "is_ephemeral") != true || at(envelope, "payload", "message") != nil {
		t.Errorf("got %v", envelope)
	}
	for _, test := range []struct {
		body   string
		status int
		seen   int
	}{
		{`{"replace_original":true,"text":"done"}`, http.StatusOK, 1},
		{`{"text":""}`, http.StatusBadRequest, 1},
		{`not JSON`, http.StatusBadRequest, 1},
		{`{"delete_original":true}`, http.StatusOK, 0},
	} {
		in := must(http.Post(at(envelope, "payload", "response_url").(string), "application/json",
			strings.NewReader(test.body)))(t)
		_ = in.Body.Close()
		if seen := alice.Sees(ops); in.StatusCode != test.status || len(seen) != test.seen || test.seen == 1 &&
			test.status == http.StatusOK && seen[0].Text != "done" {
			t.Errorf("%s: %d, %+v", test.body, in.StatusCode, seen)
		}
	}
}
