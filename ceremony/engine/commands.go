package engine

import (
	"context"

	"conclave/ceremony"
	"conclave/ceremony/rules"
)

// Approve records one person's consent. planHash is what they have seen of the
// plan's hash, at least 8 digits; when it is empty they have named the ceremony
// alone, which stands for its plan since a plan never changes.
func (e *Engine) Approve(ctx context.Context, id ceremony.ID, by ceremony.Account,
	planHash string) (rules.State, error) {
	if planHash == "" {
		c, _, err := e.Ceremony(id)
		if err != nil {
			return rules.State{}, err
		}
		planHash = c.PlanHash
	}
	return e.command(ctx, id, rules.Approve{By: by, PlanHash: planHash})
}

// Reject ends a proposal.
func (e *Engine) Reject(ctx context.Context, id ceremony.ID, by ceremony.Account, why string) (rules.State, error) {
	return e.command(ctx, id, rules.Reject{By: by, Why: rules.OneLine(why)})
}

// Cancel ends a ceremony; its attempt in Vault is cancelled next.
func (e *Engine) Cancel(ctx context.Context, id ceremony.ID, by ceremony.Account, why string) (rules.State, error) {
	return e.command(ctx, id, rules.Cancel{By: by, Why: rules.OneLine(why)})
}

// Resume is one of the two voices that thaw a frozen ceremony.
func (e *Engine) Resume(ctx context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error) {
	return e.command(ctx, id, rules.Resume{By: by})
}

// Reverify has the new shares of a rekey proven again, from the beginning.
func (e *Engine) Reverify(ctx context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error) {
	return e.command(ctx, id, rules.Reverify{By: by})
}

// Reset has the sealed nodes of an unseal forget the shares that they have counted.
func (e *Engine) Reset(ctx context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error) {
	return e.command(ctx, id, rules.Reset{By: by})
}

// Delete is an approver's word that the backup which was handed out may go.
func (e *Engine) Delete(ctx context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error) {
	return e.command(ctx, id, rules.Delete{By: by})
}

func (e *Engine) command(ctx context.Context, id ceremony.ID, cmd rules.Command) (rules.State, error) {
	a, err := e.actor(id)
	if err != nil {
		return rules.State{}, err
	}
	return a.command(ctx, cmd)
}

// Freeze has a ceremony stand still, on the word of anybody who has a part in it.
func (e *Engine) Freeze(ctx context.Context, id ceremony.ID, by ceremony.Account, why string) (rules.State, error) {
	return e.command(ctx, id, rules.Freeze{By: by, Why: rules.OneLine(why)})
}

// Proceed lets the gated step happen that waits for a witness.
func (e *Engine) Proceed(ctx context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error) {
	return e.command(ctx, id, rules.Proceed{By: by})
}

// Note writes down what somebody saw that was not as it should be.
func (e *Engine) Note(ctx context.Context, id ceremony.ID, by ceremony.Account, text string) (rules.State, error) {
	return e.command(ctx, id, rules.Note{By: by, Text: rules.OneLine(text)})
}

// Testify takes what a witness says of the ceremony that has ended.
func (e *Engine) Testify(ctx context.Context, id ceremony.ID, by ceremony.Account, agrees bool,
	why string) (rules.State, error) {
	return e.command(ctx, id, rules.Testify{By: by, Agrees: agrees, Why: rules.OneLine(why)})
}
