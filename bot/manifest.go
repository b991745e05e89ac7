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
		{"im:write", "opening direct messages with a holder"},
		{"im:history", "reading the PGP messages that holders send"},
		{"files:read", "reading PGP messages that come as a file"},
		{"files:write", "posting transcripts"},
		{"users:read", "refusing guests, bots, strangers and deactivated accounts"},
		{"channels:read", "checking a public ops channel"},
		{"groups:read", "checking a private ops channel"},
		{"channels:history", "looking whether a post has arrived, in a public ops channel"},
		{"groups:history", "looking whether a post has arrived, in a private ops channel"},
	}
}

// events returns the kinds of events that Slack sends to the bot.
func events() []string {
	return []string{
		"message.im",  // shares
		"user_change", // a deactivated account loses its part at once
	}
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
