// Package interference finds changes in Vault that no ceremony has made: a foreign attempt,
// a changed seal, a key or a cluster that was replaced.
//
// A watcher asks Vault at each poll interval and compares the answers with what the
// journals and its own earlier observations show. It raises an alarm for each finding. It
// never changes anything in Vault.
package interference
