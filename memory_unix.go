//go:build unix

package main

import "syscall"

// protectMemory keeps shares out of core dumps (P1). A container that forbids
// it has usually forbidden core dumps as well, so a refusal is no reason to stop.
func protectMemory() {
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
	forbidTracing()
}
