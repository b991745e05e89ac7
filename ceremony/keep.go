package ceremony

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"
)

// keepPatience is how long an archive is asked to keep a transcript; then people are
// told that it does not.
const keepPatience = 24 * time.Hour

// keepTrial is how long an archive is asked at least after the program was started,
// should it have been down until the patience was over.
const keepTrial = 10 * time.Minute

// How long an archive is left alone that has not kept a transcript, and how long one
// request to it may take.
const (
	keepPause        = 5 * time.Second
	longestKeepPause = 10 * time.Minute
	keepTimeout      = 5 * time.Minute
)

type (
	// Kept says that an archive keeps a transcript.
	Kept struct {
		Number    int    `json:"number"`               // of the transcript
		Where     string `json:"where"`                // the archive's name
		SHA256    string `json:"sha256"`               // of the transcript's file
		Receipt   string `json:"receipt"`              // where it is, or what is witnessed of it
		TimeStamp string `json:"time_stamp,omitempty"` // a time-stamp response (RFC 3161), in standard base64
	}
	// NotKept says that an archive was asked for a day, and does not keep a transcript.
	NotKept struct {
		Number int    `json:"number"`
		Where  string `json:"where"`
	}
)

func (Kept) event()    {}
func (NotKept) event() {}

type (
	// Keep says that an archive keeps a transcript.
	Keep struct{ Kept Kept }
	// Forgo gives up what no archive has kept in time.
	Forgo struct{}
)

func (Keep) command()  {}
func (Forgo) command() {}

// keeping is a transcript that one archive still has to keep.
type keeping struct {
	signed TranscriptSigned
	at     time.Time // when it was signed
	where  string
}

// unkept are the transcripts that archives still have to keep, oldest first. Which
// archives those are was written down with the signature: so an archive that is
// configured later, or not any more, changes nothing about older transcripts.
func (c Ceremony) unkept() []keeping {
	var open []keeping
	for _, e := range c.History {
		switch ev := e.Event.(type) {
		case TranscriptSigned:
			for _, where := range ev.Archives {
				open = append(open, keeping{signed: ev, at: e.At, where: where})
			}
		case Kept:
			open = without(open, ev.Number, ev.Where)
		case NotKept:
			open = without(open, ev.Number, ev.Where)
		}
	}
	return open
}

func without(open []keeping, number int, where string) []keeping {
	return slices.DeleteFunc(open, func(k keeping) bool { return k.signed.Number == number && k.where == where })
}

// OwesKeeping says whether an archive still has to keep a transcript.
func (c Ceremony) OwesKeeping() bool { return len(c.unkept()) > 0 }

// overdue are those of them that nobody waits for any longer.
func (c Ceremony) overdue(now time.Time) []keeping {
	return slices.DeleteFunc(c.unkept(), func(k keeping) bool { return now.Before(k.at.Add(keepPatience)) })
}

// keep judges the receipt of an archive. One that comes too late, or twice, is nothing
// new.
func (c Ceremony) keep(k Kept) ([]Event, error) {
	if c.allowsKept(k) != nil {
		return nil, nil
	}
	return one(k)
}

// forgo gives up what is overdue.
func (c Ceremony) forgo(now time.Time) []Event {
	var events []Event
	for _, k := range c.overdue(now) {
		events = append(events, NotKept{Number: k.signed.Number, Where: k.where})
	}
	return events
}

// allowsKept holds a receipt to the transcript that it is about.
func (c Ceremony) allowsKept(kept Kept) error {
	if !slices.ContainsFunc(c.unkept(), func(k keeping) bool {
		return k.signed.Number == kept.Number && k.where == kept.Where && k.signed.SHA256 == kept.SHA256
	}) {
		return errors.New("no archive was to keep this transcript")
	}
	return nil
}

func (c Ceremony) allowsNotKept(not NotKept) error {
	if !slices.ContainsFunc(c.unkept(), func(k keeping) bool { return k.signed.Number == not.Number && k.where == not.Where }) {
		return errors.New("no archive was to keep this transcript")
	}
	return nil
}

// TimeStamps are the receipts of the time-stamping server, each the witness of one of
// the ceremony's transcripts; [Kept.File] is what lies beside it.
func (c Ceremony) TimeStamps() []Kept {
	var stamps []Kept
	for _, e := range c.History {
		if k, ok := e.Event.(Kept); ok && k.TimeStamp != "" {
			stamps = append(stamps, k)
		}
	}
	return stamps
}

// File is the time stamp as people take it away, named like the transcript of this
// ceremony that it is about; only of a receipt that has one.
func (k Kept) File(id ID) (File, error) {
	response, err := base64.StdEncoding.DecodeString(k.TimeStamp)
	if err != nil {
		return File{}, fmt.Errorf("read time stamp %d of %s: %w", k.Number, id, err)
	}
	return File{Name: TranscriptName(id, k.Number, "tsr"), Type: "application/timestamp-reply", Content: response}, nil
}

// archives are the names of those that keep what is signed from now on.
func (c Config) archives() []string {
	var names []string
	for _, a := range c.Archives {
		names = append(names, a.Name())
	}
	return names
}

// keeper has one archive keep what it has to, one transcript after the other. It is
// not the owner's goroutine, so that an archive that hangs holds no ceremony back; and
// each archive has its own, so that it holds no other archive back.
func (o *owner) keeper(ctx context.Context, a Archive, news <-chan Ceremony) {
	var c Ceremony
	pause := keepPause
	var after time.Time // when the archive may be asked again
	for ctx.Err() == nil {
		var again <-chan time.Time
		if open := c.keptBy(a.Name()); len(open) > 0 {
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

// keptBy are the transcripts that one archive still has to keep.
func (c Ceremony) keptBy(where string) []keeping {
	return slices.DeleteFunc(c.unkept(), func(k keeping) bool { return k.where != where })
}

// keepAll asks for each once: one that can't be kept, since something else has its
// name, must not keep the next one out.
func (o *owner) keepAll(ctx context.Context, a Archive, c Ceremony, open []keeping) (_ Ceremony, failed bool) {
	for _, k := range open {
		next, err := o.keepOne(ctx, a, c, k.signed)
		if err != nil {
			failed = true
			if ctx.Err() == nil {
				o.log.Warn("transcript not kept yet", "archive", a.Name(), "number", k.signed.Number, "error", err)
			}
			continue
		}
		c = next
	}
	return c, failed
}

// keepOne has one transcript kept, and that recorded.
func (o *owner) keepOne(ctx context.Context, a Archive, c Ceremony, signed TranscriptSigned) (Ceremony, error) {
	files, err := o.e.config.Files(c, signed)
	if err != nil {
		return c, err
	}
	asking, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	receipt, err := a.Keep(asking, Document{Files: files, SHA256: signed.SHA256})
	if err != nil {
		return c, err
	}
	return o.command(ctx, Keep{Kept{
		Number: signed.Number, Where: a.Name(), SHA256: signed.SHA256,
		Receipt: oneLine(receipt.Text), TimeStamp: receipt.TimeStamp,
	}})
}

// notKept tells people that a transcript has one copy less than it should have: in the
// thread, and directly whoever has to do with it.
func (o *outbox) notKept(p Plan, e Entry) {
	o.history(e)
	for _, who := range unique(slices.Concat([]Person{p.Initiator}, p.Approvers, p.Owners)) {
		if who != SealWatch && who != InterferenceWatch {
			o.toPerson(NotKeptMessage, who, e)
		}
	}
}
