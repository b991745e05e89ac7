package bot

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"conclave/ceremony"
)

// oddMessage is a direct message of carol's, of which a file is as Slack was seen to send it and slack-go can't
// decode. It fails the message as a whole.
func oddMessage(text string) string {
	quoted, _ := json.Marshal(text)
	return fmt.Sprintf(`{"envelope_id":"odd-1","type":"events_api","accepts_response_payload":false,"payload":{"team_id":"T0CONCLAVE",
		"type":"event_callback","event_id":"Ev1","event":{"type":"message","channel_type":"im","channel":"D1","user":"U0CAROL",
		"text":%s,"ts":"1.2","event_ts":"1.2","attachments":[{"text":"an answer","fallback":7,
		"message_blocks":[{"message":{"blocks":[]}}]}],
		"blocks":[{"type":"rich_text","block_id":"b","elements":"none"}],
		"files":[{"id":"F1","name":"a.png","display_as_bot":"false"}]}}}`, quoted)
}

// TestOddPartOfAMessageCostsTheRestNothing: its text is read, since everything that people typed stands there too.
func TestOddPartOfAMessageCostsTheRestNothing(t *testing.T) {
	log := &tailLog{}
	w, s, conn := onWire(t, log)
	s.engine.clusters[0].Holders = []ceremony.Person{{Name: "carol", Account: ceremony.Account{Team: "T0CONCLAVE", User: "U0CAROL"}}}
	acked := w.outlives(t, &conn, []byte(oddMessage(envelope)), 1)
	if len(acked) != 1 || !strings.Contains(acked[0], "odd-1") {
		t.Errorf("acknowledged: %q", acked)
	}
	s.wait("the offer", func() bool { return len(s.engine.offered()) == 1 })
	if got := string(s.engine.offered()[0].Envelope); !strings.Contains(got, "BEGIN PGP MESSAGE") {
		t.Errorf("offered %q", got)
	}
	if h := s.bot.Health(); h.Unreadable != 1 || !strings.Contains(log.String(), "level=WARN") {
		t.Errorf("%d of one is counted; the log:\n%s", h.Unreadable, log)
	}
}

// TestWhoeverSentWhatCannotBeDecodedIsTold, where they wait for the answer. The answer is taken with a 202 and some words,
// and is not sent a second time.
func TestWhoeverSentWhatCannotBeDecodedIsTold(t *testing.T) {
	const words = "form that I can't read"
	for name, row := range map[string]struct {
		frame string
		at    string // path of the answer; empty when nobody waits for one
	}{
		"a command": {`{"envelope_id":"odd","type":"slash_commands","payload":{"team_id":"T0CONCLAVE","user_id":"U0CAROL",
			"text":["a"],"response_url":"%s/response"}}`, "/response"},
		"a click": {`{"envelope_id":"odd","type":"interactive","payload":{"type":"block_actions","user":{"id":"U0CAROL","team_id":"T0CONCLAVE"},
			"actions":"none","response_url":"%s/response"}}`, "/response"},
		"a form": {`{"envelope_id":"odd","type":"interactive","payload":{"type":"view_submission","user":{"id":"U0CAROL","team_id":"T0CONCLAVE"},
			"view":"none"}}`, "/api/chat.postMessage"},
		"a message": {`{"envelope_id":"odd","type":"events_api","payload":{"team_id":"T0CONCLAVE","type":"event_callback","event":{"type":"message",
			"channel_type":"im","channel":"D1","user":"U0CAROL","text":"x","message":"none","edited":"none"},"event_time":"none"}}`, "/api/chat.postMessage"},
		"a bot's message": {`{"envelope_id":"odd","type":"events_api","payload":{"team_id":"T0CONCLAVE","type":"event_callback","event":{"type":"message",
			"channel_type":"im","channel":"D1","user":"U0CAROL","bot_id":"B1","text":"x"},"event_time":"none"}}`, ""},
		"something unheard of": {`{"envelope_id":"odd","type":"telepathy","payload":{}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			log := &tailLog{}
			w, s, conn := onWire(t, log)
			frame := row.frame
			if strings.Contains(frame, "%s") {
				frame = fmt.Sprintf(frame, w.server.URL)
			}
			if acked := w.outlives(t, &conn, []byte(frame), 1); len(acked) != 1 || !strings.Contains(acked[0], `"odd"`) {
				t.Errorf("acknowledged: %q", acked)
			}
			if row.at != "" {
				s.wait("an answer", func() bool { return w.posted(row.at, words) > 0 })
			}
			s.wait("the end of all work", func() bool { _, busy := s.bot.queue.Waiting(""); return !busy })
			want := 1
			if row.at == "" {
				want = 0
			}
			if told := w.posted("/response", words) + w.posted("/api/chat.postMessage", words); told != want {
				t.Errorf("told %d times", told)
			}
			if n := s.bot.Health().Unreadable; n != 1 || !strings.Contains(log.String(), "level=WARN") {
				t.Errorf("%d of one is counted; the log:\n%s", n, log)
			}
		})
	}
}

// TestFrameThatIsNoJSONEndsNoConnection.
func TestFrameThatIsNoJSONEndsNoConnection(t *testing.T) {
	w, s, conn := onWire(t, &tailLog{})
	opens := s.bot.Health().Opens
	for range 20 {
		_ = conn.WriteMessage(websocket.TextMessage, []byte("{"))
	}
	w.outlives(t, &conn, []byte("]"), 1)
	if h := s.bot.Health(); h.Opens != opens || h.Unreadable != 21 {
		t.Errorf("%d connections more, %d of 21 counted", h.Opens-opens, h.Unreadable)
	}
}
