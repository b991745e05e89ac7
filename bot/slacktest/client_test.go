package slacktest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"conclave/bot/slacktest"
	"conclave/bot/slacktest/record"

	"github.com/gorilla/websocket"
)

// client is an app without any SDK: it sends exactly what a test says.
type client struct {
	t *testing.T
	w *slacktest.Workspace
}

type answer = map[string]any

// form calls a method as slack-go does: a form with the token in it.
func (c client) form(method string, pairs ...string) answer {
	c.t.Helper()
	_, a := c.formStatus(method, pairs...)
	return a
}

func (c client) formStatus(method string, pairs ...string) (*http.Response, answer) {
	c.t.Helper()
	values := url.Values{"token": {c.w.BotToken()}}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	in, err := http.PostForm(c.w.URL()+"/api/"+method, values)
	if err != nil {
		c.t.Fatalf("%s: %v", method, err)
	}
	return in, c.decode(method, in)
}

// json calls a method with a JSON body and a bearer token.
func (c client) json(method, token string, body string) answer {
	c.t.Helper()
	out, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.w.URL()+"/api/"+method,
		strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	out.Header.Set("Content-Type", "application/json; charset=utf-8")
	if token != "" {
		out.Header.Set("Authorization", "Bearer "+token)
	}
	in, err := http.DefaultClient.Do(out)
	if err != nil {
		c.t.Fatalf("%s: %v", method, err)
	}
	return c.decode(method, in)
}

func (c client) decode(method string, in *http.Response) answer {
	c.t.Helper()
	defer func() { _ = in.Body.Close() }()
	body, err := io.ReadAll(in.Body)
	if err != nil {
		c.t.Fatalf("%s: %v", method, err)
	}
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return answer{"html": string(body)}
	}
	if code, refused := a["error"].(string); refused && !isDocumented(method, code) {
		c.t.Errorf("%s answered %s, which Slack's reference does not name for it", method, code)
	}
	return a
}

// ok calls a method that must succeed.
func (c client) ok(method string, pairs ...string) answer {
	c.t.Helper()
	a := c.form(method, pairs...)
	if a["ok"] != true {
		c.t.Fatalf("%s: %v", method, a)
	}
	return a
}

func (c client) socketURL() string {
	c.t.Helper()
	a := c.json("apps.connections.open", c.w.AppToken(), "")
	if a["ok"] != true {
		c.t.Fatalf("apps.connections.open: %v", a)
	}
	return a["url"].(string)
}

// connection is one socket of the client.
type connection struct {
	t      *testing.T
	conn   *websocket.Conn
	frames chan answer // closed when the socket ends
	pings  chan struct{}
}

// connect opens a socket and reads hello.
func (c client) connect() *connection {
	c.t.Helper()
	s := c.dial(c.socketURL())
	if hello := s.next(); hello["type"] != "hello" {
		c.t.Fatalf("first frame is %v", hello)
	}
	return s
}

func (c client) dial(address string) *connection {
	c.t.Helper()
	conn, _, err := websocket.DefaultDialer.DialContext(c.t.Context(), address, nil)
	if err != nil {
		c.t.Fatalf("dial: %v", err)
	}
	s := &connection{t: c.t, conn: conn, frames: make(chan answer, 100), pings: make(chan struct{}, 100)}
	conn.SetPingHandler(func(data string) error {
		s.pings <- struct{}{}
		return conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Second))
	})
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(s.frames)
		for {
			var frame answer
			if conn.ReadJSON(&frame) != nil {
				return
			}
			s.frames <- frame
		}
	}()
	c.t.Cleanup(func() {
		_ = conn.Close()
		<-read
	})
	return s
}

// next returns the next frame, or nil when the socket has ended.
func (s *connection) next() answer {
	s.t.Helper()
	select {
	case frame := <-s.frames:
		return frame
	case <-time.After(hang):
		s.t.Fatal("no frame")
		return nil
	}
}

// silent fails if a frame comes within d.
func (s *connection) silent(d time.Duration) {
	s.t.Helper()
	select {
	case frame, open := <-s.frames:
		if open {
			s.t.Fatalf("unexpected frame %v", frame)
		}
	case <-time.After(d):
	}
}

func (s *connection) ack(envelope answer, payload ...any) {
	s.t.Helper()
	a := answer{"envelope_id": envelope["envelope_id"]}
	if len(payload) > 0 {
		a["payload"] = payload[0]
	}
	if err := s.conn.WriteJSON(a); err != nil {
		s.t.Fatalf("ack: %v", err)
	}
}

// at walks into JSON: keys of objects.
func at(v any, path ...string) any {
	for _, key := range path {
		o, _ := v.(map[string]any)
		v = o[key]
	}
	return v
}

func wantNoViolations(t *testing.T, w *slacktest.Workspace) {
	t.Helper()
	for _, v := range w.Violations() {
		t.Errorf("violation: %v", v)
	}
}

func wantViolation(t *testing.T, w *slacktest.Workspace, rule record.Rule) {
	t.Helper()
	waitFor(t, w, "a violation of "+string(rule), func() bool {
		for _, v := range w.Violations() {
			if v.Rule == rule {
				return true
			}
		}
		return false
	})
}
