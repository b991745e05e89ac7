package journal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/journal"
	"conclave/ceremony/secret"
)

// A forger can write the journal's folder and knows how lines are made. They lack the key of
// the identity, and have one of their own.
type forger struct {
	t   *testing.T
	key secret.MACKey
}

// forgedLine is a line of the journal with its fields in their order.
type forgedLine struct {
	Seq      int             `json:"seq"`
	Prev     string          `json:"prev"`
	At       time.Time       `json:"at"`
	Ceremony ceremony.ID     `json:"ceremony"`
	Type     string          `json:"type"`
	Event    json.RawMessage `json:"event"`
	MACKey   string          `json:"mac_key,omitempty"`
	MAC      string          `json:"mac,omitempty"`
}

func (f forger) lines(path string) []forgedLine {
	f.t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		f.t.Fatal(err)
	}
	var all []forgedLine
	for raw := range bytes.Lines(file) {
		var l forgedLine
		if err := json.Unmarshal(raw, &l); err != nil {
			f.t.Fatal(err)
		}
		all = append(all, l)
	}
	return all
}

// write chains the lines anew and writes them. code makes the code of a line, which has none
// yet.
func (f forger) write(path string, all []forgedLine, code func(i int, l *forgedLine)) {
	f.t.Helper()
	var file bytes.Buffer
	prev := ""
	for i := range all {
		l := all[i]
		l.Seq, l.Prev = i+1, prev
		code(i, &l)
		raw := f.encode(l)
		prev = journal.HashLine(raw)
		file.Write(append(raw, '\n'))
	}
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f forger) encode(l forgedLine) []byte {
	f.t.Helper()
	raw, err := json.Marshal(l)
	if err != nil {
		f.t.Fatal(err)
	}
	return raw
}

// approved is what a forger wants a ceremony to obey.
func (f forger) approved(id ceremony.ID) forgedLine {
	fields, err := json.Marshal(event.Approved{
		By: ceremonytest.Person("paul"), PlanHash: ceremonytest.SamplePlan(id).Hash(),
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return forgedLine{At: time.Now().UTC(), Ceremony: id, Type: "approved", Event: fields}
}

func (f forger) sign(l *forgedLine, name string) {
	l.MACKey, l.MAC = name, ""
	l.MAC = f.key.Sum("conclave journal line 1", f.encode(*l))
}

func TestJournalObeysNoLineThatTheIdentityHasNotWritten(t *testing.T) {
	ours := ceremonytest.JournalKey().Name()
	theirs := secret.NewMACKey("0123456789abcdef", [32]byte{1})
	const id, other = "prod-rekey-aaaa", "prod-rekey-bbbb"
	bare := func(_ int, l *forgedLine) { l.MACKey, l.MAC = "", "" }
	asIs := func(int, *forgedLine) {}
	for what, row := range map[string]struct {
		forge func(f forger, path string, lines, elsewhere []forgedLine)
		want  error
	}{
		"a line without a code at the end": {func(f forger, path string, lines, _ []forgedLine) {
			f.write(path, append(lines, f.approved(id)), asIs)
		}, ceremony.ErrChain},
		"a line under another key at the end": {func(f forger, path string, lines, _ []forgedLine) {
			last := f.approved(id)
			f.write(path, append(lines, last), func(i int, l *forgedLine) {
				if i == len(lines) {
					f.sign(l, f.key.Name())
				}
			})
		}, ceremony.ErrNotAdopted},
		"a line under another key that takes the name of ours": {func(f forger, path string, lines, _ []forgedLine) {
			f.write(path, append(lines, f.approved(id)), func(i int, l *forgedLine) {
				if i == len(lines) {
					f.sign(l, ours)
				}
			})
		}, ceremony.ErrChain},
		"a line with the code of the line before": {func(f forger, path string, lines, _ []forgedLine) {
			last := f.approved(id)
			last.MACKey, last.MAC = ours, lines[len(lines)-1].MAC
			f.write(path, append(lines, last), asIs)
		}, ceremony.ErrChain},
		"a line with the name of our key alone": {func(f forger, path string, lines, _ []forgedLine) {
			last := f.approved(id)
			last.MACKey = ours
			f.write(path, append(lines, last), asIs)
		}, ceremony.ErrChain},
		"a changed line": {func(f forger, path string, lines, _ []forgedLine) {
			lines[1].At = lines[1].At.Add(time.Hour)
			f.write(path, lines, asIs)
		}, ceremony.ErrChain},
		"a missing line": {func(f forger, path string, lines, _ []forgedLine) {
			f.write(path, append(lines[:1:1], lines[2:]...), asIs)
		}, ceremony.ErrChain},
		"a line of another ceremony": {func(f forger, path string, lines, elsewhere []forgedLine) {
			line := elsewhere[1]
			line.Ceremony = id
			f.write(path, append(lines[:1:1], line), asIs)
		}, ceremony.ErrChain},
		"all codes taken away": {func(f forger, path string, lines, _ []forgedLine) {
			f.write(path, lines, bare)
		}, ceremony.ErrNotAdopted},
		"the first codes taken away": {func(f forger, path string, lines, _ []forgedLine) {
			f.write(path, lines, func(i int, l *forgedLine) {
				if i < 3 {
					bare(i, l)
				}
			})
		}, ceremony.ErrChain},
		"a code taken away from the middle": {func(f forger, path string, lines, _ []forgedLine) {
			f.write(path, lines, func(i int, l *forgedLine) {
				if i == 3 {
					bare(i, l)
				}
			})
		}, ceremony.ErrChain},
		"everything under another key": {func(f forger, path string, lines, _ []forgedLine) {
			f.write(path, lines, func(_ int, l *forgedLine) { f.sign(l, f.key.Name()) })
		}, ceremony.ErrNotAdopted},
		"everything under another key that takes the name of ours": {func(f forger, path string, lines, _ []forgedLine) {
			f.write(path, lines, func(_ int, l *forgedLine) { f.sign(l, ours) })
		}, ceremony.ErrChain},
	} {
		t.Run(what, func(t *testing.T) {
			j := ceremonytest.OpenJournal(t, t.TempDir())
			path, _ := write(t, j, id, "")
			elsewhere, _ := write(t, j, other, "")
			f := forger{t, theirs}
			row.forge(f, path, f.lines(path), f.lines(elsewhere))
			if _, err := j.Load(t.Context(), id); !errors.Is(err, row.want) {
				t.Errorf("it is loaded: %v, want %v", err, row.want)
			}
			if err := journal.Authentic(path, ceremonytest.JournalKey()); !errors.Is(err, row.want) {
				t.Errorf("it counts as the identity's: %v, want %v", err, row.want)
			}
			if _, err := j.Load(t.Context(), other); err != nil {
				t.Errorf("the ceremony beside it: %v", err)
			}
		})
	}
}

// The format, as the auditor's guide has it: the code is of the line without its last field.
func TestCodeOfALineIsOfTheLineWithoutIt(t *testing.T) {
	j := ceremonytest.OpenJournal(t, t.TempDir())
	path, _ := write(t, j, "prod-rekey-aaaa", "")
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	key := ceremonytest.JournalKey()
	for line := range strings.Lines(string(file)) {
		before, code, found := strings.Cut(strings.TrimSuffix(line, "\"}\n"), `,"mac":"`)
		if !found || !strings.HasSuffix(before, `,"mac_key":"`+key.Name()+`"`) {
			t.Fatalf("no code at the end of %s", line)
		}
		if !key.Proves("conclave journal line 1", []byte(before+"}"), code) {
			t.Errorf("its code is of something else: %s", line)
		}
	}
}

func TestThereIsNoJournalWithoutAKey(t *testing.T) {
	dir := t.TempDir()
	if _, err := journal.OpenJournal(dir, secret.MACKey{}); err == nil {
		t.Error("a journal without a key is opened")
	}
	if err := journal.Authentic(filepath.Join(dir, "x.jsonl"), secret.MACKey{}); err == nil {
		t.Error("a journal is authentic under no key")
	}
	ceremonytest.OpenJournal(t, dir) // the lock was given back
}

// A journal that is not ours stays as it is: it may be evidence.
func TestAJournalThatIsNotOursIsLeftAsItIs(t *testing.T) {
	dir := t.TempDir()
	j := ceremonytest.OpenJournal(t, dir)
	path, _ := write(t, j, "prod-rekey-aaaa", "")
	f := forger{t, secret.NewMACKey("0123456789abcdef", [32]byte{1})}
	f.write(path, f.lines(path), func(_ int, l *forgedLine) { l.MACKey, l.MAC = "", "" })
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	torn := append(file, `{"seq":8,`...)
	if err := os.WriteFile(path, torn, 0o600); err != nil {
		t.Fatal(err)
	}
	_ = j.Close()
	j = ceremonytest.OpenJournal(t, dir)
	if _, err := j.Load(t.Context(), "prod-rekey-aaaa"); !errors.Is(err, ceremony.ErrNotAdopted) {
		t.Error(err)
	}
	if _, err := j.Append(t.Context(), "prod-rekey-aaaa", 7, event.Posted{Key: "x"}); !errors.Is(err, ceremony.ErrUnknownCeremony) {
		t.Errorf("a line is added to it: %v", err)
	}
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, torn) {
		t.Errorf("it was changed: %v", err)
	}
}

// The identity goes on behind lines that are not its own only where it says so.
func TestLinesOfOthersAreTakenOverByAnAdoptionOnly(t *testing.T) {
	const id = "prod-rekey-aaaa"
	for what, row := range map[string]struct {
		line event.Event
		want error
	}{
		"an adoption":       {event.Adopted{Lines: 7}, nil},
		"anything but that": {event.Posted{Key: "x"}, ceremony.ErrChain},
	} {
		t.Run(what, func(t *testing.T) {
			j := ceremonytest.OpenJournal(t, t.TempDir())
			path, _ := write(t, j, id, "")
			f := forger{t, ceremonytest.JournalKey()} // a thief of the key, or a defect
			fields, err := json.Marshal(row.line)
			if err != nil {
				t.Fatal(err)
			}
			lines := append(f.lines(path), forgedLine{
				At: time.Now().UTC(), Ceremony: id, Type: event.TypeOf(row.line), Event: fields,
			})
			f.write(path, lines, func(i int, l *forgedLine) {
				l.MACKey, l.MAC = "", ""
				if i == len(lines)-1 {
					f.sign(l, f.key.Name())
				}
			})
			if _, err := j.Load(t.Context(), id); !errors.Is(err, row.want) {
				t.Errorf("%v, want %v", err, row.want)
			}
		})
	}
}

// What is adopted is as good as written, also behind another identity and before the next one.
func TestEachIdentityAdoptsWhatTheOneBeforeHasLeft(t *testing.T) {
	const id = "prod-rekey-aaaa"
	dir := t.TempDir()
	j := ceremonytest.OpenJournal(t, dir)
	path, _ := write(t, j, id, "")
	keys := []secret.MACKey{ceremonytest.JournalKey()}
	for n := range byte(3) {
		keys = append(keys, secret.NewMACKey(strings.Repeat(string('a'+rune(n)), 16), [32]byte{n}))
	}
	keys = append(keys, keys[1]) // one that comes back
	seq := 7
	_ = j.Close()
	for i, key := range keys[1:] {
		j, err := journal.OpenJournal(dir, key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := j.Load(t.Context(), id); !errors.Is(err, ceremony.ErrNotAdopted) {
			t.Errorf("identity %d: %v", i, err)
		}
		foreign, ours, err := j.Foreigners(t.Context())
		if err != nil || ours != 0 || len(foreign) != 1 || len(foreign[0].Keys) != i+1 || foreign[0].Keys[i].Key != keys[i].Name() {
			t.Errorf("identity %d: %d of its own, %+v, %v", i, ours, foreign, err)
		}
		for range 2 { // a second time changes nothing
			if err := j.Adopt(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		seq++
		entries, err := j.Load(t.Context(), id)
		if err != nil || len(entries) != seq || entries[seq-1].Event != (event.Adopted{Lines: seq - 1, Key: keys[i].Name()}) {
			t.Errorf("identity %d: %d lines, %v", i, len(entries), err)
		}
		if _, err := j.Append(t.Context(), id, seq, event.Posted{Key: "late"}); err != nil {
			t.Error(err)
		}
		seq++
		if err := errors.Join(journal.Authentic(path, key), j.Close()); err != nil {
			t.Error(err)
		}
	}
}

func TestNothingBrokenIsAdopted(t *testing.T) {
	const id = "prod-rekey-aaaa"
	bare := func(_ int, l *forgedLine) { l.MACKey, l.MAC = "", "" }
	for what, spoil := range map[string]func(f forger, path string, lines []forgedLine){
		"a line without a code behind ours": func(f forger, path string, lines []forgedLine) {
			f.write(path, append(lines, f.approved(id)), func(int, *forgedLine) {})
		},
		"a story that the rules refuse": func(f forger, path string, lines []forgedLine) {
			f.write(path, append(lines, f.approved(id)), bare) // it has ended
		},
	} {
		j := ceremonytest.OpenJournal(t, t.TempDir())
		path, _ := write(t, j, id, "")
		f := forger{t, secret.NewMACKey("0123456789abcdef", [32]byte{1})}
		spoil(f, path, f.lines(path))
		if err := j.Adopt(t.Context(), id); !errors.Is(err, ceremony.ErrChain) {
			t.Errorf("%s: %v", what, err)
		}
		if foreign, _, err := j.Foreigners(t.Context()); err != nil || len(foreign) != 1 || !errors.Is(foreign[0].Why, ceremony.ErrChain) {
			t.Errorf("%s: %+v, %v", what, foreign, err)
		}
	}
}

// Who has no key reads that a line is not as Conclave writes it.
func TestHalfACodeIsNone(t *testing.T) {
	for what, half := range map[string]func(l *forgedLine){
		"the key's name alone": func(l *forgedLine) { l.MAC = "" },
		"the code alone":       func(l *forgedLine) { l.MACKey = "" },
		"neither, behind both": func(l *forgedLine) { l.MACKey, l.MAC = "", "" },
	} {
		j := ceremonytest.OpenJournal(t, t.TempDir())
		path, _ := write(t, j, "prod-rekey-aaaa", "")
		f := forger{t, ceremonytest.JournalKey()}
		lines := f.lines(path)
		f.write(path, lines, func(i int, l *forgedLine) {
			if i == len(lines)-1 {
				half(l)
			}
		})
		if _, err := journal.VerifyFile(path); !errors.Is(err, ceremony.ErrChain) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
