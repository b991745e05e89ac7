package transport

import (
	"encoding/json"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
)

// Envelope is what Slack sends through a socket and wants acknowledged.
type Envelope struct {
	ID      string
	Kind    string // Slack's type: events_api, slash_commands, interactive, or one that is not known
	Accepts bool   // the acknowledgement may carry a payload
	// Data is a slackevents.EventsAPIEvent, a slack.SlashCommand, a
	// slack.InteractionCallback or an [Unreadable]. It is nil when nobody waits for an
	// answer.
	Data any
	// Trouble is set when slack-go can't decode the envelope.
	Trouble Trouble
}

// Trouble says what was wrong with an envelope.
type Trouble string

const (
	// Pruned means that an event was read without what is odd in it: its text is there.
	Pruned Trouble = "read without its blocks"
	// Dropped means that nothing of it was read.
	Dropped Trouble = "dropped"
)

// Unreadable is what is known of an envelope that can't be decoded: who waits for an
// answer, and where.
type Unreadable struct {
	User        string
	Teams       []string
	ResponseURL string // where an answer goes; empty means into the direct messages
}

// head is what stands around every frame.
// Source: docs.slack.dev "Using Socket Mode".
type head struct {
	Type           string          `json:"type"`
	NumConnections any             `json:"num_connections"` // of a hello
	Reason         string          `json:"reason"`          // of a disconnect
	EnvelopeID     string          `json:"envelope_id"`
	Payload        json.RawMessage `json:"payload"`
	Accepts        bool            `json:"accepts_response_payload"`
}

// decode reads a frame. It never fails: what slack-go can't read is acknowledged as well,
// or Slack would send it again.
func decode(frame []byte) (h head, env Envelope) {
	if json.Unmarshal(frame, &h) != nil {
		// One field may be odd, and the rest is there.
		var bare struct {
			EnvelopeID string `json:"envelope_id"`
		}
		_ = json.Unmarshal(frame, &bare) // what is no JSON has no envelope
		return head{}, Envelope{ID: bare.EnvelopeID, Trouble: Dropped}
	}
	if h.Type == "hello" || h.Type == "disconnect" {
		return h, Envelope{}
	}
	env = Envelope{ID: h.EnvelopeID, Kind: known(h.Type), Accepts: h.Accepts}
	data, err := payload(h.Type, h.Payload)
	if err == nil {
		env.Data = data
		return h, env
	}
	if h.Type == "events_api" {
		if data, err := payload(h.Type, pruned(h.Payload)); err == nil {
			env.Data, env.Trouble = data, Pruned
			return h, env
		}
	}
	env.Trouble = Dropped
	if who := waiting(h.Payload); who.User != "" {
		env.Data = who
	}
	return h, env
}

// known returns a type of Slack's, for the log. Another one may be anything.
func known(kind string) string {
	switch kind {
	case "events_api", "slash_commands", "interactive":
		return kind
	}
	return "unknown"
}

// errUnknown means that an envelope is of a type that is not known, or that the library
// panicked while it read one. It says no more, since the rest may quote what people sent.
type errUnknown struct{}

func (errUnknown) Error() string { return "not decoded" }

// payload decodes what an envelope carries.
func payload(kind string, raw json.RawMessage) (data any, err error) {
	defer func() {
		if recover() != nil {
			data, err = nil, errUnknown{}
		}
	}()
	switch kind {
	case "events_api":
		return slackevents.ParseEvent(raw, slackevents.OptionNoVerifyToken())
	case "slash_commands":
		var c slack.SlashCommand
		err = json.Unmarshal(raw, &c)
		return c, err
	case "interactive":
		var c slack.InteractionCallback
		err = json.Unmarshal(raw, &c)
		return c, err
	}
	return nil, errUnknown{}
}

// pruned returns a message event with plain texts and ids only. Whatever is of another shape than
// it should be is left out; what people typed also stands in the text.
func pruned(raw json.RawMessage) json.RawMessage {
	var outer map[string]any
	if json.Unmarshal(raw, &outer) != nil {
		return nil
	}
	event, _ := outer["event"].(map[string]any)
	if event["type"] != "message" {
		return nil
	}
	outer["event"] = prune(event)
	body, err := json.Marshal(outer)
	if err != nil {
		return nil
	}
	return body
}

// prune keeps what a message is known by and what stands in it.
func prune(v any) any {
	object, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	kept := map[string]any{}
	for key, v := range object {
		switch key {
		case "type", "subtype", "user", "bot_id", "text", "ts", "thread_ts", "channel", "channel_type", "event_ts", "team",
			"user_team", "source_team", "client_msg_id", "id", "name", "fallback", "pretext", "title", "title_link", "from_url",
			"original_url", "footer":
			if text, ok := v.(string); ok {
				kept[key] = text
			}
		case "message", "previous_message", "edited":
			if part := prune(v); part != nil {
				kept[key] = part
			}
		case "files", "attachments":
			var all []any
			list, _ := v.([]any)
			for _, v := range list {
				if part := prune(v); part != nil {
					all = append(all, part)
				}
			}
			kept[key] = all
		}
	}
	return kept
}

// waiting returns who waits for an answer to an envelope that can't be decoded: the person
// who typed a command, pressed a button, or wrote to the bot.
func waiting(raw json.RawMessage) Unreadable {
	var p map[string]any
	if json.Unmarshal(raw, &p) != nil {
		return Unreadable{}
	}
	text := func(from any, key string) string {
		object, _ := from.(map[string]any)
		found, _ := object[key].(string)
		return found
	}
	who := Unreadable{ResponseURL: text(p, "response_url")}
	if event := p["event"]; event != nil {
		if text(event, "type") != "message" || text(event, "channel_type") != slackevents.ChannelTypeIM || text(event, "bot_id") != "" {
			return Unreadable{}
		}
		who.User = text(event, "user")
		who.Teams = []string{text(p, "team_id"), text(event, "user_team"), text(event, "source_team")}
		return who
	}
	who.User = text(p, "user_id")
	if who.User == "" {
		who.User = text(p["user"], "id")
	}
	who.Teams = []string{text(p, "team_id"), text(p["user"], "team_id"), text(p["team"], "id")}
	return who
}
