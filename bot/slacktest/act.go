package slacktest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"conclave/bot/slacktest/blockkit"
	"conclave/bot/slacktest/mrkdwn"
	"conclave/bot/slacktest/record"
	"conclave/bot/slacktest/socketmode"
)

// Reply is the outcome of a command, a click or a shortcut.
type Reply struct {
	// Error is Slack's error when the app did not answer: "operation_timeout" (no acknowledgement in time),
	// "dispatch_failed" (no socket), "dispatch_unknown_error" (an answer that cannot be shown), "not_a_command",
	// "not_allowed" (the person is not allowed to do it).
	Error string
	// Took is how long the acknowledgement took.
	Took time.Duration

	w  *Workspace
	id string
	ch *Channel
}

// Messages returns the app's answers so far: with the acknowledgement, and at the response URL.
func (r Reply) Messages() []Message {
	if r.ch == nil {
		return nil
	}
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	var all []Message
	for _, m := range r.ch.mergedLocked() {
		if m.via == r.id && !m.Deleted {
			all = append(all, m.snapshot())
		}
	}
	return all
}

// Wait waits for the app's first answer and returns it.
func (r Reply) Wait(ctx context.Context) (Message, error) {
	if r.ch == nil {
		return Message{}, fmt.Errorf("wait for an answer (%s): %w", r.Error, ErrNotThere)
	}
	if err := r.w.WaitFor(ctx, func() bool { return len(r.Messages()) > 0 }); err != nil {
		return Message{}, err
	}
	return r.Messages()[0], nil
}

// Says types a message into a channel. Slack's client splits what is longer than 4,000 characters into several.
func (p *Person) Says(ch *Channel, what string) ([]Message, error) { return p.says(ch, "", what) }

// DMs types a message into the direct messages with the app.
func (p *Person) DMs(what string) ([]Message, error) { return p.says(p.Direct(), "", what) }

// RepliesTo types a message into the thread of another.
func (p *Person) RepliesTo(m Message, what string) ([]Message, error) {
	thread := m.ThreadTS
	if thread == "" {
		thread = m.TS
	}
	ch, err := p.w.channelOf(m)
	if err != nil {
		return nil, err
	}
	return p.says(ch, thread, what)
}

func (w *Workspace) channelOf(m Message) (*Channel, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ch := w.channelByIDLocked(m.Channel); ch != nil {
		return ch, nil
	}
	return nil, fmt.Errorf("channel %q: %w", m.Channel, ErrNotThere)
}

func (p *Person) says(ch *Channel, thread, what string) ([]Message, error) {
	w := p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := p.mayWriteLocked(ch); err != nil {
		return nil, err
	}
	w.recordLocked(record.ByPerson, p.name+" says", []byte(what))
	var all []Message
	for _, part := range mrkdwn.Split(p.types(what)) {
		m := &message{author: p, clientID: w.uuidLocked()}
		m.ThreadTS = thread
		m.Text, m.Blocks = w.typedLocked(strings.TrimSpace(part))
		all = append(all, ch.postLocked(m).snapshot())
	}
	w.changeLocked()
	return all, nil
}

func (p *Person) types(what string) string {
	if p.smart {
		return mrkdwn.Smarten(what)
	}
	return what
}

// typedLocked returns the text and the rich_text block of what a person typed.
func (w *Workspace) typedLocked(s string) (string, []any) {
	text, elements := mrkdwn.Typed(s, func(name string) string {
		if p := w.personByNameLocked(name); p != nil {
			return p.id
		}
		return ""
	})
	return text, []any{object{"type": "rich_text", "block_id": w.idLocked("b"), "elements": elements}}
}

func (p *Person) mayWriteLocked(ch *Channel) error {
	if err := p.mayActLocked(ch); err != nil {
		return err
	}
	if ch.kind == directMessage && p.w.cfg.MessagesTab != TabOn {
		return fmt.Errorf("the app takes no messages: %w", ErrNotAllowed)
	}
	return nil
}

// Edits changes what one of the person's own messages says. The app is told, the old text with it.
func (p *Person) Edits(m Message, what string) error {
	return p.own(m, func(ch *Channel, stored *message) {
		text, blocks := p.w.typedLocked(strings.TrimSpace(p.types(what)))
		ch.replaceLocked(stored, text, blocks, true)
	})
}

// Deletes removes one of the person's own messages.
func (p *Person) Deletes(m Message) error {
	return p.own(m, func(ch *Channel, stored *message) { ch.removeLocked(stored) })
}

func (p *Person) own(m Message, do func(*Channel, *message)) error {
	w := p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	ch := w.channelByIDLocked(m.Channel)
	if ch == nil {
		return fmt.Errorf("channel %q: %w", m.Channel, ErrNotThere)
	}
	if err := p.mayWriteLocked(ch); err != nil {
		return err
	}
	stored := ch.findLocked(m.TS)
	switch {
	case stored == nil:
		return fmt.Errorf("message %s: %w", m.TS, ErrNotThere)
	case stored.author != p:
		return fmt.Errorf("message %s is not %s's: %w", m.TS, p.name, ErrNotAllowed)
	}
	do(ch, stored)
	w.changeLocked()
	return nil
}

// Upload is a file on the person's computer.
type Upload struct {
	Name    string
	Content []byte
}

// Uploads sends a file to the app in the direct messages.
func (p *Person) Uploads(name string, content []byte) (Message, error) {
	return p.Shares(p.Direct(), "", Upload{Name: name, Content: content})
}

// Forwards forwards a message into a channel, with its files. Slack's client puts it into an attachment of a message
// without a text.
func (p *Person) Forwards(m Message, to *Channel) (Message, error) {
	w := p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := p.mayWriteLocked(to); err != nil {
		return Message{}, err
	}
	carried := object{"is_share": true, "is_msg_unfurl": true, "author_id": m.User, "channel_id": m.Channel, "ts": m.TS,
		"text": m.Text, "fallback": m.Text}
	var files []object
	for _, f := range w.files {
		if slices.ContainsFunc(m.Files, func(of File) bool { return of.ID == f.ID }) {
			f.sharedIn = append(f.sharedIn, to)
			files = append(files, f.describeLocked())
		}
	}
	if files != nil {
		carried["files"] = files
	}
	w.recordLocked(record.ByPerson, p.name+" forwards "+m.TS, nil)
	sent := to.postLocked(&message{author: p, clientID: w.uuidLocked(), attachments: []object{carried}})
	w.changeLocked()
	return sent.snapshot(), nil
}

// Shares posts files with a comment (which may be empty) into a channel, as one message.
func (p *Person) Shares(ch *Channel, comment string, uploads ...Upload) (Message, error) {
	w := p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := p.mayWriteLocked(ch); err != nil {
		return Message{}, err
	}
	m := &message{author: p, clientID: w.uuidLocked()}
	if comment != "" {
		m.Text, m.Blocks = w.typedLocked(strings.TrimSpace(p.types(comment)))
	}
	var files []*file
	for _, u := range uploads {
		w.recordLocked(record.ByPerson, p.name+" uploads "+u.Name, u.Content)
		files = append(files, w.uploadLocked(p, u))
	}
	ch.shareLocked(m, files)
	w.changeLocked()
	return m.snapshot(), nil
}

func (w *Workspace) uploadLocked(p *Person, u Upload) *file {
	f := &file{w: w, owner: p, uploaded: true, complete: true, created: w.cfg.Now().Unix(), length: len(u.Content)}
	f.ID, f.Name, f.Title, f.Content = w.idLocked("F"), u.Name, u.Name, u.Content
	f.Mimetype, f.Mode = kindOf(u.Name, u.Content)
	w.files = append(w.files, f)
	return f
}

// DeletesFile removes one of the person's own files. The message that shared it stays.
func (p *Person) DeletesFile(id string) error {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	f := p.w.fileLocked(id)
	if f == nil || f.owner != p {
		return fmt.Errorf("file %s: %w", id, ErrNotThere)
	}
	f.deleted = true
	p.w.changeLocked()
	return nil
}

// Command runs a slash command and returns when the app has acknowledged it, or when Slack stops waiting.
func (p *Person) Command(ch *Channel, command, args string) Reply {
	w := p.w
	w.mu.Lock()
	if err := p.mayActLocked(ch); err != nil {
		w.mu.Unlock()
		return Reply{Error: "not_allowed"}
	}
	if !slices.Contains(w.cfg.Commands, command) {
		w.mu.Unlock()
		return Reply{Error: "not_a_command"}
	}
	w.recordLocked(record.ByPerson, p.name+" commands", []byte(command+" "+args))
	address, answers := w.responseURLLocked("commands", p, ch, nil)
	payload := object{
		"token": "verification", "team_id": p.team, "team_domain": "conclave", "channel_id": ch.id,
		"channel_name": ch.shownName(), "user_id": p.id, "user_name": p.name, "command": command,
		"text": strings.TrimSpace(p.types(args)), "api_app_id": w.AppID(), "is_enterprise_install": "false",
		"response_url": address, "trigger_id": w.triggerLocked(p),
	}
	d := w.hub.Launch("slash_commands", payload, true,
		func(ack json.RawMessage) string { return w.showAckLocked(answers, ack) })
	w.mu.Unlock()
	return w.reply(d, answers)
}

// showAckLocked shows the message that an acknowledgement of a command may carry. It returns Slack's error for one that
// cannot be shown, or "".
func (w *Workspace) showAckLocked(answers *responseURL, ack json.RawMessage) string {
	var said response
	if len(ack) == 0 || string(ack) == "null" {
		return ""
	}
	if json.Unmarshal(ack, &said) != nil {
		w.violateLocked(record.RuleAckPayload, "socket", "not a message")
		return "dispatch_unknown_error"
	}
	if said.Text == "" && len(said.Blocks) == 0 {
		return ""
	}
	if w.sayLocked(answers, "socket", said) != nil {
		return "dispatch_unknown_error"
	}
	return ""
}

// reply waits for the end of a delivery.
func (w *Workspace) reply(d *socketmode.Delivery, answers *responseURL) Reply {
	began := time.Now()
	r := Reply{Error: d.Wait(), w: w}
	r.Took = time.Since(began)
	if answers != nil {
		r.id, r.ch = answers.id, answers.channel
	}
	return r
}

func (ch *Channel) shownName() string {
	switch ch.kind {
	case directMessage:
		return "directmessage"
	case privateChannel:
		return "privategroup"
	default:
		return ch.name
	}
}

// interactionLocked returns the fields that every interactive payload begins with.
func (w *Workspace) interactionLocked(p *Person, kind string) object {
	return object{
		"type": kind, "token": "verification", "api_app_id": w.AppID(), "trigger_id": w.triggerLocked(p),
		"team":       object{"id": w.TeamID(), "domain": "conclave"},
		"user":       object{"id": p.id, "username": p.name, "name": p.name, "team_id": p.team},
		"enterprise": nil, "is_enterprise_install": false,
	}
}

// Clicks presses a button of a message as the person sees it in m, which may be older than what the message shows by
// now.
func (p *Person) Clicks(m Message, actionID string) (Reply, error) { return p.acts(m, actionID, "") }

// Selects picks the option with this value from a menu of a message.
func (p *Person) Selects(m Message, actionID, value string) (Reply, error) {
	return p.acts(m, actionID, value)
}

func (p *Person) acts(m Message, actionID, value string) (Reply, error) {
	w := p.w
	w.mu.Lock()
	ch := w.channelByIDLocked(m.Channel)
	action, err := p.actionLocked(ch, m.Blocks, actionID, value)
	if err == nil && m.To != "" && m.To != p.id {
		err = fmt.Errorf("message %s is not shown to %s: %w", m.TS, p.name, ErrNotAllowed)
	}
	if err != nil {
		w.mu.Unlock()
		return Reply{}, fmt.Errorf("click %s: %w", actionID, err)
	}
	w.recordLocked(record.ByPerson, p.name+" clicks", blockkit.Encode(action))
	var stored *message
	for _, o := range ch.mergedLocked() {
		if o.TS == m.TS {
			stored = o
		}
	}
	address, answers := w.responseURLLocked("actions", p, ch, stored)
	payload := w.interactionLocked(p, "block_actions")
	payload["container"] = object{"type": "message", "message_ts": m.TS, "channel_id": ch.id, "is_ephemeral": m.To != ""}
	payload["channel"] = object{"id": ch.id, "name": ch.shownName()}
	payload["state"] = object{"values": object{}}
	payload["response_url"] = address
	payload["actions"] = []object{action}
	if stored != nil && m.To == "" {
		payload["message"] = stored.describeLocked(w)
	}
	d := w.hub.Launch("interactive", payload, false, nil)
	w.mu.Unlock()
	return w.reply(d, answers), nil
}

// actionLocked returns the action that Slack sends when the person presses an element.
func (p *Person) actionLocked(ch *Channel, blocks []any, actionID, value string) (object, error) {
	if err := p.mayActLocked(ch); err != nil {
		return nil, err
	}
	for _, b := range blocks {
		block, _ := b.(object)
		for _, e := range blockkit.ElementsOf(block) {
			if blockkit.Text(e, "action_id") != actionID {
				continue
			}
			element, _ := e.(object)
			action := object{
				"type": element["type"], "action_id": actionID, "block_id": block["block_id"], "action_ts": p.w.tsLocked(),
			}
			for _, key := range []string{"value", "style"} {
				if v, there := element[key]; there {
					action[key] = v
				}
			}
			if element["type"] == "button" {
				// Displayed text comes back escaped, unlike the value.
				action["text"] = object{"type": "plain_text", "text": mrkdwn.Escape(blockkit.Text(element, "text", "text")),
					"emoji": true}
				return action, nil
			}
			filled, err := blockkit.Fill(element, value)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", err, ErrNotThere)
			}
			for key, v := range filled {
				action[key] = v
			}
			return action, nil
		}
	}
	return nil, ErrNotThere
}

// Shortcut runs a global shortcut of the app.
func (p *Person) Shortcut(callbackID string) Reply {
	w := p.w
	w.mu.Lock()
	if p.mayActLocked(nil) != nil {
		w.mu.Unlock()
		return Reply{Error: "not_allowed"}
	}
	payload := w.interactionLocked(p, "shortcut")
	payload["callback_id"], payload["action_ts"] = callbackID, w.tsLocked()
	d := w.hub.Launch("interactive", payload, false, nil)
	w.mu.Unlock()
	return w.reply(d, nil)
}
