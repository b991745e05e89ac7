package ceremony

import "errors"

// ErrNotRunning means that the engine has not started, or is stopping.
var ErrNotRunning = errors.New("the engine is not running")

// The errors of an adapter of [Vault]. It tells them by status codes and by how a
// connection ended, never by a text.
var (
	// ErrNotSent means that the request never left: nothing has happened.
	ErrNotSent = errors.New("the request did not reach Vault")
	// ErrUncertain means that the request was sent and that its effect is not
	// known: the answer was lost, or was a server error. It is settled by asking,
	// never by repeating (P5).
	ErrUncertain = errors.New("what Vault did is not known")
	// ErrRefused means that Vault understood the request and declined it.
	ErrRefused = errors.New("Vault refused the request")
	// ErrForbidden means that Vault wants a token with more rights.
	ErrForbidden = errors.New("Vault denied permission")
	// ErrSealed means that the node is sealed or not initialised.
	ErrSealed = errors.New("Vault is sealed")
	// ErrThrottled means that a rate limit of Vault's stopped the request before
	// it was looked at.
	ErrThrottled = errors.New("Vault asks to slow down")
	// ErrNoLeader means that the cluster has no active node at the moment.
	ErrNoLeader = errors.New("the cluster has no active node")
	// ErrUnsupported means that this server does not offer the operation.
	ErrUnsupported = errors.New("this server does not offer the operation")
	// ErrNoBackup means that Vault holds no backup of new shares.
	ErrNoBackup = errors.New("Vault holds no backup of the shares")
)

// ErrNoProof is returned by [Signatures] when too little of an envelope's signature is kept
// to verify it without the share.
var ErrNoProof = errors.New("nothing is kept by which its signature could be verified without the share")

// The errors of a journal.
var (
	// ErrJournal means that an event could not be made durable. The ceremony
	// stops: no journal, no ceremony (P9).
	ErrJournal = errors.New("the journal can't be written")
	// ErrNoLine means that an event can't be told in a line that would be read back. Nothing
	// was written.
	ErrNoLine = errors.New("no line of the journal can hold it")
	// ErrBehind means that another process has appended to this ceremony's journal.
	ErrBehind = errors.New("the journal has events that this process has not seen")
	// ErrChain means that the journal was changed: a line does not continue the
	// line before it.
	ErrChain = errors.New("the journal's chain is broken")
	// ErrNotAdopted means that the lines were written before lines were authenticated, or
	// under another identity. They are obeyed once an operator has adopted them.
	ErrNotAdopted = errors.New("the journal is not this identity's")
	// ErrLocked means that another process keeps its journal in this directory.
	ErrLocked = errors.New("another process has this journal open")
	// ErrUnknownCeremony means that no ceremony has this id.
	ErrUnknownCeremony = errors.New("no ceremony has this id")
)

// The errors of the engine's notifier. Any other error means that the message may have
// been posted. It must be looked for before it is posted again.
var (
	// ErrNotPosted means that the message was certainly not posted. It may be tried
	// again.
	ErrNotPosted = errors.New("the message was not posted")
	// ErrUndeliverable means that the message can never be posted, for example because
	// the person is deactivated.
	ErrUndeliverable = errors.New("the message can't be delivered")
	// ErrStaysDue means that all was done here that can be. Another notifier has to post it.
	ErrStaysDue = errors.New("the message stays due")
)

// KindOf returns the sentinel in the error of a [Vault], or the error itself without one.
// The adapter makes a new error each time.
func KindOf(err error) error {
	for _, kind := range []error{
		ErrNotSent, ErrUncertain, ErrRefused, ErrForbidden, ErrSealed, ErrThrottled, ErrNoLeader, ErrUnsupported,
	} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return err
}
