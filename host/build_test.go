package host_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"slices"
	"testing"

	"conclave/host"
)

func TestProgramHashIsThatOfTheRunningFile(t *testing.T) {
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(file)
	if got := host.ProgramHash(); got != hex.EncodeToString(sum[:]) {
		t.Errorf("the hash of %s is %q", path, got)
	}
}

// What the kernel or a folder does not say is left empty, and nothing is made up.
func TestClockIsKnownOrEmpty(t *testing.T) {
	if got := host.ClockSynchronized(); !slices.Contains([]string{"yes", "no", ""}, got) {
		t.Errorf("the clock is synchronised: %q", got)
	}
	t.Logf("synchronised: %q, by %q", host.ClockSynchronized(), host.TimeSource())
}
