package engine

import (
	"context"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// The pauses after an archive has not kept a transcript, and the limit of one request.
const (
	keepPause        = 5 * time.Second
	longestKeepPause = 10 * time.Minute
	keepTimeout      = 5 * time.Minute
)

// archives returns the names of the archives that keep every new transcript.
func (c Config) archives() []string {
	var names []string
	for _, a := range c.Archives {
		names = append(names, a.Name())
	}
	return names
}

// archiveLoop has one archive keep the ceremony's transcripts, one after the other. It has
// a goroutine for each archive, so that an archive that hangs holds back neither the
// ceremony nor another archive.
func (a *actor) archiveLoop(ctx context.Context, archive ceremony.Archive, news <-chan rules.State) {
	var c rules.State
	pause := keepPause
	var after time.Time // when the archive may be asked again
	for ctx.Err() == nil {
		var again <-chan time.Time
		if open := c.OwedBy(archive.Name()); len(open) > 0 {
			if time.Until(after) <= 0 {
				next, failed := a.keepAll(ctx, archive, c, open)
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

// keepAll tries each open transcript once. A transcript that can't be kept, since another
// file has its name, must not keep the next one out. failed reports whether any was not
// kept.
func (a *actor) keepAll(ctx context.Context, archive ceremony.Archive, c rules.State,
	open []rules.Keeping) (_ rules.State, failed bool) {
	for _, k := range open {
		next, err := a.keepOne(ctx, archive, c, k.Signed)
		if err != nil {
			failed = true
			if ctx.Err() == nil {
				a.log.Warn("transcript not kept yet", "archive", archive.Name(), "number", k.Signed.Number,
					"error", err)
			}
			continue
		}
		c = next
	}
	return c, failed
}

// keepOne has the archive keep one transcript, and records the receipt.
func (a *actor) keepOne(ctx context.Context, archive ceremony.Archive, c rules.State,
	signed event.TranscriptSigned) (rules.State, error) {
	files, err := a.e.config.Files(c, signed)
	if err != nil {
		return c, err
	}
	asking, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	receipt, err := archive.Keep(asking, ceremony.Document{Files: files, SHA256: signed.SHA256})
	if err != nil {
		return c, err
	}
	return a.command(ctx, command.Archive{Kept: event.Archived{
		Number: signed.Number, Where: archive.Name(), SHA256: signed.SHA256,
		Receipt: command.OneLine(receipt.Text), TimeStamp: receipt.TimeStamp,
	}})
}
