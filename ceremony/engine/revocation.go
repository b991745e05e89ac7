package engine

import (
	"context"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/rules"
)

// NameToken records the accessor of the root token that a ceremony has issued. Vault is
// asked whether it can be that token.
func (e *Engine) NameToken(ctx context.Context, id ceremony.ID, by ceremony.Account,
	accessor string) (rules.State, error) {
	a, err := e.actor(id)
	if err != nil {
		return rules.State{}, err
	}
	return a.nameToken(ctx, command.Name{By: by, Accessor: accessor})
}

// nameToken asks Vault for the accessor and records the command with Vault's answer.
func (a *actor) nameToken(ctx context.Context, cmd command.Name) (rules.State, error) {
	c, _, err := ask(ctx, a, func(ctx context.Context) (rules.State, error) {
		if _, err := a.c.MayName(cmd.By); err != nil {
			return a.c, err
		}
		seen, err := a.cluster.Vault.Accessor(ctx, cmd.Accessor)
		if err == nil {
			cmd.Seen = seen
			err = a.record(ctx, cmd)
		}
		return a.c, err
	})
	return c, err
}

// TokenRevoked records that a person says that the root token is revoked, of a token that
// Vault can't be asked about.
func (e *Engine) TokenRevoked(ctx context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error) {
	return e.command(ctx, id, command.Revoke{By: by})
}
