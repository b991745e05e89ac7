package operator

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"conclave/ceremony/journal"
	"conclave/ceremony/ledger"
	"conclave/ceremony/openpgp"
	"conclave/config"
	"conclave/host"
	"conclave/plural"
)

// checkJournal tries the journal's folder, and returns the ceremonies in it. It does not need the journal's lock, which the running bot has.
func checkJournal(c *config.Config, f *findings) []journal.Report {
	dir := string(c.Journal.Directory)
	if f.failed("journal", host.TrustedJournal(c.Journal.Directory)) {
		return nil
	}
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		if !f.failed("journal", tryKeeping(nearest(dir))) {
			f.add(note, "journal", "%s is not there yet; the first start makes it", dir)
		}
		return nil
	}
	if f.failed("journal", errors.Join(tryKeeping(dir), tryAppending(dir))) {
		return nil
	}
	reports, err := journal.VerifyDir(dir)
	if !f.failed("journal", err) {
		f.add(ok, "journal", "%s: %s, the chain is whole", dir, plural.Count(len(reports), "ceremony", "ceremonies"))
	}
	return reports
}

// checkExposed adds the people whose shares count as exposed.
func checkExposed(c *config.Config, f *findings, pgp *openpgp.OpenPGP) {
	ceremonies, _ := journal.ReadJournal(string(c.Journal.Directory), pgp.JournalKey()) // checkJournal has found the faults
	for _, name := range slices.Sorted(maps.Keys(c.Clusters)) {
		for _, x := range ledger.Exposures(ceremonies, name) {
			f.add(note, "shares of "+name, "%s: %s since %s (%s): plan a rekey",
				x.Person.Name, x.Kind, x.At.UTC().Format(time.RFC3339), x.Of)
		}
	}
}

// journalRoom is the size in bytes of a line that is written as a trial, more than the
// journal of a long ceremony has. On a disk with room for one more line only, a ceremony
// would come to a stop in the middle.
const journalRoom = 1 << 20

// tryKeeping does in dir what the journal does there: it makes a file, syncs a line of
// it, and reads the line back. Then it removes the file, whose name no file of the journal
// has. It leaves the journal's lock alone, which the running bot has.
func tryKeeping(dir string) (err error) {
	f, err := os.CreateTemp(dir, ".check-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	line := append(bytes.Repeat([]byte("conclave check\t"), journalRoom/15), '\n')
	if _, err := f.Write(line); err != nil {
		return fmt.Errorf("no room for a ceremony: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("no room for a ceremony: %w", err)
	}
	back, err := io.ReadAll(io.NewSectionReader(f, 0, int64(len(line))+1))
	if err != nil {
		return err
	}
	if !bytes.Equal(back, line) {
		return fmt.Errorf("%s has not kept what was written to it", f.Name())
	}
	return nil
}

// nearest returns the folder in which the first start begins to make dir.
func nearest(dir string) string {
	for {
		above := filepath.Dir(dir)
		if _, err := os.Stat(above); above == dir || !errors.Is(err, os.ErrNotExist) {
			return above
		}
		dir = above
	}
}

// tryAppending opens the journal's files as the bot does at its start, and writes
// nothing. A file that another account has made, such as root at a terminal, would stop
// the bot, or leave it without its index.
func tryAppending(dir string) error {
	files, err := os.ReadDir(dir)
	for _, file := range files {
		if name := file.Name(); filepath.Ext(name) != ".jsonl" && name != ".lock" && name != ".index" {
			continue
		}
		f, openErr := os.OpenFile(filepath.Join(dir, file.Name()), os.O_RDWR, 0)
		if openErr == nil {
			openErr = f.Close()
		}
		err = errors.Join(err, openErr)
	}
	return err
}
