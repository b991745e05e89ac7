package slacktest

import (
	"fmt"
	"slices"
	"strings"

	"conclave/bot/slacktest/blockkit"
)

// Person is a user: a member of the workspace, a guest, a stranger, or a machine. What a person can do in Slack's own
// client, a Person can do here; what that client does not let a user do is refused with [ErrNotAllowed].
type Person struct {
	w     *Workspace
	id    string
	name  string
	team  string
	email string

	// Guarded by the workspace's mutex.
	machine, guest, singleChannelGuest, invited, stranger, deleted bool

	smart  bool // the person's computer replaces -- and " while they type
	direct *Channel
	home   *view
	modals []*view // the stack of forms, the one in front last
}

// Trait makes a person something other than a plain member.
type Trait func(*Person)

// Machine makes a bot user of another app.
func Machine(p *Person) { p.machine = true }

// Guest makes a multi-channel guest (is_restricted).
func Guest(p *Person) { p.guest = true }

// SingleChannelGuest makes a single-channel guest (is_restricted and is_ultra_restricted).
func SingleChannelGuest(p *Person) { p.guest, p.singleChannelGuest = true, true }

// Invited makes a user who has not accepted the invitation yet.
func Invited(p *Person) { p.invited = true }

// Stranger makes a user of a connected organisation with whom the app shares no channel.
func Stranger(p *Person) { p.stranger, p.team = true, "T0ELSEWHERE" }

// Connected makes a user of a connected organisation in a shared channel. is_stranger is false; only the team id shows
// it.
func Connected(p *Person) { p.team = "T0ELSEWHERE" }

// Deactivated makes a former member.
func Deactivated(p *Person) { p.deleted = true }

// SmartPunctuation makes a person whose computer turns "--" into a dash and straight quotes into curly ones.
func SmartPunctuation(p *Person) { p.smart = true }

// AddPerson adds a user. It panics if the name is taken.
func (w *Workspace) AddPerson(name string, traits ...Trait) *Person {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.addPersonLocked(name, traits)
	w.changeLocked()
	return p
}

func (w *Workspace) addPersonLocked(name string, traits []Trait) *Person {
	if w.personByNameLocked(name) != nil {
		panic("slacktest: two people named " + name)
	}
	p := &Person{w: w, id: w.idLocked("U"), name: name, team: w.TeamID(), email: name + "@conclave.example"}
	for _, trait := range traits {
		trait(p)
	}
	w.people = append(w.people, p)
	return p
}

// addSlackbotLocked adds the user that Slack itself speaks as. Its is_bot is false, which apps must know.
func (w *Workspace) addSlackbotLocked() {
	w.people = append(w.people, &Person{w: w, id: "USLACKBOT", name: "slackbot", team: w.TeamID()})
}

// People returns all users, the bot and Slackbot among them, in the order in which they came.
func (w *Workspace) People() []*Person {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.people)
}

// Channels returns all conversations in the order in which they were made.
func (w *Workspace) Channels() []*Channel {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.channels)
}

// Person finds a user by name.
func (w *Workspace) Person(name string) (*Person, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.personByNameLocked(name)
	return p, p != nil
}

// ID returns the user's id (U…).
func (p *Person) ID() string { return p.id }

// Name returns the user's name.
func (p *Person) Name() string { return p.name }

// Direct returns the person's direct messages with the app. It opens them if need be.
func (p *Person) Direct() *Channel {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	return p.w.directLocked(p)
}

// Deactivate deactivates the person's account, as an administrator does. Slack tells the app with user_change.
func (p *Person) Deactivate() { p.change(func() { p.deleted = true }) }

// Reactivate gives a deactivated account back.
func (p *Person) Reactivate() { p.change(func() { p.deleted = false }) }

// Restrict makes a member a guest, or a guest a member.
func (p *Person) Restrict(guest bool) { p.change(func() { p.guest = guest }) }

func (p *Person) change(how func()) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	how()
	p.w.raiseLocked("user_change", nil,
		object{"type": "user_change", "user": p.describeLocked(), "cache_ts": p.w.cfg.Now().Unix()})
	p.w.changeLocked()
}

// mayActLocked returns an error if Slack's client would not let the person act in a channel, or at all if in is nil.
func (p *Person) mayActLocked(in *Channel) error {
	switch {
	case p.deleted || p.invited:
		return fmt.Errorf("%s has no active account: %w", p.name, ErrNotAllowed)
	case in == nil:
		return nil
	case !in.hasLocked(p):
		return fmt.Errorf("%s is not in %s: %w", p.name, in.id, ErrNotAllowed)
	case in.archived:
		return fmt.Errorf("%s is archived: %w", in.id, ErrNotAllowed)
	}
	return nil
}

func (w *Workspace) personByIDLocked(id string) *Person {
	for _, p := range w.people {
		if p.id == id {
			return p
		}
	}
	return nil
}

func (w *Workspace) personByNameLocked(name string) *Person {
	for _, p := range w.people {
		if p.name == name {
			return p
		}
	}
	return nil
}

// Describe returns the user as users.info does.
func (p *Person) Describe() blockkit.Object {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	return p.describeLocked()
}

// describeLocked returns the user as users.info gives it. A deactivated user has none of the flags of a living one.
func (p *Person) describeLocked() object {
	title := strings.ToUpper(p.name[:1]) + p.name[1:]
	o := object{
		"id": p.id, "team_id": p.team, "name": p.name, "deleted": p.deleted, "is_bot": p.machine, "is_app_user": false,
		"updated": 1700000000,
		"profile": p.profile(title),
	}
	if p.deleted {
		return o
	}
	o["color"], o["locale"], o["is_email_confirmed"], o["who_can_share_contact_card"] = "9f69e7", "en-US", true, "EVERYONE"
	o["real_name"], o["tz"], o["tz_label"], o["tz_offset"] = title, "Europe/Berlin", "Central European Time", 3600
	o["is_admin"], o["is_owner"], o["is_primary_owner"] = false, false, false
	o["is_restricted"], o["is_ultra_restricted"] = p.guest, p.singleChannelGuest
	if p.stranger {
		o["is_stranger"] = true
	}
	if p.invited {
		o["is_invited_user"] = true
	}
	return o
}

func (p *Person) profile(title string) object {
	o := object{
		"title": "", "phone": "", "skype": "", "first_name": title, "last_name": "", "fields": nil, "email": p.email,
		"team": p.team, "real_name": title, "real_name_normalized": title, "display_name": p.name,
		"display_name_normalized": p.name, "avatar_hash": "g" + p.id, "status_text": "", "status_text_canonical": "",
		"status_emoji": "", "status_emoji_display_info": []any{}, "status_expiration": 0,
	}
	for _, size := range []string{"24", "32", "48", "72", "192", "512"} {
		o["image_"+size] = p.w.URL() + "/avatars/" + p.id + "_" + size + ".png"
	}
	return o
}
