package ceremonytest

import (
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/journal"
	"conclave/ceremony/secret"
)

// Journal is a journal in a directory, under the key of [FakeOpenPGP].
type Journal struct {
	*journal.Journal
	Dir string
}

// JournalKey returns the key of [FakeOpenPGP].
func JournalKey() secret.MACKey { return (&FakeOpenPGP{}).JournalKey() }

// OpenJournal opens the journal in dir, and closes it at the end of the test.
func OpenJournal(t testing.TB, dir string) *Journal {
	t.Helper()
	j, err := journal.OpenJournal(dir, JournalKey())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return &Journal{j, dir}
}

// Path returns the path of a ceremony's file.
func (j *Journal) Path(id ceremony.ID) string { return journal.FilePath(j.Dir, id) }
