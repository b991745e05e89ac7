// Package openpgp has everything of OpenPGP in a ceremony: the bot's identity, the keys
// that are made for one ceremony, the announcements that holders trust, the envelopes by
// which they answer, their certificates, and the delivery of what Vault has encrypted to
// them.
//
// It alone imports go-crypto, and uses its openpgp/v2 API: the older API reports no error
// for an unknown signer, and accepts SHA-1. The older API is called for one purpose: a
// trial encryption does to a holder's key exactly what Vault will do to it.
//
// Two habits of the library shape this package. It reads a message without a signature
// and returns no error. So every property of an envelope is checked, and none is inferred
// from the absence of an error. And a parsed key remembers, without a lock, which of its
// signatures were valid at the time it was first asked about. So keys are kept as bytes,
// and parsed for each use.
package openpgp
