package transport

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slack-go/slack"

	"conclave/bot/refusal"
)

// Channels checks the channels in which ceremonies are shown. Each is checked again
// after a while, since it may be shared with another organisation at any time.
type Channels struct {
	api   *slack.Client
	known *Memory[error] // channel id → what is wrong with it
}

// NewChannels returns channels of which nothing is known yet.
func NewChannels(api *slack.Client) *Channels { return &Channels{api: api, known: NewMemory[error]()} }

// Check returns a denial when ceremonies must not or can't be shown in a channel.
func (c *Channels) Check(ctx context.Context, id string) error {
	fault, err := c.known.Get(ctx, id, time.Now().Add(-freshness), func() (error, error) { return c.look(ctx, id) })
	if err != nil {
		return fmt.Errorf("look at channel %s: %w", id, err)
	}
	return fault
}

// look returns what is wrong with a channel, or that Slack can't be asked.
func (c *Channels) look(ctx context.Context, id string) (fault, err error) {
	ch, err := Read(ctx, func() (*slack.Channel, error) {
		return c.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: id})
	})
	said, answered := errors.AsType[slack.SlackErrorResponse](err)
	switch {
	case answered && said.Err == "channel_not_found":
		return refusal.OpsChannelGone, nil
	case err != nil:
		return nil, err
	case Outside(ch):
		return refusal.OpsChannelShared, nil
	case ch.IsArchived, !ch.IsMember:
		return refusal.OpsChannelGone, nil
	}
	return nil, nil
}

// Outside reports whether people who are not of the workspace can read a channel.
func Outside(ch *slack.Channel) bool {
	return ch.IsExtShared || ch.IsPendingExtShared || ch.IsOrgShared || ch.IsGlobalShared
}
