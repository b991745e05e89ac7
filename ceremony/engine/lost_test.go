package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/journal"
	"conclave/ceremony/mark"
)

// The name of a file may be no text. It silences no alarm.
func TestFileWhoseNameIsNoTextIsTold(t *testing.T) {
	playFor(t, ceremony.Drill, func(t *testing.T, s *stage) {
		s.stop()
		for _, name := range []string{"a.jsonl", "b-\xff.jsonl", "c.jsonl"} {
			path := filepath.Join(s.dir, name)
			if err := os.WriteFile(path, []byte("junk\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			defer os.Remove(path)
		}
		s.start()
		s.settle(time.Minute)
		if found := s.found(ceremony.JournalBroken); len(found) != 3 {
			t.Errorf("told of %d: %+v", len(found), found)
		}
		alice := ceremonytest.Person("alice").Account
		if _, err := s.engine.Exposed(context.Background(), alice, ceremony.ExposedToken); err != nil {
			t.Errorf("the next finding: %v", err)
		}
	})
}

// A journal of a settled ceremony is replaced by as many other bytes, with its old time.
func TestNoSettledJournalStopsTheStart(t *testing.T) {
	playFor(t, ceremony.Drill, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.Drill)
		s.finish(id)
		s.settle(time.Minute)
		s.stop()
		path, good := journal.FilePath(s.dir, id), copyOf(t, s.dir)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, bytes.Repeat([]byte("x"), int(info.Size())), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
		s.start()
		s.settle(time.Minute)
		if found := s.found(ceremony.JournalBroken); len(found) != 1 || found[0].Subject != string(id) {
			t.Errorf("told of %+v", found)
		}
		s.stop()
		putBack(t, s.dir, good)
		s.start()
	})
}

// The file of marks is gone and Slack has no posts. The index knows that the ceremony has ended.
func TestP4IndexNoticesAnOlderCopyByItself(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.remembers()
		id := s.begin(ceremony.GenerateRoot)
		if _, err := s.engine.Cancel(context.Background(), id, ceremonytest.Person("olga").Account, ""); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		s.stop()
		path := journal.FilePath(s.dir, id)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.Index(whole, []byte(`"type":"starting"`))
		if at < 0 {
			t.Fatal("no start was ordered")
		}
		if err := os.WriteFile(path, whole[:bytes.LastIndexByte(whole[:at], '\n')+1], 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(s.marks); err != nil {
			t.Fatal(err)
		}
		writes := s.writes()
		s.start()
		s.settle(time.Minute)
		if c := s.now(id); !c.FrozenFor(event.RolledBack) || s.writes() != writes {
			t.Errorf("OBEYED: %d writes, %s", s.writes()-writes, storyOf(c))
		}
	})
}

// What a settled ceremony has told stays known when its journal is broken, or gone.
func TestExposureIsRememberedWithoutItsJournal(t *testing.T) {
	playFor(t, ceremony.Drill, func(t *testing.T, s *stage) {
		alice := ceremonytest.Person("alice").Account
		ids, err := s.engine.Exposed(context.Background(), alice, ceremony.ExposedShare)
		if err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		if err := s.acknowledge(ids[0], "paul"); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Hour)
		s.restart()
		s.stop()
		path, good := journal.FilePath(s.dir, ids[0]), copyOf(t, s.dir)
		for what, spoil := range map[string]func() error{
			"broken": func() error { return os.WriteFile(path, append([]byte("x"), good[filepath.Base(path)]...), 0o600) },
			"gone":   func() error { return os.Remove(path) },
		} {
			if err := spoil(); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				s.start()
				s.settle(time.Minute)
				if n := len(s.engine.Exposures("prod")); n != 1 {
					t.Errorf("%s: %d exposures are known", what, n)
				}
				s.stop()
			}
			putBack(t, s.dir, good)
		}
		s.start()
	})
}

// An alarm takes twenty findings. Its acknowledgement is about these, and the others are told afterwards.
func TestAcknowledgementIsAboutWhatWasTold(t *testing.T) {
	playFor(t, ceremony.Drill, func(t *testing.T, s *stage) {
		s.remembers()
		s.stop()
		was := mark.Memory{Written: time.Now(), Ceremonies: 30}
		for i := range 30 {
			id := ceremony.ID(fmt.Sprintf("prod-rekey-aa%02d", i))
			was.Settled = append(was.Settled, mark.Mark{Ceremony: id, Line: 9, Hash: strings.Repeat("ab", 32)})
		}
		if err := os.WriteFile(s.marks, was.Encode(s.openPGP.JournalKey()), 0o600); err != nil {
			t.Fatal(err)
		}
		s.start()
		told := 0
		for told < 30 {
			s.settle(time.Minute)
			found := len(s.lost())
			if found == 0 {
				t.Fatalf("%d of 30 were told", told)
			}
			if err := s.proposed(ceremony.Rotate); err == nil {
				t.Fatalf("a proposal passes when %d of 30 were told", told)
			}
			told += found
			alarm, _ := s.openAlarm()
			if err := s.acknowledge(alarm.ID(), "paul"); err != nil {
				t.Fatal(err)
			}
		}
		s.settle(time.Minute)
		s.restart()
		s.settle(time.Minute)
		if found := s.lost(); len(found) > 0 {
			t.Errorf("told again: %+v", found)
		}
	})
}

// A mark of which only the line is known is kept as such, and spoils no file.
func TestMarkWithoutAHashIsReadBack(t *testing.T) {
	playFor(t, ceremony.Drill, func(t *testing.T, s *stage) {
		key := s.openPGP.JournalKey()
		was := mark.Memory{Written: time.Now(), Ceremonies: 1, Accepted: []mark.Mark{{Ceremony: "prod-rekey-aaaa", Line: 9}}}
		read, err := mark.Decode(was.Encode(key), key)
		if err != nil || len(read.Accepted) != 1 || read.Accepted[0] != was.Accepted[0] {
			t.Errorf("%+v, %v", read, err)
		}
	})
}
