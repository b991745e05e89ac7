package engine_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"weak"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/mark"
)

// holdingJournal counts how many of the ceremonies that were read are still in memory when
// the next one is.
type holdingJournal struct {
	event.Journal
	read []weak.Pointer[ceremony.Person]
	most int
}

func (j *holdingJournal) Load(ctx context.Context, id ceremony.ID) ([]event.Entry, error) {
	runtime.GC()
	held := 0
	for _, p := range j.read {
		if p.Value() != nil {
			held++
		}
	}
	j.most = max(j.most, held)
	entries, err := j.Journal.Load(ctx, id)
	if len(entries) > 0 { // a state shares the people of its plan with the line
		p := entries[0].Event.(event.Proposed).Plan
		for _, people := range [][]ceremony.Person{p.Holders, p.Approvers, p.Owners} {
			if len(people) > 0 {
				j.read = append(j.read, weak.Make(&people[0]))
				break
			}
		}
	}
	return entries, err
}

// The file of marks names a hundred settled ceremonies. A mark that is not the end of a journal
// has it read.
func TestSettledCeremoniesAreComparedWithTheirMarksOneAtATime(t *testing.T) {
	const ended = 14
	long(t, ended, func(t *testing.T, s *stage, _ *countingJournal, ids []ceremony.ID) {
		s.marks = filepath.Join(s.dir+"-marks", "marks")
		was := mark.Memory{Ceremonies: ended}
		for _, id := range ids {
			was.Settled = append(was.Settled, mark.Mark{Ceremony: id, Line: 1, Hash: s.now(id).History[0].Hash})
		}
		s.stop()
		if err := os.MkdirAll(filepath.Dir(s.marks), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.marks, was.Encode(s.openPGP.JournalKey()), 0o600); err != nil {
			t.Fatal(err)
		}
		holding := &holdingJournal{}
		s.journal = func(j event.Journal) event.Journal { holding.Journal = j; return holding }
		s.start()
		if len(holding.read) < ended {
			t.Fatalf("%d journals were read: this test shows nothing", len(holding.read))
		}
		if holding.most > 4 { // the newest unseal stays, and the one before may not be collected yet
			t.Errorf("%d ceremonies were in memory at once", holding.most)
		}
		if found := s.lost(); len(found) > 0 {
			t.Errorf("people are told of %+v", found)
		}
	})
}
