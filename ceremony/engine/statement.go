package engine

import (
	"context"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/rules"
)

// SubmitStatement carries out a statement: one line that its sender has signed with the PGP
// key which the plan pins for them, see [ceremony.Statement]. The error is a Refusal when
// the sender is at fault. The id and the verb are returned as far as they could be read.
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
		return c.ID(), said.Verb, ceremony.BadSignature // the line that was looked at is not the one that was signed
	}
	return c.ID(), said.Verb, e.ApplyStatement(ctx, by, said, signed.Armor)
}

// PeekStatement returns the line that [Engine.SubmitStatement] would take. Nothing of it is
// verified: it must be searched for secrets before it is kept in a journal (P1).
func (e *Engine) PeekStatement(pasted []byte) (line string, ok bool) {
	return e.config.OpenPGP.PeekStatement(pasted)
}

// ApplyStatement carries out a statement whose signature the caller has verified. signed is
// its armored message, which is kept in the journal. The statement must fit the ceremony as
// it stands.
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
			_, err = a.nameToken(ctx, command.Name{By: by, Accessor: said.More, Signed: signed})
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
