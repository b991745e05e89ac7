package rules

import (
	"errors"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
)

// keepPatience is how long an archive is asked to keep a transcript; then people are
// told that it does not.
const keepPatience = 24 * time.Hour

// keepTrial is how long an archive is asked at least after the program was started,
// should it have been down until the patience was over.
const keepTrial = 10 * time.Minute

type (
	// Archive says that an archive keeps a transcript.
	Archive struct{ Kept event.Archived }
	// GiveUpArchive gives up what no archive has kept in time.
	GiveUpArchive struct{}
)

func (Archive) command()       {}
func (GiveUpArchive) command() {}

// Keeping is a transcript that one archive still has to keep.
type Keeping struct {
	Signed event.TranscriptSigned
	at     time.Time // when it was signed
	where  string
}

// unkept are the transcripts that archives still have to keep, oldest first. Which
// archives those are was written down with the signature: so an archive that is
// configured later, or not any more, changes nothing about older transcripts.
func (c State) unkept() []Keeping {
	var open []Keeping
	for _, e := range c.History {
		switch ev := e.Event.(type) {
		case event.TranscriptSigned:
			for _, where := range ev.Archives {
				open = append(open, Keeping{Signed: ev, at: e.At, where: where})
			}
		case event.Archived:
			open = without(open, ev.Number, ev.Where)
		case event.ArchiveFailed:
			open = without(open, ev.Number, ev.Where)
		}
	}
	return open
}

func without(open []Keeping, number int, where string) []Keeping {
	return slices.DeleteFunc(open, func(k Keeping) bool { return k.Signed.Number == number && k.where == where })
}

// OwesKeeping reports whether an archive still has to keep a transcript.
func (c State) OwesKeeping() bool { return len(c.unkept()) > 0 }

// overdue are those of them that nobody waits for any longer.
func (c State) overdue(now time.Time) []Keeping {
	return slices.DeleteFunc(c.unkept(), func(k Keeping) bool { return now.Before(k.at.Add(keepPatience)) })
}

// keep judges the receipt of an archive. One that comes too late, or twice, is nothing
// new.
func (c State) keep(k event.Archived) ([]event.Event, error) {
	if c.allowsKept(k) != nil {
		return nil, nil
	}
	return one(k)
}

// forgo gives up what is overdue.
func (c State) forgo(now time.Time) []event.Event {
	var events []event.Event
	for _, k := range c.overdue(now) {
		events = append(events, event.ArchiveFailed{Number: k.Signed.Number, Where: k.where})
	}
	return events
}

// allowsKept holds a receipt to the transcript that it is about.
func (c State) allowsKept(kept event.Archived) error {
	if !slices.ContainsFunc(c.unkept(), func(k Keeping) bool {
		return k.Signed.Number == kept.Number && k.where == kept.Where && k.Signed.SHA256 == kept.SHA256
	}) {
		return errors.New("no archive was to keep this transcript")
	}
	return nil
}

func (c State) allowsNotKept(not event.ArchiveFailed) error {
	if !slices.ContainsFunc(c.unkept(), func(k Keeping) bool { return k.Signed.Number == not.Number && k.where == not.Where }) {
		return errors.New("no archive was to keep this transcript")
	}
	return nil
}

// TimeStamps are the receipts of the time-stamping server, each the witness of one of
// the ceremony's transcripts; [Kept.File] is what lies beside it.
func (c State) TimeStamps() []event.Archived {
	var stamps []event.Archived
	for _, e := range c.History {
		if k, ok := e.Event.(event.Archived); ok && k.TimeStamp != "" {
			stamps = append(stamps, k)
		}
	}
	return stamps
}

// KeptBy are the transcripts that one archive still has to keep.
func (c State) KeptBy(where string) []Keeping {
	return slices.DeleteFunc(c.unkept(), func(k Keeping) bool { return k.where != where })
}

// notKept tells people that a transcript has one copy less than it should have: in the
// thread, and directly whoever has to do with it.
func (o *outbox) notKept(p ceremony.Plan, e event.Entry) {
	o.history(e)
	for _, who := range ceremony.Unique(slices.Concat([]ceremony.Person{p.Initiator}, p.Approvers, p.Owners)) {
		if who != ceremony.SealWatch && who != ceremony.InterferenceWatch {
			o.toPerson(NotKeptMessage, who, e)
		}
	}
}
