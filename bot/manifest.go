package bot

import (
	"encoding/json"
	"fmt"

	"github.com/slack-go/slack"
)

// scope is a right of the bot token, and what the bot does with it.
type scope struct{ name, why string }

// scopes are the rights that the bot needs, each for something that it does.
// The manifest asks for them and Check looks for them.
func scopes() []scope {
	return []scope{
		{"commands", "/ceremony"},
		{"chat:write", "the status post, its thread, and direct messages"},
		{"im:write", "opening direct messages with a holder"},
		{"im:history", "reading the PGP messages that holders send"},
		{"files:read", "reading PGP messages that come as a file"},
		{"users:read", "refusing guests, bots, strangers and deactivated accounts"},
		{"channels:read", "checking a public ops channel"},
		{"groups:read", "checking a private ops channel"},
		{"channels:history", "looking whether a post has arrived, in a public ops channel"},
		{"groups:history", "looking whether a post has arrived, in a private ops channel"},
	}
}

// events are what Slack tells the bot about.
func events() []string {
	return []string{
		"message.im",  // shares
		"user_change", // a deactivated account loses its part at once
	}
}

// Manifest is the Slack app as JSON, to be pasted into "Create an app from a
// manifest". The app-level token with connections:write is made by hand
// afterwards: no manifest can ask for it.
func Manifest() ([]byte, error) {
	var names []string
	for _, s := range scopes() {
		names = append(names, s.name)
	}
	m := slack.Manifest{
		Metadata: slack.ManifestMetadata{MajorVersion: 1, MinorVersion: 1},
		Display: slack.Display{
			Name:            "Conclave",
			Description:     "Runs Vault key ceremonies",
			BackgroundColor: "#1f2937",
		},
		Features: slack.Features{
			AppHome: slack.AppHome{MessagesTabEnabled: true},
			BotUser: slack.BotUser{DisplayName: "conclave", AlwaysOnline: true},
			SlashCommands: []slack.ManifestSlashCommand{{
				Command:     "/ceremony",
				Description: "Start, approve and follow key ceremonies",
				UsageHint:   "start rekey CLUSTER reason | status | submit | help",
			}},
		},
		OAuthConfig: slack.OAuthConfig{Scopes: slack.OAuthScopes{Bot: names}},
		Settings: slack.Settings{
			EventSubscriptions: &slack.EventSubscriptions{BotEvents: events()},
			Interactivity:      &slack.Interactivity{IsEnabled: true},
			SocketModeEnabled:  true,
		},
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write manifest: %w", err)
	}
	return append(text, '\n'), nil
}
