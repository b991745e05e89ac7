package engine_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/journal"
	"conclave/ceremony/openpgp"
	"conclave/ceremony/rules"
	"conclave/ceremony/transcript"
)

// keptDir holds what earlier programs have written, see its README. These files must never be
// written anew: a program that can't read them can't read its users' files.
const keptDir = "../testdata/kept"

// kept returns the files that match a pattern below keptDir.
func kept(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(keptDir, pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("nothing is kept as %s: %v", pattern, err)
	}
	return paths
}

// rewritten reads a kept journal, and fails unless its entries make the same bytes.
func rewritten(t *testing.T, path string) []event.Entry {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := journal.ReadChain(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	id, entries := ceremony.ID(strings.TrimSuffix(filepath.Base(path), ".jsonl")), chain.Entries
	var again bytes.Buffer
	for _, e := range entries {
		raw, err := journal.EncodeLine(id, e)
		if err != nil {
			t.Fatal(err)
		}
		again.Write(append(raw, '\n'))
	}
	if !bytes.Equal(again.Bytes(), file) {
		t.Errorf("%s is written again in other bytes", path)
	}
	return entries
}

// The journals have each event twice: with its required fields, and with all fields.
func TestP8EveryEventIsReadAndWrittenInTheBytesOfOld(t *testing.T) {
	count := map[string]int{}
	for _, path := range kept(t, "every-event*.jsonl") {
		entries := rewritten(t, path)
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i, raw := range bytes.Split(bytes.TrimSpace(file), []byte("\n")) {
			var l struct{ Type string }
			if err := json.Unmarshal(raw, &l); err != nil {
				t.Fatal(err)
			}
			count[l.Type]++
			if got := event.TypeOf(entries[i].Event); got != l.Type {
				t.Errorf("%s: line %d is %q and was read as %q", path, i+1, l.Type, got)
			}
		}
	}
	for _, e := range event.EveryEvent() {
		if count[event.TypeOf(e)] == 0 {
			t.Errorf("nothing that is kept has %q: add a journal that has it to %s", event.TypeOf(e), keptDir)
		}
	}
}

// What was added to events since the first journals were kept happens in a kept one, too.
func TestP8FieldsThatWereAddedLaterAreKept(t *testing.T) {
	missing := map[string]func(event.Event) bool{
		"froze, with what a backup shows": func(e event.Event) bool {
			f, ok := e.(event.Frozen)
			return ok && f.Remains == rules.SharesMade
		},
		"froze, with a backup that shows nothing": func(e event.Event) bool {
			f, ok := e.(event.Frozen)
			return ok && f.Remains == rules.NothingMade
		},
		"backup-read of a ceremony that did not know": func(e event.Event) bool {
			b, ok := e.(event.BackupRead)
			return ok && b.Unknown
		},
		"attempt-lost that others may have carried through": func(e event.Event) bool {
			l, ok := e.(event.AttemptLost)
			return ok && l.Unproven
		},
		"ended, and what became of the attempt is not known": func(e event.Event) bool {
			ended, ok := e.(event.Ended)
			return ok && ended.Vault == event.AttemptUnknown
		},
	}
	for _, why := range []event.FreezeReason{event.OtherConfig, event.NotSigned, event.OtherBot} {
		missing["froze for "+string(why)] = func(e event.Event) bool {
			f, ok := e.(event.Frozen)
			return ok && f.Why == why
		}
	}
	changes := 0
	for _, path := range kept(t, "*/*.jsonl") {
		c, err := rules.Replay(rewritten(t, path))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range c.History {
			for what, is := range missing {
				if is(e.Event) {
					delete(missing, what)
				}
			}
			changes += len(c.Changed(e))
		}
	}
	for what := range missing {
		t.Errorf("no journal is kept with %s", what)
	}
	if changes == 0 {
		t.Error("no journal is kept in which the conditions change")
	}
}

func TestP8JournalsOfOldAreReadVerifiedAndWrittenAgain(t *testing.T) {
	happened := map[string]bool{}
	outcomes := map[ceremony.Operation]map[event.Outcome]bool{}
	for _, path := range kept(t, "*/*.jsonl") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			report, err := journal.VerifyFile(path)
			if err != nil {
				t.Fatal(err)
			}
			entries := rewritten(t, path)
			if last := entries[len(entries)-1]; last.Hash != report.Head {
				t.Errorf("its head is %s, and %s", report.Head, last.Hash)
			}
			c, err := rules.Replay(entries)
			if err != nil {
				t.Fatal(err)
			}
			for _, signed := range c.Transcripts() {
				if _, err := transcript.File(c, signed); err != nil { // compares the hash with the signed one
					t.Error(err)
				}
			}
			for _, e := range entries {
				happened[event.TypeOf(e.Event)] = true
			}
			if outcomes[report.Operation] == nil {
				outcomes[report.Operation] = map[event.Outcome]bool{}
			}
			outcomes[report.Operation][report.Outcome] = true
		})
	}
	for _, e := range event.EveryEvent() {
		if !happened[event.TypeOf(e)] {
			t.Errorf("%q happens in no journal that is kept", event.TypeOf(e))
		}
	}
	for _, op := range append(ceremony.Operations(), ceremony.Alarm) {
		if !outcomes[op][event.Completed] || !outcomes[op][event.Expired] && op != ceremony.ReadBackup &&
			op != ceremony.Drill {
			t.Errorf("%s: its outcomes are %v", op, outcomes[op])
		}
	}
}

// Each directory is the journal of a real program, with the transcripts that it has
// signed and the fingerprint of its identity.
func TestP8TranscriptsOfOldHoldAndAreMadeAgain(t *testing.T) {
	var operations []ceremony.Operation
	for _, pinned := range kept(t, "*/identity") {
		dir := filepath.Dir(pinned)
		text, err := os.ReadFile(pinned)
		if err != nil {
			t.Fatal(err)
		}
		identity, err := ceremony.ParseFingerprint(strings.TrimSpace(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		reports, err := journal.VerifyDir(dir)
		if err != nil {
			t.Error(err)
		}
		for _, r := range reports {
			operations = append(operations, r.Operation)
			audit, owed, err := transcript.AuditJournal(r.Path, identity, openpgp.Signatures{})
			if err != nil || audit == nil || owed {
				t.Fatalf("%s: %+v, owed: %t, %v", r.Path, audit, owed, err)
			}
			entries := rewritten(t, r.Path)
			c, err := rules.Replay(entries)
			if err != nil {
				t.Fatal(err)
			}
			for _, signed := range c.Transcripts() {
				name := ceremony.TranscriptName(r.Ceremony, signed.Number, "json")
				file, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				if made, err := transcript.File(c, signed); err != nil || !bytes.Equal(made, file) {
					t.Errorf("%s is made again in other bytes: %v", name, err)
				}
				a := transcript.VerifyTranscript(file, identity, openpgp.Signatures{})
				for _, fault := range a.Faults() {
					t.Errorf("%s: %s", name, fault)
				}
				if a.Events != signed.Lines {
					t.Errorf("%s: %d events of %d", name, a.Events, signed.Lines)
				}
			}
		}
	}
	for _, op := range ceremony.Operations() {
		if !slices.Contains(operations, op) {
			t.Errorf("no signed transcript of %s is kept", op)
		}
	}
}
