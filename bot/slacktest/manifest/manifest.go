// Package manifest reads the manifest of a Slack app and checks it as Slack does when an app is installed.
package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"conclave/bot/slacktest/blockkit"
)

// ErrInvalid means that an app with this manifest could not be installed.
var ErrInvalid = errors.New("manifest not valid")

// Manifest is Slack's app manifest, as far as an app of this kind has one. Any other key is refused, as Slack does.
// Source: docs.slack.dev/reference/app-manifest and the schema in slackapi/manifest-schema.
type Manifest struct {
	Metadata struct {
		MajorVersion int `yaml:"major_version"`
		MinorVersion int `yaml:"minor_version"`
	} `yaml:"_metadata"`
	Display struct {
		Name            string `yaml:"name"`
		Description     string `yaml:"description"`
		LongDescription string `yaml:"long_description"`
		BackgroundColor string `yaml:"background_color"`
	} `yaml:"display_information"`
	Features struct {
		AppHome struct {
			HomeTab          bool `yaml:"home_tab_enabled"`
			MessagesTab      bool `yaml:"messages_tab_enabled"`
			MessagesReadOnly bool `yaml:"messages_tab_read_only_enabled"`
		} `yaml:"app_home"`
		BotUser struct {
			DisplayName  string `yaml:"display_name"`
			AlwaysOnline bool   `yaml:"always_online"`
		} `yaml:"bot_user"`
		SlashCommands []struct {
			Command      string `yaml:"command"`
			URL          string `yaml:"url"`
			Description  string `yaml:"description"`
			UsageHint    string `yaml:"usage_hint"`
			ShouldEscape bool   `yaml:"should_escape"`
		} `yaml:"slash_commands"`
		Shortcuts []struct {
			Name        string `yaml:"name"`
			Type        string `yaml:"type"`
			CallbackID  string `yaml:"callback_id"`
			Description string `yaml:"description"`
		} `yaml:"shortcuts"`
	} `yaml:"features"`
	OAuth struct {
		Scopes struct {
			Bot []string `yaml:"bot"`
		} `yaml:"scopes"`
	} `yaml:"oauth_config"`
	Settings struct {
		Events struct {
			BotEvents []string `yaml:"bot_events"`
		} `yaml:"event_subscriptions"`
		Interactivity struct {
			Enabled bool `yaml:"is_enabled"`
		} `yaml:"interactivity"`
		OrgDeploy     bool `yaml:"org_deploy_enabled"`
		SocketMode    bool `yaml:"socket_mode_enabled"`
		Hosted        bool `yaml:"is_hosted"`
		TokenRotation bool `yaml:"token_rotation_enabled"`
	} `yaml:"settings"`
}

// Read reads an app's manifest (YAML or JSON). The error wraps [ErrInvalid]. It names everything that Slack would
// refuse, or without which the app would hear nothing.
func Read(text []byte) (*Manifest, error) {
	m := &Manifest{}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return m, nil
}

func (m *Manifest) check() error {
	var faults []error
	length := func(path, value string, least, most int) {
		if n := utf8.RuneCountInString(value); n < least || n > most {
			faults = append(faults, fmt.Errorf("%s: %d characters, not %d to %d", path, n, least, most))
		}
	}
	must := func(holds bool, words string) {
		if !holds {
			faults = append(faults, errors.New(words))
		}
	}
	length("display_information.name", m.Display.Name, 1, 35)
	length("display_information.description", m.Display.Description, 0, 140)
	if m.Display.LongDescription != "" {
		length("display_information.long_description", m.Display.LongDescription, 175, 4000)
	}
	length("features.bot_user.display_name", m.Features.BotUser.DisplayName, 1, 80)
	for i, c := range m.Features.SlashCommands {
		path := fmt.Sprintf("features.slash_commands[%d]", i)
		length(path+".command", c.Command, 2, 32)
		length(path+".description", c.Description, 1, 2000)
		length(path+".usage_hint", c.UsageHint, 0, 1000)
		must(c.URL == "", path+".url: Socket Mode takes none")
	}
	for i, s := range m.Features.Shortcuts {
		path := fmt.Sprintf("features.shortcuts[%d]", i)
		length(path+".name", s.Name, 1, 24)
		length(path+".callback_id", s.CallbackID, 1, blockkit.MaxID)
		length(path+".description", s.Description, 1, 150)
		must(s.Type == "global" || s.Type == "message", path+".type: not global or message")
	}
	must(len(m.Features.SlashCommands) == 0 || slices.Contains(m.OAuth.Scopes.Bot, "commands"),
		"oauth_config.scopes.bot: slash commands need the scope commands")
	for _, event := range m.Settings.Events.BotEvents {
		needed := ScopesOfEvent(event)
		must(len(needed) == 0 || slices.ContainsFunc(needed,
			func(s string) bool { return slices.Contains(m.OAuth.Scopes.Bot, s) }),
			fmt.Sprintf("settings.event_subscriptions.bot_events: %s needs one of the scopes %v", event, needed))
	}
	must(m.Settings.SocketMode, "settings.socket_mode_enabled: without it there are no sockets")
	must(m.Settings.Interactivity.Enabled, "settings.interactivity.is_enabled: without it buttons and forms go nowhere")
	return errors.Join(faults...)
}

// ScopesOfEvent returns the scopes of which an event needs one. Source: docs.slack.dev/reference/events.
func ScopesOfEvent(name string) []string {
	return map[string][]string{
		"message.im": {"im:history"}, "message.channels": {"channels:history"}, "message.groups": {"groups:history"},
		"app_mention": {"app_mentions:read"}, "user_change": {"users:read"}, "file_shared": {"files:read"},
		"channel_archive": {"channels:read"}, "channel_left": {"channels:read"}, "group_archive": {"groups:read"},
		"group_left": {"groups:read"}, "member_joined_channel": {"channels:read", "groups:read"},
		"member_left_channel": {"channels:read", "groups:read"},
		"channel_shared":      {"channels:read", "groups:read"},
	}[name]
}
