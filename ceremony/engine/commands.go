package engine

import (
	"context"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/rules"
)

// Approve records an approver's consent. planHash is the beginning of the plan's hash that
// they have seen, at least 8 digits. When it is empty, the ceremony's id stands for its
// plan, since a plan never changes.
func (e *Engine) Approve(ctx context.Context, id ceremony.ID, by ceremony.Account,
	planHash string) (rules.State, error) {
	if planHash == "" {
		c, _, err := e.Ceremony(id)
		if err != nil {
			return rules.State{}, err
		}
		planHash = c.PlanHash
	}
	return e.command(ctx, id, command.Approve{By: by, PlanHash: planHash})
}

// Reject ends a proposal.
func (e *Engine) Reject(ctx context.Context, id ceremony.ID, by ceremony.Account, why string) (rules.State, error) {
	return e.command(ctx, id, command.Reject{By: by, Why: command.OneLine(why)})
}

// Cancel ends a ceremony. Its attempt in Vault is cancelled next.
func (e *Engine) Cancel(ctx context.Context, id ceremony.ID, by ceremony.Account, why string) (rules.State, error) {
	return e.command(ctx, id, command.Cancel{By: by, Why: command.OneLine(why)})
}

// Resume records that a person wants a frozen ceremony to go on. It takes two people.
func (e *Engine) Resume(ctx context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error) {
	return e.command(ctx, id, command.Resume{By: by})
}

// Reverify begins the verification of a rekey's new shares again.
func (e *Engine) Reverify(ctx context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error) {
	return e.command(ctx, id, command.Reverify{By: by})
}

// Reset makes the sealed nodes of an unseal forget the shares that they have counted.
func (e *Engine) Reset(ctx context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error) {
	return e.command(ctx, id, command.Reset{By: by})
}

// Delete records an approver's consent to delete the backup that was handed out.
func (e *Engine) Delete(ctx context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error) {
	return e.command(ctx, id, command.Delete{By: by})
}

// command has the ceremony's actor record a command. The error is Closed when the ceremony
// has no actor any more.
func (e *Engine) command(ctx context.Context, id ceremony.ID, cmd command.Command) (rules.State, error) {
	a, err := e.actor(id)
	if err != nil {
		return rules.State{}, err
	}
	return a.command(ctx, cmd)
}

// Freeze stops a ceremony until it is resumed. Everybody with a part in it may freeze it.
func (e *Engine) Freeze(ctx context.Context, id ceremony.ID, by ceremony.Account, why string) (rules.State, error) {
	return e.command(ctx, id, command.Freeze{By: by, Why: command.OneLine(why)})
}

// Proceed records that a witness lets the gated step happen.
func (e *Engine) Proceed(ctx context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error) {
	return e.command(ctx, id, command.Proceed{By: by})
}

// Note records an exception: what a participant saw that was not as it should be.
func (e *Engine) Note(ctx context.Context, id ceremony.ID, by ceremony.Account, text string) (rules.State, error) {
	return e.command(ctx, id, command.Note{By: by, Text: command.OneLine(text)})
}

// Testify records whether a witness agrees with the ceremony after its end.
func (e *Engine) Testify(ctx context.Context, id ceremony.ID, by ceremony.Account, agrees bool,
	why string) (rules.State, error) {
	return e.command(ctx, id, command.Testify{By: by, Agrees: agrees, Why: command.OneLine(why)})
}
