package transport

import (
	"context"
	"fmt"
	"sync"

	"github.com/slack-go/slack"
)

// DirectMessages opens the conversation with each person, and remembers its id. A post
// needs only the person; looking for a post needs the id of the conversation.
type DirectMessages struct {
	api *slack.Client

	mu    sync.Mutex
	known map[string]string // user id → conversation id
}

// NewDirectMessages returns a memory of no conversation.
func NewDirectMessages(api *slack.Client) *DirectMessages {
	return &DirectMessages{api: api, known: map[string]string{}}
}

// With returns the id of the conversation with a person.
func (d *DirectMessages) With(ctx context.Context, user string) (string, error) {
	d.mu.Lock()
	id, ok := d.known[user]
	d.mu.Unlock()
	if ok {
		return id, nil
	}
	opened, err := Read(ctx, func() (*slack.Channel, error) {
		opened, _, _, err := d.api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{user}})
		return opened, err
	})
	if err != nil {
		return "", fmt.Errorf("open direct messages with %s: %w", user, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known[user] = opened.ID
	return opened.ID, nil
}
