package slacktest

import "errors"

var (
	// ErrClosed means that the workspace was closed.
	ErrClosed = errors.New("workspace is closed")
	// ErrNotAllowed means that Slack's own client would not let the person do this: not a member, deactivated, the
	// channel is archived, the app takes no messages, the message is another person's.
	ErrNotAllowed = errors.New("slack does not allow this")
	// ErrNotThere means that the message, button, form or channel is not (or no longer) there to act on.
	ErrNotThere = errors.New("nothing there to act on")
)
