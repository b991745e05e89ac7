package bot

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"strings"

	"conclave/bot/refusal"
	"conclave/bot/render"
	"conclave/ceremony"
)

// submitStatement takes a statement that a person has signed with their PGP key, see
// [ceremony.Statement]. It reports false when the text is none, so that it may be an
// envelope.
func (in *inbox) submitStatement(
	ctx context.Context, by ceremony.Account, pasted []byte,
) (reply render.Message, statement bool, err error) {
	line, ok := in.engine.PeekStatement(pasted)
	if ok {
		if shown := statementExposes(line, in.engine.IsDigest); len(shown) > 0 {
			in.reportLeak(ctx, by, shown)
			return render.Message{}, true, shown[0].Told() // the journal would keep it, and show it to everybody (P1)
		}
	}
	id, verb, err := in.engine.SubmitStatement(ctx, by, pasted)
	switch {
	case errors.Is(err, ceremony.NoWord) && (ok && strings.HasPrefix(line, wordBegins) || clearsignedWord(pasted)):
		return render.Message{}, true, err // as an envelope it would be called a share in the open
	case errors.Is(err, ceremony.NoWord):
		return render.Message{}, false, nil
	case err != nil:
		return render.Message{}, true, err
	case verb == ceremony.SayPresent:
		return render.Message{}, true, nil // the receipt says it
	}
	return render.Say("Your signed `%s` of `%s` is in the journal, with your signature.", verb, id), true, nil
}

// wordBegins is how a line begins with which its signer means a word, whatever its version.
const wordBegins = "conclave-word"

// clearsignedWord reports whether somebody has signed a word so that it stands in the open around its signature. Slack
// breaks such messages.
func clearsignedWord(pasted []byte) bool {
	_, signed, is := bytes.Cut(pasted, []byte("-----BEGIN PGP SIGNED MESSAGE-----"))
	return is && bytes.Contains(signed, []byte("\n"+wordBegins))
}

// digestDigits is the length of a SHA-256 in digits.
const digestDigits = 2 * sha256.Size

// statementExposes returns what a signed line shows in the open. The hashes that belong
// into a statement are no leak, though they have the length of the share of a key's only
// holder: the plan's hash, and the answer to a roll call.
func statementExposes(line string, harmless func(word string) bool) []refusal.Exposure {
	said, ok := ceremony.ParseStatement(line)
	answer := ""
	if ok && said.Verb == ceremony.SayPresent && len(said.More) == digestDigits {
		answer = strings.ToLower(said.More)
	}
	return refusal.Exposures(line, func(word string) bool {
		return ok && word == strings.ToLower(said.Hash) && len(word) == digestDigits ||
			answer != "" && word == answer ||
			harmless != nil && harmless(word)
	})
}

// WordExposes reports whether a signed line shows a secret in the open.
func WordExposes(line string) bool { return len(statementExposes(line, nil)) > 0 }
