package transport

import (
	"context"
	"fmt"
	"sync"

	"github.com/slack-go/slack"
)

// rooms knows the direct messages with each person. A post needs only the
// person; looking for a post needs the conversation's own id.
type DirectMessages struct {
	api *slack.Client

	mu    sync.Mutex
	known map[string]string // user id → conversation id
}

func NewRooms(api *slack.Client) *DirectMessages {
	return &DirectMessages{api: api, known: map[string]string{}}
}

// With returns the id of the direct messages with somebody.
func (r *DirectMessages) With(ctx context.Context, user string) (string, error) {
	r.mu.Lock()
	room, ok := r.known[user]
	r.mu.Unlock()
	if ok {
		return room, nil
	}
	opened, err := Read(ctx, func() (*slack.Channel, error) {
		opened, _, _, err := r.api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{user}})
		return opened, err
	})
	if err != nil {
		return "", fmt.Errorf("open direct messages with %s: %w", user, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known[user] = opened.ID
	return opened.ID, nil
}
