package bot

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"conclave/ceremony"
	"conclave/ceremony/rules"
)

// wire is a Slack that sends what it is told, and remembers nothing: whatever a
// socket can carry, the bot lives on it.
type wire struct {
	server *httptest.Server
	conns  chan *websocket.Conn // the newest one
	acks   chan []byte
}

func newWire(tb testing.TB) *wire {
	w := &wire{conns: make(chan *websocket.Conn, 1), acks: make(chan []byte, 64)}
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	w.server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		switch {
		case in.URL.Path == "/link":
			conn, err := upgrader.Upgrade(out, in, nil)
			if err != nil {
				return
			}
			_ = conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"hello"}`))
			select {
			case <-w.conns: // nobody took the one before
			default:
			}
			w.conns <- conn
			for {
				_, frame, err := conn.ReadMessage()
				if err != nil {
					return
				}
				w.acks <- frame
			}
		case strings.HasSuffix(in.URL.Path, "apps.connections.open"):
			fmt.Fprintf(out, `{"ok":true,"url":"ws%s/link"}`, strings.TrimPrefix(w.server.URL, "http"))
		case strings.HasSuffix(in.URL.Path, "users.info"):
			fmt.Fprintf(out, `{"ok":true,"user":{"id":%q,"team_id":"T0CONCLAVE"}}`, in.FormValue("user"))
		default:
			fmt.Fprint(out, `{"ok":true,"team_id":"T0CONCLAVE","bot_id":"B1","user_id":"U0BOT","channel":{"id":"D1","is_member":true},"ts":"1.1"}`)
		}
	}))
	tb.Cleanup(w.server.Close)
	return w
}

// outlives sends a frame, and after it one that the bot has to acknowledge, on the
// next connection if the frame has ended this one. It gives what was acknowledged.
func (w *wire) outlives(t *testing.T, conn **websocket.Conn, frame []byte, number int64) []string {
	var acked []string
	deadline := time.After(hang)
	send := func() string {
		id := fmt.Sprintf("sentinel-%d-%d", number, time.Now().UnixNano())
		_ = (*conn).WriteMessage(websocket.TextMessage, fmt.Appendf(nil,
			`{"envelope_id":%q,"type":"slash_commands","accepts_response_payload":true,"payload":{"team_id":"T0CONCLAVE","user_id":"U0SENTINEL","command":"/ceremony","text":"help","is_enterprise_install":false,"trigger_id":%q}}`, id, id))
		return id
	}
	_ = (*conn).WriteMessage(websocket.TextMessage, frame)
	id := send()
	for {
		select {
		case ack := <-w.acks:
			if len(ack) >= 20480 {
				t.Fatalf("an acknowledgement of %d bytes, which Slack drops", len(ack))
			}
			var said struct {
				ID string `json:"envelope_id"`
			}
			if err := json.Unmarshal(ack, &said); err != nil {
				t.Fatalf("no acknowledgement: %q", ack)
			}
			if said.ID == id {
				return acked
			}
			acked = append(acked, string(ack))
		case next := <-w.conns:
			_ = (*conn).Close()
			*conn = next
			id = send()
		case <-deadline:
			t.Fatalf("the bot does not answer any more after %q", frame)
		}
	}
}

// FuzzFrame sends the running bot whatever a socket can carry, through the client
// that it has, and holds that it lives on, and that nothing secret is in what it
// acknowledges or logs (P1).
func FuzzFrame(f *testing.F) {
	for _, s := range seeds(f, "frame") {
		f.Add([]byte(s))
	}
	w := newWire(f)
	log := &tailLog{}
	b, err := New(Config{
		AppToken: "xapp-1", BotToken: "xoxb-1", APIURL: w.server.URL + "/api/", Team: "T0CONCLAVE", Channel: "C0OPS",
		Sign: testSigner{}, Mark: testMark, Files: testFiles,
		Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		f.Fatal(err)
	}
	b.rhythm.LeastGap, b.rhythm.MostGap, b.rhythm.Refusals = time.Millisecond, 2*time.Millisecond, -1
	b.notifier.pace.Gap = 0
	s := &stage{t: f, bot: b, engine: &fakeEngine{ready: make(chan struct{}), all: map[ceremony.ID]rules.State{}},
		ended: make(chan error, 1)}
	s.engine.clusters = []ceremony.Cluster{{Name: "prod", Holders: people("carol")}}
	close(s.engine.ready)
	s.runQuietly(f)
	conn := <-w.conns
	var number atomic.Int64
	f.Fuzz(func(t *testing.T, frame []byte) {
		log.forget()
		for _, ack := range w.outlives(t, &conn, frame, number.Add(1)) {
			if strings.Contains(ack, hexShare) {
				t.Fatalf("acknowledged with %q", ack)
			}
		}
		if said := log.String(); strings.Contains(said, hexShare) || strings.Contains(said, `msg=panic`) {
			t.Fatalf("logged: %s", said)
		}
	})
}

// tailLog is a log that keeps only its last part.
type tailLog struct{ journal }

func (l *tailLog) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Reset()
}

func (l *tailLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text.Len() > 1<<20 {
		l.text.Reset()
	}
	return l.text.Write(p)
}

var _ io.Writer = (*tailLog)(nil)

// TestEveryFuzzTargetHasSeeds: a target without them tries what nobody sends.
func TestEveryFuzzTargetHasSeeds(t *testing.T) {
	for target, least := range map[string]int{"frame": 20, "unmangle": 8} {
		if n := len(seeds(t, target)); n < least {
			t.Errorf("%s has %d seeds", target, n)
		}
	}
}
