package slacktest

import (
	"slices"
	"strings"

	"conclave/bot/slacktest/blockkit"
)

type channelKind string

const (
	publicChannel  channelKind = "channels"
	privateChannel channelKind = "groups"
	directMessage  channelKind = "im"
)

func (k channelKind) scope(act string) string { return string(k) + ":" + act }

// channelType returns the name of the kind in a message event.
func (k channelKind) channelType() string {
	return map[channelKind]string{publicChannel: "channel", privateChannel: "group", directMessage: "im"}[k]
}

// Channel is a conversation: a public or private channel, or the direct messages between a person and the app.
type Channel struct {
	w    *Workspace
	id   string
	name string
	kind channelKind

	// Guarded by the workspace's mutex.
	members   []*Person
	archived  bool
	extShared bool
	topic     string
	messages  []*message
	pins      []pin
	ghosts    []*message // ephemeral messages: shown to one person, kept nowhere in Slack
}

type pin struct {
	ts string
	by *Person
}

// AddChannel makes a public channel with these members. Add [Workspace.Bot] to let the app post there.
func (w *Workspace) AddChannel(name string, members ...*Person) *Channel {
	return w.addChannel(name, publicChannel, members)
}

// AddPrivateChannel makes a private channel with these members. A person who is not a member cannot know that it
// exists.
func (w *Workspace) AddPrivateChannel(name string, members ...*Person) *Channel {
	return w.addChannel(name, privateChannel, members)
}

func (w *Workspace) addChannel(name string, kind channelKind, members []*Person) *Channel {
	w.mu.Lock()
	defer w.mu.Unlock()
	ch := &Channel{w: w, id: w.idLocked("C"), name: name, kind: kind, members: slices.Clone(members)}
	w.channels = append(w.channels, ch)
	w.changeLocked()
	return ch
}

// ID returns the channel's id: C…, or D… for direct messages.
func (ch *Channel) ID() string { return ch.id }

// Name returns the channel's name, empty for direct messages.
func (ch *Channel) Name() string { return ch.name }

// Members returns the people in the channel, in the order in which they came.
func (ch *Channel) Members() []*Person {
	ch.w.mu.Lock()
	defer ch.w.mu.Unlock()
	return slices.Clone(ch.members)
}

// Messages returns the messages that every member sees, oldest first. Replies in threads are among them, deleted
// messages are not.
func (ch *Channel) Messages() []Message {
	ch.w.mu.Lock()
	defer ch.w.mu.Unlock()
	return snapshots(ch.messages)
}

// Thread returns the message with this timestamp and the replies to it, oldest first.
func (ch *Channel) Thread(ts string) []Message {
	return slices.DeleteFunc(ch.Messages(), func(m Message) bool { return m.TS != ts && m.ThreadTS != ts })
}

// Message finds a message by its timestamp, also a deleted or an ephemeral one.
func (ch *Channel) Message(ts string) (Message, bool) {
	ch.w.mu.Lock()
	defer ch.w.mu.Unlock()
	for _, m := range slices.Concat(ch.messages, ch.ghosts) {
		if m.TS == ts {
			return m.snapshot(), true
		}
	}
	return Message{}, false
}

// Pinned returns the pinned messages in the order of pinning.
func (ch *Channel) Pinned() []Message {
	ch.w.mu.Lock()
	defer ch.w.mu.Unlock()
	var all []Message
	for _, p := range ch.pins {
		if m := ch.findLocked(p.ts); m != nil {
			all = append(all, m.snapshot())
		}
	}
	return all
}

// Invite adds a member and tells the app with member_joined_channel.
func (ch *Channel) Invite(p *Person) {
	ch.w.mu.Lock()
	defer ch.w.mu.Unlock()
	ch.inviteLocked(p)
	ch.w.changeLocked()
}

func (ch *Channel) inviteLocked(p *Person) {
	if ch.hasLocked(p) {
		return
	}
	ch.members = append(ch.members, p)
	ch.w.raiseLocked("member_joined_channel", ch, object{
		"type": "member_joined_channel", "user": p.id, "channel": ch.id, "channel_type": strings.ToUpper(ch.id[:1]),
		"team": ch.w.TeamID(),
	})
}

// Kick removes a member. Kicking the bot makes Slack send channel_left or group_left, and puts the whole channel out of
// the app's reach.
func (ch *Channel) Kick(p *Person) {
	ch.w.mu.Lock()
	defer ch.w.mu.Unlock()
	ch.members = slices.DeleteFunc(ch.members, func(m *Person) bool { return m == p })
	if p == ch.w.bot {
		event := map[channelKind]string{publicChannel: "channel_left", privateChannel: "group_left"}[ch.kind]
		ch.w.raiseLocked(event, ch, object{"type": event, "channel": ch.id})
	} else {
		ch.w.raiseLocked("member_left_channel", ch,
			object{"type": "member_left_channel", "user": p.id, "channel": ch.id, "team": ch.w.TeamID()})
	}
	ch.w.changeLocked()
}

// Archive closes the channel for all members.
func (ch *Channel) Archive() {
	ch.w.mu.Lock()
	defer ch.w.mu.Unlock()
	ch.archived = true
	event := map[channelKind]string{publicChannel: "channel_archive", privateChannel: "group_archive"}[ch.kind]
	ch.w.raiseLocked(event, ch, object{"type": event, "channel": ch.id, "user": ch.creatorLocked(), "is_moved": 0})
	ch.w.changeLocked()
}

// Unarchive opens an archived channel again.
func (ch *Channel) Unarchive() {
	ch.w.mu.Lock()
	defer ch.w.mu.Unlock()
	ch.archived = false
	ch.w.changeLocked()
}

// ShareOutside makes the channel a Slack Connect channel, or no longer one.
func (ch *Channel) ShareOutside(shared bool) {
	ch.w.mu.Lock()
	defer ch.w.mu.Unlock()
	ch.extShared = shared
	if shared {
		ch.w.raiseLocked("channel_shared", ch,
			object{"type": "channel_shared", "channel": ch.id, "connected_team_id": "T0ELSEWHERE"})
	}
	ch.w.changeLocked()
}

func (ch *Channel) hasLocked(p *Person) bool { return slices.Contains(ch.members, p) }

func (ch *Channel) findLocked(ts string) *message {
	for _, m := range ch.messages {
		if m.TS == ts && !m.Deleted {
			return m
		}
	}
	return nil
}

func (w *Workspace) channelByIDLocked(id string) *Channel {
	for _, ch := range w.channels {
		if ch.id == id {
			return ch
		}
	}
	return nil
}

// directLocked returns the direct messages between a person and the app. It makes them at first use.
func (w *Workspace) directLocked(p *Person) *Channel {
	if p.direct == nil {
		p.direct = &Channel{w: w, id: w.idLocked("D"), kind: directMessage, members: []*Person{p, w.bot}}
		w.channels = append(w.channels, p.direct)
	}
	return p.direct
}

// reachLocked returns a channel that the app is in. For any other it returns Slack's refusal.
func (c *call) reachLocked(id string) (*Channel, error) {
	ch := c.channelByIDLocked(id)
	switch {
	case ch == nil:
		return nil, refuse("channel_not_found")
	case ch.hasLocked(c.bot):
		return ch, nil
	case ch.kind == publicChannel:
		return nil, refuse("not_in_channel")
	default:
		return nil, refuse("channel_not_found")
	}
}

// seeLocked returns a channel that the app may look at: any public one, and those it is in.
func (c *call) seeLocked(id string) (*Channel, error) {
	ch := c.channelByIDLocked(id)
	if ch == nil || ch.kind != publicChannel && !ch.hasLocked(c.bot) {
		return nil, refuse("channel_not_found")
	}
	return ch, nil
}

// Describe returns the channel as conversations.info does.
func (ch *Channel) Describe() blockkit.Object {
	ch.w.mu.Lock()
	defer ch.w.mu.Unlock()
	return ch.describeLocked()
}

// describeLocked returns the channel as conversations.info gives it.
func (ch *Channel) describeLocked() object {
	w := ch.w
	o := object{
		"id": ch.id, "created": 1700000000, "is_archived": ch.archived, "is_im": ch.kind == directMessage,
		"is_channel": ch.kind == publicChannel, "is_group": ch.kind == privateChannel, "is_mpim": false,
		"is_private": ch.kind != publicChannel, "is_shared": ch.extShared, "is_ext_shared": ch.extShared,
		"is_org_shared":   false,
		"context_team_id": w.TeamID(),
	}
	if ch.kind == directMessage {
		o["user"] = ch.members[0].id
		o["is_open"] = true
		return o
	}
	o["name"], o["name_normalized"] = ch.name, ch.name
	o["is_member"] = ch.hasLocked(w.bot)
	o["is_general"] = false
	o["creator"] = ch.creatorLocked()
	o["num_members"] = len(ch.members)
	o["topic"] = object{"value": ch.topic, "creator": "", "last_set": 0}
	o["purpose"] = object{"value": "", "creator": "", "last_set": 0}
	o["shared_team_ids"] = []string{w.TeamID()}
	return o
}

func (ch *Channel) creatorLocked() string {
	if len(ch.members) == 0 {
		return ""
	}
	return ch.members[0].id
}
