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
	// Marks returns a short text for each of the named ceremonies that are there, or for all
	// of them when none is named. It differs once lines were added to or taken from a
	// ceremony, and costs much less than to read it. It proves nothing about the lines. There
	// may be a mark of what has no whole line, and so is no ceremony for Load.
	Marks(ctx context.Context, of ...ceremony.ID) (map[ceremony.ID]string, error)
}

// AsideError is why the lines of one ceremony are not obeyed. It wraps ErrNotAdopted or
// ErrChain.
type AsideError struct {
	Why error
	// Proposed is what the first line says, the zero value when it can't be read. Nobody
	// vouches for it, unless Ours.
	Proposed Proposed
	First    string // hash of the first line, "" when it can't be read
	Ours     bool   // the identity has begun the ceremony
}

func (e *AsideError) Error() string { return e.Why.Error() }

func (e *AsideError) Unwrap() error { return e.Why }
