// Package ceremony holds the rules of a Vault key ceremony and the engine that
// follows them.
//
// A [Ceremony] is an immutable value. [rules.Decide] turns a command into events,
// [rules.Apply] folds an event into the next value; both are pure, and together they
// are the whole rulebook. [Engine] acts: it keeps one owner goroutine for each
// open ceremony, writes every event to the [event.Journal] before anything is done
// with it, and talks to the world through four ports: [Vault], [OpenPGP],
// [Courier] and [event.Journal].
//
// The package imports the standard library only. The adapters (packages
// openpgp, vault and bot) import it, and never each other.
package ceremony
