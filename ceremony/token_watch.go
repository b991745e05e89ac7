package ceremony

import (
	"context"
	"time"
)

// accessorPoll is how often Vault is asked whether a root token is still there.
const accessorPoll = time.Minute

// watchToken asks Vault whether the root token that was issued is gone.
func (o *owner) watchToken(ctx context.Context) {
	state, err := o.cluster.Vault.Accessor(ctx, o.c.Accessor)
	o.heard(err)
	switch {
	case err != nil:
		o.log.Warn("Vault could not be asked for the root token", "error", err)
	case !state.Exists:
		_ = o.record(ctx, Gone{}) // an error of the journal stops the owner by itself
	}
}

// NameToken tells by which accessor Vault knows the root token that a ceremony has
// issued. Vault is asked whether it can be that token.
func (e *Engine) NameToken(ctx context.Context, id ID, by Account, accessor string) (Ceremony, error) {
	o, err := e.owner(id)
	if err != nil {
		return Ceremony{}, err
	}
	c, _, err := ask(ctx, o, func(ctx context.Context) (Ceremony, error) {
		if _, err := o.c.mayName(by); err != nil {
			return o.c, err
		}
		seen, err := o.cluster.Vault.Accessor(ctx, accessor)
		if err == nil {
			err = o.record(ctx, Name{By: by, Accessor: accessor, Seen: seen})
		}
		return o.c, err
	})
	return c, err
}

// TokenRevoked records that somebody says so of a root token that Vault can't be
// asked about.
func (e *Engine) TokenRevoked(ctx context.Context, id ID, by Account) (Ceremony, error) {
	return e.command(ctx, id, Revoke{By: by})
}
