package bot

import (
	"context"
	"fmt"
	"time"

	"conclave/bot/render"
	"conclave/bot/transport"
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
	// It is early by weeks, so that everything that waits for an answer goes first.
	ctx = transport.Ranked(ctx, transport.RankLine)
	if err := n.tell(ctx, channel, render.KeyExpires(key, until, time.Now())); err != nil {
		return classifyPost(err)
	}
	return nil
}
