package slacktest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/bot/slacktest"
	"conclave/bot/slacktest/record"
)

func TestPostIsRefusedAsSlackRefusesIt(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	alice := w.AddPerson("alice")
	ops := w.AddChannel("ops", alice, w.Bot())
	old := w.AddChannel("old", w.Bot())
	old.Archive()
	secret := w.AddPrivateChannel("secret", alice)
	open := w.AddChannel("open", alice)
	other := w.AddPerson("other", slacktest.Machine)
	for _, test := range []struct {
		name  string
		pairs []string
		want  string
	}{
		{"no such channel", []string{"channel", "C404", "text", "x"}, "channel_not_found"},
		{"public, not in it", []string{"channel", open.ID(), "text", "x"}, "not_in_channel"},
		{"private, not in it", []string{"channel", secret.ID(), "text", "x"}, "channel_not_found"},
		{"archived", []string{"channel", old.ID(), "text", "x"}, "is_archived"},
		{"nothing to say", []string{"channel", ops.ID()}, "no_text"},
		{"another app", []string{"channel", other.ID(), "text", "x"}, "channel_not_found"},
		{"blocks that are no list", []string{"channel", ops.ID(), "blocks", "{}"}, "invalid_blocks_format"},
		{"bad blocks", []string{"channel", ops.ID(), "blocks", `[{"type":"header"}]`}, "invalid_blocks"},
		{"thread of nothing", []string{"channel", ops.ID(), "text", "x", "thread_ts", "1.000001"}, "cannot_reply_to_message"},
		{"markdown and text", []string{"channel", ops.ID(), "text", "x", "markdown_text", "x"}, "markdown_text_conflict"},
		{"metadata without type", []string{"channel", ops.ID(), "text", "x", "metadata", "{}"}, "invalid_metadata_schema"},
		{"metadata of another form", []string{"channel", ops.ID(), "text", "x", "metadata", "[]"}, "invalid_metadata_format"},
		{"much metadata", []string{"channel", ops.ID(), "text", "x", "metadata", `{"event_type":"a","event_payload":{"a":"` + chars(8000) + `"}}`}, "metadata_too_large"},
	} {
		if a := c.form("chat.postMessage", test.pairs...); a["error"] != test.want {
			t.Errorf("%s: %v, want %s", test.name, a, test.want)
		}
	}
	if n := len(ops.Messages()); n != 0 {
		t.Errorf("%d messages were posted all the same", n)
	}
}

func TestFaultInBlocksIsNamedWithItsPlace(t *testing.T) {
	w := start(t, slacktest.Config{})
	ops := w.AddChannel("ops", w.Bot())
	a := client{t, w}.form("chat.postMessage", "channel", ops.ID(), "blocks",
		`[{"type":"section","text":{"type":"mrkdwn","text":"`+chars(3001)+`"}}]`)
	want := "[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
	messages, _ := at(a, "response_metadata", "messages").([]any)
	if len(messages) != 1 || messages[0] != want {
		t.Errorf("got %v", a)
	}
	wantViolation(t, w, record.RuleBlockKit)
}

func TestPostToAPersonOpensTheirDirectMessages(t *testing.T) {
	w := start(t, slacktest.Config{})
	alice := w.AddPerson("alice")
	a := client{t, w}.ok("chat.postMessage", "channel", alice.ID(), "text", "hello")
	if a["channel"] != alice.Direct().ID() || !strings.HasPrefix(alice.Direct().ID(), "D") {
		t.Errorf("posted in %v", a["channel"])
	}
	if inbox := alice.Inbox(); len(inbox) != 1 || inbox[0].Text != "hello" {
		t.Errorf("inbox: %+v", inbox)
	}
}

func TestTimestampsAreUniqueAndRise(t *testing.T) {
	clock := newClock()
	w := start(t, slacktest.Config{Now: clock.Now}) // a clock that stands still
	c := client{t, w}
	ops := w.AddChannel("ops", w.Bot())
	last := ""
	for range 5 {
		ts := c.ok("chat.postMessage", "channel", ops.ID(), "text", "x")["ts"].(string)
		if ts <= last {
			t.Fatalf("%s after %s", ts, last)
		}
		last = ts
	}
}

func TestTextIsEscapedOnceWhateverTheAppSent(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	alice := w.AddPerson("alice")
	ops := w.AddChannel("ops", w.Bot())
	for sent, want := range map[string]string{
		"a & b":                 "a &amp; b",
		"a &amp; b":             "a &amp; b",
		"1 < 2 > 0":             "1 &lt; 2 &gt; 0",
		"<@" + alice.ID() + ">": "<@" + alice.ID() + ">",
		"<https://conclave.example?a=1|here> & <b>": "<https://conclave.example?a=1|here> &amp; &lt;b&gt;",
	} {
		a := c.ok("chat.postMessage", "channel", ops.ID(), "text", sent)
		if got := at(a, "message", "text"); got != want {
			t.Errorf("%q came out as %q, want %q", sent, got, want)
		}
	}
}

func TestLongTextIsCutOrRefused(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	alice := w.AddPerson("alice")
	ops := w.AddChannel("ops", alice, w.Bot())
	a := c.ok("chat.postMessage", "channel", ops.ID(), "text", chars(40001))
	if n := len(at(a, "message", "text").(string)); n != 40000 {
		t.Errorf("post kept %d characters", n)
	}
	wantViolation(t, w, record.RuleTextLength)
	ts := a["ts"].(string)
	if a := c.form("chat.update", "channel", ops.ID(), "ts", ts, "text", chars(4001)); a["error"] != "msg_too_long" {
		t.Errorf("update: %v", a["error"])
	}
	if a := c.form("chat.postEphemeral", "channel", ops.ID(), "user", alice.ID(), "text",
		chars(4001)); a["error"] != "msg_too_long" {
		t.Errorf("ephemeral: %v", a["error"])
	}
}

// TestBlocksOfThirteenThousandCharactersAreRefused, although each block is within its limits.
func TestBlocksOfThirteenThousandCharactersAreRefused(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	ops := w.AddChannel("ops", w.Bot())
	blocks := func(n int) string {
		one := `{"type":"section","text":{"type":"mrkdwn","text":"` + chars(2500) + `"}}`
		return "[" + strings.Join(slices.Repeat([]string{one}, n), ",") + "]"
	}
	ts := c.ok("chat.postMessage", "channel", ops.ID(), "text", "hello", "blocks", blocks(5))["ts"].(string)
	wantNoViolations(t, w)
	if a := c.form("chat.postMessage", "channel", ops.ID(), "text", "hello", "blocks", blocks(6)); a["error"] != "msg_blocks_too_long" {
		t.Errorf("post: %v", a["error"])
	}
	if a := c.form("chat.update", "channel", ops.ID(), "ts", ts, "text", "hello", "blocks", blocks(6)); a["error"] != "msg_too_long" {
		t.Errorf("update: %v", a["error"])
	}
}

func TestUpdateTakesBlocksAwayUnlessTheyAreSent(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	ops := w.AddChannel("ops", w.Bot())
	meta := `{"event_type":"ceremony","event_payload":{"id":"k7m2"}}`
	ts := c.ok("chat.postMessage", "channel", ops.ID(), "text", "one", "blocks", `[{"type":"divider"}]`, "metadata",
		meta)["ts"].(string)
	c.ok("chat.update", "channel", ops.ID(), "ts", ts, "text", "two", "blocks", `[{"type":"divider"},{"type":"divider"}]`)
	m, _ := ops.Message(ts)
	if m.Edited || len(m.Blocks) != 2 {
		t.Errorf("with blocks: %+v", m)
	}
	c.ok("chat.update", "channel", ops.ID(), "ts", ts, "text", "three")
	m, _ = ops.Message(ts)
	if !m.Edited || len(m.Blocks) != 0 || len(m.History) != 2 || m.History[1].Text != "two" {
		t.Errorf("without blocks: %+v", m)
	}
	if m.Metadata == nil || m.Metadata.EventPayload["id"] != "k7m2" {
		t.Errorf("metadata was lost: %+v", m.Metadata)
	}
}

func TestOnlyOwnMessagesCanBeChanged(t *testing.T) {
	clock := newClock()
	w := start(t, slacktest.Config{EditWindow: time.Minute, Now: clock.Now})
	c := client{t, w}
	alice := w.AddPerson("alice")
	theirs := must(alice.DMs("a share, pasted"))(t)[0]
	dm := alice.Direct().ID()
	if a := c.form("chat.delete", "channel", dm, "ts", theirs.TS); a["error"] != "cant_delete_message" {
		t.Errorf("delete: %v", a)
	}
	if a := c.form("chat.update", "channel", dm, "ts", theirs.TS, "text", "x"); a["error"] != "cant_update_message" {
		t.Errorf("update: %v", a)
	}
	own := c.ok("chat.postMessage", "channel", dm, "text", "x")["ts"].(string)
	if a := c.form("chat.update", "channel", alice.ID(), "ts", own, "text", "y"); a["error"] != "channel_not_found" {
		t.Errorf("update by user id: %v", a)
	}
	wantViolation(t, w, record.RuleChannelByOther)
	if a := c.form("chat.update", "channel", dm, "ts", "1.000001", "text", "y"); a["error"] != "message_not_found" {
		t.Errorf("update of nothing: %v", a)
	}
	clock.Advance(2 * time.Minute)
	if a := c.form("chat.update", "channel", dm, "ts", own, "text", "y"); a["error"] != "edit_window_closed" {
		t.Errorf("late update: %v", a)
	}
	c.ok("chat.delete", "channel", dm, "ts", own)
	if a := c.form("chat.update", "channel", dm, "ts", own, "text", "y"); a["error"] != "message_not_found" {
		t.Errorf("update after delete: %v", a)
	}
}

func TestEphemeralIsSeenByOnePersonOnly(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	alice, bob, eve := w.AddPerson("alice"), w.AddPerson("bob"), w.AddPerson("eve")
	ops := w.AddChannel("ops", alice, bob, w.Bot())
	c.ok("chat.postEphemeral", "channel", ops.ID(), "user", alice.ID(), "text", "for alice")
	if a := c.form("chat.postEphemeral", "channel", ops.ID(), "user", eve.ID(), "text",
		"x"); a["error"] != "user_not_in_channel" {
		t.Errorf("got %v", a)
	}
	if len(alice.Sees(ops)) != 1 || len(alice.Inbox()) != 1 || len(bob.Sees(ops)) != 0 || len(ops.Messages()) != 0 {
		t.Errorf("alice %v, bob %v, all %v", alice.Sees(ops), bob.Sees(ops), ops.Messages())
	}
}

func TestHistoryGivesMetadataOnlyWhenAsked(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	ops := w.AddPrivateChannel("ops", w.Bot())
	first := c.ok("chat.postMessage", "channel", ops.ID(), "text", "one", "metadata",
		`{"event_type":"ceremony","event_payload":{"id":"k7m2"}}`)["ts"].(string)
	second := c.ok("chat.postMessage", "channel", ops.ID(), "text", "two")["ts"].(string)
	reply := c.ok("chat.postMessage", "channel", ops.ID(), "text", "in the thread", "thread_ts", first, "metadata",
		`{"event_type":"log","event_payload":{}}`)["ts"].(string)

	all := c.ok("conversations.history", "channel", ops.ID(), "include_all_metadata", "true")["messages"].([]any)
	if len(all) != 2 || at(all[0], "ts") != second || at(all[1], "metadata", "event_payload", "id") != "k7m2" ||
		at(all[1], "reply_count") != 1.0 {
		t.Errorf("history: %v", all)
	}
	if plain := c.ok("conversations.history", "channel", ops.ID())["messages"].([]any); at(plain[1], "metadata") != nil {
		t.Errorf("metadata unasked: %v", plain[1])
	}
	newer := c.ok("conversations.history", "channel", ops.ID(), "oldest", first)["messages"].([]any)
	if len(newer) != 1 || at(newer[0], "ts") != second {
		t.Errorf("after the first: %v", newer)
	}
	thread := c.ok("conversations.replies", "channel", ops.ID(), "ts", first, "include_all_metadata", "1", "oldest",
		first)["messages"].([]any)
	if len(thread) != 2 || at(thread[0], "ts") != first || at(thread[1], "ts") != reply ||
		at(thread[1], "metadata", "event_type") != "log" {
		t.Errorf("thread: %v", thread)
	}
	if a := c.form("conversations.replies", "channel", ops.ID(), "ts", "1.000001"); a["error"] != "thread_not_found" {
		t.Errorf("got %v", a)
	}
}

func TestPinsAndReactionsKeepTheirRules(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	ops := w.AddPrivateChannel("ops", w.Bot())
	ts := c.ok("chat.postMessage", "channel", ops.ID(), "text", "status")["ts"].(string)
	c.ok("pins.add", "channel", ops.ID(), "timestamp", ts)
	if a := c.form("pins.add", "channel", ops.ID(), "timestamp", ts); a["error"] != "already_pinned" {
		t.Errorf("got %v", a)
	}
	if pinned := ops.Pinned(); len(pinned) != 1 || pinned[0].TS != ts {
		t.Errorf("pinned: %v", pinned)
	}
	if items := c.ok("pins.list", "channel", ops.ID())["items"].([]any); at(items[0], "message", "ts") != ts {
		t.Errorf("pins.list: %v", items)
	}
	c.ok("pins.remove", "channel", ops.ID(), "timestamp", ts)
	if a := c.form("pins.remove", "channel", ops.ID(), "timestamp", ts); a["error"] != "not_pinned" {
		t.Errorf("got %v", a)
	}
	c.ok("reactions.add", "channel", ops.ID(), "timestamp", ts, "name", "lock")
	if a := c.form("reactions.add", "channel", ops.ID(), "timestamp", ts, "name",
		"lock"); a["error"] != "already_reacted" {
		t.Errorf("got %v", a)
	}
	if a := c.form("reactions.add", "channel", ops.ID(), "timestamp", ts, "name",
		"no such"); a["error"] != "invalid_name" {
		t.Errorf("got %v", a)
	}
	c.ok("reactions.remove", "channel", ops.ID(), "timestamp", ts, "name", "lock")
	if m, _ := ops.Message(ts); len(m.Reactions) != 0 {
		t.Errorf("reactions: %v", m.Reactions)
	}
}

func TestDirectMessagesWithWhomSlackAllows(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	alice := w.AddPerson("alice")
	gone, stranger := w.AddPerson("gone", slacktest.Deactivated), w.AddPerson("stranger", slacktest.Stranger)
	other := w.AddPerson("other", slacktest.Machine)
	if got := at(c.ok("conversations.open", "users", alice.ID()), "channel", "id"); got != alice.Direct().ID() {
		t.Errorf("opened %v", got)
	}
	for id, want := range map[string]string{gone.ID(): "user_disabled", stranger.ID(): "user_not_visible",
		other.ID(): "cannot_dm_bot", "U404": "user_not_found", "": "users_list_not_supplied"} {
		if a := c.form("conversations.open", "users", id); a["error"] != want {
			t.Errorf("open %q: %v, want %s", id, a, want)
		}
	}
	c.ok("chat.postMessage", "channel", gone.ID(), "text", "nobody reads it")
	silent := start(t, slacktest.Config{MessagesTab: slacktest.TabOff})
	bob := silent.AddPerson("bob")
	if a := (client{t, silent}).form("chat.postMessage", "channel", bob.ID(), "text",
		"x"); a["error"] != "messages_tab_disabled" {
		t.Errorf("got %v", a)
	}
}

func TestChannelSaysWhetherItIsShared(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	alice := w.AddPerson("alice")
	ops := w.AddPrivateChannel("ops", alice, w.Bot())
	if got := at(c.ok("conversations.info", "channel", ops.ID()), "channel", "is_ext_shared"); got != false {
		t.Errorf("is_ext_shared is %v", got)
	}
	ops.ShareOutside(true)
	if got := at(c.ok("conversations.info", "channel", ops.ID()), "channel", "is_ext_shared"); got != true {
		t.Errorf("is_ext_shared is %v", got)
	}
	if members := c.ok("conversations.members", "channel", ops.ID())["members"].([]any); len(members) != 2 {
		t.Errorf("members: %v", members)
	}
	ops.Kick(w.Bot())
	if a := c.form("conversations.info", "channel", ops.ID()); a["error"] != "channel_not_found" {
		t.Errorf("after the kick: %v", a)
	}
}

func TestThreadIsFoundByAnyOfItsMessages(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	ops := w.AddPrivateChannel("ops", w.Bot())
	first := c.ok("chat.postMessage", "channel", ops.ID(), "text", "one")["ts"].(string)
	reply := c.ok("chat.postMessage", "channel", ops.ID(), "text", "two", "thread_ts", first)["ts"].(string)
	c.ok("chat.postMessage", "channel", ops.ID(), "text", "three", "thread_ts", reply)
	if thread := c.ok("conversations.replies", "channel", ops.ID(), "ts", reply)["messages"].([]any); len(thread) != 3 ||
		at(thread[0], "ts") != first {
		t.Errorf("got %v", thread)
	}
}

func TestMetadataStaysUntilItIsTakenAway(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	ops := w.AddPrivateChannel("ops", w.Bot())
	ts := c.ok("chat.postMessage", "channel", ops.ID(), "text", "one", "metadata",
		`{"event_type":"a","event_payload":{}}`)["ts"].(string)
	c.ok("chat.update", "channel", ops.ID(), "ts", ts, "text", "two")
	if m, _ := ops.Message(ts); m.Metadata == nil {
		t.Error("metadata went away by itself")
	}
	c.ok("chat.update", "channel", ops.ID(), "ts", ts, "text", "three", "metadata", "{}")
	if m, _ := ops.Message(ts); m.Metadata != nil {
		t.Errorf("metadata: %+v", m.Metadata)
	}
}
