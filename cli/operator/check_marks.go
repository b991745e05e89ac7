package operator

import (
	"errors"
	"io/fs"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/journal"
	"conclave/ceremony/mark"
	"conclave/ceremony/openpgp"
	"conclave/ceremony/rules"
	"conclave/config"
	"conclave/host"
	"conclave/plural"
)

// checkMarks tries the file of marks, and compares the journal with it. pgp has the key that
// authenticates the file, and is nil when the identity could not be read.
func checkMarks(c *config.Config, f *findings, pgp *openpgp.OpenPGP) {
	path := c.Journal.MarksFile()
	if f.failed("marks", host.TrustedMarks(path)) {
		return
	}
	if err := tryKeeping(nearest(string(path))); err != nil {
		f.add(stop, "marks", "%s can't be written, and an older copy of the journal would not be noticed by it: %v\n"+
			"have journal.marks name a file that the bot can write, on a disk that is not restored with the journal", path, err)
		return
	}
	if pgp == nil {
		return
	}
	// The marks are read first: a bot that runs writes to the journal before it marks that.
	was, err := mark.Read(string(path), pgp.JournalKey())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.add(note, "marks", "%s is not there; the next start writes it. If it was there before, somebody has removed it", path)
		return
	case errors.Is(err, mark.ErrNotOurs):
		f.add(stop, "marks", "%v: whether the journal is an older copy can't be told by it.\nFind out who has written it; the next start sets it aside", err)
		return
	case f.failed("marks", err):
		return
	}
	compareMarks(c, f, was, pgp)
}

// compareMarks adds what the journal lacks.
func compareMarks(c *config.Config, f *findings, was mark.Memory, pgp *openpgp.OpenPGP) {
	ceremonies, err := journal.ReadJournal(string(c.Journal.Directory), pgp.JournalKey())
	if err != nil {
		return // checkJournal has found it
	}
	has := map[ceremony.ID]rules.State{}
	for _, s := range ceremonies {
		has[s.ID()] = s
	}
	behind := 0
	for _, m := range was.Marks() {
		if s := has[m.Ceremony]; !m.Newer(s.History) || slices.Contains(was.Accepted, m) {
			continue
		}
		behind++
		f.add(stop, "marks", "%s was at %s, and its journal has %s: it is an older copy, or was cut off",
			m.Ceremony, m, plural.Of(has[m.Ceremony].Seq(), "line"))
	}
	if behind == 0 {
		f.add(ok, "marks", "%s, of %s: the journal is not older", c.Journal.MarksFile(), was.Written.UTC().Format(time.RFC3339))
	}
}
