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
// The protocol facts in the comments were read in the source of Vault 1.21 and
// observed on a running server of that version.
package vault
