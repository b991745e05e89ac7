package engine_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/journal"
)

// There are no marks. What a later ceremony names shows that an open one was taken away.
func TestAnEmptiedJournalOfAnOpenCeremonyIsMissed(t *testing.T) {
	for what, empty := range map[string]func(path string, text []byte) error{
		"emptied": func(path string, _ []byte) error { return os.WriteFile(path, nil, 0o600) },
		"cut off in the first line": func(path string, text []byte) error {
			return os.WriteFile(path, text[:bytes.IndexByte(text, '\n')-1], 0o600)
		},
		"removed": func(path string, _ []byte) error { return os.Remove(path) },
	} {
		t.Run(what, func(t *testing.T) {
			playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
				s.configure = func(c *ceremony.Cluster) { c.Owners = ceremonytest.People("sue") }
				s.restart()
				id := s.begin(ceremony.GenerateRoot)
				who := ceremonytest.Person("mallory").Account // the alarm is a later ceremony
				if _, err := s.engine.Exposed(context.Background(), who, ceremony.ExposedToken); err != nil {
					t.Fatal(err)
				}
				s.settle(time.Minute)
				s.stop()
				path := journal.FilePath(s.dir, id)
				text, err := os.ReadFile(path)
				if err == nil {
					err = empty(path, text)
				}
				if err != nil {
					t.Fatal(err)
				}
				s.start()
				s.settle(time.Minute)
				if what == "removed" {
					found := s.found(ceremony.RolledBack)
					if len(found) != 1 || !strings.Contains(found[0].Want, "the first lines ") || found[0].Got != "1" {
						t.Fatalf("people are told of %+v", found)
					}
					alarm, _ := s.openAlarm()
					if err := s.acknowledge(alarm.ID(), "paul"); err != nil {
						t.Fatal(err)
					}
					for range 2 { // the second time the alarm is in the index alone
						s.settle(8 * 24 * time.Hour)
						s.restart()
					}
					if found, ok := s.openAlarm(); ok {
						t.Errorf("told again: %+v", found.Findings())
					}
					s.stop()
				} else {
					if found := s.found(ceremony.JournalBroken); len(found) != 1 || found[0].Subject != string(id) {
						t.Errorf("people are told of %+v", found)
					}
					if err := s.proposed(ceremony.GenerateRoot); !errors.Is(err, ceremony.JournalAside) {
						t.Errorf("a new ceremony: %v", err)
					}
					s.stop()
				}
				if err := os.WriteFile(path, text, 0o600); err != nil {
					t.Fatal(err)
				}
				s.start()
			})
		})
	}
}

// A program that died over the first line of a ceremony has shown nothing to anybody.
func TestAFirstLineThatWasNeverFinishedHoldsNothingUp(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.stop()
		path := journal.FilePath(s.dir, "prod-rekey-torn")
		if err := os.WriteFile(path, []byte(`{"seq":1`), 0o600); err != nil {
			t.Fatal(err)
		}
		s.start()
		s.settle(time.Minute)
		if err := s.proposed(ceremony.GenerateRoot); err != nil || len(s.engine.SetAside()) > 0 {
			t.Errorf("%v, set aside %+v", err, s.engine.SetAside())
		}
		s.stop()
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		s.start()
	})
}
