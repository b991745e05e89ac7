package engine

import (
	"context"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/rules"
)

// SubmitStatement takes one line that somebody has signed with the PGP key which the plan pins
// for them, see [Word], and does what it says. An error is a Refusal when it is the
// speaker's; the id is that of the ceremony as far as it could be read.
func (e *Engine) SubmitStatement(ctx context.Context, by ceremony.Account,
	pasted []byte) (ceremony.ID, ceremony.Verb, error) {
	line, ok := e.config.OpenPGP.PeekStatement(pasted)
	if !ok {
		return "", "", ceremony.NoWord
	}
	said, ok := ceremony.ParseStatement(line)
	if !ok || !said.Verb.Decides() {
		return "", "", ceremony.NoWord
	}
	c, _, err := e.Ceremony(ceremony.ID(said.Of))
	if err != nil {
		return "", said.Verb, err
	}
	signer, ok := c.Plan.KeyOf(by)
	if !ok {
		return c.ID(), said.Verb, ceremony.NoPart
	}
	signed, err := e.config.OpenPGP.VerifyStatement(pasted, signer, c.Plan.Proposed, time.Now())
	if err != nil {
		return c.ID(), said.Verb, err
	}
	if signed.Line != line {
		return c.ID(), said.Verb, ceremony.BadSignature // what was looked at is not what was signed
	}
	return c.ID(), said.Verb, e.ApplyStatement(ctx, by, said, signed.Armor)
}

// PeekStatement is the line that [Engine.Speak] would take, of which nothing is verified: what
// it shows has to be looked at before it is kept in a journal (P1).
func (e *Engine) PeekStatement(pasted []byte) (line string, ok bool) {
	return e.config.OpenPGP.PeekStatement(pasted)
}

// ApplyStatement does what somebody has signed, whose signature the caller has verified; signed
// is kept with what follows. The word has to fit the ceremony as it stands.
func (e *Engine) ApplyStatement(ctx context.Context, by ceremony.Account, said ceremony.Statement,
	signed string) error {
	a, err := e.actor(ceremony.ID(said.Of))
	if err != nil {
		return err
	}
	if said.Verb == ceremony.SayAccessor {
		c, _, err := e.Ceremony(a.id)
		if err == nil {
			err = c.Fits(said)
		}
		if err == nil {
			_, err = a.nameToken(ctx, rules.Name{By: by, Accessor: said.More, Signed: signed})
		}
		return err
	}
	_, _, err = ask(ctx, a, func(ctx context.Context) (rules.State, error) {
		if err := a.c.Fits(said); err != nil {
			return a.c, err
		}
		cmd, err := a.c.CommandOf(by, said, signed)
		if err == nil {
			err = a.record(ctx, cmd)
		}
		return a.c, err
	})
	return err
}
