package transport

import (
	"context"
	"fmt"
	"time"

	"github.com/slack-go/slack"
)

// DirectMessages opens the conversation with each person, and remembers its id. A post
// needs only the person; looking for a post needs the id of the conversation.
type DirectMessages struct {
	api   *slack.Client
	known *Memory[string] // user id → conversation id
}

// NewDirectMessages returns a memory of no conversation.
func NewDirectMessages(api *slack.Client) *DirectMessages {
	return &DirectMessages{api: api, known: NewMemory[string]()}
}

// With returns the id of the conversation with a person.
func (d *DirectMessages) With(ctx context.Context, user string) (string, error) {
	id, err := d.known.Get(ctx, user, time.Time{}, func() (string, error) {
		opened, err := Read(ctx, func() (*slack.Channel, error) {
			opened, _, _, err := d.api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{user}})
			return opened, err
		})
		if err != nil {
			return "", err
		}
		return opened.ID, nil
	})
	if err != nil {
		return "", fmt.Errorf("open direct messages with %s: %w", user, err)
	}
	return id, nil
}

// Learn remembers the conversation with a person, in which a post was taken.
func (d *DirectMessages) Learn(user, id string) { d.known.Learn(user, id) }
