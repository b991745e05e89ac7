package event

import (
	"context"

	"conclave/ceremony"
)

// Journal keeps events. It is both the store and the audit log.
type Journal interface {
	// Append makes events durable in one step, behind the event with sequence
	// number after. It answers the entries as written, ErrBehind when somebody else
	// appended first, or ErrJournal.
	Append(ctx context.Context, id ceremony.ID, after int, events ...Event) ([]Entry, error)
	// Load reads a ceremony and checks its chain.
	Load(ctx context.Context, id ceremony.ID) ([]Entry, error)
	// List names every ceremony, oldest first.
	List(ctx context.Context) ([]ceremony.ID, error)
}
