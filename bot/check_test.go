package bot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"conclave/bot/slacktest"
	"conclave/bot/slacktest/manifest"
)

// faults are what a check finds wrong with a configuration that names these people:
// name → user id.
func faults(s *stage, people map[string]string) string {
	var all []string
	for f := range s.bot.Check(s.t.Context(), people) {
		if f.Err != nil {
			all = append(all, f.Subject+": "+f.Err.Error())
		}
	}
	return strings.Join(all, "\n")
}

func TestCheckFindsNothingWrongWhereAllIsWell(t *testing.T) {
	var granted []string
	for _, s := range scopes() {
		granted = append(granted, s.name)
	}
	s, _ := posting(t, slacktest.Config{Scopes: granted, Events: events()})
	if found := faults(s, s.accounts()); found != "" {
		t.Error(found)
	}
	if s.w.Sockets() != 0 || len(s.w.Calls("chat.postMessage")) != 0 {
		t.Error("the check left traces")
	}
	if info, open := len(s.w.Calls("users.info")), len(s.w.Calls("conversations.open")); info != 3 || open != 3 {
		t.Errorf("of three people, %d were looked at and %d could be written to", info, open)
	}
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*stage, map[string]string)
		want  string
	}{
		"a scope is missing":       {func(s *stage, _ map[string]string) { s.w.RemoveScope("files:read") }, "files:read (without it: no reading of PGP messages"},
		"the bot token is void":    {func(s *stage, _ map[string]string) { s.w.RevokeToken(false, "token_revoked") }, "auth.test: token_revoked"},
		"the app token is void":    {func(s *stage, _ map[string]string) { s.w.RevokeToken(true, "token_revoked") }, "make a new app-level token"},
		"another workspace":        {func(s *stage, _ map[string]string) { s.bot.config.Team = "T0OTHER" }, "the configuration says workspace T0OTHER"},
		"the channel is shared":    {func(s *stage, _ map[string]string) { s.ops.ShareOutside(true) }, "shared with others"},
		"the bot is not in it":     {func(s *stage, _ map[string]string) { s.ops.Kick(s.w.Bot()) }, "invite"},
		"the channel is archived":  {func(s *stage, _ map[string]string) { s.ops.Archive() }, "archived"},
		"somebody was deactivated": {func(s *stage, _ map[string]string) { s.carol.Deactivate() }, "account of carol: This Slack account is deactivated. Correct people.carol.slack"},
		"somebody is a guest":      {func(s *stage, _ map[string]string) { s.carol.Restrict(true) }, "account of carol: Guests"},
		"an account is mistyped":   {func(s *stage, people map[string]string) { people["carol"] = "U0TYPO" }, "account of carol: Slack does not know this account"},
		"an account is a bot's": {func(s *stage, people map[string]string) {
			people["carol"] = s.w.AddPerson("robot", slacktest.Machine).ID()
		}, "account of carol: This is the account of a bot"},
		"an account is Slack's": {func(s *stage, people map[string]string) { people["carol"] = "USLACKBOT" }, "account of carol: This is the account of a bot"},
		"an account is foreign": {func(s *stage, people map[string]string) {
			people["carol"] = s.w.AddPerson("guest", slacktest.Connected).ID()
		},
			"account of carol: This account belongs to another workspace"},
		"an invitation is open": {func(s *stage, people map[string]string) {
			people["carol"] = s.w.AddPerson("newcomer", slacktest.Invited).ID()
		}, "account of carol: The invitation"},
		"somebody can't be written to": {func(s *stage, _ map[string]string) {
			s.w.Inject(slacktest.Fault{Method: "conversations.open", Effect: slacktest.Answer("user_not_visible")})
		}, "account of carol: open direct messages with"},
		"direct messages are not granted": {func(s *stage, _ map[string]string) { s.w.RemoveScope("im:write") }, "account of carol: open direct messages with"},
		"there is no channel":             {func(s *stage, _ map[string]string) { s.bot.config.Channels = map[string]string{"prod": "C0NOWHERE"} }, "channel_not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := posting(t, slacktest.Config{})
			people := s.accounts()
			c.spoil(s, people)
			if found := faults(s, people); !strings.Contains(found, c.want) {
				t.Errorf("found %q, want %q", found, c.want)
			}
		})
	}
}

// Where the token is no good, Slack is not asked about every person as well.
func TestCheckAsksForNobodyWhereSlackAnswersNothing(t *testing.T) {
	s, _ := posting(t, slacktest.Config{})
	s.w.RevokeToken(false, "token_revoked")
	if found := faults(s, s.accounts()); strings.Contains(found, "account of") || len(s.w.Calls("users.info")) != 0 {
		t.Error(found)
	}
}

// TestCheckOfManyPeopleKeepsSlacksPace in a workspace whose clock runs 250 times as
// fast, as the pauses of the check do here: nothing is refused for its pace.
func TestCheckOfManyPeopleKeepsSlacksPace(t *testing.T) {
	began := time.Now()
	const faster = 250
	s, _ := posting(t, slacktest.Config{RateLimits: true, Now: func() time.Time { return began.Add(faster * time.Since(began)) }})
	s.bot.rhythm.AccountGap /= faster
	people := map[string]string{}
	for i := range 90 {
		name := fmt.Sprintf("person-%02d", i)
		people[name] = s.w.AddPerson(name).ID()
	}
	if found := faults(s, people); found != "" {
		t.Error(found)
	}
	if n := s.bot.Health().Throttled; n != 0 {
		t.Errorf("Slack asked %d times to slow down", n)
	}
	calls := s.w.Calls("conversations.open")
	if len(calls) != len(people) {
		t.Errorf("%d of %d people could be written to", len(calls), len(people))
	}
}

func TestManifestAsksForWhatIsUsed(t *testing.T) {
	text, err := Manifest()
	if err != nil {
		t.Fatal(err)
	}
	compare(t, filepath.Join("testdata", "manifest", "manifest.json"), text)
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&slack.Manifest{}); err != nil {
		t.Errorf("not a manifest as slack-go knows it: %v", err)
	}
	if _, err := manifest.Read(text); err != nil {
		t.Errorf("Slack would not install it: %v", err)
	}
	var m struct {
		OAuth struct {
			Scopes struct{ Bot []string }
		} `json:"oauth_config"`
		Features struct {
			Home map[string]bool `json:"app_home"`
		}
		Settings map[string]any
	}
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	for _, s := range scopes() {
		if !slices.Contains(m.OAuth.Scopes.Bot, s.name) {
			t.Errorf("%s is not asked for", s.name)
		}
	}
	// In every other test the emulator sends what the app would get.
	for _, name := range events() {
		if !slices.Contains(slacktest.DefaultEvents(), name) {
			t.Errorf("the emulator does not send %s", name)
		}
	}
	if readOnly, said := m.Features.Home["messages_tab_read_only_enabled"]; readOnly || !said ||
		!m.Features.Home["messages_tab_enabled"] {
		t.Error("people could not write to the bot")
	}
	if m.Settings["socket_mode_enabled"] != true {
		t.Error("Socket Mode is off")
	}
}

// TestBotWorksWithTheScopesOfItsManifest plays with these alone: a call that
// needs another one is refused, and breaks the test.
func TestBotWorksWithTheScopesOfItsManifest(t *testing.T) {
	var granted []string
	for _, s := range scopes() {
		granted = append(granted, s.name)
	}
	s := start(t, slacktest.Config{Scopes: granted, Events: events()})
	c := s.holds(begin(t, s.plan()))
	s.hears()
	for _, maybe := range []bool{false, true} {
		if _, err := s.bot.Notifier().Deliver(t.Context(), still(c), statusPost(t, c), maybe); err != nil {
			t.Error(err)
		}
	}
	deliver(t, s, c, "approval", s.bob)
	if _, err := s.carol.Uploads("share.asc", []byte(envelope)); err != nil {
		t.Fatal(err)
	}
	s.wait("the offer", func() bool { return len(s.engine.offered()) == 1 })
	if strings.Contains(string(s.w.Traffic()), "missing_scope") {
		t.Error("a scope is missing")
	}
}

func TestBotRefusesAConfigurationThatCantBeRight(t *testing.T) {
	good := Config{AppToken: "xapp-1", BotToken: "xoxb-1", Team: "T1", Channel: "C1", Sign: testSigner{}, Mark: testMark,
		Files: testFiles, Log: setUp(t, slacktest.Config{}).bot.log}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(*Config){
		"app token": func(c *Config) { c.AppToken, c.BotToken = c.BotToken, c.AppToken },
		"bot token": func(c *Config) { c.BotToken = "xoxp-1" },
		"team":      func(c *Config) { c.Team = "" },
		"channel":   func(c *Config) { c.Channel = "" },
		"Sign":      func(c *Config) { c.Sign = nil },
		"slash":     func(c *Config) { c.APIURL = "http://127.0.0.1/api" },
	} {
		c := good
		spoil(&c)
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "xoxp-1") {
			t.Errorf("%s: %v", want, err)
		}
	}
}
