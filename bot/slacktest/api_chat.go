package slacktest

import (
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"conclave/bot/slacktest/blockkit"
	"conclave/bot/slacktest/mrkdwn"
	"conclave/bot/slacktest/record"
)

// advisedText is the length in characters that Slack recommends as the most for chat.postMessage.
const advisedText = 4000

// Source for the errors of each method: docs.slack.dev/reference/methods/METHOD.

func chatPostMessage(c *call) (object, error) {
	ch, err := c.postTarget()
	if err != nil {
		return nil, err
	}
	m, err := c.composeLocked()
	if err != nil {
		return nil, err
	}
	if m.ThreadTS, err = c.threadLocked(ch); err != nil {
		return nil, err
	}
	answer := object{"channel": ch.id}
	if utf8.RuneCountInString(m.Text) > blockkit.MaxPostText {
		m.Text = string([]rune(m.Text)[:blockkit.MaxPostText])
		c.violateLocked(record.RuleTextLength, c.method, "text was cut at %d characters", blockkit.MaxPostText)
		answer["response_metadata"] = object{"warnings": []string{"message_truncated"}}
	} else if n := utf8.RuneCountInString(m.Text); n > advisedText {
		c.violateLocked(record.RuleTextLength, c.method, "text of %d characters, above the recommended %d", n, advisedText)
	}
	if m.Metadata, err = c.metadata(); err != nil {
		return nil, err
	}
	ch.postLocked(m)
	answer["ts"], answer["message"] = m.TS, m.describeWithMetadataLocked(c.Workspace)
	return answer, nil
}

// postTarget finds the channel to post in. A user's id opens the direct messages with that user. A post to a
// deactivated user succeeds, as Slack was seen to do. Source: slackapi/python-slack-sdk issue 1156.
func (c *call) postTarget() (*Channel, error) {
	id := c.args["channel"]
	if p := c.personByIDLocked(id); p != nil {
		switch {
		case p.stranger || p.machine:
			return nil, refuse("channel_not_found")
		case c.cfg.MessagesTab == TabOff:
			return nil, refuse("messages_tab_disabled")
		}
		return c.directLocked(p), nil
	}
	ch, err := c.reachLocked(id)
	if err != nil {
		return nil, err
	}
	switch {
	case ch.archived:
		return nil, refuse("is_archived")
	case ch.kind == directMessage && c.cfg.MessagesTab == TabOff:
		return nil, refuse("messages_tab_disabled")
	}
	return ch, nil
}

// composeLocked reads text and blocks of a message by the app.
func (c *call) composeLocked() (*message, error) {
	said := c.args["text"]
	if markdown := c.args["markdown_text"]; markdown != "" {
		if said != "" || c.args["blocks"] != "" {
			return nil, refuse("markdown_text_conflict")
		}
		if utf8.RuneCountInString(markdown) > 12000 {
			return nil, refuse("msg_too_long")
		}
		said = markdown
	}
	blocks, err := c.readBlocksLocked(c.method, c.args["blocks"])
	if err != nil {
		return nil, err
	}
	var attachments []any
	if raw := c.args["attachments"]; raw != "" {
		if err := json.Unmarshal([]byte(raw), &attachments); err != nil {
			return nil, refuseArguments("[ERROR] must be a valid JSON list [json-pointer:/attachments]")
		}
		if len(attachments) > 100 {
			return nil, refuse("too_many_attachments")
		}
	}
	if said == "" && len(blocks) == 0 && len(attachments) == 0 {
		return nil, refuse("no_text")
	}
	m := &message{author: c.bot}
	m.Text, m.Blocks, m.BotID = mrkdwn.EscapeSent(said), blocks, c.BotID()
	return m, nil
}

// threadLocked finds the first message of the thread to post in. A reply's own timestamp is taken as its thread's.
func (c *call) threadLocked(ch *Channel) (string, error) {
	ts := c.args["thread_ts"]
	if ts == "" {
		return "", nil
	}
	parent := ch.findLocked(ts)
	switch {
	case parent == nil:
		return "", refuse("cannot_reply_to_message")
	case parent.ThreadTS != "":
		return parent.ThreadTS, nil
	}
	return ts, nil
}

func (c *call) metadata() (*Metadata, error) {
	raw := c.args["metadata"]
	if raw == "" {
		return nil, nil
	}
	var m Metadata
	switch err := json.Unmarshal([]byte(raw), &m); {
	case err != nil:
		return nil, refuse("invalid_metadata_format")
	case m.EventType == "" || m.EventPayload == nil:
		return nil, refuse("invalid_metadata_schema")
	case len(raw) > 8000:
		return nil, refuse("metadata_too_large")
	}
	return &m, nil
}

// ownMessage finds a message that the app may change or delete.
func (c *call) ownMessage(refusal string) (*Channel, *message, error) {
	id := c.args["channel"]
	if c.personByIDLocked(id) != nil {
		c.violateLocked(record.RuleChannelByOther, c.method, "channel is the user id %s", id)
		return nil, nil, refuse("channel_not_found")
	}
	ch, err := c.reachLocked(id)
	if err != nil {
		return nil, nil, refuse("channel_not_found")
	}
	m := ch.findLocked(c.args["ts"])
	switch {
	case m == nil:
		return nil, nil, refuse("message_not_found")
	case m.author != c.bot:
		return nil, nil, refuse(refusal)
	}
	return ch, m, nil
}

func chatUpdate(c *call) (object, error) {
	ch, m, err := c.ownMessage("cant_update_message")
	if err != nil {
		return nil, err
	}
	switch {
	case ch.archived:
		return nil, refuse("is_inactive")
	case c.cfg.EditWindow > 0 && c.cfg.Now().After(parseTS(m.TS).Add(c.cfg.EditWindow)):
		return nil, refuse("edit_window_closed")
	case utf8.RuneCountInString(c.args["text"]) > blockkit.MaxOtherText:
		c.violateLocked(record.RuleTextLength, c.method, "text of %d characters", utf8.RuneCountInString(c.args["text"]))
		return nil, refuse("msg_too_long")
	}
	next, err := c.composeLocked()
	if err != nil {
		return nil, err
	}
	// Metadata that is not sent stays; an empty object takes it away.
	if raw := c.args["metadata"]; raw == "{}" {
		m.Metadata = nil
	} else if raw != "" {
		if m.Metadata, err = c.metadata(); err != nil {
			return nil, err
		}
	}
	// Text without blocks takes the blocks away and is marked as edited; with blocks there is no such mark.
	ch.replaceLocked(m, next.Text, next.Blocks, len(next.Blocks) == 0)
	return object{"channel": ch.id, "ts": m.TS, "text": m.Text, "message": m.describeWithMetadataLocked(c.Workspace)}, nil
}

func chatDelete(c *call) (object, error) {
	ch, m, err := c.ownMessage("cant_delete_message")
	if err != nil {
		return nil, err
	}
	ch.removeLocked(m)
	return object{"channel": ch.id, "ts": m.TS}, nil
}

func chatPostEphemeral(c *call) (object, error) {
	ch, err := c.reachLocked(c.args["channel"])
	if err != nil {
		return nil, err
	}
	to := c.personByIDLocked(c.args["user"])
	switch {
	case ch.archived:
		return nil, refuse("is_archived")
	case to == nil || !ch.hasLocked(to):
		return nil, refuse("user_not_in_channel")
	case utf8.RuneCountInString(c.args["text"]) > blockkit.MaxOtherText:
		c.violateLocked(record.RuleTextLength, c.method, "text of %d characters", utf8.RuneCountInString(c.args["text"]))
		return nil, refuse("msg_too_long")
	}
	m, err := c.composeLocked()
	if err != nil {
		return nil, err
	}
	if m.ThreadTS, err = c.threadLocked(ch); err != nil {
		return nil, err
	}
	ch.ghostLocked(to, m)
	return object{"message_ts": m.TS}, nil
}

func chatGetPermalink(c *call) (object, error) {
	ch, err := c.reachLocked(c.args["channel"])
	if err != nil {
		return nil, refuse("channel_not_found")
	}
	m := ch.findLocked(c.args["message_ts"])
	if m == nil {
		return nil, refuse("message_not_found")
	}
	digits := fmt.Sprintf("p%s%s", m.TS[:len(m.TS)-7], m.TS[len(m.TS)-6:])
	return object{"channel": ch.id, "permalink": c.URL() + "/archives/" + ch.id + "/" + digits}, nil
}

func parseTS(ts string) time.Time {
	var seconds, micros int64
	_, _ = fmt.Sscanf(ts, "%d.%d", &seconds, &micros)
	return time.Unix(seconds, micros*int64(time.Microsecond))
}
