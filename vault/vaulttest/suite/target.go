package suite

import (
	"slices"
	"testing"

	"conclave/vault/vaulttest"
	"conclave/vault/vaulttest/realvault"
)

// Target is a Vault that the suite can be run against. The target decides which cases run. No case skips itself.
type Target struct {
	// Name is printed, so that a test's output says what the cases ran against.
	Name string
	// Raft is set if the server keeps its data in Raft storage: it elects a leader, and a restart loses nothing on
	// disk.
	Raft bool
	// Brief leaves out the cases that don't depend on the storage. It is for a target that another, faster one covers:
	// a real server spends two seconds on each election.
	Brief bool
	// UnsealsItself is set if the server's shares are those of a recovery key.
	UnsealsItself bool
	// Dialect is the product and generation of the server.
	Dialect vaulttest.Dialect
	// Open is set if key operations need no token although the dialect closes them.
	Open bool
	// Kubernetes is set if a service account can log in.
	Kubernetes bool
	// DRSecondary is set if the server is a secondary of disaster recovery. Only the cases about it run then.
	DRSecondary bool
	// Start starts a fresh server, not initialised, and sees to its end.
	Start func(testing.TB) vaulttest.Instance
}

// Emulated returns the emulator as a target.
func Emulated(storage string) Target {
	return Target{
		Name:       "emulator, " + storage,
		Raft:       storage == "raft",
		Kubernetes: true,
		Start: func(t testing.TB) vaulttest.Instance {
			return vaulttest.Start(t, vaulttest.Options{Storage: storage, Unruly: true})
		},
	}
}

// RealServer returns the real server as a target, brief on Raft. Starting it skips the test if there is no binary.
func RealServer(storage string) Target {
	return Target{
		Name:  "real server, " + storage,
		Raft:  storage == "raft",
		Brief: storage == "raft",
		Start: func(t testing.TB) vaulttest.Instance {
			return realvault.StartReal(t, realvault.RealOptions{Storage: storage})
		},
	}
}

// EmulatedAuto returns the emulator as a target that unseals itself.
func EmulatedAuto(storage string) Target {
	return Target{
		Name:          "emulator that unseals itself, " + storage,
		Raft:          storage == "raft",
		UnsealsItself: true,
		Start: func(t testing.TB) vaulttest.Instance {
			return vaulttest.Start(t, vaulttest.Options{Storage: storage, Seal: "transit", Unruly: true})
		},
	}
}

// RealServerAuto returns the real server as a target that unseals itself, brief on Raft. Each server has one more
// beside it that keeps its key.
func RealServerAuto(storage string) Target {
	return Target{
		Name:          "real server that unseals itself, " + storage,
		Raft:          storage == "raft",
		Brief:         storage == "raft",
		UnsealsItself: true,
		Start: func(t testing.TB) vaulttest.Instance {
			return realvault.StartReal(t, realvault.RealOptions{Storage: storage, UnsealsItself: true})
		},
	}
}

// EmulatedDRSecondary returns the emulator as a secondary of disaster recovery, which the open server can't be.
func EmulatedDRSecondary() Target {
	return Target{
		Name:        "emulated secondary of disaster recovery",
		Raft:        true,
		DRSecondary: true,
		Start: func(t testing.TB) vaulttest.Instance {
			return vaulttest.Start(t, vaulttest.Options{DRSecondary: true, Unruly: true})
		},
	}
}

// EmulatedDialect returns the emulator as a target of another dialect, of which no server is at hand. open opens what
// the dialect closes, and unsealsItself makes the shares those of a recovery key.
func EmulatedDialect(dialect vaulttest.Dialect, open, unsealsItself bool) Target {
	o := vaulttest.Options{Dialect: dialect, Unruly: true}
	target := Target{Name: "emulated " + dialect.String(), Raft: true, Dialect: dialect, Open: open,
		UnsealsItself: unsealsItself}
	if open {
		o.OpenEndpoints = []string{"rekey", "generate-root"}
		target.Name += " with open endpoints"
	}
	if unsealsItself {
		o.Seal = "transit"
		target.Name += " that unseals itself"
	}
	if dialect == vaulttest.OpenBao {
		o.Namespaces = []string{"team"}
	}
	target.Start = func(t testing.TB) vaulttest.Instance { return vaulttest.Start(t, o) }
	return target
}

// cases returns the cases that the target can run, before its storage is considered.
func (target Target) cases() []suiteCase {
	switch {
	case target.DRSecondary:
		return slices.Clone(drCases)
	case target.Dialect == vaulttest.OpenBao && target.Open:
		return slices.Clone(openBaoOpenCases)
	case target.Dialect == vaulttest.OpenBao && target.UnsealsItself:
		return slices.Clone(openBaoAutoCases)
	case target.Dialect == vaulttest.OpenBao:
		return slices.Concat(openBaoCases, rotateCases, tokenCases, policyCases, appRoleCases)
	case target.UnsealsItself:
		return slices.Concat(recoveryCases, rekeyCases, verifyCases)
	}
	cases := slices.Concat(initCases, sealCases, rootCases, noRecoveryCases, noDRCases, recoveryModeCases, rotateCases,
		tokenCases, policyCases, appRoleCases, rekeyCases, verifyCases)
	if target.Dialect == vaulttest.Vault2 && !target.Open {
		cases = append(cases, closedCases...)
	}
	if target.Kubernetes {
		cases = append(cases, kubernetesCases...)
	}
	return cases
}

// rekey returns the words of the kind of rekey that makes new shares of the key in force.
func (target Target) rekey() rekeyWords {
	if target.UnsealsItself {
		return recoveryWords
	}
	return barrierWords
}
