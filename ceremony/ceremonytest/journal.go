package ceremonytest

import (
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/journal"
)

// ReadEvent lets the tests read an event's fields by its name.
func ReadEvent(name, fields string) (event.Event, error) {
	return event.DecodeEvent(name, []byte(fields))
}

// WriteLine lets the tests write a journal's entry again.
func WriteLine(id ceremony.ID, e event.Entry) ([]byte, error) { return journal.EncodeLine(id, e) }

func OpenJournal(t *testing.T, dir string) *journal.FileJournal {
	t.Helper()
	j, err := journal.OpenJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}
