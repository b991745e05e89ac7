package slacktest_test

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"conclave/bot/slacktest"

	"github.com/gorilla/websocket"
)

// Everything at once, for the race detector and for deadlocks: people act, an app with three sockets answers, and Slack
// misbehaves.
func TestManyThingsAtOnce(t *testing.T) {
	w := start(t, slacktest.Config{Seed: 3, Timing: quick()})
	c := client{t, w}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	ops := w.AddPrivateChannel("ops", w.Bot())
	for _, fault := range []slacktest.Fault{
		{Method: "chat.*", Probability: 0.2, Effect: slacktest.DropAfter()},
		{Method: "socket.send", Probability: 0.1, Effect: slacktest.DropAfter()},
		{Method: "socket.send", Probability: 0.1, Effect: slacktest.Again()},
		{Method: "socket.send", Probability: 0.1, Effect: slacktest.Latency(5 * time.Millisecond)},
		{Method: "socket.ack", Probability: 0.1, Effect: slacktest.Lose()},
	} {
		w.Inject(fault)
	}
	var all sync.WaitGroup
	for _, name := range []string{"alice", "bob", "carol"} {
		p := w.AddPerson(name)
		ops.Invite(p)
		all.Go(func() {
			for ctx.Err() == nil {
				if m, err := p.DMs("hello"); err == nil {
					_ = p.Edits(m[0], "hello again")
				}
				p.Command(ops, "/ceremony", "status")
				_, _ = p.Uploads("share.asc", []byte("armor"))
				_, _, _ = p.Inbox(), w.Traffic(), w.Violations()
			}
		})
	}
	for range 3 {
		all.Go(func() {
			for ctx.Err() == nil {
				answerEverything(ctx, c, ops)
			}
		})
	}
	all.Go(func() {
		for ctx.Err() == nil {
			w.CutSockets()
			_ = w.WaitFor(ctx, func() bool { return w.Sockets() > 0 })
		}
	})
	all.Wait()
	if len(w.Journal()) < 100 {
		t.Errorf("only %d things happened", len(w.Journal()))
	}
}

// answerEverything plays an app with one socket until the socket ends.
func answerEverything(ctx context.Context, c client, ops *slacktest.Channel) {
	in, err := http.PostForm(c.w.URL()+"/api/apps.connections.open", url.Values{"token": {c.w.AppToken()}})
	if err != nil {
		return
	}
	address, _ := c.decode("apps.connections.open", in)["url"].(string)
	conn, _, err := websocket.DefaultDialer.DialContext(ctx, address, nil)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	for {
		var frame answer
		if conn.ReadJSON(&frame) != nil {
			return
		}
		if frame["envelope_id"] == nil {
			continue
		}
		if conn.WriteJSON(answer{"envelope_id": frame["envelope_id"]}) != nil {
			return
		}
		in, err := http.PostForm(c.w.URL()+"/api/chat.postMessage",
			url.Values{"token": {c.w.BotToken()}, "channel": {ops.ID()}, "text": {"x"}})
		if err == nil {
			_ = in.Body.Close()
		}
	}
}
