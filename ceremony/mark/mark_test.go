package mark_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/mark"
	"conclave/ceremony/secret"
)

func key(name string) secret.MACKey { return secret.NewMACKey(name, sha256.Sum256([]byte(name))) }

func at(id ceremony.ID, line int) mark.Mark {
	return mark.Mark{Ceremony: id, Line: line, Hash: strings.Repeat("ab", 32)}
}

func sample() mark.Memory {
	return mark.Memory{
		Written: time.Date(2026, 11, 30, 8, 0, 0, 5, time.UTC), Ceremonies: 12,
		Open: []mark.Mark{at("prod-rekey-k7m2", 57)}, Settled: []mark.Mark{at("prod-drill-aaaa", 9), at("prod-unseal-bbbb", 1)},
		Accepted: []mark.Mark{at("prod-alarm-cccc", 3)},
	}
}

func TestMemoryIsReadAsItWasWritten(t *testing.T) {
	got, err := mark.Decode(sample().Encode(key("k")), key("k"))
	if diff := cmp.Diff(sample(), got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestEveryChangedByteOfTheFileIsFound(t *testing.T) {
	whole := sample().Encode(key("k"))
	for i := range whole {
		for _, bit := range []byte{1, 0x20} {
			spoilt := append([]byte(nil), whole...)
			spoilt[i] ^= bit
			if _, err := mark.Decode(spoilt, key("k")); !errors.Is(err, mark.ErrNotOurs) {
				t.Fatalf("byte %d, %q: %v", i, spoilt, err)
			}
		}
	}
	for n := range whole {
		if _, err := mark.Decode(whole[:n], key("k")); !errors.Is(err, mark.ErrNotOurs) {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
	for name, text := range map[string]string{
		"twice": string(whole) + string(whole), "more behind it": string(whole) + "open prod-rekey-evil 1 " + strings.Repeat("ab", 32) + "\n",
	} {
		if _, err := mark.Decode([]byte(text), key("k")); !errors.Is(err, mark.ErrNotOurs) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := mark.Decode(whole, key("other")); !errors.Is(err, mark.ErrNotOurs) || !strings.Contains(err.Error(), `names the key "k"`) {
		t.Errorf("another identity's: %v", err)
	}
}

func TestFileThatIsALinkIsNotRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "marks")
	if _, err := mark.Read(path, key("k")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing there: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "older"), sample().Encode(key("k")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("older", path); err != nil {
		t.Fatal(err)
	}
	if _, err := mark.Read(path, key("k")); !errors.Is(err, mark.ErrNotOurs) {
		t.Errorf("a link: %v", err)
	}
}

func TestTokenProvesWhatItsKeyHasMade(t *testing.T) {
	m := at("prod-rekey-k7m2", 57)
	token := mark.Token(key("k"), m)
	if got, err := mark.ParseToken(key("k"), token); err != nil || got != m {
		t.Errorf("%+v, %v", got, err)
	}
	for name, text := range map[string]string{
		"another line": strings.Replace(token, " 57 ", " 58 ", 1), "another ceremony": strings.Replace(token, "k7m2", "evil", 1),
		"another hash": strings.Replace(token, "abab", "cdcd", 1), "no code": token[:strings.LastIndex(token, " ")+1],
		"nothing": "", "more": token + " more",
	} {
		if _, err := mark.ParseToken(key("k"), text); !errors.Is(err, mark.ErrNotOurs) {
			t.Errorf("%s is believed: %v", name, err)
		}
	}
	if _, err := mark.ParseToken(key("other"), token); !errors.Is(err, mark.ErrNotOurs) {
		t.Errorf("under another key: %v", err)
	}
}

func TestMarkIsNewerUntilPeopleAreAsked(t *testing.T) {
	m := at("prod-rekey-k7m2", 2)
	line := func(hash string, e event.Event) event.Entry { return event.Entry{Hash: hash, Event: e} }
	other := m
	other.Line = 3
	frozen := event.Frozen{Why: event.RolledBack, Want: mark.Words([]mark.Mark{other, m})}
	for name, row := range map[string]struct {
		journal []event.Entry
		newer   bool
	}{
		"the same":                {[]event.Entry{line("a", nil), line(m.Hash, nil)}, false},
		"more":                    {[]event.Entry{line("a", nil), line(m.Hash, nil), line("c", nil)}, false},
		"less":                    {[]event.Entry{line("a", nil)}, true},
		"another line":            {[]event.Entry{line("a", nil), line("b", nil), line("c", nil)}, true},
		"nothing":                 {nil, true},
		"less, and frozen for it": {[]event.Entry{line("a", frozen)}, false},
		"less, and frozen for another": {[]event.Entry{
			line("a", event.Frozen{Why: event.RolledBack, Want: other.String()}),
		}, true},
		"less, and frozen for something else": {[]event.Entry{
			line("a", event.Frozen{Why: event.VaultDiffers, Want: m.String()}),
		}, true},
	} {
		if got := m.Newer(row.journal); got != row.newer {
			t.Errorf("%s: newer %v", name, got)
		}
	}
}

// A change waits a second for others, so that a share never waits for the file.
func TestChangesAreWrittenTogetherAndAtTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "marks")
	synctest.Test(t, func(t *testing.T) {
		k := mark.NewKeeper(path, key("k"), slog.New(slog.NewTextHandler(io.Discard, nil)))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); k.Run(ctx) }()
		read := func() mark.Memory { m, _ := mark.Read(path, key("k")); return m }
		time.Sleep(2 * time.Second)
		synctest.Wait()
		first := read()
		if first.Written.IsZero() {
			t.Fatal("it is not written at the start")
		}
		var written []time.Time
		for n := range 100 {
			k.Note(at("prod-rekey-k7m2", n+1), false)
			time.Sleep(10 * time.Millisecond)
			synctest.Wait()
			if w := read().Written; len(written) == 0 || written[len(written)-1] != w {
				written = append(written, w)
			}
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if now := read(); len(written) > 2 || len(now.Open) != 1 || now.Open[0].Line != 100 {
			t.Errorf("written %d times for 100 changes, at last %+v", len(written), now.Open)
		}
		k.Note(at("prod-rekey-k7m2", 101), true)
		cancel()
		<-done
		if now := read(); len(now.Settled) != 1 || now.Settled[0].Line != 101 {
			t.Errorf("at the end: %+v", now)
		}
	})
}

func TestFileStaysSmallHoweverManyCeremoniesThereAre(t *testing.T) {
	path := filepath.Join(t.TempDir(), "marks")
	k := mark.NewKeeper(path, key("k"), slog.New(slog.NewTextHandler(io.Discard, nil)))
	for n := range 1000 {
		k.Note(at(ceremony.ID("prod-rekey-"+string(rune('a'+n%26))+string(rune('a'+n/26%26))+string(rune('a'+n/676))), 1), true)
		k.Accept(at("prod-rekey-gone", n+1))
	}
	k.Note(at("prod-rekey-open", 1), false)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	k.Run(ctx)
	info, err := os.Stat(path)
	if err != nil || info.Size() > 100<<10 {
		t.Fatalf("%v, %v", info.Size(), err)
	}
	if got, err := mark.Read(path, key("k")); err != nil || len(got.Settled) != 100 || len(got.Open) != 1 {
		t.Errorf("%d settled, %d open, %v", len(got.Settled), len(got.Open), err)
	}
}

// The disk is full: nothing stops, and the log says it once.
func TestFileThatCantBeWrittenIsToldAndTriedAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "missing")
	synctest.Test(t, func(t *testing.T) {
		if err := os.WriteFile(dir, nil, 0o600); err != nil { // no folder can be made there
			t.Fatal(err)
		}
		var log strings.Builder
		k := mark.NewKeeper(filepath.Join(dir, "marks"), key("k"), slog.New(slog.NewTextHandler(&log, nil)))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); k.Run(ctx) }()
		k.Note(at("prod-rekey-k7m2", 5), false)
		time.Sleep(5 * time.Minute)
		if err := os.Remove(dir); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		cancel()
		<-done
		got, err := mark.Read(filepath.Join(dir, "marks"), key("k"))
		if n := strings.Count(log.String(), "level=ERROR"); n != 1 || err != nil || len(got.Open) != 1 {
			t.Errorf("%d errors, %+v, %v\n%s", n, got, err, log.String())
		}
	})
}
