package engine_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/journal"
	"conclave/ceremony/rules"
)

// cutBehind cuts a ceremony's journal off behind its first line of a type.
func (s *stage) cutBehind(id ceremony.ID, kind string) {
	s.t.Helper()
	path := journal.FilePath(s.dir, id)
	text, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	at := bytes.Index(text, []byte(`"type":"`+kind+`"`))
	if at < 0 {
		s.t.Fatalf("no line of type %s", kind)
	}
	at += bytes.IndexByte(text[at:], '\n') + 1
	if err := os.WriteFile(path, text[:at], 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// What can't freeze any more may still cancel in Vault, hand out and tell. Of an adopted
// journal it does none of that before people say so.
func TestAnAdoptedCeremonyThatIsEndingStandsStill(t *testing.T) {
	for _, row := range []struct {
		name string
		op   ceremony.Operation
		make func(s *stage, id ceremony.ID)
		then func(s *stage, id ceremony.ID) bool // reports whether it did what was left to do
	}{
		{"an attempt is being cancelled", ceremony.GenerateRoot, func(s *stage, id ceremony.ID) {
			s.stop()
			paul := ceremonytest.Person("paul")
			s.forge(id, event.Closing{Outcome: event.Cancelled, By: &paul})
		}, func(s *stage, id ceremony.ID) bool { return s.vault.Count("cancel") == 1 && s.now(id).Ended() }},
		{"the token is to be handed out", ceremony.GenerateRoot, func(s *stage, id ceremony.ID) {
			s.finish(id)
			s.stop()
			s.cutBehind(id, "token-issued")
		}, func(s *stage, id ceremony.ID) bool { return slices.Contains(s.told(id), "token") }},
		{"it has ended, and new shares are to be handed out", ceremony.Rekey, func(s *stage, id ceremony.ID) {
			s.finish(id)
			s.stop()
			s.cutBehind(id, "ended")
		}, func(s *stage, id ceremony.ID) bool { return slices.Contains(s.told(id), "delivery") }},
	} {
		t.Run(row.name, func(t *testing.T) {
			playFor(t, row.op, func(t *testing.T, s *stage) {
				s.verify = false
				s.restart()
				id := s.begin(row.op)
				s.settle(time.Second)
				row.make(s, id)
				s.age(id)
				s.adopt(id)
				writes := s.writes()
				s.notifier = ceremonytest.NewFakeNotifier()
				for range 2 {
					s.start()
					s.settle(time.Hour)
					if s.writes() != writes || len(s.told(id)) > 0 || s.drawn(id) > 0 {
						t.Errorf("%d writes, told %v, drawn %d times: %s", s.writes()-writes, s.told(id), s.drawn(id), storyOf(s.now(id)))
					}
					if found := s.found(ceremony.TakenOver); len(found) != 1 || found[0].Of != id {
						t.Fatalf("people are told of %+v", found)
					}
					s.stop()
				}
				s.start()
				alarm, _ := s.openAlarm()
				if err := s.acknowledge(alarm.ID(), "paul"); err != nil {
					t.Fatal(err)
				}
				s.restart() // what people have said holds
				s.settle(time.Hour)
				if !row.then(s, id) {
					t.Errorf("it does not go on: told %v: %s", s.told(id), storyOf(s.now(id)))
				}
				if open, ok := s.openAlarm(); ok {
					t.Errorf("told again: %+v", open.Findings())
				}
			})
		})
	}
}

// New shares may be anybody's work, and whoever gets them may throw the good ones away.
func TestAnAdoptedCeremonyHandsNothingOutWhileItIsFrozen(t *testing.T) {
	playFor(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.Rekey)
		s.contribute(id, ceremony.StepUpdate, 3)
		s.stop()
		s.cutBehind(id, "rekeyed")
		s.age(id)
		s.adopt(id)
		s.notifier = ceremonytest.NewFakeNotifier()
		s.start()
		s.settle(time.Minute)
		if told := s.told(id); s.now(id).Phase != rules.PhaseFrozen || slices.Contains(told, "delivery") || !slices.Contains(told, "frozen") {
			t.Fatalf("told %v: %s", told, storyOf(s.now(id)))
		}
		s.thaw(id)
		s.settle(time.Minute)
		if told := s.told(id); !slices.Contains(told, "delivery") {
			t.Errorf("told %v: %s", told, storyOf(s.now(id)))
		}
	})
}

// Vault's backup shows what became of the last share, before the adoption could freeze.
func TestAnAdoptedCeremonyThatComesToItsEndByAskingHandsNothingOut(t *testing.T) {
	playFor(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		s.verify = false
		s.restart()
		id := s.begin(ceremony.Rekey)
		s.contribute(id, ceremony.StepUpdate, 3)
		s.settle(time.Minute)
		s.stop()
		path := journal.FilePath(s.dir, id)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.Index(text, []byte(`"type":"rekeyed"`)) // the answer to the last share is lost
		if at < 0 {
			t.Fatal("no new shares")
		}
		if err := os.WriteFile(path, text[:bytes.LastIndexByte(text[:at], '\n')+1], 0o600); err != nil {
			t.Fatal(err)
		}
		s.age(id)
		s.adopt(id)
		s.notifier = ceremonytest.NewFakeNotifier()
		s.start()
		s.settle(time.Hour)
		c := s.now(id)
		if !strings.Contains(story(c), "rekeyed ended") || len(s.told(id)) > 0 {
			t.Fatalf("told %v: %s", s.told(id), storyOf(c))
		}
		alarm, _ := s.openAlarm()
		if err := s.acknowledge(alarm.ID(), "paul"); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		if told := s.told(id); !slices.Contains(told, "delivery") {
			t.Errorf("told %v: %s", told, storyOf(s.now(id)))
		}
	})
}
