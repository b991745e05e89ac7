package operator

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// as runs f with the file system rights of another account when the tests run as root.
func as(t *testing.T, account int, f func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if os.Geteuid() == 0 {
		if err := errors.Join(syscall.Setfsgid(account), syscall.Setfsuid(account)); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := errors.Join(syscall.Setfsuid(0), syscall.Setfsgid(0)); err != nil {
				panic(err) // the thread is good for nothing any more
			}
		}()
	}
	f()
}

// The bot has the rights of its account: a folder or a file of another account would stop
// it.
func TestJournalThatCantBeWrittenIsFound(t *testing.T) {
	const nobody = 65534
	dir := filepath.Join(t.TempDir(), "journal")
	for _, path := range []string{filepath.Dir(filepath.Dir(dir)), filepath.Dir(dir)} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	as(t, nobody, func() {
		if err := tryKeeping(dir); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("a folder that can only be read: %v", err)
		}
	})
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"prod-rekey-k7m2.jsonl", ".lock"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o444); err != nil {
			t.Fatal(err)
		}
		as(t, nobody, func() {
			if err := errors.Join(tryKeeping(dir), tryAppending(dir)); !errors.Is(err, fs.ErrPermission) {
				t.Errorf("%s can only be read: %v", name, err)
			}
		})
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	as(t, nobody, func() {
		if err := errors.Join(tryKeeping(dir), tryAppending(dir)); err != nil {
			t.Errorf("nothing stands in the way: %v", err)
		}
	})
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
