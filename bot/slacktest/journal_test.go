package slacktest_test

import (
	"bytes"
	"fmt"
	"testing"

	"conclave/bot/slacktest"
	"conclave/bot/slacktest/record"
)

// A canary that passed must be found wherever it was and whatever it was wrapped in. Otherwise a test that looks for
// one proves nothing.
func TestTrafficShowsWhatPassedWhereverItPassed(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	s := c.connect()
	alice := w.AddPerson("alice")
	dm := alice.Direct().ID()
	canary := func(n int) string { return fmt.Sprintf("Canary+%d/<x>\nw==", n) }

	must(alice.DMs(canary(1)))(t)
	frame := s.next()
	must(alice.Uploads("share.asc", []byte(canary(2))))(t)
	c.ok("chat.postMessage", "channel", dm, "text", canary(3))
	c.ok("chat.postMessage", "channel", dm, "text", "x", "blocks",
		marshal(t, l{o{"type": "section", "text": o{"type": "plain_text", "text": canary(4)}}}))
	c.json("chat.postMessage", w.BotToken(), marshal(t, o{"channel": dm, "text": canary(5)}))
	c.form("chat.postMessage", "channel", "C404", "text", canary(6))
	s.ack(frame, answer{"text": canary(7)})
	waitFor(t, w, "the acknowledgement", func() bool { return len(w.Violations()) == 1 })

	traffic := w.Traffic()
	for n := 1; n <= 7; n++ {
		if !bytes.Contains(traffic, []byte(canary(n))) {
			t.Errorf("canary %d is not in the traffic", n)
		}
	}
	for name, secret := range map[string]string{"bot token": w.BotToken(), "app token": w.AppToken()} {
		if bytes.Contains(traffic, []byte(secret)) {
			t.Errorf("the %s is in the traffic", name)
		}
	}
	if sent := w.Traffic(record.FromClient); bytes.Contains(sent, []byte(canary(1))) ||
		!bytes.Contains(sent, []byte(canary(7))) {
		t.Error("what the client sent is not kept apart from what it got")
	}
	if got := len(w.Calls("chat.postMessage")); got != 4 {
		t.Errorf("%d calls of chat.postMessage", got)
	}
	for i, e := range w.Journal() {
		if e.Seq != i+1 {
			t.Fatalf("entry %d has number %d", i, e.Seq)
		}
	}
}
