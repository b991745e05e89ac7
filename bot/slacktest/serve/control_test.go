package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"conclave/bot/slacktest"

	"github.com/gorilla/websocket"
)

// fixture is a workspace that another process controls.
type fixture struct {
	t *testing.T
	w *slacktest.Workspace
}

func start(t *testing.T) fixture {
	t.Helper()
	w, err := slacktest.Start(slacktest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	w.Handle("/_emu/", (&control{w}).handler())
	return fixture{t, w}
}

// read returns status and body of an answer.
func (f fixture) read(in *http.Response, err error) (int, string) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = in.Body.Close() }()
	body, err := io.ReadAll(in.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return in.StatusCode, string(body)
}

func (f fixture) post(path, body string) (int, string) {
	f.t.Helper()
	return f.read(http.Post(f.w.URL()+"/_emu/"+path, "application/json", strings.NewReader(body)))
}

// act posts what must succeed.
func (f fixture) act(path, body string) string {
	f.t.Helper()
	status, printed := f.post(path, body)
	if status != http.StatusOK {
		f.t.Errorf("%s: %d %s", path, status, printed)
	}
	return printed
}

func (f fixture) get(path string) string {
	f.t.Helper()
	_, body := f.read(http.Get(f.w.URL() + "/_emu/" + path))
	return body
}

// call calls a method of the Web API as the app does.
func (f fixture) call(method, token string, pairs ...string) map[string]any {
	f.t.Helper()
	values := url.Values{"token": {token}}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	_, body := f.read(http.PostForm(f.w.URL()+"/api/"+method, values))
	var answer map[string]any
	if err := json.Unmarshal([]byte(body), &answer); err != nil || answer["ok"] != true {
		f.t.Fatalf("%s: %s", method, body)
	}
	return answer
}

// connect opens a socket of the app and reads hello.
func (f fixture) connect() *websocket.Conn {
	f.t.Helper()
	address, _ := f.call("apps.connections.open", f.w.AppToken())["url"].(string)
	conn, _, err := websocket.DefaultDialer.DialContext(f.t.Context(), address, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = conn.Close() })
	var hello struct{ Type string }
	if err := conn.ReadJSON(&hello); err != nil || hello.Type != "hello" {
		f.t.Fatalf("hello: %+v, %v", hello, err)
	}
	return conn
}

func TestAnotherProcessCanActAsAPerson(t *testing.T) {
	f := start(t)
	w := f.w
	app := f.connect()
	alice := w.AddPerson("alice")
	w.AddPrivateChannel("ops", alice, w.Bot())
	answered := make(chan string, 1)
	go func() {
		_, body := f.post("command", `{"as":"alice","channel":"ops","command":"/ceremony","text":"status"}`)
		answered <- body
	}()
	var envelope struct {
		ID string `json:"envelope_id"`
	}
	if err := app.ReadJSON(&envelope); err != nil {
		t.Fatal(err)
	}
	answer := map[string]any{"envelope_id": envelope.ID, "payload": map[string]any{"text": "nothing is under way"}}
	if err := app.WriteJSON(answer); err != nil {
		t.Fatal(err)
	}
	if body := <-answered; !strings.Contains(body, `"read":"nothing is under way"`) {
		t.Errorf("command: %s", body)
	}
	if status, body := f.post("say", `{"as":"alice","text":"hello"}`); status != http.StatusOK ||
		!strings.Contains(body, `"text":"hello"`) {
		t.Errorf("say: %d %s", status, body)
	}
	if status, _ := f.post("upload", `{"as":"alice","name":"a.asc","content":"YXJtb3I="}`); status != http.StatusOK {
		t.Errorf("upload: %d", status)
	}
	if got := f.get("inbox?as=alice"); !strings.Contains(got, `"read":"[file a.asc, 5 bytes]"`) ||
		!strings.Contains(got, "nothing is under way") {
		t.Errorf("inbox: %s", got)
	}
	if got := f.get("state"); !strings.Contains(got, `"sockets":1`) || !strings.Contains(got, `"name":"alice"`) {
		t.Errorf("state: %s", got)
	}
	if got := f.get("wait?after=0"); !strings.Contains(got, "journal") {
		t.Errorf("wait: %s", got)
	}
	if got := f.get("violations"); got != "[]" {
		t.Errorf("violations: %s", got)
	}
	for path, want := range map[string]int{"say": http.StatusNotFound, "click": http.StatusNotFound} {
		if status, body := f.post(path, `{"as":"mallory","text":"x"}`); status != want {
			t.Errorf("%s as nobody: %d %s", path, status, body)
		}
	}
}

func TestEveryActCanBeAskedForFromOutside(t *testing.T) {
	f := start(t)
	w := f.w
	alice := w.AddPerson("alice")
	bob := w.AddPerson("bob")
	ops := w.AddPrivateChannel("ops", alice, w.Bot())
	mine, err := alice.Says(ops, "mine")
	if err != nil {
		t.Fatal(err)
	}
	ts := mine[0].TS
	posted := f.call("chat.postMessage", w.BotToken(), "channel", ops.ID(), "text", "x", "blocks",
		`[{"type":"actions","elements":[{"type":"button","action_id":"yes","text":{"type":"plain_text","text":"Yes"}}]}]`)
	button, _ := posted["ts"].(string)
	f.call("views.publish", w.BotToken(), "user_id", alice.ID(), "view",
		`{"type":"home","blocks":[{"type":"header","text":{"type":"plain_text","text":"Ceremonies"}}]}`)

	f.act("edit", `{"as":"alice","channel":"ops","ts":"`+ts+`","text":"changed"}`)
	f.act("reply", `{"as":"alice","channel":"ops","ts":"`+ts+`","text":"in the thread"}`)
	if got := f.get("messages?channel=ops"); !strings.Contains(got, `changed\n(edited)`) ||
		!strings.Contains(got, "in the thread") {
		t.Errorf("messages: %s", got)
	}
	f.act("delete", `{"as":"alice","channel":"ops","ts":"`+ts+`"}`)
	if got := f.get("sees?as=alice&channel=ops"); strings.Contains(got, "changed\\n") ||
		!strings.Contains(got, "[ Yes ]") {
		t.Errorf("sees: %s", got)
	}
	if got := f.act("click", `{"as":"alice","channel":"ops","ts":"`+button+`","action_id":"yes"}`); !strings.Contains(got,
		"dispatch_failed") {
		t.Errorf("click: %s", got)
	}
	f.act("open", `{"as":"alice","tab":"home"}`)
	if got := f.get("home?as=alice"); !strings.Contains(got, `"read":"# Ceremonies"`) {
		t.Errorf("home: %s", got)
	}
	if got := f.get("form?as=alice"); !strings.Contains(got, "error") {
		t.Errorf("form: %s", got)
	}
	f.act("invite", `{"as":"bob","channel":"ops"}`)
	if bob.Sees(ops) == nil {
		t.Error("bob was not invited")
	}
	f.act("kick", `{"as":"bob","channel":"ops"}`)
	f.act("archive", `{"as":"alice","channel":"ops"}`)
	f.act("deactivate", `{"as":"bob"}`)
	f.act("cut", `{}`)
	if got := f.get("state"); !strings.Contains(got, `"is_archived":true`) || !strings.Contains(got, `"deleted":true`) {
		t.Errorf("state: %s", got)
	}
	if !strings.Contains(f.get("traffic"), "in the thread") || !strings.Contains(f.get("journal"), `"way":"by person"`) {
		t.Error("what was done is not in the journal")
	}
}
