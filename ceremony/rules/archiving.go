package rules

import (
	"errors"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
)

// archivePatience is how long an archive is asked to keep a transcript. Afterwards people
// are told that it does not.
const archivePatience = 24 * time.Hour

// archiveTrial is how long an archive is asked at least after the program was started,
// even if archivePatience ran out while the program was down.
const archiveTrial = 10 * time.Minute

// Keeping is a transcript that one archive still has to keep.
type Keeping struct {
	Signed event.TranscriptSigned
	at     time.Time // when it was signed
	where  string
}

// unkept returns the transcripts that archives still have to keep, oldest first. The
// signature's event names those archives, so that an archive which is configured later,
// or no longer, changes nothing about older transcripts.
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

// without returns what is open besides this transcript in this archive.
func without(open []Keeping, number int, where string) []Keeping {
	return slices.DeleteFunc(open, func(k Keeping) bool { return k.Signed.Number == number && k.where == where })
}

// owesKeeping reports whether an archive still has to keep a transcript.
func (c State) owesKeeping() bool { return len(c.unkept()) > 0 }

// overdue returns what archives have had archivePatience to keep.
func (c State) overdue(now time.Time) []Keeping {
	return slices.DeleteFunc(c.unkept(), func(k Keeping) bool { return now.Before(k.at.Add(archivePatience)) })
}

// archived judges the receipt of an archive. A receipt that comes too late, or twice, is
// nothing new.
func (c State) archived(k event.Archived) ([]event.Event, error) {
	if c.allowsArchived(k) != nil {
		return nil, nil
	}
	return one(k)
}

// giveUpArchive gives up what is overdue.
func (c State) giveUpArchive(now time.Time) []event.Event {
	var events []event.Event
	for _, k := range c.overdue(now) {
		events = append(events, event.ArchiveFailed{Number: k.Signed.Number, Where: k.where})
	}
	return events
}

// allowsArchived returns an error unless the archive of a receipt still had to keep this
// very transcript.
func (c State) allowsArchived(kept event.Archived) error {
	if !slices.ContainsFunc(c.unkept(), func(k Keeping) bool {
		return k.Signed.Number == kept.Number && k.where == kept.Where && k.Signed.SHA256 == kept.SHA256
	}) {
		return errors.New("no archive was to keep this transcript")
	}
	return nil
}

// allowsArchiveFailed returns an error unless the archive still had to keep the transcript.
func (c State) allowsArchiveFailed(failed event.ArchiveFailed) error {
	if !slices.ContainsFunc(c.unkept(), func(k Keeping) bool {
		return k.Signed.Number == failed.Number && k.where == failed.Where
	}) {
		return errors.New("no archive was to keep this transcript")
	}
	return nil
}

// TimeStamps returns the receipts of the time-stamping server. Each witnesses one of the
// ceremony's transcripts; [event.Archived.File] makes the file that lies beside it.
func (c State) TimeStamps() []event.Archived {
	var stamps []event.Archived
	for _, e := range c.History {
		if k, ok := e.Event.(event.Archived); ok && k.TimeStamp != "" {
			stamps = append(stamps, k)
		}
	}
	return stamps
}

// OwedBy returns the transcripts that one archive still has to keep.
func (c State) OwedBy(where string) []Keeping {
	return slices.DeleteFunc(c.unkept(), func(k Keeping) bool { return k.where != where })
}

// archiveFailed tells people that a transcript has one copy less than it should have: in
// the thread, and directly the initiator, the approvers and the owners.
func (o *outbox) archiveFailed(p ceremony.Plan, e event.Entry) {
	o.history(e)
	for _, who := range ceremony.Unique(slices.Concat([]ceremony.Person{p.Initiator}, p.Approvers, p.Owners)) {
		if who != ceremony.SealWatch && who != ceremony.InterferenceWatch {
			o.toPerson(NotKeptMessage, who, e)
		}
	}
}
