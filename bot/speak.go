package bot

import (
	"context"
	"errors"

	"conclave/ceremony"
)

// speak takes a word that somebody has signed with their PGP key, see
// [ceremony.Word]. It answers false when what they sent is none, so that it may be an
// envelope.
func (d *desk) speak(ctx context.Context, by ceremony.Account, pasted []byte) (said message, heard bool, err error) {
	id, verb, err := d.engine.Speak(ctx, by, pasted)
	switch {
	case errors.Is(err, ceremony.NoWord):
		return message{}, false, nil
	case err != nil:
		return message{}, true, err
	case verb == ceremony.SayPresent:
		return message{}, true, nil // the receipt says it
	}
	return say("Your signed `%s` of `%s` is in the journal, with your signature.", string(verb), string(id)), true, nil
}
