// Package engine runs ceremonies: it takes proposals, commands and shares, talks to Vault,
// and keeps people informed.
//
// Each open ceremony has an actor with one goroutine, which alone decides and writes for
// it. Package rules decides what may happen and what is to be done next. The actor writes
// each decision to the journal before it acts (P3), and settles what it does not know by
// asking Vault (P5). Messages, the status post and archives have goroutines of their own,
// so that they hold no ceremony back.
package engine
