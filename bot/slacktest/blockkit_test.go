package slacktest_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"conclave/bot/slacktest"
	"conclave/bot/slacktest/blockkit"
)

type o = map[string]any
type l = []any

func chars(n int) string { return strings.Repeat("x", n) }

func plainText(n int) o { return o{"type": "plain_text", "text": chars(n)} }

func many(n int, make func(i int) any) l {
	all := l{}
	for i := range n {
		all = append(all, make(i))
	}
	return all
}

func button(more o) o {
	b := o{"type": "button", "action_id": "a", "text": plainText(1)}
	for key, v := range more {
		b[key] = v
	}
	return b
}

func actions(elements ...any) o { return o{"type": "actions", "elements": elements} }

func input(element o) o { return o{"type": "input", "label": plainText(1), "element": element} }

func modal(more o) o {
	v := o{"type": "modal", "title": plainText(1), "submit": plainText(1), "blocks": l{}}
	for key, x := range more {
		v[key] = x
	}
	return v
}

func option(text, value int) o { return o{"text": plainText(text), "value": chars(value)} }

// limits are the parts of Block Kit whose length Slack limits. Each makes one of a given length. The largest allowed
// length must pass, and one more must not.
var limits = []struct {
	name string
	most int
	make func(n int) any
	// undocumented limits are in Slack's reference but not in the comments of @slack/types
	undocumented bool
}{
	{"section text", 3000, func(n int) any { return l{o{"type": "section", "text": o{"type": "mrkdwn", "text": chars(n)}}} }, false},
	{"section fields", 10, func(n int) any {
		return l{o{"type": "section", "fields": many(n, func(int) any { return plainText(1) })}}
	}, false},
	{"field text", 2000, func(n int) any { return l{o{"type": "section", "fields": l{plainText(n)}}} }, false},
	{"block_id", 255, func(n int) any { return l{o{"type": "divider", "block_id": chars(n)}} }, false},
	{"header", 150, func(n int) any { return l{o{"type": "header", "text": plainText(n)}} }, false},
	{"context elements", 10, func(n int) any {
		return l{o{"type": "context", "elements": many(n, func(int) any { return plainText(1) })}}
	}, false},
	{"actions elements", 25, func(n int) any {
		return l{actions(many(n, func(i int) any { return button(o{"action_id": fmt.Sprint(i)}) })...)}
	}, false},
	{"button text", 75, func(n int) any { return l{actions(button(o{"text": plainText(n)}))} }, false},
	{"button value", 2000, func(n int) any { return l{actions(button(o{"value": chars(n)}))} }, false},
	{"button url", 3000, func(n int) any { return l{actions(button(o{"url": chars(n)}))} }, false},
	{"button label", 75, func(n int) any { return l{actions(button(o{"accessibility_label": chars(n)}))} }, false},
	{"action_id", 255, func(n int) any { return l{actions(button(o{"action_id": chars(n)}))} }, false},
	{"confirm title", 100, func(n int) any {
		return l{actions(button(o{"confirm": o{"title": plainText(n), "text": plainText(1), "confirm": plainText(1),
			"deny": plainText(1)}}))}
	}, false},
	{"confirm text", 300, func(n int) any {
		return l{actions(button(o{"confirm": o{"title": plainText(1), "text": plainText(n), "confirm": plainText(1),
			"deny": plainText(1)}}))}
	}, false},
	{"confirm button", 30, func(n int) any {
		return l{actions(button(o{"confirm": o{"title": plainText(1), "text": plainText(1), "confirm": plainText(n),
			"deny": plainText(1)}}))}
	}, false},
	{"select options", 100, func(n int) any {
		return l{actions(o{"type": "static_select", "action_id": "a",
			"options": many(n, func(int) any { return option(1, 1) })})}
	}, false},
	{"option text", 75, func(n int) any {
		return l{actions(o{"type": "static_select", "action_id": "a", "options": l{option(n, 1)}})}
	}, false},
	{"option value", 75, func(n int) any {
		return l{actions(o{"type": "static_select", "action_id": "a", "options": l{option(1, n)}})}
	}, false},
	{"radio options", 10, func(n int) any {
		return l{actions(o{"type": "radio_buttons", "action_id": "a",
			"options": many(n, func(int) any { return option(1, 1) })})}
	}, false},
	{"checkbox options", 10, func(n int) any {
		return l{actions(o{"type": "checkboxes", "action_id": "a",
			"options": many(n, func(int) any { return option(1, 1) })})}
	}, false},
	{"alt text", 2000, func(n int) any {
		return l{o{"type": "image", "image_url": "https://conclave.example/a.png", "alt_text": chars(n)}}
	}, false},
	{"image title", 2000, func(n int) any {
		return l{o{"type": "image", "image_url": "https://conclave.example/a.png", "alt_text": "a", "title": plainText(n)}}
	}, false},
	{"view title", 24, func(n int) any { return modal(o{"title": plainText(n)}) }, false},
	{"view submit", 24, func(n int) any { return modal(o{"submit": plainText(n)}) }, true},
	{"view close", 24, func(n int) any { return modal(o{"close": plainText(n)}) }, false},
	{"private_metadata", 3000, func(n int) any { return modal(o{"private_metadata": chars(n)}) }, false},
	{"callback_id", 255, func(n int) any { return modal(o{"callback_id": chars(n)}) }, false},
	{"input label", 2000, func(n int) any {
		return modal(o{"blocks": l{o{"type": "input", "label": plainText(n),
			"element": o{"type": "plain_text_input", "action_id": "a"}}}})
	}, false},
	{"input hint", 2000, func(n int) any {
		return modal(o{"blocks": l{o{"type": "input", "label": plainText(1), "hint": plainText(n),
			"element": o{"type": "plain_text_input", "action_id": "a"}}}})
	}, false},
	{"placeholder", 150, func(n int) any {
		return modal(o{"blocks": l{input(o{"type": "plain_text_input", "action_id": "a", "placeholder": plainText(n)})}})
	}, false},
	{"min_length", 3000, func(n int) any {
		return modal(o{"blocks": l{input(o{"type": "plain_text_input", "action_id": "a", "min_length": n})}})
	}, true},
	{"max_length", 3000, func(n int) any {
		return modal(o{"blocks": l{input(o{"type": "plain_text_input", "action_id": "a", "max_length": n})}})
	}, true},
	{"blocks of a message", 50, func(n int) any { return many(n, func(int) any { return o{"type": "divider"} }) }, true},
	{"blocks of a view", 100, func(n int) any {
		return modal(o{"blocks": many(n, func(int) any { return o{"type": "divider"} })})
	}, true},
}

// shapes are well and badly formed blocks. None is about a limit.
var shapes = []struct {
	name  string
	value any
	good  bool
}{
	{"section with accessory", l{o{"type": "section", "text": plainText(1), "accessory": button(nil)}}, true},
	{"section with an unknown key", l{o{"type": "section", "text": plainText(1), "colour": "red"}}, false},
	{"header in mrkdwn", l{o{"type": "header", "text": o{"type": "mrkdwn", "text": "x"}}}, false},
	{"header without text", l{o{"type": "header"}}, false},
	{"button in mrkdwn", l{actions(button(o{"text": o{"type": "mrkdwn", "text": "x"}}))}, false},
	{"button of an unknown style", l{actions(button(o{"style": "fancy"}))}, false},
	{"text as a string", l{o{"type": "section", "text": "x"}}, false},
	{"unknown block", l{o{"type": "blink"}}, false},
	{"unknown element", l{actions(o{"type": "slider", "action_id": "a"})}, false},
	{"a text input among buttons", l{actions(o{"type": "plain_text_input", "action_id": "a"})}, false},
	{"rich text with a fence", l{o{"type": "rich_text", "elements": l{o{
		"type": "rich_text_preformatted", "elements": l{o{"type": "text", "text": "gpg -d", "style": o{"bold": true}}},
	}}}}, true},
	{"rich text with an unknown piece", l{o{"type": "rich_text", "elements": l{o{"type": "rich_text_section", "elements": l{o{"type": "sound"}}}}}}, false},
	{"rich text list", l{o{"type": "rich_text", "elements": l{o{
		"type": "rich_text_list", "style": "ordered",
		"elements": l{o{"type": "rich_text_section", "elements": l{o{"type": "text", "text": "one"}}}},
	}}}}, true},
	{"modal without title", o{"type": "modal", "blocks": l{}}, false},
	{"home", o{"type": "home", "blocks": l{o{"type": "divider"}}}, true},
	{"home with a submit button", o{"type": "home", "submit": plainText(1), "blocks": l{}}, false},
}

// The emulator's reading of Block Kit and the official types must agree wherever both have a rule.
func TestBlockKitIsReadAsTheOfficialTypesReadIt(t *testing.T) {
	c := client{t, start(t, slacktest.Config{})}
	type verdict struct {
		name  string
		value any
		good  bool
		alone bool // the official types do not know this limit
	}
	var cases []verdict
	for _, limit := range limits {
		cases = append(cases, verdict{limit.name + " at the most", limit.make(limit.most), true, false})
		cases = append(cases, verdict{limit.name + " above", limit.make(limit.most + 1), false, limit.undocumented})
	}
	for _, shape := range shapes {
		cases = append(cases, verdict{shape.name, shape.value, shape.good, false})
	}
	for _, v := range cases {
		arg := "blocks"
		if _, isView := v.value.(o); isView {
			arg = "view"
		}
		if a := c.form("blocks.validate", arg, marshal(t, v.value)); (a["ok"] == true) != v.good {
			t.Errorf("%s: slacktest answers %v", v.name, a)
		}
	}

	var asked []o
	for _, v := range cases {
		asked = append(asked, o{"value": v.value})
	}
	for i, reasons := range officialVerdicts(t, asked) {
		if v := cases[i]; !v.alone && (len(reasons) == 0) != v.good {
			t.Errorf("%s: @slack/types says %v", v.name, reasons)
		}
	}
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func officialVerdicts(t *testing.T, cases []o) [][]string {
	t.Helper()
	printed := blockkit.NodeScript(t, "blockkit", []byte(marshal(t, cases)), "verdicts.mjs")
	var verdicts [][]string
	if err := json.Unmarshal(printed, &verdicts); err != nil {
		t.Fatalf("verdicts: %v", err)
	}
	if len(verdicts) != len(cases) {
		t.Fatalf("%d verdicts for %d cases", len(verdicts), len(cases))
	}
	return verdicts
}

// The official types also say what events look like. What they require must be there, in the right type; they do not
// name everything that Slack sends, so keys beyond them are no fault.
func TestEventsHaveWhatTheOfficialTypesRequire(t *testing.T) {
	events := append(slacktest.DefaultEvents(), "message.groups", "app_mention", "member_joined_channel")
	w := start(t, slacktest.Config{Events: events, Scopes: append(slacktest.DefaultScopes(), "app_mentions:read")})
	c := client{t, w}
	s := c.connect()
	alice, bob := w.AddPerson("alice"), w.AddPerson("bob")
	ops := w.AddPrivateChannel("ops", alice, w.Bot())
	typed := must(alice.DMs("hello https://gnupg.org"))(t)
	do(t, alice.Edits(typed[0], "hello again"))
	do(t, alice.Deletes(typed[0]))
	must(alice.Uploads("share.asc", []byte("-----BEGIN")))(t)
	must(alice.Says(ops, "@ceremony hello"))(t)
	ops.Invite(bob)
	do(t, alice.Opens("home"))
	bob.Restrict(true)
	ops.Archive()
	w.RevokeToken(false, "token_revoked")

	definitions := map[string]string{
		"message": "GenericMessageEvent", "message/message_changed": "MessageChangedEvent",
		"message/message_deleted": "MessageDeletedEvent", "message/file_share": "FileShareMessageEvent",
		"app_mention": "AppMentionEvent", "member_joined_channel": "MemberJoinedChannelEvent",
		"app_home_opened": "AppHomeOpenedEvent", "user_change": "UserChangeEvent", "group_archive": "GroupArchiveEvent",
		"tokens_revoked": "TokensRevokedEvent", "file_shared": "FileSharedEvent",
	}
	var cases []o
	seen := map[string]bool{}
	for len(seen) < len(definitions) {
		envelope := s.next()
		s.ack(envelope)
		event, _ := at(envelope, "payload", "event").(o)
		kind, _ := event["type"].(string)
		if subtype, ok := event["subtype"].(string); ok {
			kind += "/" + subtype
		}
		definition, known := definitions[kind]
		if !known {
			t.Fatalf("event %s: %v", kind, event)
		}
		seen[kind] = true
		cases = append(cases, o{"definition": definition, "value": event})
	}
	for i, reasons := range officialVerdicts(t, cases) {
		for _, reason := range reasons {
			// A changed message is described as a message event of its own, with the channel in it; Slack sends it without.
			inner := strings.HasPrefix(reason, "/message:") || strings.HasPrefix(reason, "/previous_message:")
			if !inner && !strings.Contains(reason, "must NOT have additional properties") {
				t.Errorf("%v: %s\n%s", cases[i]["definition"], reason, marshal(t, cases[i]["value"]))
			}
		}
	}
}

// must returns the value of a call that must not fail.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestCheckRefusesWhatTheTypesRefuse(t *testing.T) {
	good, bad := filepath.Join(t.TempDir(), "good.json"), filepath.Join(t.TempDir(), "bad.json")
	do(t, os.WriteFile(good, []byte(`{"text":"x","blocks":[{"type":"divider"}]}`), 0o600))
	do(t, os.WriteFile(bad, []byte(`{"blocks":[{"type":"divider","colour":"red"}]}`), 0o600))
	blockkit.CheckBlockKit(t, good)
	for _, args := range [][]string{{"validate.mjs", good, bad}, {"validate.mjs"}} {
		cmd := exec.CommandContext(t.Context(), "node", args...)
		cmd.Dir = blockkit.NodeFolder(t, "blockkit")
		if printed, err := cmd.CombinedOutput(); err == nil {
			t.Errorf("%v passed: %s", args, printed)
		}
	}
}
