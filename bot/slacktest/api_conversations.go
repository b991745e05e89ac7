package slacktest

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

func conversationsOpen(c *call) (object, error) {
	if id := c.args["channel"]; id != "" {
		ch := c.channelByIDLocked(id)
		if ch == nil || ch.kind != directMessage {
			return nil, refuse("channel_not_found")
		}
		return object{"channel": object{"id": ch.id}}, nil
	}
	users := strings.Split(c.args["users"], ",")
	switch {
	case c.args["users"] == "":
		return nil, refuse("users_list_not_supplied")
	case len(users) > 1:
		// Group conversations are no part of this workspace.
		return nil, refuse("invalid_user_combination")
	}
	p := c.personByIDLocked(users[0])
	switch {
	case p == nil:
		return nil, refuse("user_not_found")
	case p.deleted:
		return nil, refuse("user_disabled")
	case p.stranger:
		return nil, refuse("user_not_visible")
	case p == c.bot:
		return nil, refuse("invalid_user_combination")
	case p.machine:
		// The reference does not name this error. Apps have got it.
		return nil, refuse("cannot_dm_bot")
	}
	opened := p.direct != nil
	ch := c.directLocked(p)
	answer := object{"channel": object{"id": ch.id}}
	if opened {
		answer["no_op"], answer["already_open"] = true, true
	}
	return answer, nil
}

func conversationsInfo(c *call) (object, error) {
	ch, err := c.seeLocked(c.args["channel"])
	if err != nil {
		return nil, err
	}
	return object{"channel": ch.describeLocked()}, nil
}

func conversationsMembers(c *call) (object, error) {
	ch, err := c.seeLocked(c.args["channel"])
	if err != nil {
		return nil, err
	}
	members, next, err := page(c, ch.members, 100)
	if err != nil {
		return nil, err
	}
	ids := []string{}
	for _, p := range members {
		ids = append(ids, p.id)
	}
	return object{"members": ids, "response_metadata": next}, nil
}

var timestamp = regexp.MustCompile(`^\d+(\.\d+)?$`)

// between returns the messages that the arguments oldest, latest and inclusive select.
func (c *call) between(messages []*message) ([]*message, error) {
	oldest, latest := c.args["oldest"], c.args["latest"]
	if oldest != "" && !timestamp.MatchString(oldest) {
		return nil, refuse("invalid_ts_oldest")
	}
	if latest != "" && latest != "now" && !timestamp.MatchString(latest) {
		return nil, refuse("invalid_ts_latest")
	}
	kept := []*message{}
	for _, m := range messages {
		at := parseTS(m.TS)
		tooOld := oldest != "" && !at.After(parseTS(oldest)) && !(c.is("inclusive") && at.Equal(parseTS(oldest)))
		tooLate := latest != "" && latest != "now" && !at.Before(parseTS(latest)) &&
			!(c.is("inclusive") && at.Equal(parseTS(latest)))
		if !m.Deleted && !tooOld && !tooLate {
			kept = append(kept, m)
		}
	}
	return kept, nil
}

func (c *call) describeAll(ch *Channel, messages []*message) []object {
	all := []object{}
	for _, m := range messages {
		o := m.describeLocked(c.Workspace)
		if c.is("include_all_metadata") {
			o = m.describeWithMetadataLocked(c.Workspace)
		}
		replies := 0
		latest := ""
		for _, r := range ch.messages {
			if r.ThreadTS == m.TS && !r.Deleted {
				replies++
				latest = r.TS
			}
		}
		if replies > 0 {
			o["thread_ts"], o["reply_count"], o["latest_reply"] = m.TS, replies, latest
		}
		all = append(all, o)
	}
	return all
}

// conversationsHistory returns a channel's messages, newest first, without the replies in threads.
func conversationsHistory(c *call) (object, error) {
	ch, err := c.reachLocked(c.args["channel"])
	if err != nil {
		return nil, err
	}
	top := slices.DeleteFunc(slices.Clone(ch.messages), func(m *message) bool { return m.ThreadTS != "" })
	slices.Reverse(top)
	if top, err = c.between(top); err != nil {
		return nil, err
	}
	shown, next, err := page(c, top, 100)
	if err != nil {
		return nil, err
	}
	return object{
		"messages": c.describeAll(ch, shown), "has_more": next["next_cursor"] != "", "pin_count": len(ch.pins),
		"channel_actions_ts": nil, "channel_actions_count": 0, "response_metadata": next,
	}, nil
}

// conversationsReplies returns a thread, oldest first, its first message always among them. Any message of the thread
// names it.
func conversationsReplies(c *call) (object, error) {
	ch, err := c.reachLocked(c.args["channel"])
	if err != nil {
		return nil, refuse("channel_not_found")
	}
	parent := ch.findLocked(c.args["ts"])
	if parent != nil && parent.ThreadTS != "" {
		parent = ch.findLocked(parent.ThreadTS)
	}
	if parent == nil {
		return nil, refuse("thread_not_found")
	}
	replies := slices.DeleteFunc(slices.Clone(ch.messages), func(m *message) bool { return m.ThreadTS != parent.TS })
	if replies, err = c.between(replies); err != nil {
		return nil, err
	}
	shown, next, err := page(c, append([]*message{parent}, replies...), 1000)
	if err != nil {
		return nil, err
	}
	return object{"messages": c.describeAll(ch, shown), "has_more": next["next_cursor"] != "", "response_metadata": next},
		nil
}

func (c *call) listChannels(only func(*Channel) bool) (object, error) {
	kinds := c.args["types"]
	if kinds == "" {
		kinds = "public_channel"
	}
	wanted := map[channelKind]bool{}
	for kind := range strings.SplitSeq(kinds, ",") {
		k, known := map[string]channelKind{"public_channel": publicChannel, "private_channel": privateChannel,
			"im": directMessage, "mpim": ""}[kind]
		if !known {
			return nil, refuse("invalid_types")
		}
		wanted[k] = true
	}
	var all []*Channel
	for _, ch := range c.channels {
		hidden := ch.kind != publicChannel && !ch.hasLocked(c.bot)
		if wanted[ch.kind] && !hidden && only(ch) && !(c.is("exclude_archived") && ch.archived) {
			all = append(all, ch)
		}
	}
	shown, next, err := page(c, all, 100)
	if err != nil {
		return nil, err
	}
	described := []object{}
	for _, ch := range shown {
		described = append(described, ch.describeLocked())
	}
	return object{"channels": described, "response_metadata": next}, nil
}

func conversationsList(c *call) (object, error) {
	return c.listChannels(func(*Channel) bool { return true })
}

func usersConversations(c *call) (object, error) {
	of := c.bot
	if id := c.args["user"]; id != "" {
		if of = c.personByIDLocked(id); of == nil {
			return nil, refuse("user_not_found")
		}
	}
	return c.listChannels(func(ch *Channel) bool { return ch.hasLocked(of) })
}

func conversationsInvite(c *call) (object, error) {
	ch, err := c.reachLocked(c.args["channel"])
	if err != nil {
		return nil, err
	}
	var guests []*Person
	for id := range strings.SplitSeq(c.args["users"], ",") {
		p := c.personByIDLocked(id)
		switch {
		case p == nil:
			return nil, refuse("user_not_found")
		case p == c.bot:
			return nil, refuse("cant_invite_self")
		case ch.hasLocked(p):
			return nil, refuse("already_in_channel")
		case p.singleChannelGuest:
			return nil, refuse("ura_max_channels")
		case ch.archived:
			return nil, refuse("is_archived")
		}
		guests = append(guests, p)
	}
	for _, p := range guests {
		ch.inviteLocked(p)
	}
	return object{"channel": ch.describeLocked()}, nil
}

func conversationsJoin(c *call) (object, error) {
	ch, err := c.seeLocked(c.args["channel"])
	switch {
	case err != nil:
		return nil, err
	case ch.kind != publicChannel:
		return nil, refuse("method_not_supported_for_channel_type")
	case ch.archived:
		return nil, refuse("is_archived")
	}
	ch.inviteLocked(c.bot)
	return object{"channel": ch.describeLocked()}, nil
}

func conversationsSetTopic(c *call) (object, error) {
	ch, err := c.reachLocked(c.args["channel"])
	switch {
	case err != nil:
		return nil, err
	case ch.kind == directMessage:
		return nil, refuse("method_not_supported_for_channel_type")
	case ch.archived:
		return nil, refuse("is_archived")
	case utf8.RuneCountInString(c.args["topic"]) > 250:
		return nil, refuse("too_long")
	}
	ch.topic = c.args["topic"]
	return object{"channel": ch.describeLocked()}, nil
}
