package engine

import (
	"context"

	"conclave/ceremony"
	"conclave/ceremony/rules"
)

// Notifier brings news to people. Its methods may take long; they are never
// called by a ceremony's owner.
type Notifier interface {
	// Deliver posts one message and answers where it lies. With maybe, an earlier
	// try may have been posted, and is looked for first.
	Deliver(ctx context.Context, c rules.State, m rules.Message, maybe bool) (ceremony.Ref, error)
	// Redraw brings the status post up to date. When the post can't be edited any
	// more it is replaced, and the new place is answered.
	Redraw(ctx context.Context, c rules.State, live rules.Live, at ceremony.Ref) (ceremony.Ref, error)
}
