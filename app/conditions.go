package app

import (
	"runtime"

	"conclave/ceremony/event"
	"conclave/config"
	"conclave/host"
)

// conditions returns what this program runs under, without Vault.
func conditions(c *config.Config) event.Conditions {
	seen := event.Conditions{
		Program:       event.Program{Version: host.Version(), Revision: host.Revision(), SHA256: host.ProgramHash()},
		Configuration: c.Hash(),
		Host: event.Host{
			System: runtime.GOOS + "/" + runtime.GOARCH, TimeSource: host.TimeSource(),
			Synchronized: host.ClockSynchronized(),
		},
	}
	for _, p := range host.Protections() {
		seen.Host.Hardening = append(seen.Host.Hardening, event.Protection{Name: p.Name, State: p.Text, Holds: p.Holds})
	}
	return seen
}
