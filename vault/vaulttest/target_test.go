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

func TestSuiteAgainstEmulatedDialects(t *testing.T) {
	for _, dialect := range []vaulttest.Dialect{vaulttest.Vault2, vaulttest.OpenBao} {
		for _, c := range []struct{ open, unsealsItself bool }{{}, {open: true}, {unsealsItself: true}} {
			target := vaulttest.EmulatedDialect(dialect, c.open, c.unsealsItself)
			t.Run(target.Name, func(t *testing.T) { vaulttest.RunSuite(t, target) })
		}
	}
}
