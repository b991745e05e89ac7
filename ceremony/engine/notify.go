package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// Notifier brings news to people. Its methods may take long. The goroutine that decides
// for a ceremony never calls them.
type Notifier interface {
	// Deliver posts one message and returns where it lies. With maybe, an earlier try may
	// have been posted, and must be looked for first. ErrUndeliverable means that the
	// message can never be posted, and ErrNotPosted that it certainly was not.
	Deliver(ctx context.Context, c rules.State, m rules.Message, maybe bool) (ceremony.Ref, error)
	// Redraw brings the status post up to date and returns where it lies. A post that can't
	// be edited any more is replaced.
	Redraw(ctx context.Context, c rules.State, live rules.Live, at ceremony.Ref) (ceremony.Ref, error)
}

const (
	// redrawInterval is how often the time left on the status post is brought up to date.
	redrawInterval = time.Minute
	tellingPause   = 2 * time.Second
	longestPause   = 15 * time.Second
)

// deliverLoop posts the messages that are due, one after the other. A message is due until
// the journal says that it was posted, so that a restart forgets nothing. A message that
// may have been posted already is looked for first, so that nothing is posted twice.
func (a *actor) deliverLoop(ctx context.Context) {
	maybe := map[string]bool{}
	pause := tellingPause
	if !a.mayTell(ctx) {
		return
	}
	var c rules.State
	select {
	case c = <-a.toDeliver:
	case <-ctx.Done():
		return
	}
	if a.recovered {
		for _, m := range c.Due() {
			maybe[m.Key] = true
		}
	}
	for ctx.Err() == nil {
		failed := map[string]bool{}
		for m, ok := c.Tell(failed); ok && ctx.Err() == nil; m, ok = c.Tell(failed) {
			next, err := a.deliver(ctx, c, m, maybe)
			if err != nil {
				failed[m.Key] = true
				a.log.Warn("message not delivered", "key", m.Key, "error", err)
				select {
				case c = <-a.toDeliver: // it took its time: what is due may have changed
				default:
				}
				continue
			}
			c = next
			pause = tellingPause
		}
		var again <-chan time.Time
		if len(failed) > 0 {
			again = time.After(pause)
			pause = min(2*pause, longestPause)
		}
		select {
		case c = <-a.toDeliver:
		case <-again:
		case <-ctx.Done():
		}
	}
}

// mayTell waits until people may be told. It returns false when ctx ends before.
func (a *actor) mayTell(ctx context.Context) bool {
	select {
	case <-a.gate:
		return true
	case <-ctx.Done():
		return false
	}
}

// deliver posts one message and records where it lies.
func (a *actor) deliver(ctx context.Context, c rules.State, m rules.Message,
	maybe map[string]bool) (rules.State, error) {
	ref, err := a.e.config.Notifier.Deliver(ctx, c, m, maybe[m.Key])
	switch {
	case errors.Is(err, ceremony.ErrUndeliverable):
		a.log.Warn("message can never be delivered", "key", m.Key, "error", err)
		return a.command(ctx, command.Undeliver{Key: m.Key})
	case err != nil:
		maybe[m.Key] = maybe[m.Key] || !errors.Is(err, ceremony.ErrNotPosted)
		return c, err
	}
	maybe[m.Key] = true // should the journal fail now, the message still lies there
	return a.command(ctx, command.Post{Key: m.Key, Ref: ref})
}

// redrawLoop keeps the status post up to date. It draws the newest state only, and tries
// again until that is drawn.
func (a *actor) redrawLoop(ctx context.Context) {
	if !a.mayTell(ctx) {
		return
	}
	pause := tellingPause
	var k snapshot
	moved := map[ceremony.Ref]ceremony.Ref{} // posts that took another's place, recorded or not
	for ctx.Err() == nil {
		again := time.After(redrawInterval)
		if at, posted := k.c.Board(); posted {
			for next, ok := moved[at]; ok; next, ok = moved[at] {
				at = next
			}
			if err := a.redraw(ctx, k, at, moved); err != nil {
				a.log.Warn("status post not redrawn", "error", err)
				again = time.After(pause)
				pause = min(2*pause, longestPause)
			} else {
				pause = tellingPause
			}
		}
		select {
		case k = <-a.toRedraw:
		case <-again:
		case <-ctx.Done():
		}
	}
}

func (a *actor) redraw(ctx context.Context, k snapshot, at ceremony.Ref, moved map[ceremony.Ref]ceremony.Ref) error {
	if k.c.Drawn() || k.c.FrozenFor(event.RolledBack) {
		return nil // the post may be newer than the journal: people decide first
	}
	now, err := a.e.config.Notifier.Redraw(ctx, k.c, k.live, at)
	if err != nil {
		return err
	}
	if now != at {
		moved[at] = now
		if _, err := a.command(ctx, command.Post{Key: rules.BoardKey, Ref: now}); err != nil {
			return err
		}
	}
	// The last drawing shows who has been told. So it waits for the other messages.
	if due := k.c.Due(); len(due) > 0 && !slices.ContainsFunc(due, func(m rules.Message) bool { return !m.Drawing() }) {
		_, err = a.command(ctx, command.Post{Key: due[0].Key, Ref: now})
	}
	return err
}
