package bot

import (
	"encoding/json"
	"fmt"
)

// scope is a right of the bot token, and why the bot needs it.
type scope struct{ name, why string }

// scopes returns the rights that the bot needs. The manifest asks for them, and Check
// compares the token with them.
func scopes() []scope {
	return []scope{
		{"commands", "/ceremony"},
		{"chat:write", "the status post, its thread, and direct messages"},
		{"im:write", "opening of direct messages with a holder"},
		{"im:history", "reading of the PGP messages that holders send"},
		{"files:read", "reading of PGP messages that come as a file, and of secrets in files"},
		{"files:write", "posting of transcripts"},
		{"users:read", "refusing of guests, bots, strangers and deactivated accounts"},
		{"channels:read", "checking of a public ops channel"},
		{"groups:read", "checking of a private ops channel"},
		{"channels:history", "look whether a post has arrived, and no alarm of secrets, in a public channel"},
		{"groups:history", "look whether a post has arrived, and no alarm of secrets, in a private channel"},
	}
}

// subscription is a kind of events that Slack sends to the bot.
type subscription struct {
	name  string
	scope string // without which Slack does not send it
	lost  string // without it
}

// subscriptions returns the kinds of events that the bot needs.
// Source: docs.slack.dev "Events", each with its scope.
func subscriptions() []subscription {
	return []subscription{
		{"message.im", "im:history", "no share, and no signed word, reaches the bot in a direct message"},
		{"message.channels", "channels:history", "a secret that is pasted into a public channel raises no alarm"},
		{"message.groups", "groups:history", "a secret that is pasted into a private channel raises no alarm"},
		{"user_change", "users:read", "a deactivated account keeps its part for a minute"},
	}
}

// events returns the names of the events that the bot needs.
func events() []string {
	var all []string
	for _, s := range subscriptions() {
		all = append(all, s.name)
	}
	return all
}

type object map[string]any

// Manifest returns the Slack app as JSON, to be pasted into "Create an app from a
// manifest". The app-level token with connections:write is made by hand
// afterwards: no manifest can ask for it.
func Manifest() ([]byte, error) {
	var names []string
	for _, s := range scopes() {
		names = append(names, s.name)
	}
	// Not slack.Manifest: it leaves out what is false, and Slack's own default for a
	// missing messages_tab_read_only_enabled keeps people from writing to the bot.
	m := object{
		"_metadata": object{"major_version": 1, "minor_version": 1},
		"display_information": object{
			"name":             "Conclave",
			"description":      "Runs Vault key ceremonies",
			"background_color": "#1f2937",
		},
		"features": object{
			"app_home": object{"home_tab_enabled": false, "messages_tab_enabled": true, "messages_tab_read_only_enabled": false},
			"bot_user": object{"display_name": "conclave", "always_online": true},
			"slash_commands": []object{{
				"command":       "/ceremony",
				"description":   "Start, approve and follow key ceremonies",
				"usage_hint":    "start OPERATION CLUSTER [reason] | status | submit | help",
				"should_escape": false,
			}},
		},
		"oauth_config": object{"scopes": object{"bot": names}},
		"settings": object{
			"event_subscriptions":    object{"bot_events": events()},
			"interactivity":          object{"is_enabled": true},
			"org_deploy_enabled":     false,
			"socket_mode_enabled":    true,
			"token_rotation_enabled": false,
		},
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write manifest: %w", err)
	}
	return append(text, '\n'), nil
}
