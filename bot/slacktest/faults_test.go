package slacktest_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/bot/slacktest"
	"conclave/bot/slacktest/record"

	"github.com/gorilla/websocket"
)

func TestFaultHitsTheCallsThatItNames(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	ops := w.AddChannel("ops", w.Bot())
	post := func() answer { return c.form("chat.postMessage", "channel", ops.ID(), "text", "x") }
	fault := w.Inject(slacktest.Fault{Method: "chat.*", Skip: 1, Times: 2, Effect: slacktest.Answer("fatal_error")})
	var got []any
	for range 4 {
		got = append(got, post()["error"])
	}
	if got[0] != nil || got[1] != "fatal_error" || got[2] != "fatal_error" || got[3] != nil || fault.Hits() != 2 {
		t.Errorf("got %v, %d hits", got, fault.Hits())
	}
	c.ok("auth.test")
	always := w.Inject(slacktest.Fault{Method: "*", Effect: slacktest.Answer("internal_error")})
	if a := c.form("auth.test"); a["error"] != "internal_error" {
		t.Errorf("got %v", a)
	}
	always.Remove()
	c.ok("auth.test")
}

func TestFaultCanBeAMatterOfLuck(t *testing.T) {
	hits := func() int {
		w := start(t, slacktest.Config{Seed: 7})
		fault := w.Inject(slacktest.Fault{Method: "auth.test", Probability: 0.5, Effect: slacktest.Answer("internal_error")})
		for range 40 {
			client{t, w}.form("auth.test")
		}
		return fault.Hits()
	}
	first := hits()
	if first < 8 || first > 32 {
		t.Errorf("%d of 40", first)
	}
	if second := hits(); second != first {
		t.Errorf("the same seed hit %d times, then %d", first, second)
	}
}

// Every write of a client has to survive both: it failed, and it failed but was carried out.
func TestDroppedCallWasCarriedOutOrNot(t *testing.T) {
	for _, test := range []struct {
		effect slacktest.Effect
		posted int
		status int // 0: no answer at all
	}{
		{slacktest.DropBefore(), 0, 0},
		{slacktest.DropAfter(), 1, 0},
		{slacktest.Status(http.StatusServiceUnavailable), 0, 503},
		{slacktest.StatusAfter(http.StatusBadGateway), 1, 502},
		{slacktest.RateLimited(30 * time.Second), 0, 429},
		{slacktest.Latency(20 * time.Millisecond), 1, 200},
	} {
		t.Run(test.effect.String(), func(t *testing.T) {
			w := start(t, slacktest.Config{})
			ops := w.AddChannel("ops", w.Bot())
			w.Inject(slacktest.Fault{Method: "chat.postMessage", Effect: test.effect})
			in, err := http.PostForm(w.URL()+"/api/chat.postMessage",
				url.Values{"token": {w.BotToken()}, "channel": {ops.ID()}, "text": {"x"}})
			if err == nil {
				defer func() { _ = in.Body.Close() }()
			}
			if (err != nil) != (test.status == 0) || err == nil && in.StatusCode != test.status {
				t.Errorf("answer %v, error %v", in, err)
			}
			if test.status >= 500 && !strings.HasPrefix(in.Header.Get("Content-Type"), "text/html") {
				t.Errorf("content type %s", in.Header.Get("Content-Type"))
			}
			if test.status == 429 && in.Header.Get("Retry-After") != "30" {
				t.Errorf("Retry-After %q", in.Header.Get("Retry-After"))
			}
			if got := len(ops.Messages()); got != test.posted {
				t.Errorf("%d messages", got)
			}
		})
	}
}

func TestHungCallEndsWithItsClient(t *testing.T) {
	w := start(t, slacktest.Config{})
	w.Inject(slacktest.Fault{Method: "apps.connections.open", Effect: slacktest.Hang()})
	hurried := &http.Client{Timeout: 50 * time.Millisecond}
	out, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL()+"/api/apps.connections.open", nil)
	if err != nil {
		t.Fatal(err)
	}
	out.Header.Set("Authorization", "Bearer "+w.AppToken())
	if in, err := hurried.Do(out); err == nil {
		_ = in.Body.Close()
		t.Error("a hung call answered")
	}
}

func TestClientThatDoesNotWaitIsRemembered(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	w.Inject(slacktest.Fault{Method: "auth.test", Times: 1, Effect: slacktest.RateLimited(time.Minute)})
	c.form("auth.test")
	wantNoViolations(t, w)
	c.form("auth.test")
	wantViolation(t, w, record.RuleRetryAfter)
}

func TestSocketFaults(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault slacktest.Fault
		want  []string // what the client reads after hello; "" is the end of the socket
	}{
		{"lost with its socket", slacktest.Fault{Method: "socket.send", Effect: slacktest.DropBefore()}, []string{""}},
		{"lost while the socket lives", slacktest.Fault{Method: "socket.send", Times: 1, Effect: slacktest.Lose()}, []string{"two", "one"}},
		{"delivered, then cut", slacktest.Fault{Method: "socket.send", Effect: slacktest.DropAfter()}, []string{"one", ""}},
		{"delivered twice", slacktest.Fault{Method: "socket.send", Times: 1, Effect: slacktest.Duplicate()}, []string{"one", "one", "two"}},
		{"delivered again as another", slacktest.Fault{Method: "socket.send", Times: 1, Effect: slacktest.Again()}, []string{"one", "one", "two"}},
		{"overtaken", slacktest.Fault{Method: "socket.send", Times: 1, Effect: slacktest.Latency(3 * time.Second)}, []string{"two", "one"}},
		{"acknowledged, then cut", slacktest.Fault{Method: "socket.ack", Effect: slacktest.DropAfter()}, []string{"one", "two", ""}},
		{"acknowledgement lost", slacktest.Fault{Method: "socket.ack", Times: 1, Effect: slacktest.Lose()}, []string{"one", "two", "one"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			timing := quick()
			timing.Redelivery = []time.Duration{time.Hour}
			if slices.Contains([]string{"lost while the socket lives", "acknowledgement lost"}, test.name) {
				timing.Redelivery[0] = 3 * time.Second // later than anything else
			}
			w := start(t, slacktest.Config{Timing: timing})
			s := client{t, w}.connect()
			alice := w.AddPerson("alice")
			w.Inject(test.fault)
			must(alice.DMs("one"))(t)
			must(alice.DMs("two"))(t)
			for i, want := range test.want {
				frame := s.next()
				if got, _ := at(frame, "payload", "event", "text").(string); got != want {
					t.Fatalf("frame %d is %q, want %q", i, got, want)
				}
				// Into a socket that was cut this write goes nowhere, as it should.
				_ = s.conn.WriteJSON(answer{"envelope_id": frame["envelope_id"]})
			}
		})
	}
}

func TestUpgradeCanBeRefused(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	w.Inject(slacktest.Fault{Method: "socket.open", Times: 1, Effect: slacktest.Status(http.StatusConflict)})
	_, in, err := websocket.DefaultDialer.Dial(c.socketURL(), nil)
	if err == nil || in.StatusCode != http.StatusConflict {
		t.Errorf("got %v, %v", in, err)
	}
	c.connect()
}

func TestDisconnectStormComesRightAfterHello(t *testing.T) {
	w := start(t, slacktest.Config{Timing: quick()})
	c := client{t, w}
	w.Inject(slacktest.Fault{Method: "socket.hello", Effect: slacktest.DisconnectFor("refresh_requested")})
	for range 3 {
		s := c.connect()
		if frame := s.next(); frame["reason"] != "refresh_requested" {
			t.Errorf("got %v", frame)
		}
	}
}

func TestDeactivationIsAnEventAndEndsWhatThePersonMayDo(t *testing.T) {
	w := start(t, slacktest.Config{})
	s := client{t, w}.connect()
	alice := w.AddPerson("alice")
	alice.Deactivate()
	event := at(s.next(), "payload", "event")
	if at(event, "type") != "user_change" || at(event, "user", "deleted") != true {
		t.Errorf("got %v", event)
	}
	if _, err := alice.DMs("still here"); err == nil {
		t.Error("a former member wrote")
	}
	alice.Reactivate()
	must(alice.DMs("back"))(t)
}

func TestVanishedWorkspaceAnswersNobodyUntilItIsBack(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	address := c.socketURL()
	s := c.connect()
	comeBack := w.Vanish()
	if frame := s.next(); frame != nil {
		t.Errorf("got %v", frame)
	}
	if _, err := http.PostForm(w.URL()+"/api/auth.test", url.Values{"token": {w.BotToken()}}); err == nil {
		t.Error("auth.test was answered")
	}
	if _, _, err := websocket.DefaultDialer.Dial(address, nil); err == nil {
		t.Error("a socket was opened")
	}
	comeBack()
	c.ok("auth.test")
	c.connect()
}

func TestCloseEndsEvenACallThatHangs(t *testing.T) {
	w := start(t, slacktest.Config{})
	hung := w.Inject(slacktest.Fault{Method: "auth.test", Effect: slacktest.Hang()})
	answered := background(func() error {
		in, err := http.PostForm(w.URL()+"/api/auth.test", url.Values{"token": {w.BotToken()}})
		if err == nil {
			_ = in.Body.Close()
		}
		return err
	})
	waitFor(t, w, "the call", func() bool { return hung.Hits() == 1 })
	w.Close()
	if err := <-answered; err == nil {
		t.Error("a hung call was answered")
	}
	if err := w.WaitFor(t.Context(), func() bool { return false }); !errors.Is(err, slacktest.ErrClosed) {
		t.Errorf("waiting in a closed workspace: %v", err)
	}
}

func TestUninstalledAppIsToldAndLockedOut(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	s := c.connect()
	w.Uninstall()
	for _, want := range []string{"app_uninstalled", "tokens_revoked"} {
		if got := at(s.next(), "payload", "event", "type"); got != want {
			t.Errorf("got %v, want %s", got, want)
		}
	}
	if a := c.form("auth.test"); a["error"] != "account_inactive" {
		t.Errorf("got %v", a)
	}
}
