// Package journal keeps the events of ceremonies as hash-chained and authenticated lines in
// a store, replays them, and checks afterwards that no line was changed.
package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/secret"
)

// Journal implements [event.Journal] on a [Store]. Each line has the hash of the line before
// it and a code that only the identity can make. Who can write to the store can add no line
// that Load returns, and change none.
type Journal struct {
	store Store
	key   secret.MACKey

	mu    sync.Mutex
	heads map[ceremony.ID]head
}

// head is the end of a ceremony's chain.
type head struct {
	seq  int
	hash string
	size int // in bytes, of all lines with their line feeds
}

// New returns the journal in a store. It takes the store over, also when it returns an error.
// The key is that of [ceremony.OpenPGP]; there is no journal without one.
func New(store Store, key secret.MACKey) (*Journal, error) {
	if key.Name() == "" {
		return nil, errors.Join(errNoKey, store.Close())
	}
	return &Journal{store: store, key: key, heads: map[ceremony.ID]head{}}, nil
}

// OpenJournal returns the journal in a directory, see [OpenFiles].
func OpenJournal(dir string, key secret.MACKey) (*Journal, error) {
	files, err := OpenFiles(dir)
	if err != nil {
		return nil, err
	}
	return New(files, key)
}

// Close closes the store. Append fails afterwards.
func (j *Journal) Close() error { return j.store.Close() }

// Append implements [event.Journal].
func (j *Journal) Append(
	ctx context.Context, id ceremony.ID, after int, events ...event.Event,
) ([]event.Entry, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	h, known := j.heads[id]
	if !known && after > 0 {
		return nil, fmt.Errorf("append to %s: %w", id, ceremony.ErrUnknownCeremony)
	}
	if h.seq != after {
		return nil, fmt.Errorf("append to %s behind %d, at %d: %w", id, after, h.seq, ceremony.ErrBehind)
	}
	entries, text, err := j.encode(id, h, events)
	if err != nil {
		return nil, err // nothing was written
	}
	switch err := j.store.Append(ctx, id, after, text); {
	case errors.Is(err, ceremony.ErrBehind):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ceremony.ErrJournal, err)
	}
	last := entries[len(entries)-1]
	j.heads[id] = head{last.Seq, last.Hash, h.size + measure(text)}
	return entries, nil
}

// encode returns the entries of events that follow h, and their lines.
func (j *Journal) encode(id ceremony.ID, h head, events []event.Event) ([]event.Entry, [][]byte, error) {
	var entries []event.Entry
	var text [][]byte
	seq, prev := h.seq, h.hash
	for _, ev := range events {
		seq++
		// By the wall clock alone, as a replay reads it: the other one stands still while the machine sleeps, and what
		// is due some time after this entry would come later than after a restart.
		e := event.Entry{Seq: seq, Prev: prev, At: time.Now().UTC().Round(0), Event: ev}
		raw, err := seal(id, &e, j.key)
		if err != nil {
			return nil, nil, fmt.Errorf("encode %q: %w: %w", event.TypeOf(ev), ceremony.ErrNoLine, err)
		}
		// A line that could not be read back would have the ceremony set aside at every later
		// start.
		if _, _, err := DecodeLine(raw); err != nil {
			return nil, nil, fmt.Errorf("encode %q: %w: %w", event.TypeOf(ev), ceremony.ErrNoLine, err)
		}
		if len(raw) > maxLine {
			return nil, nil, fmt.Errorf("encode %q: a line of %d bytes; %d are the most", event.TypeOf(ev), len(raw), maxLine)
		}
		entries, text = append(entries, e), append(text, raw)
		prev = e.Hash
	}
	if size := h.size + measure(text); size > maxCeremony {
		return nil, nil, fmt.Errorf("append to %s: its journal would have %d bytes; %d are the most", id, size, maxCeremony)
	}
	return entries, text, nil
}

// measure returns the size in bytes of lines with their line feeds.
func measure(lines [][]byte) int {
	n := len(lines)
	for _, l := range lines {
		n += len(l)
	}
	return n
}

// Load implements [event.Journal].
func (j *Journal) Load(ctx context.Context, id ceremony.ID) ([]event.Entry, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	c, err := j.load(ctx, id)
	if err == nil {
		err = j.aside(c, c.authenticate(j.key))
	}
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", id, err)
	}
	j.stand(id, c)
	return c.Entries, nil
}

// stand notes where a ceremony's chain ends, so that Append goes on there.
func (j *Journal) stand(id ceremony.ID, c chain) {
	last := c.Entries[len(c.Entries)-1]
	j.heads[id] = head{last.Seq, last.Hash, measure(c.lines.lines)}
}

// load reads the lines of a ceremony and checks that they are its chain. Who has written
// them is not checked.
func (j *Journal) load(ctx context.Context, id ceremony.ID) (chain, error) {
	text, err := j.store.Load(ctx, id)
	c, fault := link(lines{lines: text})
	switch {
	case err != nil:
	case fault != nil:
		err = fault
	case c.ceremony != id:
		err = fmt.Errorf("it is the journal of %s: %w", c.ceremony, ceremony.ErrChain)
	}
	return c, j.aside(c, err)
}

// aside adds to an error why the lines are not obeyed what the first line says, and whether
// it is the identity's. It returns other errors as they are.
func (j *Journal) aside(c chain, err error) error {
	if !errors.Is(err, ceremony.ErrChain) && !errors.Is(err, ceremony.ErrNotAdopted) {
		return err
	}
	aside := &event.AsideError{Why: err}
	if len(c.Entries) > 0 {
		first := c.Entries[0]
		aside.Proposed, _ = first.Event.(event.Proposed)
		aside.First, aside.Ours = first.Hash, c.proves(first, j.key)
	}
	return aside
}

// Marks implements [event.Journal].
func (j *Journal) Marks(ctx context.Context, of ...ceremony.ID) (map[ceremony.ID]string, error) {
	return j.store.Marks(ctx, of...)
}

// List returns the ids of all ceremonies, oldest first.
func (j *Journal) List(ctx context.Context) ([]ceremony.ID, error) { return j.store.List(ctx) }
