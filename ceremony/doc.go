// Package ceremony is the vocabulary of a Vault key ceremony: plan, person, operation,
// cluster, policy, statement and refusal. It defines the ports through which the engine
// reaches the outside: [Vault], [OpenPGP], [Archive] and [Signatures]. What follows from a
// command, package rules decides; package engine acts on it.
//
// The package imports only the standard library and package secret. The adapters (packages
// openpgp, vault and archive) import it, and never each other.
package ceremony
