package slacktest

import (
	"regexp"
	"slices"
)

const maxPins = 100

// marked returns the message that a pin or a reaction is for.
func (c *call) marked() (*Channel, *message, error) {
	ch, err := c.reachLocked(c.args["channel"])
	if err != nil {
		return nil, nil, refuse("channel_not_found")
	}
	m := ch.findLocked(c.args["timestamp"])
	if m == nil {
		return nil, nil, refuse("message_not_found")
	}
	if ch.archived {
		return nil, nil, refuse("restricted_action")
	}
	return ch, m, nil
}

func (ch *Channel) pinnedLocked(ts string) bool {
	return slices.ContainsFunc(ch.pins, func(p pin) bool { return p.ts == ts })
}

func pinsAdd(c *call) (object, error) {
	ch, m, err := c.marked()
	switch {
	case err != nil:
		return nil, err
	case ch.pinnedLocked(m.TS):
		return nil, refuse("already_pinned")
	case len(ch.pins) >= maxPins:
		return nil, refuse("too_many_pins")
	}
	ch.pins = append(ch.pins, pin{ts: m.TS, by: c.bot})
	return object{}, nil
}

func pinsRemove(c *call) (object, error) {
	ch, m, err := c.marked()
	switch {
	case err != nil:
		return nil, err
	case !ch.pinnedLocked(m.TS):
		return nil, refuse("not_pinned")
	}
	ch.pins = slices.DeleteFunc(ch.pins, func(p pin) bool { return p.ts == m.TS })
	return object{}, nil
}

func pinsList(c *call) (object, error) {
	ch, err := c.reachLocked(c.args["channel"])
	if err != nil {
		return nil, refuse("channel_not_found")
	}
	items := []object{}
	for _, p := range ch.pins {
		if m := ch.findLocked(p.ts); m != nil {
			items = append(items, object{"type": "message", "channel": ch.id, "created_by": p.by.id,
				"message": m.describeLocked(c.Workspace)})
		}
	}
	return object{"items": items}, nil
}

var emojiName = regexp.MustCompile(`^[a-z0-9_+'-]+(::skin-tone-[2-6])?$`)

func reactionsAdd(c *call) (object, error) {
	name := c.args["name"]
	if !emojiName.MatchString(name) {
		return nil, refuse("invalid_name")
	}
	_, m, err := c.marked()
	if err != nil {
		return nil, err
	}
	all := slices.Clone(m.Reactions)
	at := slices.IndexFunc(all, func(r Reaction) bool { return r.Name == name })
	switch {
	case at < 0:
		all = append(all, Reaction{Name: name, Users: []string{c.bot.id}})
	case slices.Contains(all[at].Users, c.bot.id):
		return nil, refuse("already_reacted")
	default:
		all[at].Users = append(slices.Clone(all[at].Users), c.bot.id)
	}
	m.Reactions = all
	return object{}, nil
}

func reactionsRemove(c *call) (object, error) {
	_, m, err := c.marked()
	if err != nil {
		return nil, err
	}
	all := slices.Clone(m.Reactions)
	at := slices.IndexFunc(all, func(r Reaction) bool {
		return r.Name == c.args["name"] &&
			slices.Contains(r.Users, c.bot.id)
	})
	if at < 0 {
		return nil, refuse("no_reaction")
	}
	all[at].Users = slices.DeleteFunc(slices.Clone(all[at].Users), func(id string) bool { return id == c.bot.id })
	m.Reactions = slices.DeleteFunc(all, func(r Reaction) bool { return len(r.Users) == 0 })
	return object{}, nil
}

func bookmarksAdd(c *call) (object, error) {
	ch, err := c.reachLocked(c.args["channel_id"])
	switch {
	case err != nil:
		return nil, refuse("channel_not_found")
	case c.args["type"] != "link":
		return nil, refuse("invalid_bookmark_type")
	case c.args["link"] == "":
		return nil, refuse("invalid_link")
	}
	return object{"bookmark": object{
		"id": c.idLocked("Bk"), "channel_id": ch.id, "title": c.args["title"], "link": c.args["link"],
		"emoji": c.args["emoji"], "type": "link", "date_created": c.cfg.Now().Unix(), "app_id": c.AppID(),
		"last_updated_by_user_id": c.bot.id,
	}}, nil
}
