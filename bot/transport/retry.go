package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/slack-go/slack"

	"conclave/bot/refusal"
)

// ServerTrouble reports whether an error code means that Slack itself is in
// trouble, so that what it did is not known.
// Source: docs.slack.dev, the errors that every method shares.
func ServerTrouble(code string) bool {
	switch code {
	case "internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited", "accesslimited",
		"team_added_to_org":
		return true
	}
	return false
}

// readTries is how often a question is put to Slack. A question changes nothing, so it
// may be repeated. What depends on it was acknowledged and does not come again (P6).
const readTries = 4

// ErrSlackSilent means that Slack could not be asked.
var ErrSlackSilent = errors.New("no answer from Slack")

// Read asks Slack a question, and asks again when the answer got lost. The error wraps
// ErrSlackSilent when no answer came at all.
func Read[T any](ctx context.Context, ask func() (T, error)) (T, error) {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.Multiplier = 200*time.Millisecond, 3
	answer, err := backoff.Retry(ctx, func() (T, error) {
		answer, err := ask()
		if err != nil && !transient(err) {
			return answer, backoff.Permanent(err)
		}
		return answer, err
	}, backoff.WithBackOff(pause), backoff.WithMaxTries(readTries))
	if err != nil && transient(err) {
		err = fmt.Errorf("%w: %w", ErrSlackSilent, err)
	}
	return answer, err
}

// transient reports whether an error may be gone the next time. An answer of Slack's
// about the request itself is not.
func transient(err error) bool {
	if said, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		return ServerTrouble(said.Err)
	}
	if status, ok := errors.AsType[slack.StatusCodeError](err); ok {
		return status.Code >= http.StatusInternalServerError
	}
	_, denied := errors.AsType[refusal.Denial](err)
	return !denied
}
