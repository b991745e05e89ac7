package vaulttest_test

import (
	"testing"

	"conclave/vault/vaulttest"
)

func TestSuiteAgainstEmulator(t *testing.T) {
	for _, storage := range []string{"raft", "inmem"} {
		t.Run(storage, func(t *testing.T) { vaulttest.RunSuite(t, vaulttest.Emulated(storage)) })
	}
}

func TestSuiteAgainstRealServer(t *testing.T) {
	for _, storage := range []string{"raft", "inmem"} {
		t.Run(storage, func(t *testing.T) { vaulttest.RunSuite(t, vaulttest.RealServer(storage)) })
	}
}

func TestSuiteAgainstEmulatorThatUnsealsItself(t *testing.T) {
	for _, storage := range []string{"raft", "inmem"} {
		t.Run(storage, func(t *testing.T) { vaulttest.RunSuite(t, vaulttest.EmulatedAuto(storage)) })
	}
}

func TestSuiteAgainstRealServerThatUnsealsItself(t *testing.T) {
	for _, storage := range []string{"raft", "inmem"} {
		t.Run(storage, func(t *testing.T) { vaulttest.RunSuite(t, vaulttest.RealServerAuto(storage)) })
	}
}

func TestSuiteAgainstEmulatedDRSecondary(t *testing.T) {
	vaulttest.RunSuite(t, vaulttest.EmulatedDRSecondary())
}
