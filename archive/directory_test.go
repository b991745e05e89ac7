package archive_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"conclave/archive"
)

func TestDirectoryKeepsFilesThatNobodyWrites(t *testing.T) {
	dir := t.TempDir()
	a := &archive.Directory{Path: dir}
	d := document("prod-rekey-k7m2-1", "a transcript")
	first, err := a.Keep(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	again, err := a.Keep(t.Context(), d)
	if err != nil || again != first {
		t.Errorf("asked again, it answers %v, %v; want %v", again, err, first)
	}
	for name, want := range map[string][]byte{d.Files[0].Name: d.Files[0].Content, d.Files[1].Name: d.Files[1].Content} {
		path := filepath.Join(dir, name)
		got, err := os.ReadFile(path)
		if err != nil || string(got) != string(want) {
			t.Errorf("%s has %q, %v", name, got, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o440 {
			t.Errorf("%s has mode %v, %v", name, info.Mode(), err)
		}
	}
}

func TestDirectoryOverwritesNothing(t *testing.T) {
	d := document("one", "a transcript")
	for name, there := range map[string]struct {
		text string
		mode fs.FileMode
	}{
		"something else":               {"a forgery", 0o640},
		"more than it":                 {"a transcript, and more", 0o640},
		"a beginning that is complete": {"a trans", 0o440},
		"an empty file, complete":      {"", 0o440},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "one.json")
			if err := os.WriteFile(path, []byte(there.text), there.mode); err != nil {
				t.Fatal(err)
			}
			if _, err := (&archive.Directory{Path: dir}).Keep(t.Context(), d); !errors.Is(err, archive.ErrDiffers) {
				t.Errorf("Keep = %v", err)
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != there.text {
				t.Errorf("the file has %q now, %v", got, err)
			}
		})
	}
}

// The power may fail after any byte.
func TestFileThatWasHalfWrittenIsCompleted(t *testing.T) {
	d := document("one", "a transcript")
	for n := range len(d.Files[0].Content) + 1 {
		dir := t.TempDir()
		path := filepath.Join(dir, "one.json")
		if err := os.WriteFile(path, d.Files[0].Content[:n], 0o640); err != nil {
			t.Fatal(err)
		}
		if _, err := (&archive.Directory{Path: dir}).Keep(t.Context(), d); err != nil {
			t.Errorf("after %d bytes: %v", n, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != string(d.Files[0].Content) {
			t.Errorf("after %d bytes the file has %q, %v", n, got, err)
		}
	}
}

func TestMissingMountIsNotMadeAFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "not-mounted")
	a := &archive.Directory{Path: path}
	if _, err := a.Keep(t.Context(), document("one", "a transcript")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Keep = %v", err)
	}
	if _, err := a.Check(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Check = %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is there: %v", err)
	}
}

func TestNameThatLeavesTheDirectoryIsRefused(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"../one", "a/b"} {
		if _, err := (&archive.Directory{Path: dir}).Keep(t.Context(), document(name, "a transcript")); err == nil {
			t.Errorf("%q is taken as a name", name)
		}
	}
}

func TestCheckRefusesADirectoryThatEverybodyWrites(t *testing.T) {
	dir := t.TempDir()
	a := &archive.Directory{Path: dir}
	if _, err := a.Check(t.Context()); err != nil {
		t.Errorf("Check = %v", err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Check(t.Context()); err == nil {
		t.Error("everybody may replace what is kept, and Check says nothing")
	}
}
