package journal

import (
	"context"
	"errors"
	"fmt"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// Foreign is a ceremony whose lines the identity has neither written nor adopted.
type Foreign struct {
	Ceremony ceremony.ID
	// State is what the lines tell. It is the zero value when they can't be adopted.
	State rules.State
	Keys  []Stretch // who has authenticated which lines, in their order
	// Why the lines are not obeyed. It wraps ErrNotAdopted when they can be adopted, and
	// else ErrChain: they were changed, or are no ceremony.
	Why error
}

// Stretch is a stretch of lines that were authenticated by one key, or by none.
type Stretch struct {
	From, To int    // sequence numbers
	Key      string // its name, empty for lines without a code
}

// Foreigners returns the ceremonies that are not obeyed, oldest first, and how many are.
func (j *Journal) Foreigners(ctx context.Context) (foreign []Foreign, ours int, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	ids, err := j.store.List(ctx)
	if err != nil {
		return nil, 0, err
	}
	for _, id := range ids {
		c, state, err := j.examine(ctx, id)
		switch {
		case err == nil:
			ours++
		case errors.Is(err, ceremony.ErrNotAdopted), errors.Is(err, ceremony.ErrChain):
			foreign = append(foreign, Foreign{Ceremony: id, State: state, Keys: c.stretches(), Why: err})
		default:
			return nil, 0, fmt.Errorf("load %s: %w", id, err)
		}
	}
	return foreign, ours, nil
}

// examine reads a ceremony and tells whether it is the identity's.
func (j *Journal) examine(ctx context.Context, id ceremony.ID) (chain, rules.State, error) {
	c, err := j.load(ctx, id)
	if err != nil {
		return c, rules.State{}, err
	}
	state, err := rules.Replay(c.Entries)
	if err == nil && state.ID() != id {
		err = fmt.Errorf("its plan is of %s", state.ID())
	}
	if err != nil {
		return c, rules.State{}, fmt.Errorf("%w: %w", ceremony.ErrChain, err)
	}
	return c, state, c.authenticate(j.key)
}

func (c chain) stretches() []Stretch {
	var all []Stretch
	for _, e := range c.Entries {
		if n := len(all); n > 0 && all[n-1].Key == e.MACKey {
			all[n-1].To = e.Seq
			continue
		}
		all = append(all, Stretch{e.Seq, e.Seq, e.MACKey})
	}
	return all
}

// Adopt takes over the lines of a ceremony, which a person must have looked at: it appends an
// [event.Adopted], whose code stands for all lines before it. An open ceremony freezes at the
// next start. The error wraps ErrChain when the lines can't be adopted. A ceremony that is
// the identity's already is left as it is.
func (j *Journal) Adopt(ctx context.Context, id ceremony.ID) error {
	j.mu.Lock()
	c, state, err := j.examine(ctx, id)
	if errors.Is(err, ceremony.ErrNotAdopted) {
		j.stand(id, c)
	}
	j.mu.Unlock()
	if !errors.Is(err, ceremony.ErrNotAdopted) {
		return err
	}
	last := c.Entries[len(c.Entries)-1]
	taken := event.Adopted{Lines: last.Seq, Key: last.MACKey}
	if err := state.Takes([]event.Event{taken}, last.At); err != nil {
		return err
	}
	_, err = j.Append(ctx, id, last.Seq, taken)
	return err
}
