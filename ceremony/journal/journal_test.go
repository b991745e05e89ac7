package journal_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/journal"
	"conclave/ceremony/rules"
	"conclave/ceremony/transcript"
	"conclave/needs"
)

// write makes the journal of a small ceremony. It returns the file's path and the hash of
// its first line.
func write(t *testing.T, j *ceremonytest.Journal, id ceremony.ID, previous string) (path, first string) {
	t.Helper()
	plan := ceremonytest.SamplePlan(id)
	entries, err := j.Append(t.Context(), id, 0, event.Proposed{Plan: plan, PlanHash: plan.Hash(), Previous: previous})
	if err != nil {
		t.Fatal(err)
	}
	_, err = j.Append(t.Context(), id, 1,
		event.Approved{By: ceremonytest.Person("paul"), PlanHash: plan.Hash()},
		event.Starting{Attempt: 1},
		event.Started{Nonce: "n-1", Required: 3},
		event.Posted{Key: "board", Ref: ceremony.Ref{Channel: "C1", TS: "1.2"}},
		event.Closing{Outcome: event.Cancelled, By: &plan.Initiator, Why: "enough"},
		event.Ended{Outcome: event.Cancelled, Vault: event.AttemptDropped})
	if err != nil {
		t.Fatal(err)
	}
	return j.Path(id), entries[0].Hash
}

func TestJournalGivesBackWhatWasWritten(t *testing.T) {
	dir := t.TempDir()
	j := ceremonytest.OpenJournal(t, dir)
	write(t, j, "prod-rekey-aaaa", "")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = ceremonytest.OpenJournal(t, dir)
	entries, err := j.Load(t.Context(), "prod-rekey-aaaa")
	if err != nil {
		t.Fatal(err)
	}
	c, err := rules.Replay(entries)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ceremonytest.SamplePlan("prod-rekey-aaaa"), c.Plan); diff != "" {
		t.Errorf("plan: %s", diff)
	}
	if c.Outcome != event.Cancelled || c.Seq() != 7 {
		t.Errorf("outcome %q after %d events", c.Outcome, c.Seq())
	}
	if _, err := j.Append(t.Context(), "prod-rekey-aaaa", 7, event.Posted{Key: "late"}); err != nil {
		t.Errorf("append after a restart: %v", err)
	}
}

func TestP8EveryChangedByteOfAJournalIsFound(t *testing.T) {
	dir := t.TempDir()
	path, _ := write(t, ceremonytest.OpenJournal(t, dir), "prod-rekey-aaaa", "")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	report, err := journal.VerifyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The last line has no successor. Its changes show in the head's hash, which people
	// keep.
	copied := filepath.Join(t.TempDir(), "copy.jsonl")
	step := needs.Step(7)
	for i := rand.IntN(step); i < len(good); i += step {
		for _, flip := range []byte{0x01, 0x20, 0x80} {
			bad := bytes.Clone(good)
			bad[i] ^= flip
			if err := os.WriteFile(copied, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			if got, err := journal.VerifyFile(copied); err == nil && got.Head == report.Head {
				t.Fatalf("byte %d changed from %q to %q is not found", i, good[i], bad[i])
			}
		}
	}
}

func TestP8MissingMovedAndForeignLinesAreFound(t *testing.T) {
	dir := t.TempDir()
	path, _ := write(t, ceremonytest.OpenJournal(t, dir), "prod-rekey-aaaa", "")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(good, []byte("\n"))
	lines = lines[:len(lines)-1]
	check := func(what string, changed [][]byte) {
		t.Helper()
		copied := filepath.Join(t.TempDir(), "copy.jsonl")
		if err := os.WriteFile(copied, bytes.Join(changed, nil), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := journal.VerifyFile(copied); !errors.Is(err, ceremony.ErrChain) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := range len(lines) - 1 { // a missing last line is a shorter journal: its head differs
		check("a missing line", slices.Delete(slices.Clone(lines), i, i+1))
		check("a doubled line", slices.Insert(slices.Clone(lines), i, lines[i]))
		swapped := slices.Clone(lines)
		swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
		check("swapped lines", swapped)
	}
	check("nothing", nil)
	check("spaces in a line", append([][]byte{append([]byte(" "), lines[0]...)}, lines[1:]...))
}

func TestMissingCeremonyIsFound(t *testing.T) {
	dir := t.TempDir()
	j := ceremonytest.OpenJournal(t, dir)
	_, first := write(t, j, "prod-rekey-aaaa", "")
	path, second := write(t, j, "prod-rekey-bbbb", first)
	write(t, j, "prod-rekey-cccc", second)
	reports, err := journal.VerifyDir(dir)
	if err != nil || len(reports) != 3 {
		t.Fatalf("%d reports, %v", len(reports), err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err = journal.VerifyDir(dir)
	if !errors.Is(err, ceremony.ErrChain) || !strings.Contains(err.Error(), "prod-rekey-cccc") {
		t.Errorf("a ceremony is gone and nobody says so: %v", err)
	}
}

func TestTornLineIsCutOff(t *testing.T) {
	dir := t.TempDir()
	j := ceremonytest.OpenJournal(t, dir)
	path, _ := write(t, j, "prod-rekey-aaaa", "")
	_ = j.Close()
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(bytes.Clone(good), `{"seq":8,"prev":"ab`...), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := journal.VerifyFile(path); err != nil || !r.Torn {
		t.Errorf("torn %v, %v", r.Torn, err)
	}
	j = ceremonytest.OpenJournal(t, dir)
	if _, err := j.Load(t.Context(), "prod-rekey-aaaa"); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append(t.Context(), "prod-rekey-aaaa", 7, event.Posted{Key: "late"}); err != nil {
		t.Error(err)
	}
	if got, _ := os.ReadFile(path); !bytes.HasPrefix(got, append(good, `{"seq":8,`...)) || bytes.Count(got, []byte("\n")) != 8 {
		t.Error("the torn line was not cut off")
	}
	if r, err := journal.VerifyFile(path); err != nil || r.Torn {
		t.Errorf("torn %v, %v", r.Torn, err)
	}
	// A file without a whole line is no ceremony.
	if err := os.WriteFile(filepath.Join(dir, "prod-rekey-zzzz.jsonl"), []byte(`{"seq":1`), 0o600); err != nil {
		t.Fatal(err)
	}
	if ids, err := j.List(t.Context()); err != nil || len(ids) != 1 {
		t.Errorf("list: %q, %v", ids, err)
	}
}

func TestSecondBotOnOneJournalIsRefused(t *testing.T) {
	dir := t.TempDir()
	ceremonytest.OpenJournal(t, dir)
	if _, err := journal.OpenFiles(dir); !errors.Is(err, ceremony.ErrLocked) {
		t.Errorf("a second one opens it: %v", err)
	}
}

func TestAppendKnowsWhenItIsBehind(t *testing.T) {
	dir := t.TempDir()
	j := ceremonytest.OpenJournal(t, dir)
	path, _ := write(t, j, "prod-rekey-aaaa", "")
	for what, append := range map[string]func() error{
		"an old sequence number": func() error {
			_, err := j.Append(context.Background(), "prod-rekey-aaaa", 3, event.Posted{Key: "x"})
			return err
		},
		"a ceremony that is there already": func() error {
			_, err := j.Append(context.Background(), "prod-rekey-aaaa", 0, event.Posted{Key: "x"})
			return err
		},
		"a file that grew": func() error {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, _ = f.WriteString("{}\n")
			_ = f.Close()
			_, err = j.Append(context.Background(), "prod-rekey-aaaa", 7, event.Posted{Key: "x"})
			return err
		},
	} {
		if err := append(); !errors.Is(err, ceremony.ErrBehind) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestP9FailedWriteStopsTheJournal(t *testing.T) {
	dir := t.TempDir()
	j := ceremonytest.OpenJournal(t, dir)
	path, _ := write(t, j, "prod-rekey-aaaa", "")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err := j.Append(t.Context(), "prod-rekey-aaaa", 7, event.Posted{Key: "x"})
		if !errors.Is(err, ceremony.ErrJournal) {
			t.Errorf("append to a file that is gone: %v", err)
		}
	}
	plan := ceremonytest.SamplePlan("prod-rekey-bbbb")
	_, err := j.Append(t.Context(), plan.Ceremony, 0, event.Proposed{Plan: plan, PlanHash: plan.Hash()})
	if !errors.Is(err, ceremony.ErrJournal) {
		t.Errorf("another ceremony on a journal that failed: %v", err)
	}
}

func FuzzJournalLines(f *testing.F) {
	dir := f.TempDir()
	j := ceremonytest.OpenJournal(f, dir)
	plan := ceremonytest.SamplePlan("prod-rekey-aaaa")
	_, err := j.Append(context.Background(), plan.Ceremony, 0,
		event.Proposed{Plan: plan, PlanHash: plan.Hash()},
		event.Approved{By: ceremonytest.Person("paul"), PlanHash: plan.Hash()})
	if err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(j.Path(plan.Ceremony))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	kept, _ := ceremonytest.Samples(f)
	made, err := transcript.ReadTranscript(kept["rejected.json"])
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(strings.Join(made.Journal, "\n") + "\n"))
	f.Add([]byte("{}\n"))
	f.Add([]byte(`{"seq":1,"prev":"","at":"2026-11-22T03:00:00Z","ceremony":"x","type":"posted",` +
		`"event":{"key":"k","ref":{"channel":"C","ts":"1"}}}` + "\n"))
	path := filepath.Join(f.TempDir(), "fuzz.jsonl")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := journal.VerifyFile(path)
		if err == nil && !bytes.HasPrefix(text, []byte(`{"seq":1,"prev":"",`)) {
			t.Errorf("%q verifies as %+v", text, r)
		}
	})
}

// What is due some time after an entry is due by the wall clock, also when the machine sleeps in between.
func TestEntriesAreDatedByTheWallClockAlone(t *testing.T) {
	j := ceremonytest.OpenJournal(t, t.TempDir())
	plan := ceremonytest.SamplePlan("prod-rekey-aaaa")
	entries, err := j.Append(t.Context(), plan.Ceremony, 0, event.Proposed{Plan: plan, PlanHash: plan.Hash()})
	if err != nil {
		t.Fatal(err)
	}
	if at := entries[0].At.String(); strings.Contains(at, " m=") {
		t.Errorf("%s has the time of the clock that stands still in sleep", at)
	}
}
