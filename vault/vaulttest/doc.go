// Package vaulttest emulates a Vault server that misbehaves on demand. The rooms below it start a real server, and hold
// the emulator to it with one suite.
//
// [Start] starts the emulator: the key operations of Vault 1.21, and of other dialects ([Dialect]), over HTTP on
// loopback, with real Shamir shares, real PGP encryption, tokens and policies, Vault's statuses and Vault's words. A
// test scripts faults with [Cluster.Script], acts behind a client's back with an [operator.Operator.Operator], and reads what
// arrived from [Cluster.Log]. The emulator watches its client too: a share in a URL, or a write that is repeated
// although its outcome could be read, fails the test ([record.Breach]).
//
// Package realvault starts the real server, on demand one that unseals itself with the help of another. Package suite
// runs the same cases against either, so that the emulator is known to behave as the server does. Both restart in
// recovery mode.
//
// The protocol facts in this package were read in, and measured on, Vault 1.21.2. Nothing here is linked into the
// product.
package vaulttest
