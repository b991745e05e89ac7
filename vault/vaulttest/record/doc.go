// Package record keeps what the client of an emulated Vault sent, and finds out which rules of a key ceremony the
// client broke. A real Vault would say nothing about most of them.
package record
