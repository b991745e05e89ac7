package bot

import (
	"slices"

	"conclave/bot/render"
)

// ShowIn has the ceremonies of clusters shown in other channels from now on: cluster →
// channel id. Those of every other cluster are shown in the channel of the configuration.
func (b *Bot) ShowIn(channels map[string]string) {
	n := b.notifier
	n.mu.Lock()
	defer n.mu.Unlock()
	n.config.Channels = channels
}

// isOps reports whether a channel is one in which ceremonies are shown.
func (n *notifier) isOps(channel string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Contains(n.config.channels(), channel)
}

// withDue adds to an answer that the configuration was changed and is to be reloaded.
func (b *Bot) withDue(m render.Message, err error) (render.Message, error) {
	if b.config.Due == nil || err != nil {
		return m, err
	}
	if changed := b.config.Due(); len(changed) > 0 {
		m.Blocks = append(m.Blocks, render.ReloadDue(changed))
	}
	return m, nil
}
