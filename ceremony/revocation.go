package ceremony

import (
	"context"
	"time"
)

// issued is when the token was made, zero before.
func (c Ceremony) issued() time.Time {
	for _, e := range c.History {
		if _, ok := e.Event.(TokenIssued); ok {
			return e.At
		}
	}
	return time.Time{}
}

// mayName says who may speak for the token.
func (c Ceremony) mayName(who Account) (Person, error) {
	if !c.OwesRevocation() {
		return Person{}, NotWaiting
	}
	by, ok := find(c.Plan.tokenSpeakers(), who)
	if !ok {
		return Person{}, NotRequester
	}
	return by, nil
}

// earlier is how much earlier than its issue Vault's clock may have made a token.
const earlier = 5 * time.Minute

// name takes an accessor only of a token that exists, is a root token and was
// made when this ceremony made its own: that another one is gone says nothing.
func (c Ceremony) name(cmd Name) ([]Event, error) {
	by, err := c.mayName(cmd.By)
	switch {
	case err != nil:
		return nil, err
	case !cmd.Seen.Exists:
		return nil, UnknownAccessor
	case !cmd.Seen.Root || cmd.Seen.Created.Before(c.issued().Add(-earlier)) || cmd.Seen.Created.After(c.issued().Add(earlier)):
		return nil, OtherToken
	case c.Accessor == cmd.Accessor:
		return nil, nil
	}
	return one(AccessorGiven{By: by, Accessor: cmd.Accessor, Signed: cmd.Signed})
}

// revoke records what somebody says and nobody could check.
func (c Ceremony) revoke(cmd Revoke) ([]Event, error) {
	by, err := c.mayName(cmd.By)
	if err != nil {
		return nil, err
	}
	if c.Accessor != "" {
		return nil, NotWaiting // Vault is asked: nobody has to be believed
	}
	return one(TokenRevoked{By: &by, Signed: cmd.Signed})
}

// NameToken tells by which accessor Vault knows the root token that a ceremony has
// issued. Vault is asked whether it can be that token.
func (e *Engine) NameToken(ctx context.Context, id ID, by Account, accessor string) (Ceremony, error) {
	o, err := e.owner(id)
	if err != nil {
		return Ceremony{}, err
	}
	return o.nameToken(ctx, Name{By: by, Accessor: accessor})
}

func (o *owner) nameToken(ctx context.Context, cmd Name) (Ceremony, error) {
	c, _, err := ask(ctx, o, func(ctx context.Context) (Ceremony, error) {
		if _, err := o.c.mayName(cmd.By); err != nil {
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
func (e *Engine) TokenRevoked(ctx context.Context, id ID, by Account) (Ceremony, error) {
	return e.command(ctx, id, Revoke{By: by})
}
