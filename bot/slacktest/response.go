package slacktest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"conclave/bot/slacktest/blockkit"
	"conclave/bot/slacktest/mrkdwn"
	"conclave/bot/slacktest/record"
)

// responseURL lets the app answer one interaction of a person, five times within thirty minutes.
type responseURL struct {
	id      string // ties the answers to what the person did
	person  *Person
	channel *Channel
	message *message // the message that was clicked, which replace_original replaces
	expires time.Time
	left    int
}

const responseURLUses = 5

func (w *Workspace) responseURLLocked(kind string, p *Person, ch *Channel, m *message) (string, *responseURL) {
	r := &responseURL{
		id: w.idLocked("R"), person: p, channel: ch, message: m,
		expires: w.cfg.Now().Add(w.cfg.Timing.ResponseURL), left: responseURLUses,
	}
	path := fmt.Sprintf("/%s/%s/%d/%016x", kind, w.TeamID(), 3000000+len(w.replies), w.random.Uint64())
	w.replies[path] = r
	return w.URL() + path, r
}

// response is what an app sends to a response URL, and in the acknowledgement of a slash command.
type response struct {
	Text            string          `json:"text"`
	Blocks          json.RawMessage `json:"blocks"`
	ResponseType    string          `json:"response_type"`
	ReplaceOriginal bool            `json:"replace_original"`
	DeleteOriginal  bool            `json:"delete_original"`
	ThreadTS        string          `json:"thread_ts"`
}

func (w *Workspace) serveResponseURL(out http.ResponseWriter, in *http.Request) {
	const what = "response_url"
	body, err := io.ReadAll(in.Body)
	w.record(record.FromClient, what, body)
	effect := w.strike(what)
	effect.wait(in.Context())
	if effect.instead(w, out, what) {
		return
	}
	status, answer := http.StatusBadRequest, "invalid_payload"
	var said response
	if err == nil && json.Unmarshal(body, &said) == nil {
		w.mu.Lock()
		status, answer = w.respondLocked(in.URL.Path, said)
		w.mu.Unlock()
	}
	if effect.afterwards(out) {
		return
	}
	w.record(record.ToClient, what, blockkit.Encode(answer))
	out.WriteHeader(status)
	_, _ = io.WriteString(out, answer)
}

func (w *Workspace) respondLocked(path string, said response) (int, string) {
	r := w.replies[path]
	switch {
	case r == nil:
		return http.StatusNotFound, "expired_url"
	case w.cfg.Now().After(r.expires):
		w.violateLocked(record.RuleResponseURL, "response_url", "used after %v", w.cfg.Timing.ResponseURL)
		return http.StatusNotFound, "expired_url"
	case r.left == 0:
		w.violateLocked(record.RuleResponseURL, "response_url", "used more than %d times", responseURLUses)
		return http.StatusNotFound, "used_url"
	case r.channel.archived:
		return http.StatusNotFound, "channel_is_archived"
	}
	r.left--
	defer w.changeLocked()
	if said.DeleteOriginal {
		if r.message != nil {
			r.removeOriginalLocked()
		}
		return http.StatusOK, "ok"
	}
	if err := w.sayLocked(r, "response_url", said); err != nil {
		return http.StatusBadRequest, err.Error()
	}
	return http.StatusOK, "ok"
}

// sayLocked shows the app's answer, to the one person or in the channel.
func (w *Workspace) sayLocked(r *responseURL, where string, said response) error {
	raw := string(said.Blocks)
	if raw == "null" {
		raw = ""
	}
	blocks, err := w.readBlocksLocked(where, raw)
	if err != nil {
		return err
	}
	if said.Text == "" && len(blocks) == 0 {
		return refuse("no_text")
	}
	if n := utf8.RuneCountInString(said.Text); n > advisedText {
		w.violateLocked(record.RuleTextLength, where, "text of %d characters, above the recommended %d", n, advisedText)
	}
	if said.ReplaceOriginal && r.message != nil {
		r.replaceOriginalLocked(mrkdwn.EscapeSent(said.Text), blocks)
		return nil
	}
	m := &message{author: w.bot}
	m.Text, m.Blocks, m.BotID, m.ThreadTS, m.via = mrkdwn.EscapeSent(said.Text), blocks, w.BotID(), said.ThreadTS, r.id
	if said.ResponseType == "in_channel" {
		r.channel.postLocked(m)
	} else {
		r.channel.ghostLocked(r.person, m)
	}
	return nil
}

func (r *responseURL) replaceOriginalLocked(text string, blocks []any) {
	if r.message.To == "" {
		r.channel.replaceLocked(r.message, text, blocks, false)
		return
	}
	r.message.History = append(slices.Clone(r.message.History), Version{Text: r.message.Text, Blocks: r.message.Blocks})
	r.message.Text, r.message.Blocks = text, blocks
}

func (r *responseURL) removeOriginalLocked() {
	if r.message.To == "" {
		r.channel.removeLocked(r.message)
		return
	}
	r.message.Deleted = true
}
