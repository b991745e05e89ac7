package ceremonytest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/ceremony"
)

// SamplesDir is where the transcripts are kept, seen from a package below ceremony.
const SamplesDir = "../testdata/transcript"

// Samples returns transcripts that an earlier run has made, and the fingerprint of the
// identity that has signed them.
func Samples(t testing.TB) (files map[string][]byte, identity ceremony.Fingerprint) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(SamplesDir, "*.json"))
	if err != nil || len(paths) < 2 {
		t.Fatalf("%d transcripts are kept: %v", len(paths), err)
	}
	files = map[string][]byte{}
	for _, path := range paths {
		if files[filepath.Base(path)], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	pinned, err := os.ReadFile(filepath.Join(SamplesDir, "identity"))
	if err != nil {
		t.Fatal(err)
	}
	identity, err = ceremony.ParseFingerprint(strings.TrimSpace(string(pinned)))
	if err != nil {
		t.Fatal(err)
	}
	return files, identity
}
