package archive

import "errors"

// Errors of a document that was not kept, or of a time stamp that is not accepted.
var (
	// ErrDiffers means that something else is kept under the document's name. It was
	// not put there by Conclave, and is not overwritten.
	ErrDiffers = errors.New("something else is kept under this name already")
	// ErrNotLocked means that the bucket has taken the document, but does not lock it for
	// as long as it was asked to.
	ErrNotLocked = errors.New("the document is not locked against deletion as long as it must be")
	// ErrNoObjectLock means that the bucket can't protect anything: it was made without
	// object lock, or its versions are not kept.
	ErrNoObjectLock = errors.New("the bucket keeps no locked versions")
	// ErrRefused means that the time-stamping server did not answer with a time stamp.
	ErrRefused = errors.New("the time-stamping server gave no time stamp")
	// ErrOtherDigest means that a time stamp is about something else.
	ErrOtherDigest = errors.New("the time stamp is about another document")
	// ErrOtherNonce means that a time stamp is not the answer to this request. It repeats
	// an older one, or answers another client.
	ErrOtherNonce = errors.New("the time stamp answers another request")
	// ErrUntrusted means that the configured authorities do not vouch for the signer as a
	// time-stamping server, at the time that the stamp gives.
	ErrUntrusted = errors.New("the time stamp is not signed by a trusted time-stamping server")
	// ErrWrongTime means that a time stamp gives a time at which it can't have been made.
	ErrWrongTime = errors.New("the time stamp gives an impossible time")
	// ErrNoTimeStamp means that the bytes are not a time-stamp response, or one that
	// contradicts itself: its signature does not verify, or was made when the signer's
	// certificate was not valid.
	ErrNoTimeStamp = errors.New("this is no valid time stamp")
)
