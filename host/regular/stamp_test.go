package regular_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"conclave/host/regular"
)

// Who may write to a file can give it the size and the time that it had.
func TestStampShowsThatAFileWasTouchedAndSetBack(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Log("this system keeps size and time alone")
		return
	}
	path := filepath.Join(t.TempDir(), "file")
	stamp := func() string {
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		return regular.Stamp(info)
	}
	for what, touch := range map[string]func() error{
		"written over": func() error { return os.WriteFile(path, []byte("evil"), 0o600) },
		"replaced": func() error {
			if err := os.WriteFile(path+".new", []byte("evil"), 0o600); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		},
	} {
		if err := os.WriteFile(path, []byte("good"), 0o600); err != nil {
			t.Fatal(err)
		}
		before := stamp()
		if again := stamp(); again != before {
			t.Errorf("%s: an untouched file has another stamp: %q, %q", what, before, again)
		}
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		for later := info; !later.ModTime().After(info.ModTime()); { // the system's clock for files has steps
			err := os.WriteFile(path+".clock", nil, 0o600)
			if err == nil {
				later, err = os.Lstat(path + ".clock")
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		err = touch()
		if err == nil {
			err = os.Chtimes(path, info.ModTime(), info.ModTime())
		}
		if err != nil {
			t.Fatal(err)
		}
		if after := stamp(); after == before {
			t.Errorf("%s and set back, it has the same stamp: %q", what, after)
		}
	}
}
