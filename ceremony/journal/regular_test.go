//go:build unix

package journal_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/journal"
	"conclave/needs"
)

// Who can write the folder, or hands an auditor a tar archive of it, can put there what never
// ends, what nobody writes to, or the name of another file.
func TestOnlyRegularFilesOfABoundedSizeAreRead(t *testing.T) {
	for what, put := range map[string]func(path string) error{
		"a link to a device that never ends": func(path string) error { return os.Symlink("/dev/zero", path) },
		"a link to a journal": func(path string) error {
			return os.Symlink(filepath.Join(filepath.Dir(path), "prod-rekey-aaaa.jsonl"), path)
		},
		"a link to nothing":           func(path string) error { return os.Symlink("nothing", path) },
		"a pipe that nobody fills":    func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a folder":                    func(path string) error { return os.Mkdir(path, 0o700) },
		"a file of 20 GB without any": func(path string) error { return sparse(path, 20<<30) },
		"a line of 32 MB":             func(path string) error { return sparse(path, 32<<20) },
		"lines of 70 MB": func(path string) error {
			return os.WriteFile(path, []byte(strings.Repeat("{}\n", 70<<20/3)), 0o600)
		},
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			j := ceremonytest.OpenJournal(t, dir)
			write(t, j, "prod-rekey-aaaa", "")
			path := filepath.Join(dir, "prod-rekey-zzzz.jsonl")
			if err := put(path); err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			ids, err := j.List(t.Context())
			if err != nil || len(ids) != 2 {
				t.Errorf("listed: %q, %v", ids, err)
			}
			if _, err := j.Load(t.Context(), "prod-rekey-zzzz"); !errors.Is(err, ceremony.ErrChain) {
				t.Errorf("loaded: %v", err)
			}
			if _, err := j.Load(t.Context(), "prod-rekey-aaaa"); err != nil {
				t.Errorf("the ceremony beside it: %v", err)
			}
			if _, err := journal.VerifyFile(path); !errors.Is(err, ceremony.ErrChain) {
				t.Errorf("verified: %v", err)
			}
			reports, err := journal.VerifyDir(dir)
			if !errors.Is(err, ceremony.ErrChain) || !strings.Contains(err.Error(), "prod-rekey-zzzz") || len(reports) != 1 {
				t.Errorf("verified with its folder: %d reports, %v", len(reports), err)
			}
			states, err := journal.ReadJournal(dir, ceremonytest.JournalKey())
			if !errors.Is(err, ceremony.ErrChain) || len(states) != 1 {
				t.Errorf("read: %d ceremonies, %v", len(states), err)
			}
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; took > 1<<30 {
				t.Errorf("reading it took %d MB of memory", took>>20)
			}
		})
	}
}

func sparse(path string, size int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(size), f.Close())
}

// The room that is left in a journal is known before a line is written.
func TestNoCeremonyWritesMoreThanCanBeRead(t *testing.T) {
	if needs.Step(2) > 1 {
		return // the race detector finds nothing in one goroutine, and takes a minute for 64 MiB
	}
	j := ceremonytest.OpenJournal(t, t.TempDir())
	path, _ := write(t, j, "prod-rekey-aaaa", "")
	long := strings.Repeat("x", 15<<20)
	seq := 7
	if _, err := j.Append(t.Context(), "prod-rekey-aaaa", seq, event.Posted{Key: long + long}); err == nil {
		t.Error("a line is longer than can be read")
	}
	for range 4 {
		if _, err := j.Append(t.Context(), "prod-rekey-aaaa", seq, event.Posted{Key: long}); err != nil {
			t.Fatal(err)
		}
		seq++
	}
	if _, err := j.Append(t.Context(), "prod-rekey-aaaa", seq, event.Posted{Key: long}); err == nil {
		t.Error("a ceremony has more bytes than can be read")
	}
	if _, err := j.Append(t.Context(), "prod-rekey-aaaa", seq, event.Offered{}); !errors.Is(err, ceremony.ErrNoLine) {
		t.Errorf("what people send takes the room of Vault's answers: %v", err)
	}
	if _, err := j.Append(t.Context(), "prod-rekey-aaaa", seq, event.Posted{Key: "short"}); err != nil {
		t.Errorf("what fits is refused: %v", err)
	}
	if chain, err := os.Open(path); err == nil {
		defer chain.Close()
		if c, err := journal.ReadChain(chain); err != nil || len(c.Entries) != seq+1 {
			t.Errorf("%d lines, %v", len(c.Entries), err)
		}
	}
}
