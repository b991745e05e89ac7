// Package openpgp is everything OpenPGP in a ceremony: the bot's identity, the
// keys that are made for one ceremony, the announcements that holders trust, the
// envelopes that they answer with, their certificates, and the delivery of what
// Vault has encrypted to them.
//
// It is the only importer of go-crypto, and uses its openpgp/v2 API: the older
// one reports no error for an unknown signer and accepts SHA-1. The older one is
// called for a single purpose, the trial encryption that does to a holder's key
// exactly what Vault will do to it.
//
// Two habits of the library shape this package. A message without a signature
// reads without an error, so that every property of an envelope is asked for and
// none is inferred from the absence of an error. And a parsed key remembers which
// of its signatures it found valid at the time it was first asked about, without
// a lock; keys are therefore kept as bytes and parsed for each use.
package openpgp
