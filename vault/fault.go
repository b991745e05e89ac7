package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"syscall"

	"conclave/ceremony"
)

// unsent is an error of a request of which nothing can have reached Vault.
type unsent struct {
	err       error
	connected bool // there was a connection, but it was not trusted or not used
}

func (u *unsent) Error() string { return u.err.Error() }

func (u *unsent) Unwrap() error { return u.err }

// connected reports whether there was a connection for a request that was not sent.
// When that is not known it returns true.
func connected(err error) bool {
	u, ok := errors.AsType[*unsent](err)
	return !ok || u.connected
}

// fault is the error of a request that did not succeed. It wraps exactly one error of
// package ceremony. None of Vault's words are in it: an answer may repeat what was sent.
type fault struct {
	request  string // method and path
	node     *node
	sentinel error
	status   int    // of the answer; 0 when there was none
	location string // where a redirect points
	cause    error  // of a failure without an answer
	// unreached means that there was no connection at all, so that another address
	// may be tried even with a share.
	unreached bool
}

func (f *fault) Error() string {
	text := fmt.Sprintf("%s at %s", f.request, f.node.base)
	if f.status != 0 {
		text += fmt.Sprintf(" answered %d", f.status)
	}
	text += ": " + f.sentinel.Error()
	if f.cause != nil {
		text += ": " + f.cause.Error()
	}
	return text
}

func (f *fault) Unwrap() []error {
	if f.cause == nil {
		return []error{f.sentinel}
	}
	return []error{f.sentinel, f.cause}
}

// elsewhere reports whether another node might answer the request.
func (f *fault) elsewhere() bool {
	switch f.sentinel {
	case ceremony.ErrNotSent, ceremony.ErrUncertain, ceremony.ErrSealed, ceremony.ErrNoLeader:
		return true
	}
	return false
}

// sentinelOf returns the error of package ceremony for a status. Vault answers 500 for
// anything from a wrong quorum to a bad number of shares, and an intermediary may have
// lost the answer: no 5xx but "sealed" says anything about the effect. Vault's own
// refusals are 400. Another 4xx is about the way there, and must not be taken for "there
// is no such token" or "there is no backup".
func sentinelOf(status int) error {
	switch {
	case status == http.StatusTemporaryRedirect:
		return ceremony.ErrNoLeader
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return ceremony.ErrForbidden
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed:
		return ceremony.ErrUnsupported
	case status == http.StatusTooManyRequests:
		return ceremony.ErrThrottled
	case status == http.StatusServiceUnavailable:
		return ceremony.ErrSealed
	case status == http.StatusRequestTimeout:
		return ceremony.ErrUncertain
	case status == http.StatusBadRequest:
		return ceremony.ErrRefused
	}
	return ceremony.ErrUncertain
}

// errBroken is the cause of a failure whose own words can't be repeated.
var errBroken = errors.New("the connection broke")

// lost returns the cause of a failure after something was sent, in words that can't have
// any of it in them: net/http quotes an answer that it can't read.
func lost(err error) error {
	for _, known := range []error{context.DeadlineExceeded, context.Canceled, io.ErrUnexpectedEOF, io.EOF, errTooLong} {
		if errors.Is(err, known) {
			return known
		}
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	return errBroken
}
