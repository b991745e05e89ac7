package slacktest_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"conclave/bot/slacktest"

	"github.com/google/go-cmp/cmp"
)

func TestTypedTextIsMangledAsSlackManglesIt(t *testing.T) {
	w := start(t, slacktest.Config{})
	alice, mac := w.AddPerson("alice"), w.AddPerson("mac", slacktest.SmartPunctuation)
	for _, test := range []struct {
		who         *slacktest.Person
		typed, want string
	}{
		{alice, "a & b < c > d", "a &amp; b &lt; c &gt; d"},
		{alice, "see https://gnupg.org now", "see <https://gnupg.org> now"},
		{alice, "Comment: gnupg.org", "Comment: <http://gnupg.org|gnupg.org>"},
		{alice, "ask bob@conclave.example", "ask <mailto:bob@conclave.example|bob@conclave.example>"},
		{alice, "hello @mac", "hello <@" + mac.ID() + ">"},
		{alice, "hello @nobody", "hello @nobody"},
		{alice, "  spaces around\n\n", "spaces around"},
		{alice, "```\n-----BEGIN PGP MESSAGE-----\n\nabc+/=\n```", "```-----BEGIN PGP MESSAGE-----\n\nabc+/=```"},
		{mac, "-----BEGIN \"x\"", "——-BEGIN “x”"},
	} {
		m := must(test.who.DMs(test.typed))(t)[0]
		if m.Text != test.want {
			t.Errorf("%q came out as %q, want %q", test.typed, m.Text, test.want)
		}
	}
}

func TestTypedTextIsAlsoInRichText(t *testing.T) {
	w := start(t, slacktest.Config{})
	alice := w.AddPerson("alice")
	m := must(alice.DMs("run ```gpg -d\n<x>``` at https://gnupg.org"))(t)[0]
	want := []any{
		map[string]any{"type": "rich_text_section", "elements": []any{map[string]any{"type": "text", "text": "run "}}},
		map[string]any{"type": "rich_text_preformatted", "border": 0,
			"elements": []any{map[string]any{"type": "text", "text": "gpg -d\n<x>"}}},
		map[string]any{"type": "rich_text_section", "elements": []any{
			map[string]any{"type": "text", "text": " at "}, map[string]any{"type": "link", "url": "https://gnupg.org"},
		}},
	}
	if diff := cmp.Diff(want, m.Blocks[0].(map[string]any)["elements"]); diff != "" {
		t.Error(diff)
	}
}

func TestLongTypedTextIsSplit(t *testing.T) {
	w := start(t, slacktest.Config{})
	alice := w.AddPerson("alice")
	typed := strings.Repeat(strings.Repeat("ü", 63)+"\n", 100)
	parts := must(alice.DMs(typed))(t)
	if len(parts) != 2 {
		t.Fatalf("%d messages", len(parts))
	}
	var together []string
	for _, m := range parts {
		if n := utf8.RuneCountInString(m.Text); n > 4000 {
			t.Errorf("part of %d characters", n)
		}
		together = append(together, m.Text)
	}
	if strings.Join(together, "\n") != strings.TrimSpace(typed) {
		t.Error("something was lost")
	}
}

func TestMessagesReadAsAPersonReadsThem(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	alice := w.AddPerson("alice")
	ops := w.AddPrivateChannel("ops", alice, w.Bot())
	blocks := `[
		{"type":"header","text":{"type":"plain_text","text":"Rekey of prod"}},
		{"type":"section","text":{"type":"mrkdwn","text":"*2* of 3, <@` + alice.ID() + `> &amp; others, see <https://conclave.example|the guide> in <#` + ops.ID() + `>"},
			"fields":[{"type":"mrkdwn","text":"*Window*\nuntil <!date^1800000000^{date_num} {time}|later>"},{"type":"plain_text","text":"a & b"}],
			"accessory":{"type":"button","action_id":"s","text":{"type":"plain_text","text":"Submit"}}},
		{"type":"divider"},
		{"type":"context","elements":[{"type":"mrkdwn","text":"plan abcd"},{"type":"plain_text","text":"epoch 3"}]},
		{"type":"rich_text","elements":[
			{"type":"rich_text_section","elements":[{"type":"text","text":"Run","style":{"bold":true}},{"type":"text","text":" this:"}]},
			{"type":"rich_text_preformatted","elements":[{"type":"text","text":"gpg -d share.asc"}]},
			{"type":"rich_text_list","style":"ordered","elements":[{"type":"rich_text_section","elements":[{"type":"user","user_id":"` + alice.ID() + `"}]}]}]},
		{"type":"actions","elements":[{"type":"button","action_id":"a","text":{"type":"plain_text","text":"Approve"}},{"type":"button","action_id":"r","text":{"type":"plain_text","text":"Reject"}}]}]`
	ts := c.ok("chat.postMessage", "channel", ops.ID(), "text", "not shown", "blocks", blocks)["ts"].(string)
	m, _ := ops.Message(ts)
	want := strings.Join([]string{
		"# Rekey of prod",
		"*2* of 3, @alice & others, see the guide (https://conclave.example) in #ops",
		"*Window*\nuntil 2027-01-15 08:00",
		"a & b",
		"[ Submit ]",
		strings.Repeat("─", 24),
		"· plan abcd · epoch 3",
		"*Run* this:",
		"```\ngpg -d share.asc\n```",
		"1. @alice",
		"[ Approve ] [ Reject ]",
	}, "\n")
	if diff := cmp.Diff(want, w.Read(m)); diff != "" {
		t.Error(diff)
	}
}
