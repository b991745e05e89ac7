package slacktest_test

import (
	"strings"
	"testing"

	"conclave/bot/slacktest"

	"github.com/google/go-cmp/cmp"
)

func names(a answer) []string {
	var all []string
	for _, ch := range a["channels"].([]any) {
		all = append(all, at(ch, "name").(string))
	}
	return all
}

func TestListsShowWhatTheAppMaySee(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	alice := w.AddPerson("alice")
	w.AddChannel("town", alice)
	w.AddPrivateChannel("ops", alice, w.Bot())
	w.AddPrivateChannel("hidden", alice)
	old := w.AddChannel("old", alice, w.Bot())
	old.Archive()
	for _, test := range []struct {
		method string
		pairs  []string
		want   []string
	}{
		{"conversations.list", nil, []string{"town", "old"}},
		{"conversations.list", []string{"types", "public_channel,private_channel", "exclude_archived", "true"}, []string{"town", "ops"}},
		{"users.conversations", []string{"types", "public_channel,private_channel"}, []string{"ops", "old"}},
		{"users.conversations", []string{"user", alice.ID()}, []string{"town", "old"}},
	} {
		if diff := cmp.Diff(test.want, names(c.ok(test.method, test.pairs...))); diff != "" {
			t.Errorf("%s %v: %s", test.method, test.pairs, diff)
		}
	}
	if a := c.form("conversations.list", "types", "secret"); a["error"] != "invalid_types" {
		t.Errorf("got %v", a)
	}
	old.Unarchive()
	if got := names(c.ok("conversations.list", "exclude_archived", "true")); len(got) != 2 {
		t.Errorf("got %v", got)
	}
}

func TestAppJoinsInvitesAndSetsTopics(t *testing.T) {
	w := start(t, slacktest.Config{Scopes: []string{"channels:join", "channels:manage", "channels:read"},
		Events: []string{"member_joined_channel"}})
	c := client{t, w}
	s := c.connect()
	alice, gone := w.AddPerson("alice"), w.AddPerson("single", slacktest.SingleChannelGuest)
	town, secret := w.AddChannel("town"), w.AddPrivateChannel("secret", alice)
	if a := c.form("conversations.invite", "channel", town.ID(), "users", alice.ID()); a["error"] != "not_in_channel" {
		t.Errorf("invite before joining: %v", a)
	}
	c.ok("conversations.join", "channel", town.ID())
	c.ok("conversations.invite", "channel", town.ID(), "users", alice.ID())
	for _, p := range []*slacktest.Person{w.Bot(), alice} {
		if event := at(s.next(), "payload", "event"); at(event, "type") != "member_joined_channel" ||
			at(event, "user") != p.ID() {
			t.Errorf("got %v", event)
		}
	}
	for id, want := range map[string]string{alice.ID(): "already_in_channel", w.Bot().ID(): "cant_invite_self",
		"U404": "user_not_found", gone.ID(): "ura_max_channels"} {
		if a := c.form("conversations.invite", "channel", town.ID(), "users", id); a["error"] != want {
			t.Errorf("invite %s: %v, want %s", id, a, want)
		}
	}
	if a := c.form("conversations.join", "channel", secret.ID()); a["error"] != "channel_not_found" {
		t.Errorf("join a private channel: %v", a)
	}
	if got := at(c.ok("conversations.setTopic", "channel", town.ID(), "topic", "keys"), "channel", "topic",
		"value"); got != "keys" {
		t.Errorf("topic: %v", got)
	}
	if a := c.form("conversations.setTopic", "channel", town.ID(), "topic", chars(251)); a["error"] != "too_long" {
		t.Errorf("long topic: %v", a)
	}
}

func TestWorkspaceTellsAboutItself(t *testing.T) {
	w := start(t, slacktest.Config{Scopes: []string{"users:read", "users:read.email", "team:read", "usergroups:read",
		"chat:write", "bookmarks:write"}})
	c := client{t, w}
	alice := w.AddPerson("alice")
	ops := w.AddChannel("ops", w.Bot())
	if got := at(c.ok("users.lookupByEmail", "email", "alice@conclave.example"), "user", "id"); got != alice.ID() {
		t.Errorf("by email: %v", got)
	}
	if got := at(c.ok("bots.info", "bot", w.BotID()), "bot", "user_id"); got != w.Bot().ID() {
		t.Errorf("bot: %v", got)
	}
	if got := at(c.ok("team.info"), "team", "id"); got != w.TeamID() {
		t.Errorf("team: %v", got)
	}
	ts := c.ok("chat.postMessage", "channel", ops.ID(), "text", "x")["ts"].(string)
	link := c.ok("chat.getPermalink", "channel", ops.ID(), "message_ts", ts)["permalink"].(string)
	if want := "/archives/" + ops.ID() + "/p" + strings.ReplaceAll(ts, ".", ""); !strings.HasSuffix(link, want) {
		t.Errorf("permalink %s, want …%s", link, want)
	}
	c.ok("bookmarks.add", "channel_id", ops.ID(), "title", "Guide", "type", "link", "link", "https://conclave.example")
	for _, test := range [][]string{
		{"users_not_found", "users.lookupByEmail", "email", "nobody@conclave.example"}, {"bot_not_found", "bots.info", "bot", "B404"},
		{"message_not_found", "chat.getPermalink", "channel", ops.ID(), "message_ts", "1.000001"}, {"no_such_subteam", "usergroups.users.list", "usergroup", "S404"},
		{"invalid_link", "bookmarks.add", "channel_id", ops.ID(), "title", "Guide", "type", "link"},
	} {
		if a := c.form(test[1], test[2:]...); a["error"] != test[0] {
			t.Errorf("%s: %v, want %s", test[1], a, test[0])
		}
	}
}
