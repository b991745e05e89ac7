package journal

import (
	"context"

	"conclave/ceremony"
)

// Store keeps the lines of ceremonies as they are, and knows nothing of what stands in them.
// [Journal] chains and authenticates them. One process at a time may write to a store.
type Store interface {
	// Append makes lines durable in one step, behind line number after of the ceremony. A
	// line has no line feed. With after 0 the ceremony must be new. The error wraps ErrBehind
	// when the ceremony has other lines than this process knows of; then nothing was written.
	// After any other error it is not known what was.
	Append(ctx context.Context, id ceremony.ID, after int, lines [][]byte) error
	// Load returns the lines of a ceremony, at least one. A line that was being written when
	// the program died is none, and Append takes its place. The error wraps ErrUnknownCeremony
	// when the store has no such ceremony, and ErrChain when what it has can't be lines. With
	// ErrChain come the lines before the fault.
	Load(ctx context.Context, id ceremony.ID) ([][]byte, error)
	// Marks returns a short text for each of the named ceremonies that are there, or for all
	// of them when none is named, see [event.Journal].
	Marks(ctx context.Context, of ...ceremony.ID) (map[ceremony.ID]string, error)
	// List returns the ids of all ceremonies that have a line. As far as the store can tell
	// the oldest comes first.
	List(ctx context.Context) ([]ceremony.ID, error)
	// Close gives back what Append and Load need. Append fails afterwards.
	Close() error
}

// What a line, and all lines of a ceremony, may measure in bytes. Nothing longer is written,
// and nothing longer is read: whoever puts a file there must not make the reader run out of
// memory. A transcript holds all lines and may be as large as they.
const (
	maxLine     = 16 << 20
	maxCeremony = 64 << 20
)
