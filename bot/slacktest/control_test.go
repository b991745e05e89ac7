package slacktest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"conclave/bot/slacktest"
)

func TestAnotherProcessCanActAsAPerson(t *testing.T) {
	w := start(t, slacktest.Config{Control: true})
	s := client{t, w}.connect()
	alice := w.AddPerson("alice")
	w.AddPrivateChannel("ops", alice, w.Bot())
	post := func(path, body string) (int, string) {
		t.Helper()
		in := must(http.Post(w.URL()+"/_emu/"+path, "application/json", strings.NewReader(body)))(t)
		defer func() { _ = in.Body.Close() }()
		return in.StatusCode, string(must(io.ReadAll(in.Body))(t))
	}
	get := func(path string) string {
		t.Helper()
		in := must(http.Get(w.URL() + "/_emu/" + path))(t)
		defer func() { _ = in.Body.Close() }()
		return string(must(io.ReadAll(in.Body))(t))
	}
	answered := background(func() string {
		_, body := post("command", `{"as":"alice","channel":"ops","command":"/ceremony","text":"status"}`)
		return body
	})
	s.ack(s.next(), answer{"text": "nothing is under way"})
	if body := <-answered; !strings.Contains(body, `"read":"nothing is under way"`) {
		t.Errorf("command: %s", body)
	}
	if status, body := post("say", `{"as":"alice","text":"hello"}`); status != http.StatusOK || !strings.Contains(body, `"text":"hello"`) {
		t.Errorf("say: %d %s", status, body)
	}
	if status, _ := post("upload", `{"as":"alice","name":"a.asc","content":"YXJtb3I="}`); status != http.StatusOK {
		t.Errorf("upload: %d", status)
	}
	if got := get("inbox?as=alice"); !strings.Contains(got, `"read":"[file a.asc, 5 bytes]"`) || !strings.Contains(got, "nothing is under way") {
		t.Errorf("inbox: %s", got)
	}
	if got := get("state"); !strings.Contains(got, `"sockets":1`) || !strings.Contains(got, `"name":"alice"`) {
		t.Errorf("state: %s", got)
	}
	if got := get("wait?after=0"); !strings.Contains(got, "journal") {
		t.Errorf("wait: %s", got)
	}
	if got := get("violations"); got != "[]" {
		t.Errorf("violations: %s", got)
	}
	for path, want := range map[string]int{"say": http.StatusNotFound, "click": http.StatusNotFound} {
		if status, body := post(path, `{"as":"mallory","text":"x"}`); status != want {
			t.Errorf("%s as nobody: %d %s", path, status, body)
		}
	}
	closed := start(t, slacktest.Config{})
	in := must(http.Get(closed.URL() + "/_emu/state"))(t)
	_ = in.Body.Close()
	if in.StatusCode != http.StatusNotFound {
		t.Errorf("control without being asked for: %d", in.StatusCode)
	}
}

func TestEveryActCanBeAskedForFromOutside(t *testing.T) {
	w := start(t, slacktest.Config{Control: true})
	c := client{t, w}
	alice := w.AddPerson("alice")
	bob := w.AddPerson("bob")
	ops := w.AddPrivateChannel("ops", alice, w.Bot())
	ask := func(path, body string) string {
		t.Helper()
		in := must(http.Post(w.URL()+"/_emu/"+path, "application/json", strings.NewReader(body)))(t)
		defer func() { _ = in.Body.Close() }()
		printed := string(must(io.ReadAll(in.Body))(t))
		if in.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", path, in.StatusCode, printed)
		}
		return printed
	}
	look := func(path string) string {
		t.Helper()
		in := must(http.Get(w.URL() + "/_emu/" + path))(t)
		defer func() { _ = in.Body.Close() }()
		return string(must(io.ReadAll(in.Body))(t))
	}
	mine := must(alice.Says(ops, "mine"))(t)[0]
	button := c.ok("chat.postMessage", "channel", ops.ID(), "text", "x", "blocks",
		`[{"type":"actions","elements":[{"type":"button","action_id":"yes","text":{"type":"plain_text","text":"Yes"}}]}]`)["ts"].(string)
	c.ok("views.publish", "user_id", alice.ID(), "view", `{"type":"home","blocks":[{"type":"header","text":{"type":"plain_text","text":"Ceremonies"}}]}`)

	ask("edit", `{"as":"alice","channel":"ops","ts":"`+mine.TS+`","text":"changed"}`)
	ask("reply", `{"as":"alice","channel":"ops","ts":"`+mine.TS+`","text":"in the thread"}`)
	if got := look("messages?channel=ops"); !strings.Contains(got, `changed\n(edited)`) || !strings.Contains(got, "in the thread") {
		t.Errorf("messages: %s", got)
	}
	ask("delete", `{"as":"alice","channel":"ops","ts":"`+mine.TS+`"}`)
	if got := look("sees?as=alice&channel=ops"); strings.Contains(got, "changed\\n") || !strings.Contains(got, "[ Yes ]") {
		t.Errorf("sees: %s", got)
	}
	if got := ask("click", `{"as":"alice","channel":"ops","ts":"`+button+`","action_id":"yes"}`); !strings.Contains(got, "dispatch_failed") {
		t.Errorf("click: %s", got)
	}
	ask("open", `{"as":"alice","tab":"home"}`)
	if got := look("home?as=alice"); !strings.Contains(got, `"read":"# Ceremonies"`) {
		t.Errorf("home: %s", got)
	}
	if got := look("form?as=alice"); !strings.Contains(got, "error") {
		t.Errorf("form: %s", got)
	}
	ask("invite", `{"as":"bob","channel":"ops"}`)
	if bob.Sees(ops) == nil {
		t.Error("bob was not invited")
	}
	ask("kick", `{"as":"bob","channel":"ops"}`)
	ask("archive", `{"as":"alice","channel":"ops"}`)
	ask("deactivate", `{"as":"bob"}`)
	ask("cut", `{}`)
	if got := look("state"); !strings.Contains(got, `"is_archived":true`) || !strings.Contains(got, `"deleted":true`) {
		t.Errorf("state: %s", got)
	}
	if !strings.Contains(look("traffic"), "in the thread") || !strings.Contains(look("journal"), `"way":"by person"`) {
		t.Error("what was done is not in the journal")
	}
}
