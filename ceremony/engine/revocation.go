package engine

import (
	"context"

	"conclave/ceremony"
	"conclave/ceremony/rules"
)

// NameToken tells by which accessor Vault knows the root token that a ceremony has
// issued. Vault is asked whether it can be that token.
func (e *Engine) NameToken(ctx context.Context, id ceremony.ID, by ceremony.Account, accessor string) (rules.State, error) {
	o, err := e.actor(id)
	if err != nil {
		return rules.State{}, err
	}
	return o.nameToken(ctx, rules.Name{By: by, Accessor: accessor})
}

func (o *actor) nameToken(ctx context.Context, cmd rules.Name) (rules.State, error) {
	c, _, err := ask(ctx, o, func(ctx context.Context) (rules.State, error) {
		if _, err := o.c.MayName(cmd.By); err != nil {
			return o.c, err
		}
		seen, err := o.cluster.Vault.Accessor(ctx, cmd.Accessor)
		if err == nil {
			cmd.Seen = seen
			err = o.record(ctx, cmd)
		}
		return o.c, err
	})
	return c, err
}

// TokenRevoked records that somebody says so of a root token that Vault can't be
// asked about.
func (e *Engine) TokenRevoked(ctx context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error) {
	return e.command(ctx, id, rules.Revoke{By: by})
}
