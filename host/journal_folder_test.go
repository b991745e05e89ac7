package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestJournalOfAnotherAccountIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // it keeps rights elsewhere
	}
	dir := t.TempDir()
	folder, file := filepath.Join(dir, "journal"), filepath.Join(dir, "journal", "prod-rekey-k7m2.jsonl")
	do(t, os.Mkdir(folder, 0o700))
	do(t, os.WriteFile(file, nil, 0o600))
	if err := journalTrustedBy(folder, os.Geteuid()); err != nil {
		t.Fatal(err)
	}
	const stranger = 54321
	if os.Geteuid() != 0 {
		// Who is not root gives nothing away: the reader is the stranger.
		if err := journalTrustedBy(folder, stranger); err == nil || !strings.Contains(err.Error(), "Conclave runs as 54321") {
			t.Errorf("a folder of another account: %v", err)
		}
		return
	}
	for _, path := range []string{folder, file} {
		do(t, os.Chown(path, stranger, -1))
		err := journalTrustedBy(folder, 0)
		if err == nil || !strings.Contains(err.Error(), path+" belongs to 54321") {
			t.Fatalf("%s belongs to another account: %v", path, err)
		}
		advice := err.Error()[strings.LastIndex(err.Error(), ": ")+2:]
		if said, err := exec.CommandContext(t.Context(), "sh", "-c", advice).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v, %s", advice, err, said)
		}
		if err := journalTrustedBy(folder, 0); err != nil {
			t.Errorf("after %s: %v", advice, err)
		}
	}
	if err := journalTrustedBy(folder, stranger); err != nil {
		t.Errorf("root's folder, as of a volume that its group may write: %v", err)
	}
}
