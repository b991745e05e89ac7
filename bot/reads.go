package bot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/slack-go/slack"
)

// readTries is how often a question is put to Slack. A question changes nothing,
// so that it may be repeated; somebody waits for what depends on it, and what
// they sent was acknowledged and does not come again (P6).
const readTries = 4

// errSlackSilent means that Slack could not be asked.
var errSlackSilent = errors.New("no answer from Slack")

// read asks Slack something, and asks again when the answer got lost.
func read[T any](ctx context.Context, ask func() (T, error)) (T, error) {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.Multiplier = 200*time.Millisecond, 3
	answer, err := backoff.Retry(ctx, func() (T, error) {
		answer, err := ask()
		if err != nil && !passing(err) {
			return answer, backoff.Permanent(err)
		}
		return answer, err
	}, backoff.WithBackOff(pause), backoff.WithMaxTries(readTries))
	if err != nil && passing(err) {
		err = fmt.Errorf("%w: %w", errSlackSilent, err)
	}
	return answer, err
}

// passing says whether an error may be gone the next time: anything but Slack's
// own considered answer.
func passing(err error) bool {
	if said, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		return serverTrouble(said.Err)
	}
	if status, ok := errors.AsType[slack.StatusCodeError](err); ok {
		return status.Code >= http.StatusInternalServerError
	}
	_, denied := errors.AsType[denial](err)
	return !denied
}
