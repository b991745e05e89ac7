package ceremonytest

import (
	"testing"

	"conclave/ceremony/journal"
)

// OpenJournal opens the journal in dir, and closes it at the end of the test.
func OpenJournal(t *testing.T, dir string) *journal.FileJournal {
	t.Helper()
	j, err := journal.OpenJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}
