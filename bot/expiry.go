package bot

import (
	"context"
	"fmt"
	"time"

	"conclave/bot/render"
	"conclave/ceremony"
)

// TellExpiry tells a person that their PGP key expires, or has expired when until is zero.
// The error wraps ErrUndeliverable when they can never be told, and ErrNotPosted when they
// certainly were not.
func (b *Bot) TellExpiry(ctx context.Context, user string, key ceremony.Fingerprint, until time.Time) error {
	n := b.notifier
	if err := n.reaches(ctx, user); err != nil {
		return fmt.Errorf("tell of a key that expires: %w", err)
	}
	channel, err := n.directMessages.With(ctx, user)
	if err != nil {
		return notPosted(err, true)
	}
	if err := n.posts.Wait(ctx, channel); err != nil {
		return fmt.Errorf("%w: %w", ceremony.ErrNotPosted, err)
	}
	_, _, err = n.api.PostMessageContext(ctx, channel, render.KeyExpires(key, until, time.Now()).Options()...)
	if err != nil {
		return classifyPost(err)
	}
	return nil
}
