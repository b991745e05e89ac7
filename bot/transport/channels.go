package transport

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"conclave/bot/refusal"
)

// Channels checks the channels in which ceremonies are shown. Each is checked again
// after a while, since it may be shared with another organisation at any time.
type Channels struct {
	api *slack.Client

	mu    sync.Mutex
	known map[string]looked // channel id → answer
}

type looked struct {
	fault error
	at    time.Time
}

// NewChannels returns channels of which nothing is known yet.
func NewChannels(api *slack.Client) *Channels { return &Channels{api: api, known: map[string]looked{}} }

// Check returns a denial when ceremonies must not or can't be shown in a channel.
func (c *Channels) Check(ctx context.Context, id string) error {
	c.mu.Lock()
	known, ok := c.known[id]
	c.mu.Unlock()
	if ok && time.Since(known.at) < freshness {
		return known.fault
	}
	ch, err := Read(ctx, func() (*slack.Channel, error) {
		return c.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: id})
	})
	var fault error
	said, answered := errors.AsType[slack.SlackErrorResponse](err)
	switch {
	case answered && said.Err == "channel_not_found":
		fault = refusal.OpsChannelGone
	case err != nil:
		return fmt.Errorf("look at channel %s: %w", id, err)
	case Outside(ch):
		fault = refusal.OpsChannelShared
	case ch.IsArchived, !ch.IsMember:
		fault = refusal.OpsChannelGone
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known[id] = looked{fault, time.Now()}
	return fault
}

// Outside reports whether people who are not of the workspace can read a channel.
func Outside(ch *slack.Channel) bool {
	return ch.IsExtShared || ch.IsPendingExtShared || ch.IsOrgShared || ch.IsGlobalShared
}
