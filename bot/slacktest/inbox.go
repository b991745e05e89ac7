package slacktest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"conclave/bot/slacktest/mrkdwn"
)

// mergedLocked returns the messages of a channel, those shown to one person among them, in order.
func (ch *Channel) mergedLocked() []*message {
	all := slices.Concat(ch.messages, ch.ghosts)
	slices.SortStableFunc(all, func(a, b *message) int { return cmp.Compare(a.TS, b.TS) })
	return all
}

// Sees returns the messages that the person sees in a channel, oldest first: those for all members, and those shown to
// this person alone.
func (p *Person) Sees(ch *Channel) []Message {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	if !ch.hasLocked(p) {
		return nil
	}
	return snapshots(slices.DeleteFunc(ch.mergedLocked(), func(m *message) bool { return m.To != "" && m.To != p.id }))
}

// Inbox returns the messages for this person alone, oldest first: the direct messages with the app (the person's own
// among them), and what the app showed to them alone in any channel.
func (p *Person) Inbox() []Message {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	var all []*message
	for _, ch := range p.w.channels {
		if ch == p.direct {
			all = append(all, ch.messages...)
		}
		for _, m := range ch.ghosts {
			if m.To == p.id {
				all = append(all, m)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b *message) int { return cmp.Compare(a.TS, b.TS) })
	return snapshots(all)
}

// Finds waits for a message in the person's inbox that fits, and returns the first.
func (p *Person) Finds(ctx context.Context, fits func(Message) bool) (Message, error) {
	return p.w.find(ctx, p.Inbox, fits)
}

// Find waits for a message in the channel that fits, and returns the first.
func (ch *Channel) Find(ctx context.Context, fits func(Message) bool) (Message, error) {
	return ch.w.find(ctx, ch.Messages, fits)
}

func (w *Workspace) find(ctx context.Context, look func() []Message, fits func(Message) bool) (Message, error) {
	var found Message
	err := w.WaitFor(ctx, func() bool {
		all := look()
		at := slices.IndexFunc(all, fits)
		if at >= 0 {
			found = all[at]
		}
		return at >= 0
	})
	return found, err
}

// Read returns a message as a person reads it, in plain text for terminals and tests: its blocks if it has any, else
// its text; then its files. Mentions are names, links are their words with the address, bold and code keep Slack's
// marks, buttons stand in brackets.
func (w *Workspace) Read(m Message) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var lines []string
	if len(m.Blocks) > 0 {
		lines = w.readerLocked().Blocks(m.Blocks)
	} else if m.Text != "" {
		lines = append(lines, w.readerLocked().Text(m.Text))
	}
	for _, f := range m.Files {
		lines = append(lines, fmt.Sprintf("[file %s, %d bytes]", f.Name, len(f.Content)))
	}
	if m.Edited {
		lines = append(lines, "(edited)")
	}
	return strings.Join(lines, "\n")
}

// ReadView returns a form or the home tab as a person reads it.
func (w *Workspace) ReadView(v View) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var lines []string
	if v.Title != "" {
		lines = append(lines, "# "+v.Title)
	}
	lines = append(lines, w.readerLocked().Blocks(v.Blocks)...)
	if v.Submit != "" {
		lines = append(lines, "[ "+v.Submit+" ]")
	}
	return strings.Join(lines, "\n")
}

// readerLocked returns the reader who knows the names of this workspace.
func (w *Workspace) readerLocked() mrkdwn.Reader {
	return mrkdwn.Reader{
		User: func(id string) string {
			if p := w.personByIDLocked(id); p != nil {
				return p.name
			}
			return id
		},
		Channel: func(id string) string {
			if ch := w.channelByIDLocked(id); ch != nil {
				return ch.name
			}
			return id
		},
	}
}
