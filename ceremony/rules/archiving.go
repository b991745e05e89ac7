package rules

import (
	"errors"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
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
func (c State) archived(cmd command.Archive) ([]event.Event, error) {
	if c.allowsArchived(cmd.Kept) != nil {
		return nil, nil
	}
	return one(cmd.Kept)
}

// giveUpArchive gives up what is overdue.
func (c State) giveUpArchive(_ command.GiveUpArchive, now time.Time) (events []event.Event, _ error) {
	for _, k := range c.overdue(now) {
		events = append(events, event.ArchiveFailed{Number: k.Signed.Number, Where: k.where})
	}
	return events, nil
}

// allowsArchived returns an error unless the archive of a receipt still had to keep this
// very transcript.
func (c State) allowsArchived(kept event.Archived) error {
	return c.allowsKeeping(func(k Keeping) bool {
		return k.Signed.Number == kept.Number && k.where == kept.Where && k.Signed.SHA256 == kept.SHA256
	})
}

// allowsKeeping returns an error unless a matching transcript still had to be kept.
func (c State) allowsKeeping(match func(Keeping) bool) error {
	if !slices.ContainsFunc(c.unkept(), match) {
		return errors.New("no archive was to keep this transcript")
	}
	return nil
}

// TimeStamps returns the receipts of the time-stamping server. Each witnesses one of the
// ceremony's transcripts; [event.Archived.File] makes the file that lies beside it.
func (c State) TimeStamps() []event.Archived {
	return slices.DeleteFunc(all[event.Archived](c), func(k event.Archived) bool { return k.TimeStamp == "" })
}

// OwedBy returns the transcripts that one archive still has to keep.
func (c State) OwedBy(where string) []Keeping {
	return slices.DeleteFunc(c.unkept(), func(k Keeping) bool { return k.where != where })
}

// archiveFailed tells the initiator, the approvers and the owners that a transcript has one
// copy less than it should have.
func (o *outbox) archiveFailed(p ceremony.Plan, e event.Entry) {
	for _, who := range ceremony.Unique(slices.Concat([]ceremony.Person{p.Initiator}, p.Approvers, p.Owners)) {
		if who != ceremony.SealWatch && who != ceremony.InterferenceWatch {
			o.toPerson(NotKeptMessage, who, e)
		}
	}
}
