package event

import (
	"context"

	"conclave/ceremony"
)

// Journal keeps events. It is both the store and the audit log.
type Journal interface {
	// Append makes events durable in one step, behind the event with sequence number after.
	// It returns the entries as written, an error that wraps ErrBehind when another process
	// appended first, or one that wraps ErrJournal.
	Append(ctx context.Context, id ceremony.ID, after int, events ...Event) ([]Entry, error)
	// Load reads a ceremony and checks its chain. It returns only what the identity has
	// written or adopted. An [AsideError] means that this ceremony's lines are not obeyed;
	// other ceremonies can be read all the same.
	Load(ctx context.Context, id ceremony.ID) ([]Entry, error)
	// List returns the ids of all ceremonies, oldest first.
	List(ctx context.Context) ([]ceremony.ID, error)
}

// AsideError is why the lines of one ceremony are not obeyed. It wraps ErrNotAdopted or
// ErrChain.
type AsideError struct {
	Why error
	// Proposed is what the first line says, the zero value when it can't be read. Nobody
	// vouches for it.
	Proposed Proposed
}

func (e *AsideError) Error() string { return e.Why.Error() }

func (e *AsideError) Unwrap() error { return e.Why }
