package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/cli"
)

// An auditor has the program of today, a fingerprint, and what was written years ago.
func TestP8VerifyAcceptsWhatEarlierProgramsHaveWritten(t *testing.T) {
	pins, err := filepath.Glob("ceremony/testdata/kept/*/identity")
	if err != nil || len(pins) == 0 {
		t.Fatalf("nothing is kept: %v", err)
	}
	for _, pin := range pins {
		identity, err := os.ReadFile(pin)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Dir(pin)
		evidence, err := filepath.Glob(filepath.Join(dir, "*-transcript-*.json"))
		if err != nil || len(evidence) == 0 {
			t.Fatalf("%s has no transcript: %v", dir, err)
		}
		for _, path := range append(evidence, dir) {
			var out, said bytes.Buffer
			args := []string{"verify", "--identity", strings.TrimSpace(string(identity)), path}
			if got := run(t.Context(), args, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &said}); got != cli.ExitOK {
				t.Errorf("conclave verify %s: exit code %d\n%s%s", path, got, &out, &said)
			}
		}
	}
}
