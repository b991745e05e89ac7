package engine

import (
	"context"

	"conclave/ceremony"
	"conclave/ceremony/rules"
)

// Courier brings news to people. Its methods may take long; they are never
// called by a ceremony's owner.
type Courier interface {
	// Deliver posts one message and answers where it lies. With maybe, an earlier
	// try may have been posted, and is looked for first.
	Deliver(ctx context.Context, c rules.Ceremony, m rules.Message, maybe bool) (ceremony.Ref, error)
	// Redraw brings the status post up to date. When the post can't be edited any
	// more it is replaced, and the new place is answered.
	Redraw(ctx context.Context, c rules.Ceremony, live rules.Live, at ceremony.Ref) (ceremony.Ref, error)
}
