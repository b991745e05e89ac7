// Package acl reads policies as Vault does, and works out what they allow a token to do with a path. It emulates
// vault/policy.go and vault/acl.go of Vault 1.21, as far as key operations need them.
package acl
