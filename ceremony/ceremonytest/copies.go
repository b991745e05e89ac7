package ceremonytest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/journal"
)

// keptDir is where journals are kept that an earlier run of the engine has written, seen from
// a package below ceremony. Their clock stands at the beginning of 2000.
const keptDir = "../testdata/kept/engine"

// longRun are settled ceremonies of most operations, of 55 lines on average.
var longRun = []ceremony.ID{
	"prod-generate-root-e7yp", "prod-rekey-recovery-j53h", "prod-unseal-gqbc", "prod-drill-8m9q",
	"prod-generate-root-24gp", "prod-rotate-g55f", "prod-dr-token-qqre",
}

// WriteEnded writes settled ceremonies into a journal's folder: copies of genuine ones, each
// under an id of its own, chained and linked as the engine does it. It returns their ids,
// oldest first.
func WriteEnded(tb testing.TB, dir string, n int) []ceremony.ID {
	tb.Helper()
	sources := map[ceremony.ID][][]byte{}
	for _, id := range longRun {
		text, err := os.ReadFile(filepath.Join(keptDir, string(id)+".jsonl"))
		if err != nil {
			tb.Fatal(err)
		}
		sources[id] = bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	}
	var ids []ceremony.ID
	previous := ""
	for i := range n {
		source := longRun[i%len(longRun)]
		id := copyOf(source, i)
		text, first := copied(tb, sources[source], source, id, previous)
		if err := os.WriteFile(filepath.Join(dir, string(id)+".jsonl"), text, 0o600); err != nil {
			tb.Fatal(err)
		}
		ids, previous = append(ids, id), first
	}
	return ids
}

// sealed returns the line of an entry with the code of [FakeOpenPGP], which the journal checks.
func sealed(tb testing.TB, id ceremony.ID, e event.Entry) []byte {
	tb.Helper()
	key := JournalKey()
	e.MACKey = key.Name()
	bare, err := journal.EncodeLine(id, e)
	if err != nil {
		tb.Fatal(err)
	}
	e.MAC = key.Sum("conclave journal line 1", bare)
	raw, err := journal.EncodeLine(id, e)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// copyOf returns the id of copy number n of a ceremony.
func copyOf(source ceremony.ID, n int) ceremony.ID {
	const alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
	word := make([]byte, 4)
	for i := range word {
		word[i] = alphabet[n%len(alphabet)]
		n /= len(alphabet)
	}
	return source[:len(source)-len(word)] + ceremony.ID(word)
}

// copied returns the lines of a ceremony under another id, and the hash of the first one.
func copied(tb testing.TB, lines [][]byte, source, id ceremony.ID, previous string) (text []byte, first string) {
	tb.Helper()
	var oldHash, newHash, prev string
	for i, raw := range lines {
		raw = bytes.ReplaceAll(raw, []byte(source), []byte(id))
		raw = bytes.ReplaceAll(raw, []byte(oldHash), []byte(newHash))
		l, ev, err := journal.DecodeLine(raw)
		if err != nil {
			tb.Fatal(err)
		}
		if proposed, ok := ev.(event.Proposed); ok {
			oldHash, newHash = proposed.PlanHash, proposed.Plan.Hash()
			proposed.PlanHash, proposed.Previous = newHash, previous
			ev = proposed
		}
		raw = sealed(tb, id, event.Entry{Seq: l.Seq, Prev: prev, At: l.At, Event: ev})
		if prev = journal.HashLine(raw); i == 0 {
			first = prev
		}
		text = append(append(text, raw...), '\n')
	}
	if oldHash == "" {
		tb.Fatal(fmt.Errorf("%s has no plan", source))
	}
	return text, first
}
