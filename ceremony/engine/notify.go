package engine

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// Notifier brings news to people. Its methods may take long. The goroutine that decides
// for a ceremony never calls them.
type Notifier interface {
	// Deliver posts one message and returns where it lies. now returns the ceremony as it is:
	// a message that has waited says what is true when it is sent, and is not sent when the
	// ceremony does not tell it any more. With maybe, an earlier try may have been posted, and
	// must be looked for first. ErrUndeliverable means that the message can never be posted,
	// ErrNotPosted that it certainly was not, and ErrStaysDue that trying again changes nothing.
	Deliver(ctx context.Context, now func() rules.State, m rules.Message, maybe bool) (ceremony.Ref, error)
	// Redraw brings the status post up to date and returns where it lies. A post that can't
	// be edited any more is replaced.
	Redraw(ctx context.Context, now func() (rules.State, rules.Live), at ceremony.Ref) (ceremony.Ref, error)
}

const (
	// redrawInterval is how often the time left on the status post is brought up to date.
	redrawInterval = time.Minute
	tellingPause   = 2 * time.Second
	longestPause   = 15 * time.Second
)

// deliverLoop posts the messages that are due: those to each person, and those of the thread,
// one after the other, and all others beside them. A message is due until the journal says
// that it was posted, so that a restart forgets nothing. A message that may have been posted
// already is looked for first, so that nothing is posted twice.
func (a *actor) deliverLoop(ctx context.Context) {
	skip := map[string]bool{}            // places where one is on its way, and keys that stay due
	maybe := map[string]bool{}           // keys that may have been posted since the start
	pauses := map[string]time.Duration{} // place → before the next try there
	done := make(chan func())            // notes what became of a message
	var posting sync.WaitGroup
	defer posting.Wait()
	for {
		select {
		case <-a.toDeliver:
		case note := <-done:
			note()
		case <-ctx.Done():
			return
		}
		c, _, _ := a.e.Ceremony(a.id)
		for m, ok := c.Tell(skip); ok; m, ok = c.Tell(skip) {
			place := m.Place()
			rest, searched := pauses[place], maybe[m.Key] || m.Entry.Seq <= a.born
			skip[place] = true
			posting.Go(func() {
				pause(ctx, rest)
				err := a.deliver(ctx, m, searched)
				select {
				case <-ctx.Done():
				case done <- func() {
					delete(skip, place)
					delete(pauses, place)
					if err != nil {
						maybe[m.Key] = maybe[m.Key] || !errors.Is(err, ceremony.ErrNotPosted)
						skip[m.Key] = errors.Is(err, ceremony.ErrStaysDue)
						pauses[place] = min(max(2*rest, tellingPause), longestPause)
					}
				}:
				}
			})
		}
	}
}

// deliver posts one message and records where it lies.
func (a *actor) deliver(ctx context.Context, m rules.Message, maybe bool) error {
	now := func() rules.State { c, _, _ := a.e.Ceremony(a.id); return c }
	if ctx.Err() != nil || !now().Tells(m) {
		return nil
	}
	ref, err := a.e.config.Notifier.Deliver(ctx, now, m, maybe)
	switch {
	case err != nil && !now().Tells(m):
		return nil // its time went by
	case errors.Is(err, ceremony.ErrUndeliverable):
		a.log.Warn("message can never be delivered", "key", m.Key, "error", err)
		_, err = a.command(ctx, command.Undeliver{Key: m.Key})
	case err != nil:
		a.log.Warn("message not delivered", "key", m.Key, "error", err)
	default:
		_, err = a.command(ctx, command.Post{Key: m.Key, Ref: ref})
	}
	return err
}

// redrawLoop keeps the status post up to date. It draws the newest state only, and tries
// again until that is drawn.
func (a *actor) redrawLoop(ctx context.Context) {
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
	newest := func() (rules.State, rules.Live) { c, live, _ := a.e.Ceremony(a.id); return c, live }
	now, err := a.e.config.Notifier.Redraw(ctx, newest, at)
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
