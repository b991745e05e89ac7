package engine

import (
	"context"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// How long an archive is left alone that has not kept a transcript, and how long one
// request to it may take.
const (
	keepPause        = 5 * time.Second
	longestKeepPause = 10 * time.Minute
	keepTimeout      = 5 * time.Minute
)

// archives are the names of those that keep what is signed from now on.
func (c Config) archives() []string {
	var names []string
	for _, a := range c.Archives {
		names = append(names, a.Name())
	}
	return names
}

// archiveLoop has one archive keep what it has to, one transcript after the other. It is
// not the owner's goroutine, so that an archive that hangs holds no ceremony back; and
// each archive has its own, so that it holds no other archive back.
func (o *actor) archiveLoop(ctx context.Context, a ceremony.Archive, news <-chan rules.State) {
	var c rules.State
	pause := keepPause
	var after time.Time // when the archive may be asked again
	for ctx.Err() == nil {
		var again <-chan time.Time
		if open := c.OwedBy(a.Name()); len(open) > 0 {
			if time.Until(after) <= 0 {
				next, failed := o.keepAll(ctx, a, c, open)
				if c = next; failed {
					after, pause = time.Now().Add(pause), min(2*pause, longestKeepPause)
				} else {
					pause = keepPause
				}
				continue
			}
			again = time.After(time.Until(after))
		}
		select {
		case c = <-news:
		case <-again:
		case <-ctx.Done():
		}
	}
}

// keepAll asks for each once: one that can't be kept, since something else has its
// name, must not keep the next one out.
func (o *actor) keepAll(ctx context.Context, a ceremony.Archive, c rules.State, open []rules.Keeping) (_ rules.State, failed bool) {
	for _, k := range open {
		next, err := o.keepOne(ctx, a, c, k.Signed)
		if err != nil {
			failed = true
			if ctx.Err() == nil {
				o.log.Warn("transcript not kept yet", "archive", a.Name(), "number", k.Signed.Number, "error", err)
			}
			continue
		}
		c = next
	}
	return c, failed
}

// keepOne has one transcript kept, and that recorded.
func (o *actor) keepOne(ctx context.Context, a ceremony.Archive, c rules.State, signed event.TranscriptSigned) (rules.State, error) {
	files, err := o.e.config.Files(c, signed)
	if err != nil {
		return c, err
	}
	asking, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	receipt, err := a.Keep(asking, ceremony.Document{Files: files, SHA256: signed.SHA256})
	if err != nil {
		return c, err
	}
	return o.command(ctx, rules.Archive{Kept: event.Archived{
		Number: signed.Number, Where: a.Name(), SHA256: signed.SHA256,
		Receipt: rules.OneLine(receipt.Text), TimeStamp: receipt.TimeStamp,
	}})
}
