package index_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/index"
	"conclave/ceremony/journal"
	"conclave/ceremony/ledger"
	"conclave/ceremony/rules"
	"conclave/ceremony/secret"
	"conclave/needs"
)

// key returns a key of this name.
func key(name string) secret.MACKey { return secret.NewMACKey(name, sha256.Sum256([]byte(name))) }

// ended returns the ceremonies that are kept and have ended.
func ended(t *testing.T) []rules.State {
	t.Helper()
	paths, err := filepath.Glob("../testdata/kept/*/*.jsonl")
	if err != nil || len(paths) < 50 {
		t.Fatalf("%d journals are kept: %v", len(paths), err)
	}
	var all []rules.State
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		chain, err := journal.ReadChain(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		c, err := rules.Replay(chain.Entries)
		if err != nil {
			t.Fatal(err)
		}
		if c.Ended() {
			all = append(all, c)
		}
	}
	return all
}

// record returns the record of a ceremony.
func record(t *testing.T, c rules.State) index.Record {
	t.Helper()
	r, err := index.NewRecord(c, "mark of "+string(c.ID()))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// write writes an index of ceremonies, and returns its path.
func write(t *testing.T, ceremonies []rules.State) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "index")
	f := index.NewFile(path, key("ours"))
	if r, err := f.Read(nil); err != nil || !r.Missing {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, c := range ceremonies {
		if err := f.Add(record(t, c)); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// read returns the records of an index under a key, and what was wrong with it.
func read(t *testing.T, path string, k secret.MACKey) ([]index.Record, index.Report) {
	t.Helper()
	var all []index.Record
	report, err := index.NewFile(path, k).Read(func(r index.Record) bool { all = append(all, r); return true })
	if err != nil {
		t.Fatal(err)
	}
	return all, report
}

func TestIndexGivesBackWhatWasWritten(t *testing.T) {
	all := ended(t)
	path := write(t, all)
	records, report := read(t, path, key("ours"))
	if report != (index.Report{}) || len(records) != len(all) {
		t.Fatalf("%d of %d records, %+v", len(records), len(all), report)
	}
	for i, r := range records {
		want, err := json.Marshal(record(t, all[i]))
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := json.Marshal(r); !bytes.Equal(got, want) {
			t.Errorf("%s was written, %s was read", want, got)
		}
	}
}

// What is asked of ended ceremonies must be the same of their records as of their journals.
func TestRecordsTellWhatJournalsTell(t *testing.T) {
	all := ended(t)
	records, _ := read(t, write(t, all), key("ours"))
	past := index.NewPast()
	var facts, abridged []ledger.Facts
	tags := map[secret.ShareTag]bool{}
	for i, r := range records {
		c := all[i]
		past.Learn(r)
		past.Digests.AddPast(r.Digests)
		facts, abridged = append(facts, ledger.FactsOf(c)), append(abridged, r.Facts)
		for _, f := range c.KeyFacts {
			for _, h := range append(slices.Clone(f.Proven), f.New...) {
				tags[h.Share] = true
			}
		}
		short, err := r.Abridged()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(watched(c), watched(short)); diff != "" {
			t.Errorf("%s: a watch goes by (-journal +record):\n%s", c.ID(), diff)
		}
	}
	past.Digests.Sort()

	var exposed ledger.Shown
	var rekeyed, rotated time.Time
	for _, c := range all {
		if end, ok := past.Ends(c.ID()); !ok || end.Lines != c.Seq() || end.Head != c.History[c.Seq()-1].Hash {
			t.Errorf("%s ends at %+v", c.ID(), end)
		}
		for _, word := range index.Digests(rules.State{}, c) {
			if !past.Digests.Has(word) {
				t.Errorf("%s: %s is no digest", c.ID(), word)
			}
		}
		if c.Plan.OTP != "" && past.PasswordOf(c.Plan.OTP) == "" {
			t.Errorf("%s: its password is not known", c.ID())
		}
		for _, e := range c.History {
			if s, ok := e.Event.(event.Started); ok {
				if id, ok := past.Begun(s.Nonce); !ok || !begins(all, id, s.Nonce) {
					t.Errorf("%s: attempt %s is said to be of %q", c.ID(), s.Nonce, id)
				}
			}
			if by, ok := index.Proves(e.Event); ok && past.Proven(by.Account, by.Key).Before(e.At) {
				t.Errorf("%s: %s is not known to have used their key", c.ID(), by.Name)
			}
		}
		exposed.Add(ledger.ShownBy(c))
		done := c.Outcome == event.Completed
		if done && c.Plan.Operation.Rekeys() && !ledger.Doubtful(c) && c.EndedAt().After(rekeyed) {
			rekeyed = c.EndedAt()
		}
		if done && c.Plan.Operation == ceremony.Rotate && c.EndedAt().After(rotated) {
			rotated = c.EndedAt()
		}
	}
	if diff := cmp.Diff(exposed.Open(), past.Shown("prod").Open()); diff != "" {
		t.Errorf("exposed (-journals +records):\n%s", diff)
	}
	if got := past.Done("prod"); got.Rekeyed != rekeyed || got.Rotated != rotated || rekeyed.IsZero() {
		t.Errorf("%+v; want %v, %v", got, rekeyed, rotated)
	}
	if len(tags) < 10 {
		t.Fatalf("the journals that are kept prove %d shares", len(tags))
	}
	for tag := range tags {
		whole, short := ledger.NewLedger(facts, tag.TagKey), ledger.NewLedger(abridged, tag.TagKey)
		for _, c := range all {
			for _, step := range []ceremony.Step{ceremony.StepUpdate, ceremony.StepVerify} {
				alice := ceremonytest.Person("alice").Account
				want, got := whole.Judge(c.Plan, step, alice, tag), short.Judge(c.Plan, step, alice, tag)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s, %s, share %s (-journals +records):\n%s", c.ID(), step, tag.Tag, diff)
				}
			}
		}
	}
}

// begins reports whether a ceremony has begun the attempt with this nonce.
func begins(all []rules.State, id ceremony.ID, nonce string) bool {
	return slices.ContainsFunc(all, func(c rules.State) bool {
		return c.ID() == id && slices.ContainsFunc(c.History, func(e event.Entry) bool {
			s, ok := e.Event.(event.Started)
			return ok && s.Nonce == nonce
		})
	})
}

// watched returns what an interference watch goes by in a ceremony, in words.
func watched(c rules.State) []string {
	p := c.Plan
	words := []string{fmt.Sprint(p.Ceremony, p.Operation, p.Cluster, p.ClusterID, p.Shares, p.Threshold, p.KeyTerm,
		len(p.Receivers), p.NewThreshold, c.Ended(), c.Outcome)}
	for _, e := range c.History {
		word := ""
		switch ev := e.Event.(type) {
		case event.Proposed, event.Initialized:
			word = event.TypeOf(ev)
		case event.Acting:
			if p.Operation == ceremony.Rotate {
				word = "acting"
			}
		case event.Submitting:
			if p.Operation == ceremony.Unseal {
				word = fmt.Sprint("submitting", ev.Nodes)
			}
		case event.Entered:
			for _, n := range ev.Nodes {
				if n.Reached && !n.Sealed && slices.Contains(ev.At, n.Address) {
					word += "unsealed " + n.Address
				}
			}
		case event.Rotated:
			word = fmt.Sprint("rotated", ev.Key.Term, ev.Key.Installed)
		case event.Ended:
			word = "ended " + string(ev.Outcome)
		case event.Noticed:
			if !ev.Kind.Exposure() {
				word = fmt.Sprintf("%+v", ev)
			}
		}
		if word != "" {
			words = append(words, fmt.Sprint(e.Seq, e.At, word))
		}
	}
	return words
}

// An index that an earlier version has made in another way must not be used.
func TestIndexIsMadeAnewWhenRecordsAreMadeInAnotherWay(t *testing.T) {
	sum := sha256.New()
	for _, c := range ended(t) {
		if !slices.Contains([]ceremony.ID{
			"prod-alarm-456f", "prod-generate-root-42j2", "prod-generate-root-e7yp", "prod-init-buyx",
			"prod-rekey-recovery-j53h", "prod-rekey-wy5r", "prod-rotate-g55f", "prod-unseal-gqbc",
		}, c.ID()) {
			continue
		}
		text, err := json.Marshal(record(t, c))
		if err != nil {
			t.Fatal(err)
		}
		sum.Write(text)
	}
	const first = "87efcfa1a7250316bfbb8691c56feadd64f207899af8d024591dda9efd855b25"
	if got := fmt.Sprintf("%x", sum.Sum(nil)); got != first {
		t.Errorf("records are not made as before: give the purpose in file.go the next number, and write %s here", got)
	}
}

func TestEveryChangedByteOfTheIndexIsFound(t *testing.T) {
	all := ended(t)
	slices.SortFunc(all, func(a, b rules.State) int { return a.Seq() - b.Seq() })
	path := write(t, all[:2])
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flips := []byte{0x01, 0x20, 0x80}
	for i := 0; i < len(good); i += needs.Step(37) {
		bad := bytes.Clone(good)
		bad[i] ^= flips[i%len(flips)]
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		records, report := read(t, path, key("ours"))
		if report.Foreign == 0 || len(records) == 2 {
			t.Fatalf("byte %d changed from %q to %q: %d records, %+v", i, good[i], bad[i], len(records), report)
		}
		if again, report := read(t, path, key("ours")); report != (index.Report{}) || len(again) != len(records) {
			t.Fatalf("what is not ours is still there: %d records, %+v", len(again), report)
		}
	}
}

func TestOnlyOurIndexIsRead(t *testing.T) {
	all := ended(t)[:3]
	for name, k := range map[string]secret.MACKey{"another identity": key("theirs"), "no key": {}} {
		records, report := read(t, write(t, all), k)
		if len(records) != 0 || report.Foreign != len(all) {
			t.Errorf("%s: %d records, %+v", name, len(records), report)
		}
	}
	// A line that authenticates something else, under the same key.
	path := write(t, nil)
	text, err := json.Marshal(record(t, all[0]))
	if err != nil {
		t.Fatal(err)
	}
	line := fmt.Sprintf("%s %s\n", key("ours").Sum("conclave journal 1", text), text)
	if err := os.WriteFile(path, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	if records, report := read(t, path, key("ours")); len(records) != 0 || report.Foreign != 1 {
		t.Errorf("another purpose: %d records, %+v", len(records), report)
	}
}

func TestRecordThatIsNotUsedGoes(t *testing.T) {
	all := ended(t)[:3]
	path := write(t, all)
	f := index.NewFile(path, key("ours"))
	report, err := f.Read(func(r index.Record) bool { return r.Ceremony != all[1].ID() })
	if err != nil || report.Unused != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	if err := f.Add(record(t, all[1])); err != nil {
		t.Fatal(err)
	}
	records, report := read(t, path, key("ours"))
	if len(records) != 3 || report != (index.Report{}) || records[2].Ceremony != all[1].ID() {
		t.Errorf("%d records, %+v", len(records), report)
	}
}

// A crash in the middle of a line costs that line, and the next one is not joined to it.
func TestTornLineOfTheIndexGoes(t *testing.T) {
	all := ended(t)[:3]
	whole, err := os.ReadFile(write(t, all[:2]))
	if err != nil {
		t.Fatal(err)
	}
	second := bytes.IndexByte(whole, '\n') + 1
	for _, cut := range []int{second + 1, second + 70, len(whole) - 1} {
		path := filepath.Join(t.TempDir(), "index")
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		f := index.NewFile(path, key("ours"))
		if report, err := f.Read(func(index.Record) bool { return true }); err != nil || report.Foreign != 1 {
			t.Errorf("cut at %d: %+v, %v", cut, report, err)
		}
		if err := f.Add(record(t, all[2])); err != nil {
			t.Fatal(err)
		}
		if records, report := read(t, path, key("ours")); len(records) != 2 || report != (index.Report{}) {
			t.Errorf("cut at %d: %d records afterwards, %+v", cut, len(records), report)
		}
	}
}

func TestIndexFollowsNoLink(t *testing.T) {
	all := ended(t)[:2]
	target := write(t, all[:1])
	before, err := os.ReadFile(target)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "index")
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
	f := index.NewFile(path, key("ours"))
	report, err := f.Read(func(index.Record) bool { t.Error("the link's target is read"); return true })
	if err != nil || report.Foreign != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	if err := f.Add(record(t, all[1])); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.ReadFile(target); !bytes.Equal(after, before) {
		t.Error("the link's target was written to")
	}
	if records, _ := read(t, path, key("ours")); len(records) != 1 {
		t.Errorf("%d records in the place of the link", len(records))
	}
}

func TestIndexIsNotWrittenToWhenSomethingElseHas(t *testing.T) {
	all := ended(t)[:2]
	path := write(t, nil)
	f := index.NewFile(path, key("ours"))
	if _, err := f.Read(func(index.Record) bool { return true }); err != nil {
		t.Fatal(err)
	}
	if err := f.Add(record(t, all[0])); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("something else\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := f.Add(record(t, all[1])); err == nil || !strings.Contains(err.Error(), "something else has written") {
			t.Errorf("%v", err)
		}
	}
	if text, _ := os.ReadFile(path); string(text) != "something else\n" {
		t.Errorf("%q", text)
	}
}

func TestLineWithoutEndIsNotRead(t *testing.T) {
	all := ended(t)[:2]
	path := write(t, all)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, bytes.Repeat([]byte("x"), 5<<20)...)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if records, report := read(t, path, key("ours")); len(records) != 2 || report.Foreign != 1 {
		t.Errorf("%d records, %+v", len(records), report)
	}
}

// A start reads lines in batches, whatever is in the file.
func TestFileOfLargeRecordsIsReadAFewAtATime(t *testing.T) {
	const records, size = 48, 1 << 20 // of digests; a line is a third longer
	c := ended(t)[0]
	path := filepath.Join(t.TempDir(), "index")
	f := index.NewFile(path, key("ours"))
	if _, err := f.Read(func(index.Record) bool { return true }); err != nil {
		t.Fatal(err)
	}
	r := record(t, c)
	r.Digests = make([]byte, size)
	for range records {
		if err := f.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	inUse := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, most, n := inUse(), uint64(0), 0
	if _, err := index.NewFile(path, key("ours")).Read(func(index.Record) bool {
		n++
		most = max(most, inUse())
		return true
	}); err != nil || n != records {
		t.Fatal(n, err)
	}
	if most > before+24*size {
		t.Errorf("%d records of %d bytes take %d bytes at once", records, size, most-before)
	}
}
