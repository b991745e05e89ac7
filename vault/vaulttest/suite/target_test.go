package suite_test

import (
	"testing"

	"conclave/vault/vaulttest"
	"conclave/vault/vaulttest/suite"
)

func TestSuiteAgainstEmulator(t *testing.T) {
	for _, storage := range []string{"raft", "inmem"} {
		t.Run(storage, func(t *testing.T) { suite.RunSuite(t, suite.Emulated(storage)) })
	}
}

func TestSuiteAgainstRealServer(t *testing.T) {
	for _, storage := range []string{"raft", "inmem"} {
		t.Run(storage, func(t *testing.T) { suite.RunSuite(t, suite.RealServer(storage)) })
	}
}

func TestSuiteAgainstEmulatorThatUnsealsItself(t *testing.T) {
	for _, storage := range []string{"raft", "inmem"} {
		t.Run(storage, func(t *testing.T) { suite.RunSuite(t, suite.EmulatedAuto(storage)) })
	}
}

func TestSuiteAgainstRealServerThatUnsealsItself(t *testing.T) {
	for _, storage := range []string{"raft", "inmem"} {
		t.Run(storage, func(t *testing.T) { suite.RunSuite(t, suite.RealServerAuto(storage)) })
	}
}

func TestSuiteAgainstEmulatedDRSecondary(t *testing.T) {
	suite.RunSuite(t, suite.EmulatedDRSecondary())
}

func TestSuiteAgainstEmulatedDialects(t *testing.T) {
	for _, dialect := range []vaulttest.Dialect{vaulttest.Vault2, vaulttest.OpenBao} {
		for _, c := range []struct{ open, unsealsItself bool }{{}, {open: true}, {unsealsItself: true}} {
			target := suite.EmulatedDialect(dialect, c.open, c.unsealsItself)
			t.Run(target.Name, func(t *testing.T) { suite.RunSuite(t, target) })
		}
	}
}
