package engine_test

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/aside"
	"conclave/ceremony/journal"
)

// junk puts files into the journal's folder that are no journals.
func (s *stage) junk(n int, name string) {
	s.t.Helper()
	for i := range n {
		if err := os.WriteFile(journal.FilePath(s.dir, ceremony.ID(fmt.Sprintf(name, i))), []byte("not JSON\n"), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
}

// breakJournal changes a byte in a line of a ceremony's journal.
func (s *stage) breakJournal(id ceremony.ID, line int) {
	s.t.Helper()
	path := journal.FilePath(s.dir, id)
	text, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	lines[line-1][len(lines[line-1])-4] ^= 1
	if err := os.WriteFile(path, bytes.Join(lines, nil), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// An alarm takes 20 findings. Somebody has broken the journal of an open ceremony and put 60
// files into the folder.
func TestJunkDoesNotHideTheBrokenJournalOfAnOpenCeremony(t *testing.T) {
	for _, row := range []struct {
		what  string
		marks bool
		line  int
	}{
		{"its first line is the identity's", false, 2},
		{"a mark names it", true, 1},
	} {
		t.Run(row.what, func(t *testing.T) {
			playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
				if row.marks {
					s.remembers()
				}
				id := s.begin(ceremony.GenerateRoot)
				s.settle(time.Minute)
				s.stop()
				good := copyOf(t, s.dir)
				s.junk(30, "aaaa-%02d")
				s.junk(30, "prod-generate-root-aa%02d")
				s.breakJournal(id, row.line)
				s.start()
				s.settle(time.Minute)
				found := s.found(ceremony.JournalBroken)
				if len(found) != aside.MostNamed+1 || found[0].Subject != string(id) {
					t.Fatalf("people are told of %d: %+v", len(found), found)
				}
				if last := found[aside.MostNamed]; last.Subject != "" || last.Got[:13] != "53 ceremonies" {
					t.Errorf("how many more there are: %+v", last)
				}
				if alarm, _ := s.openAlarm(); len(s.told(alarm.ID())) == 0 {
					t.Error("no owner hears of it")
				}
				s.stop()
				putBack(t, s.dir, good)
				s.start()
			})
		})
	}
}

// Each start with other files adds to the same alarm, until it takes one finding an hour.
func TestAnAlarmThatIsFullTakesTheBrokenJournalLater(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.GenerateRoot)
		s.settle(time.Minute)
		for n := range 3 {
			s.stop()
			s.junk(30, fmt.Sprintf("a%d-%%02d", n))
			s.start()
			s.settle(time.Minute)
			s.stop()
			alarm := copyOf(t, s.dir)
			for name := range alarm {
				if name[0] == 'a' {
					delete(alarm, name)
				}
			}
			putBack(t, s.dir, alarm)
			s.start()
		}
		s.stop()
		good := copyOf(t, s.dir)
		s.breakJournal(id, 2)
		s.start()
		told := func() bool {
			for _, n := range s.found(ceremony.JournalBroken) {
				if n.Subject == string(id) {
					return true
				}
			}
			return false
		}
		s.settle(time.Minute)
		if told() {
			t.Fatal("the alarm is not full: this test shows nothing")
		}
		s.settle(2 * time.Hour)
		if !told() {
			t.Error("nobody is ever told")
		}
		s.stop()
		if err := os.WriteFile(journal.FilePath(s.dir, id), good[string(id)+".jsonl"], 0o600); err != nil {
			t.Fatal(err)
		}
		s.start()
	})
}
