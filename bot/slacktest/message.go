package slacktest

import (
	"encoding/json"
	"slices"
	"strings"

	"conclave/bot/slacktest/blockkit"
	"conclave/bot/slacktest/record"
)

// Message is the state of a message at one moment.
type Message struct {
	Channel  string    `json:"channel"`
	TS       string    `json:"ts"`
	ThreadTS string    `json:"thread_ts,omitempty"` // the thread's first message, empty outside a thread
	User     string    `json:"user"`                // user id of the author
	BotID    string    `json:"bot_id,omitempty"`    // set on what the app posted
	Subtype  string    `json:"subtype,omitempty"`   // "file_share", or empty
	Text     string    `json:"text"`                // as Slack stores it: & < > escaped, links in angle brackets
	Blocks   []any     `json:"blocks,omitempty"`
	Files    []File    `json:"files,omitempty"`
	Metadata *Metadata `json:"metadata,omitempty"`
	// To is the one person who sees an ephemeral message. Empty means that it is an ordinary message.
	To        string     `json:"to,omitempty"`
	Edited    bool       `json:"edited,omitempty"` // shown with "(edited)"
	Deleted   bool       `json:"deleted,omitempty"`
	History   []Version  `json:"history,omitempty"` // its states before each update, oldest first
	Reactions []Reaction `json:"reactions,omitempty"`

	via string // the response URL's interaction that it answers
}

// Version is the state of a message before an update.
type Version struct {
	Text   string `json:"text"`
	Blocks []any  `json:"blocks,omitempty"`
}

// Metadata is data that an app attached to a message. Any app and user of the workspace can read it.
type Metadata struct {
	EventType    string `json:"event_type"`
	EventPayload object `json:"event_payload"`
}

// Reaction is an emoji on a message.
type Reaction struct {
	Name  string   `json:"name"`
	Users []string `json:"users"`
}

// message is the stored one. Its slices are replaced, never written into, so that a snapshot can share them.
type message struct {
	Message
	clientID string // client_msg_id of what a person typed
	author   *Person
	files    []*file

	attachments []object
}

func (m *message) snapshot() Message { return m.Message }

func snapshots(messages []*message) []Message {
	var all []Message
	for _, m := range messages {
		if !m.Deleted {
			all = append(all, m.snapshot())
		}
	}
	return all
}

// describeLocked returns the message as the Web API and events show it.
func (m *message) describeLocked(w *Workspace) object {
	o := object{"type": "message", "user": m.User, "text": m.Text, "ts": m.TS, "team": m.author.team}
	if m.Subtype != "" {
		o["subtype"] = m.Subtype
	}
	if m.BotID != "" {
		o["bot_id"], o["app_id"] = m.BotID, w.AppID()
		o["bot_profile"] = object{"id": m.BotID, "app_id": w.AppID(), "name": w.bot.name, "team_id": w.TeamID(),
			"deleted": false, "updated": 1700000000}
	}
	if m.clientID != "" {
		o["client_msg_id"] = m.clientID
	}
	if m.author.team != w.TeamID() {
		o["user_team"], o["source_team"] = m.author.team, m.author.team
	}
	if m.Blocks != nil {
		o["blocks"] = m.Blocks
	}
	if m.attachments != nil {
		o["attachments"] = m.attachments
	}
	if m.ThreadTS != "" {
		o["thread_ts"] = m.ThreadTS
	}
	if m.Edited {
		o["edited"] = object{"user": m.User, "ts": m.TS}
	}
	if len(m.files) > 0 {
		var files []object
		for _, f := range m.files {
			files = append(files, f.describeLocked())
		}
		o["files"], o["upload"] = files, false
	}
	if len(m.Reactions) > 0 {
		var reactions []object
		for _, r := range m.Reactions {
			reactions = append(reactions, object{"name": r.Name, "users": r.Users, "count": len(r.Users)})
		}
		o["reactions"] = reactions
	}
	return o
}

// describeWithMetadataLocked returns the message with its metadata, which a caller has to ask for.
func (m *message) describeWithMetadataLocked(w *Workspace) object {
	o := m.describeLocked(w)
	if m.Metadata != nil {
		o["metadata"] = m.Metadata
	}
	return o
}

// postLocked puts a message into a channel and tells the app.
func (ch *Channel) postLocked(m *message) *message {
	w := ch.w
	m.Channel, m.TS = ch.id, w.tsLocked()
	m.User = m.author.id
	ch.messages = append(ch.messages, m)
	event := m.describeLocked(w)
	event["channel"], event["channel_type"], event["event_ts"] = ch.id, ch.kind.channelType(), m.TS
	w.raiseMessageLocked(ch, event)
	return m
}

// replaceLocked replaces a message's text and blocks, and tells the app with message_changed. That event carries the
// earlier state.
func (ch *Channel) replaceLocked(m *message, text string, blocks []any, edited bool) {
	w := ch.w
	before := m.describeLocked(w)
	m.History = append(slices.Clone(m.History), Version{Text: m.Text, Blocks: m.Blocks})
	m.Text, m.Blocks, m.Edited = text, blocks, m.Edited || edited
	ts := w.tsLocked()
	w.raiseMessageLocked(ch, object{
		"type": "message", "subtype": "message_changed", "hidden": true, "channel": ch.id,
		"channel_type": ch.kind.channelType(), "ts": ts, "event_ts": ts, "message": m.describeLocked(w),
		"previous_message": before,
	})
}

// removeLocked deletes a message for all members of the channel.
func (ch *Channel) removeLocked(m *message) {
	w := ch.w
	before := m.describeLocked(w)
	m.Deleted = true
	ts := w.tsLocked()
	w.raiseMessageLocked(ch, object{
		"type": "message", "subtype": "message_deleted", "hidden": true, "channel": ch.id,
		"channel_type": ch.kind.channelType(), "ts": ts, "event_ts": ts, "deleted_ts": m.TS, "previous_message": before,
	})
}

// ghostLocked shows a message to one person only.
func (ch *Channel) ghostLocked(to *Person, m *message) *message {
	m.Channel, m.TS, m.To = ch.id, ch.w.tsLocked(), to.id
	m.User = m.author.id
	ch.ghosts = append(ch.ghosts, m)
	return m
}

// readBlocksLocked reads the blocks that an app sends and checks them as Slack does. It returns nil if there are none,
// and a list that is not nil for an empty one.
func (w *Workspace) readBlocksLocked(method, raw string) ([]any, error) {
	if raw == "" {
		return nil, nil
	}
	var blocks []any
	if err := json.Unmarshal([]byte(raw), &blocks); err != nil {
		w.violateLocked(record.RuleBlockKit, method, "blocks are not a JSON list")
		return nil, refuse("invalid_blocks_format")
	}
	if len(raw) > blockkit.MaxMessageBlocks {
		w.violateLocked(record.RuleBlockKit, method, "blocks of %d characters", len(raw))
		if method == "chat.update" {
			return nil, refuse("msg_too_long")
		}
		return nil, refuse("msg_blocks_too_long")
	}
	check := &blockkit.Checker{}
	check.Blocks("/blocks", blocks, blockkit.InMessage)
	if len(check.Faults) > 0 {
		w.violateLocked(record.RuleBlockKit, method, "%s", strings.Join(check.Words(), "; "))
		return nil, &apiError{code: "invalid_blocks", messages: check.Words(), extra: object{"errors": check.Words()}}
	}
	w.nameBlocksLocked(blocks)
	if blocks == nil {
		blocks = []any{}
	}
	return blocks, nil
}

// nameBlocksLocked sets the ids of blocks and interactive elements that the app left out, as Slack does.
func (w *Workspace) nameBlocksLocked(blocks []any) {
	for _, b := range blocks {
		block, ok := b.(object)
		if !ok {
			continue
		}
		if blockkit.Text(block, "block_id") == "" {
			block["block_id"] = w.idLocked("b")
		}
		elements := slices.Clone(blockkit.List(block, "elements"))
		for _, key := range []string{"accessory", "element"} {
			if e, ok := block[key]; ok {
				elements = append(elements, e)
			}
		}
		for _, e := range elements {
			if element, ok := e.(object); ok && blockkit.Interactive[blockkit.Text(element, "type")] &&
				blockkit.Text(element, "action_id") == "" {
				element["action_id"] = w.idLocked("a")
			}
		}
	}
}
