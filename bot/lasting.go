package bot

import (
	"errors"

	"conclave/bot/transport"
)

// IsLasting reports whether an error of [Bot.Run] stays until somebody changes a token, the
// app's settings or the configuration. Another start would end the same way.
func IsLasting(err error) bool {
	return errors.Is(err, ErrWorkspace) || errors.Is(err, transport.ErrSocket) && !errors.Is(err, transport.ErrStorm)
}
