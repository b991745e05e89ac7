package slacktest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"conclave/bot/slacktest"
	"conclave/bot/slacktest/record"

	"github.com/google/go-cmp/cmp"
)

func TestTokenIsCheckedBeforeEverythingElse(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	for _, test := range []struct{ name, method, token, want string }{
		{"none", "chat.postMessage", "", "not_authed"},
		{"unknown", "chat.postMessage", "xoxb-nobody", "invalid_auth"},
		{"app token for a method", "chat.postMessage", w.AppToken(), "not_allowed_token_type"},
		{"bot token for a socket", "apps.connections.open", w.BotToken(), "not_allowed_token_type"},
	} {
		if got := c.json(test.method, test.token, `{"text":"no channel"}`)["error"]; got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
	w.RevokeToken(false, "account_inactive")
	if got := c.form("auth.test")["error"]; got != "account_inactive" {
		t.Errorf("taken token: %v", got)
	}
	w.RestoreToken()
	c.ok("auth.test")
}

func TestMissingScopeIsNamed(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	w.RemoveScope("chat:write")
	a := c.form("chat.postMessage")
	if a["error"] != "missing_scope" || a["needed"] != "chat:write" ||
		strings.Contains(a["provided"].(string), "chat:write") {
		t.Errorf("got %v", a)
	}
	in, _ := c.formStatus("auth.test")
	if got := in.Header.Get("X-OAuth-Scopes"); !strings.HasPrefix(got, "commands,users:read") {
		t.Errorf("X-OAuth-Scopes: %q", got)
	}
	w.GrantScope("chat:write")
	if a := c.form("chat.postMessage"); a["error"] != "invalid_arguments" {
		t.Errorf("got %v", a)
	}
	wantViolation(t, w, record.RuleArguments)
}

func TestScopeOfAConversationDependsOnItsKind(t *testing.T) {
	w := start(t, slacktest.Config{Scopes: []string{"channels:read"}})
	c := client{t, w}
	c.ok("conversations.info", "channel", w.AddChannel("town").ID())
	private := w.AddPrivateChannel("ops", w.Bot())
	if a := c.form("conversations.info", "channel", private.ID()); a["needed"] != "groups:read" {
		t.Errorf("got %v", a)
	}
}

func TestUnknownMethodIsAViolation(t *testing.T) {
	w := start(t, slacktest.Config{})
	if a := (client{t, w}).form("files.upload"); a["error"] != "unknown_method" {
		t.Errorf("got %v", a)
	}
	wantViolation(t, w, record.RuleUnknownMethod)
}

func TestArgumentsComeInEveryWayThatSlackTakes(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	ops := w.AddChannel("ops", w.Bot())
	c.ok("chat.postMessage", "channel", ops.ID(), "text", "by form")
	if a := c.json("chat.postMessage", w.BotToken(),
		`{"channel":"`+ops.ID()+`","text":"by JSON","blocks":[{"type":"divider"}]}`); a["ok"] != true {
		t.Errorf("JSON: %v", a)
	}
	in, err := http.Get(w.URL() + "/api/chat.postMessage?token=" + w.BotToken() + "&channel=" + ops.ID() + "&text=by+query")
	if err != nil {
		t.Fatal(err)
	}
	if a := c.decode("query", in); a["ok"] != true {
		t.Errorf("query: %v", a)
	}
	if a := c.json("chat.postMessage", w.BotToken(), `{"channel":`); a["error"] != "invalid_json" {
		t.Errorf("broken JSON: %v", a)
	}
	if a := c.json("chat.postMessage", w.BotToken(), `[]`); a["error"] != "json_not_object" {
		t.Errorf("list: %v", a)
	}
	var got []string
	for _, m := range ops.Messages() {
		got = append(got, m.Text)
	}
	if diff := cmp.Diff([]string{"by form", "by JSON", "by query"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestRateOfPostsIsOneASecondAndChannel(t *testing.T) {
	clock := newClock()
	w := start(t, slacktest.Config{RateLimits: true, Now: clock.Now})
	c := client{t, w}
	ops, other := w.AddChannel("ops", w.Bot()), w.AddChannel("other", w.Bot())
	c.ok("chat.postMessage", "channel", ops.ID(), "text", "one")
	c.ok("chat.postMessage", "channel", other.ID(), "text", "elsewhere")
	in, a := c.formStatus("chat.postMessage", "channel", ops.ID(), "text", "two")
	if in.StatusCode != http.StatusTooManyRequests || in.Header.Get("Retry-After") != "1" || a["error"] != "ratelimited" {
		t.Fatalf("%d, Retry-After %q, %v", in.StatusCode, in.Header.Get("Retry-After"), a)
	}
	wantNoViolations(t, w)
	c.form("chat.postMessage", "channel", ops.ID(), "text", "too soon")
	wantViolation(t, w, record.RuleRetryAfter)
	clock.Advance(3 * time.Second)
	c.ok("chat.postMessage", "channel", ops.ID(), "text", "two")
}

func TestTierLimitsCallsAMinute(t *testing.T) {
	clock := newClock()
	w := start(t, slacktest.Config{RateLimits: true, Now: clock.Now})
	c := client{t, w}
	for range 20 {
		c.ok("users.list")
	}
	in, _ := c.formStatus("users.list")
	if in.StatusCode != http.StatusTooManyRequests {
		t.Errorf("call 21 of tier 2: %d", in.StatusCode)
	}
	clock.Advance(62 * time.Second)
	c.ok("users.list")
	wantNoViolations(t, w)
}

func TestMoreSocketsThanTheTierGivesIsAStorm(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	for range 50 {
		c.socketURL()
	}
	wantNoViolations(t, w)
	c.socketURL()
	wantViolation(t, w, record.RuleStorm)
}

func TestPagesFollowTheCursor(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	for _, name := range []string{"a", "b", "c"} {
		w.AddPerson(name)
	}
	var got []string
	cursor := ""
	for {
		a := c.ok("users.list", "limit", "2", "cursor", cursor)
		for _, m := range a["members"].([]any) {
			got = append(got, at(m, "name").(string))
		}
		if cursor, _ = at(a, "response_metadata", "next_cursor").(string); cursor == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"slackbot", "ceremony", "a", "b", "c"}, got); diff != "" {
		t.Error(diff)
	}
	if a := c.form("users.list", "cursor", "nonsense"); a["error"] != "invalid_cursor" {
		t.Errorf("got %v", a)
	}
}

func TestPeopleAreDescribedByWhatTheyAre(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	for _, test := range []struct {
		name  string
		trait slacktest.Trait
		key   string
		want  any
	}{
		{"guest", slacktest.Guest, "is_restricted", true},
		{"single", slacktest.SingleChannelGuest, "is_ultra_restricted", true},
		{"invited", slacktest.Invited, "is_invited_user", true},
		{"stranger", slacktest.Stranger, "is_stranger", true},
		{"connected", slacktest.Connected, "team_id", "T0ELSEWHERE"},
		{"gone", slacktest.Deactivated, "deleted", true},
		{"machine", slacktest.Machine, "is_bot", true},
	} {
		p := w.AddPerson(test.name, test.trait)
		if got := at(c.ok("users.info", "user", p.ID()), "user", test.key); got != test.want {
			t.Errorf("%s: %s is %v", test.name, test.key, got)
		}
	}
	if got := at(c.ok("users.info", "user", "USLACKBOT"), "user", "is_bot"); got != false {
		t.Errorf("Slackbot's is_bot is %v", got)
	}
	if a := c.form("users.info", "user", "U404"); a["error"] != "user_not_found" {
		t.Errorf("got %v", a)
	}
}
