// Package vault is the adapter between a ceremony and one Vault cluster: it
// implements [ceremony.Vault] on Vault's sys/ endpoints.
//
// Three rules shape it. A write is sent once: whether it happened is found out
// by asking, never by sending it again (P5). A request goes to an address that
// the configuration names and to no other, whatever a redirect says. And none
// of the words with which Vault answers a write reaches an error or a log:
// status codes become the errors of package ceremony, and nothing that was sent
// can come back in a text (P1).
//
// What a server wants to be asked, and whether with a token, is found by asking it;
// see [Dialect]. Nothing is decided by a version.
//
// The protocol facts in the comments were read in the source of Vault 1.21 and
// observed on a running server of that version; those about OpenBao in the source
// of 2.6, and those about Vault 2 in its documentation.
package vault
