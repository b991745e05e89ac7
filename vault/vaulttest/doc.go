// Package vaulttest is a Vault for tests: an emulated one that misbehaves on demand, a real one started as a process, and one suite
// that holds the first to the second.
//
// [Start] gives the emulator: the key operations of Vault 1.21, and of other dialects ([Dialect]), over HTTP on loopback, with real Shamir
// shares, real PGP encryption, tokens and policies, Vault's statuses and Vault's words. A test scripts faults with [Cluster.Script], acts behind a client's back with
// an [operator.Operator], and reads what arrived from [Cluster.Log]. The emulator watches its client as well: a share in a URL, or a write
// repeated where it should have been asked about, fails the test ([Breach]).
//
// [realvault.StartReal] gives the real server, on demand one that unseals itself with the help of another. [suite.RunSuite] runs the same cases against either,
// which is why the emulator may be believed. Both restart in recovery mode.
//
// The protocol facts in this package were read in, and measured on, Vault 1.21.2. Nothing here is linked into the product.
package vaulttest
