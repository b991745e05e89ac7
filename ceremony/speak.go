package ceremony

import (
	"context"
	"fmt"
	"time"
)

// Speak takes one line that somebody has signed with the PGP key which the plan pins
// for them, see [Word], and does what it says. An error is a Refusal when it is the
// speaker's; the id is that of the ceremony as far as it could be read.
func (e *Engine) Speak(ctx context.Context, by Account, pasted []byte) (ID, Verb, error) {
	line, ok := e.config.Opener.PeekStatement(pasted)
	if !ok {
		return "", "", NoWord
	}
	said, ok := ParseWord(line)
	if !ok || !said.Verb.Decides() {
		return "", "", NoWord
	}
	c, _, err := e.Ceremony(ID(said.Of))
	if err != nil {
		return "", said.Verb, err
	}
	signer, ok := c.Plan.KeyOf(by)
	if !ok {
		return c.ID(), said.Verb, NoPart
	}
	signed, err := e.config.Opener.VerifyStatement(pasted, signer, c.Plan.Proposed, time.Now())
	if err != nil {
		return c.ID(), said.Verb, err
	}
	if signed.Line != line {
		return c.ID(), said.Verb, BadSignature // what was looked at is not what was signed
	}
	return c.ID(), said.Verb, e.Say(ctx, by, said, signed.Armor)
}

// Heard is the line that [Engine.Speak] would take, of which nothing is verified: what
// it shows has to be looked at before it is kept in a journal (P1).
func (e *Engine) Heard(pasted []byte) (line string, ok bool) {
	return e.config.Opener.PeekStatement(pasted)
}

// KeyOf is the PGP key that the plan pins for somebody, if it pins one.
func (p Plan) KeyOf(who Account) (Fingerprint, bool) {
	for _, has := range p.everybody() {
		if has.Account == who && has.Key != "" {
			return has.Key, true
		}
	}
	return "", false
}

// Say does what somebody has signed, whose signature the caller has verified; signed
// is kept with what follows. The word has to fit the ceremony as it stands.
func (e *Engine) Say(ctx context.Context, by Account, said Word, signed string) error {
	o, err := e.owner(ID(said.Of))
	if err != nil {
		return err
	}
	if said.Verb == SayAccessor {
		c, _, err := e.Ceremony(o.id)
		if err == nil {
			err = c.Fits(said)
		}
		if err == nil {
			_, err = o.nameToken(ctx, Name{By: by, Accessor: said.More, Signed: signed})
		}
		return err
	}
	_, _, err = ask(ctx, o, func(ctx context.Context) (Ceremony, error) {
		if err := o.c.Fits(said); err != nil {
			return o.c, err
		}
		cmd, err := o.c.commandOf(by, said, signed)
		if err == nil {
			err = o.record(ctx, cmd)
		}
		return o.c, err
	})
	return err
}

// commandOf is what a signed word asks for.
func (c Ceremony) commandOf(by Account, said Word, signed string) (Command, error) {
	added := oneLine(c.Added(said))
	switch said.Verb {
	case SayApprove:
		return Approve{By: by, PlanHash: said.Hash, Signed: signed}, nil
	case SayReject:
		return Reject{By: by, Why: added, Signed: signed}, nil
	case SayPresent:
		return AnswerRoll{By: by, Answer: added, Signed: signed}, nil
	case SayProceed:
		return Proceed{By: by, Signed: signed}, nil
	case SayFreeze:
		return Freezing{By: by, Why: added, Signed: signed}, nil
	case SayResume:
		return Resume{By: by, Signed: signed}, nil
	case SayCancel:
		return Cancel{By: by, Why: added, Signed: signed}, nil
	case SayReset:
		return Reset{By: by, Signed: signed}, nil
	case SayReverify:
		return Reverify{By: by, Signed: signed}, nil
	case SayDelete:
		return Delete{By: by, Signed: signed}, nil
	case SayRevoked:
		return Revoke{By: by, Signed: signed}, nil
	case SayException:
		return Note{By: by, Text: added, Signed: signed}, nil
	case SayAcknowledge:
		return Acknowledge{By: by, Why: added, Signed: signed}, nil
	case SayAgree, SayDisagree:
		return Testify{By: by, Agrees: said.Verb == SayAgree, Why: added, Signed: signed}, nil
	}
	return nil, fmt.Errorf("no act for the word %q", said.Verb)
}

// Freeze has a ceremony stand still, on the word of anybody who has a part in it.
func (e *Engine) Freeze(ctx context.Context, id ID, by Account, why string) (Ceremony, error) {
	return e.command(ctx, id, Freezing{By: by, Why: oneLine(why)})
}

// Proceed lets the gated step happen that waits for a witness.
func (e *Engine) Proceed(ctx context.Context, id ID, by Account) (Ceremony, error) {
	return e.command(ctx, id, Proceed{By: by})
}

// Note writes down what somebody saw that was not as it should be.
func (e *Engine) Note(ctx context.Context, id ID, by Account, text string) (Ceremony, error) {
	return e.command(ctx, id, Note{By: by, Text: oneLine(text)})
}

// Testify takes what a witness says of the ceremony that has ended.
func (e *Engine) Testify(ctx context.Context, id ID, by Account, agrees bool, why string) (Ceremony, error) {
	return e.command(ctx, id, Testify{By: by, Agrees: agrees, Why: oneLine(why)})
}
