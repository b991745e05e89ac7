package manifest_test

import (
	"errors"
	"strings"
	"testing"

	"conclave/bot/slacktest/manifest"
)

const goodManifest = `
_metadata: {major_version: 1, minor_version: 1}
display_information: {name: Ceremony, description: Coordinates key ceremonies}
features:
  app_home: {home_tab_enabled: false, messages_tab_enabled: true, messages_tab_read_only_enabled: false}
  bot_user: {display_name: ceremony, always_online: true}
  slash_commands: [{command: /ceremony, description: Start and follow key ceremonies, usage_hint: help, should_escape: true}]
oauth_config: {scopes: {bot: [commands, "chat:write", "im:history"]}}
settings:
  event_subscriptions: {bot_events: [message.im]}
  interactivity: {is_enabled: true}
  socket_mode_enabled: true
`

func TestManifestThatSlackRefusesIsRefused(t *testing.T) {
	if _, err := manifest.Read([]byte(goodManifest)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"settings.socket_mode_enabled":       {"socket_mode_enabled: true", "socket_mode_enabled: false"},
		"message.im needs":                   {`, "im:history"`, ""},
		"slash commands need":                {"[commands, ", "["},
		"interactivity.is_enabled":           {"is_enabled: true", "is_enabled: false"},
		"display_information.name":           {"name: Ceremony", "name: " + strings.Repeat("x", 36)},
		"field colour not found":             {"name: Ceremony", "colour: red, name: Ceremony"},
		"features.slash_commands[0].command": {"command: /ceremony", "command: /"},
	} {
		_, err := manifest.Read([]byte(strings.Replace(goodManifest, change[0], change[1], 1)))
		if !errors.Is(err, manifest.ErrInvalid) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
