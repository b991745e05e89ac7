package terminal

import (
	"os"
	"path/filepath"
	"testing"

	"conclave/needs"
)

func TestKeptFileIsNeverReplaced(t *testing.T) {
	f, err := openFolder(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	first, err := f.keep("a.signed.asc", "one\n")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := f.keep("a.signed.asc", "one\n"); err != nil || again != first {
		t.Errorf("the same is in %s and %s: %v", first, again, err)
	}
	other, err := f.keep("a.signed.asc", "two\n")
	if err != nil || filepath.Base(other) != "a-2.signed.asc" {
		t.Errorf("another is in %s: %v", other, err)
	}
	if text, err := os.ReadFile(first); err != nil || string(text) != "one\n" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestNothingIsWrittenOutsideOfTheFolder(t *testing.T) {
	dir := t.TempDir()
	f, err := openFolder(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if path, err := f.keep("../prod-rekey-alice-start.asc", "one\n"); err == nil {
		t.Errorf("kept in %s", path)
	}
	for _, name := range []string{"conclave.log", "share.asc"} {
		if err := os.Symlink("../elsewhere", filepath.Join(dir, "out", name)); err != nil {
			needs.Lack(t, "a link can't be made, as by most accounts on Windows: %v", err)
		}
	}
	if log, err := f.openLog(); err == nil {
		t.Error("the log goes where a link leads", log.Close())
	}
	if path, err := f.keep("share.asc", "one\n"); err != nil || filepath.Base(path) != "share-2.asc" {
		t.Errorf("kept in %s: %v", path, err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%v, %v", files, err)
	}
}
