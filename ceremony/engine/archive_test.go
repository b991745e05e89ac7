package engine_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/transcript"
)

// transcriptFile makes what archives keep in these tests: the transcript without a page.
func transcriptFile(c rules.State, signed event.TranscriptSigned) ([]ceremony.File, error) {
	file, err := transcript.File(c, signed)
	return []ceremony.File{{Name: ceremony.TranscriptName(c.ID(), signed.Number, "json"), Content: file}}, err
}

// fakeArchive keeps the rules of [ceremony.Archive]. Package archive has the real ones.
type fakeArchive struct {
	name string

	mu    sync.Mutex
	kept  map[string]string // name → content
	tries []time.Time
	// fault returns the errors of try number n, before and after the document is kept.
	fault func(ctx context.Context, n int) (before, after error)
}

func newFakeArchive(name string) *fakeArchive {
	return &fakeArchive{name: name, kept: map[string]string{}}
}

func (a *fakeArchive) Name() string { return a.name }

func (a *fakeArchive) Keep(ctx context.Context, d ceremony.Document) (ceremony.Receipt, error) {
	a.mu.Lock()
	n, fault := len(a.tries), a.fault
	a.tries = append(a.tries, time.Now())
	a.mu.Unlock()
	var before, after error
	if fault != nil {
		before, after = fault(ctx, n)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if before != nil {
		return ceremony.Receipt{}, before
	}
	f := d.Files[0]
	if there, ok := a.kept[f.Name]; ok && there != string(f.Content) {
		return ceremony.Receipt{}, errors.New("something else is there")
	}
	a.kept[f.Name] = string(f.Content)
	return ceremony.Receipt{Text: "under " + f.Name}, after
}

func (a *fakeArchive) tried() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.tries)
}

// receipts returns a ceremony's events about archives, in a word each.
func receipts(c rules.State) []string {
	var list []string
	for _, e := range c.History {
		switch ev := e.Event.(type) {
		case event.Archived:
			list = append(list, ev.Where+": "+ev.Receipt)
		case event.ArchiveFailed:
			list = append(list, ev.Where+": not kept")
		}
	}
	slices.Sort(list)
	return list
}

func wantReceipts(t *testing.T, c rules.State, want ...string) {
	t.Helper()
	if got := receipts(c); !slices.Equal(got, want) {
		t.Errorf("the journal has %q, want %q", got, want)
	}
}

// rotated returns a ceremony that has ended and whose transcript is being archived.
func (s *stage) rotated() ceremony.ID {
	s.t.Helper()
	id := s.begin(ceremony.Rotate)
	s.finish(id)
	s.settle(time.Minute)
	return id
}

func TestEachArchiveKeepsATranscriptOnce(t *testing.T) {
	playFor(t, ceremony.Rotate, func(t *testing.T, s *stage) {
		near, far := newFakeArchive("near"), newFakeArchive("far")
		s.stop()
		s.archives = []ceremony.Archive{near, far}
		s.start()
		id := s.rotated()
		name := string(id) + "-transcript-1.json"
		wantReceipts(t, s.now(id), "far: under "+name, "near: under "+name)
		if !s.now(id).Settled() {
			t.Error("the ceremony is not settled")
		}
		s.restart()
		s.settle(time.Hour)
		for _, a := range []*fakeArchive{near, far} {
			file, err := transcript.File(s.now(id), s.now(id).Transcripts()[0])
			if a.tried() != 1 || err != nil || a.kept[name] != string(file) {
				t.Errorf("%s was asked %d times and has %d bytes, %v", a.name, a.tried(), len(a.kept[name]), err)
			}
		}
	})
}

func TestArchiveThatHangsHoldsNothingBack(t *testing.T) {
	playFor(t, ceremony.Rotate, func(t *testing.T, s *stage) {
		near, far := newFakeArchive("near"), newFakeArchive("far")
		far.fault = func(ctx context.Context, _ int) (error, error) { <-ctx.Done(); return ctx.Err(), nil }
		s.stop()
		s.archives = []ceremony.Archive{far, near}
		s.start()
		id := s.rotated()
		wantReceipts(t, s.now(id), "near: under "+string(id)+"-transcript-1.json")
		another := s.rotated()
		if c := s.now(another); c.Outcome != event.Completed || len(receipts(c)) != 1 {
			t.Errorf("the next ceremony is %s, with %q", c.Outcome, receipts(c))
		}
	})
}

// An archive that fails is left alone for longer each time; its answer may be lost
// after it has kept the transcript.
func TestArchiveIsAskedAgainUntilItAnswers(t *testing.T) {
	playFor(t, ceremony.Rotate, func(t *testing.T, s *stage) {
		far := newFakeArchive("far")
		far.fault = func(_ context.Context, n int) (error, error) {
			switch {
			case n < 3:
				return errors.New("no way there"), nil
			case n < 6:
				return nil, errors.New("the answer was lost")
			}
			return nil, nil
		}
		s.stop()
		s.archives = []ceremony.Archive{far}
		s.start()
		id := s.rotated()
		s.settle(time.Hour)
		wantReceipts(t, s.now(id), "far: under "+string(id)+"-transcript-1.json")
		for i := 2; i < len(far.tries); i++ {
			if last, this := far.tries[i-1].Sub(far.tries[i-2]), far.tries[i].Sub(far.tries[i-1]); this < last {
				t.Errorf("try %d came after %s, the one before after %s", i, this, last)
			}
		}
	})
}

func TestRestartAsksAgainForWhatWasNotRecorded(t *testing.T) {
	playFor(t, ceremony.Rotate, func(t *testing.T, s *stage) {
		far := newFakeArchive("far")
		far.fault = func(context.Context, int) (error, error) { return nil, errors.New("the answer was lost") }
		s.stop()
		s.archives = []ceremony.Archive{far}
		s.start()
		id := s.rotated()
		wantReceipts(t, s.now(id))
		s.stop()
		far.fault = nil
		s.start()
		s.settle(time.Minute)
		wantReceipts(t, s.now(id), "far: under "+string(id)+"-transcript-1.json")
	})
}

func TestPeopleAreToldOfAnArchiveThatKeepsNothingForADay(t *testing.T) {
	playFor(t, ceremony.Rotate, func(t *testing.T, s *stage) {
		far := newFakeArchive("far")
		far.fault = func(context.Context, int) (error, error) { return errors.New("no way there"), nil }
		s.stop()
		s.archives = []ceremony.Archive{far}
		s.start()
		id := s.rotated()
		s.settle(23 * time.Hour)
		wantReceipts(t, s.now(id))
		s.settle(2 * time.Hour)
		wantReceipts(t, s.now(id), "far: not kept")
		if !s.now(id).Settled() {
			t.Error("the ceremony is not settled")
		}
		if tries := far.tried(); tries > 200 {
			t.Errorf("the archive was asked %d times in a day", tries)
		}
		told := 0
		for _, key := range s.notifier.Order {
			if strings.HasPrefix(key, string(rules.NotKeptMessage)) {
				told++
			}
		}
		if told != 3 { // olga, who began it, and paul and quin, who approve
			t.Errorf("%d people are told", told)
		}
	})
}

// The time to archive may be over before an archive was asked.
func TestArchiveIsAskedBeforeItIsGivenUpAfterALongStop(t *testing.T) {
	playFor(t, ceremony.Rotate, func(t *testing.T, s *stage) {
		far := newFakeArchive("far")
		far.fault = func(context.Context, int) (error, error) { return errors.New("no way there"), nil }
		s.stop()
		s.archives = []ceremony.Archive{far}
		s.start()
		id := s.rotated()
		s.stop()
		time.Sleep(48 * time.Hour)
		far.fault = nil
		s.start()
		s.settle(time.Minute)
		wantReceipts(t, s.now(id), "far: under "+string(id)+"-transcript-1.json")
	})
}

func TestArchiveThatIsNotConfiguredAnyMoreIsGivenUp(t *testing.T) {
	playFor(t, ceremony.Rotate, func(t *testing.T, s *stage) {
		far := newFakeArchive("far")
		far.fault = func(context.Context, int) (error, error) { return errors.New("no way there"), nil }
		s.stop()
		s.archives = []ceremony.Archive{far}
		s.start()
		id := s.rotated()
		s.stop()
		s.archives = nil
		s.start()
		s.settle(25 * time.Hour)
		wantReceipts(t, s.now(id), "far: not kept")
	})
}

func TestArchiveThatIsConfiguredLaterIsNotAskedForOldTranscripts(t *testing.T) {
	playFor(t, ceremony.Rotate, func(t *testing.T, s *stage) {
		id := s.rotated()
		s.stop()
		far := newFakeArchive("far")
		s.archives = []ceremony.Archive{far}
		s.start()
		s.settle(25 * time.Hour)
		wantReceipts(t, s.now(id))
		if far.tried() != 0 {
			t.Errorf("it was asked %d times", far.tried())
		}
	})
}

func TestReceiptForWhatNobodyWasToKeepIsNoStory(t *testing.T) {
	playFor(t, ceremony.Rotate, func(t *testing.T, s *stage) {
		s.stop()
		s.archives = []ceremony.Archive{newFakeArchive("far")}
		s.start()
		c := s.now(s.rotated())
		signed := c.Transcripts()[0]
		at := slices.IndexFunc(c.History, func(e event.Entry) bool { _, ok := e.Event.(event.Archived); return ok })
		before, err := rules.Replay(c.History[:at])
		if err != nil {
			t.Fatal(err)
		}
		good := event.Archived{Number: 1, Where: "far", SHA256: signed.SHA256, Receipt: "here"}
		for name, change := range map[string]func(*event.Archived){
			"another number":  func(k *event.Archived) { k.Number = 2 },
			"another archive": func(k *event.Archived) { k.Where = "near" },
			"another file":    func(k *event.Archived) { k.SHA256 = strings.Repeat("0", 64) },
			"as it was":       func(*event.Archived) {},
		} {
			k := good
			change(&k)
			after, err := rules.Apply(before, event.Entry{Seq: before.Seq() + 1, Event: k})
			if (err == nil) != (name == "as it was") {
				t.Errorf("%s: %v", name, err)
			}
			if err != nil {
				continue
			}
			if _, err := rules.Apply(after, event.Entry{Seq: after.Seq() + 1, Event: k}); err == nil {
				t.Error("it is kept a second time")
			}
			if _, err := rules.Apply(after, event.Entry{
				Seq: after.Seq() + 1, Event: event.ArchiveFailed{Number: 1, Where: "far"},
			}); err == nil {
				t.Error("it is kept, and then not kept")
			}
		}
	})
}
