package slacktest

import (
	"slices"

	"conclave/bot/slacktest/manifest"
)

// FromManifest returns the configuration of a workspace in which the app is installed as its manifest (YAML or JSON)
// asks: with these scopes, events, commands and tabs, and no others. A test that runs in it shows that the manifest
// asks for enough. The error wraps [manifest.ErrInvalid].
func FromManifest(text []byte) (Config, error) {
	m, err := manifest.Read(text)
	if err != nil {
		return Config{}, err
	}
	cfg := Config{
		Scopes:   slices.Clone(m.OAuth.Scopes.Bot),
		Events:   slices.Clone(m.Settings.Events.BotEvents),
		Commands: []string{},
	}
	for _, c := range m.Features.SlashCommands {
		cfg.Commands = append(cfg.Commands, c.Command)
	}
	home := m.Features.AppHome
	if !home.HomeTab {
		cfg.HomeTab = TabOff
	}
	switch {
	case !home.MessagesTab:
		cfg.MessagesTab = TabOff
	case home.MessagesReadOnly:
		cfg.MessagesTab = TabReadOnly
	}
	return cfg, nil
}
