package blockkit

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"conclave/needs"
)

// CheckBlockKit fails the test unless every one of the files holds Block Kit JSON (a view, a list of blocks, a message
// with blocks) that the official @slack/types allow, with the limits that their comments state. No file at all is a
// failure too.
//
// It needs node and npm: see package needs.
func CheckBlockKit(t testing.TB, files ...string) {
	t.Helper()
	if len(files) == 0 {
		t.Fatal("check Block Kit: no files")
	}
	var absolute []string
	for _, file := range files {
		path, err := filepath.Abs(file)
		if err != nil {
			t.Fatalf("check Block Kit: %v", err)
		}
		absolute = append(absolute, path)
	}
	NodeScript(t, "blockkit", nil, append([]string{"validate.mjs"}, absolute...)...)
}

// NodeScript runs a script of one of this package's node folders ("blockkit", "bolt") to its end, installing what its
// lock file names if that is not there yet, and returns what it printed. The test fails if the script does.
func NodeScript(t testing.TB, folder string, input []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", args...)
	cmd.Dir = NodeFolder(t, folder)
	cmd.Stdin = bytes.NewReader(input)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	printed, err := cmd.Output()
	if err != nil {
		t.Fatalf("node %s: %v\n%s", args[0], err, complaints.String())
	}
	return printed
}

// NodeFolder returns the path of one of this package's node folders, with its modules installed.
func NodeFolder(t testing.TB, folder string) string {
	t.Helper()
	needs.Programs(t, "node", "npm")
	module, err := exec.CommandContext(t.Context(), "go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatalf("find the module: %v", err)
	}
	root := filepath.Dir(strings.TrimSpace(string(module)))
	dir := filepath.Join(root, "bot", "slacktest", folder)
	if err := install(t, dir, filepath.Join(root, ".build")); err != nil {
		t.Fatalf("install node modules: %v", err)
	}
	return dir
}

// install puts node_modules in place in one step, so that tests of several packages can come here at once.
func install(t testing.TB, dir, scratch string) error {
	modules := filepath.Join(dir, "node_modules")
	if _, err := os.Stat(modules); err == nil {
		return nil
	}
	if err := os.MkdirAll(scratch, 0o755); err != nil {
		return err
	}
	aside, err := os.MkdirTemp(scratch, "npm-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(aside) }()
	// Bolt's .npmrc leaves out a peer that only its HTTP receiver needs; blockkit has none.
	for _, name := range []string{"package.json", "package-lock.json", ".npmrc"} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) && name == ".npmrc" {
			continue
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(aside, name), content, 0o600); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund")
	cmd.Dir = aside
	if printed, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w\n%s", err, printed)
	}
	err = os.Rename(filepath.Join(aside, "node_modules"), modules)
	if _, missing := os.Stat(modules); missing == nil {
		return nil // put there by us, or meanwhile by another test
	}
	return err
}
