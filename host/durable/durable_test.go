package durable_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"conclave/host/durable"
)

// holds fails unless the directory has exactly this file, for its owner alone.
func holds(t *testing.T, dir, name, content string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != name {
		t.Fatalf("%v, %v", entries, err)
	}
	got, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil || string(got) != content {
		t.Errorf("%q, %v", got, err)
	}
	info, err := entries[0].Info()
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode != 0o600 {
		t.Errorf("its mode is %04o", mode)
	}
}

func TestNewFileIsPrivateAndNeverReplacesOne(t *testing.T) {
	for name, create := range map[string]func(dir string, data []byte) error{
		"by its path": func(dir string, data []byte) error { return durable.Create(filepath.Join(dir, "f"), data) },
		"in a directory": func(dir string, data []byte) error {
			root, err := os.OpenRoot(dir)
			if err != nil {
				return err
			}
			defer root.Close()
			return durable.CreateIn(root, "f", data)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := create(dir, []byte("first")); err != nil {
				t.Fatal(err)
			}
			holds(t, dir, "f", "first")
			if err := create(dir, []byte("second")); !errors.Is(err, fs.ErrExist) {
				t.Errorf("written over: %v", err)
			}
			holds(t, dir, "f", "first")
		})
	}
}

func TestFileIsReplacedWhole(t *testing.T) {
	dir := t.TempDir()
	for _, content := range []string{"first and long", "second", ""} {
		if err := durable.Replace(filepath.Join(dir, "f"), []byte(content)); err != nil {
			t.Fatal(err)
		}
		holds(t, dir, "f", content)
	}
}

func TestReplacementThatFailsLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "f"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := durable.Replace(filepath.Join(dir, "f"), []byte("x")); err == nil {
		t.Error("a directory was replaced by a file")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestMissingDirectoryIsAnError(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	for name, err := range map[string]error{
		"create":  durable.Create(filepath.Join(missing, "f"), nil),
		"replace": durable.Replace(filepath.Join(missing, "f"), nil),
	} {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := durable.SyncDir(missing); runtime.GOOS != "windows" && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("sync: %v", err)
	}
}
