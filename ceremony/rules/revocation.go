package rules

import (
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
)

// issued is when the token was made, zero before.
func (c State) issued() time.Time {
	for _, e := range c.History {
		if _, ok := e.Event.(event.TokenIssued); ok {
			return e.At
		}
	}
	return time.Time{}
}

// MayName says who may speak for the token.
func (c State) MayName(who ceremony.Account) (ceremony.Person, error) {
	if !c.OwesRevocation() {
		return ceremony.Person{}, ceremony.NotWaiting
	}
	by, ok := ceremony.Find(c.Plan.TokenSpeakers(), who)
	if !ok {
		return ceremony.Person{}, ceremony.NotRequester
	}
	return by, nil
}

// earlier is how much earlier than its issue Vault's clock may have made a token.
const earlier = 5 * time.Minute

// name takes an accessor only of a token that exists, is a root token and was
// made when this ceremony made its own: that another one is gone says nothing.
func (c State) name(cmd Name) ([]event.Event, error) {
	by, err := c.MayName(cmd.By)
	switch {
	case err != nil:
		return nil, err
	case !cmd.Seen.Exists:
		return nil, ceremony.UnknownAccessor
	case !cmd.Seen.Root || cmd.Seen.Created.Before(c.issued().Add(-earlier)) || cmd.Seen.Created.After(c.issued().Add(earlier)):
		return nil, ceremony.OtherToken
	case c.Accessor == cmd.Accessor:
		return nil, nil
	}
	return one(event.AccessorGiven{By: by, Accessor: cmd.Accessor, Signed: cmd.Signed})
}

// revoke records what somebody says and nobody could check.
func (c State) revoke(cmd Revoke) ([]event.Event, error) {
	by, err := c.MayName(cmd.By)
	if err != nil {
		return nil, err
	}
	if c.Accessor != "" {
		return nil, ceremony.NotWaiting // Vault is asked: nobody has to be believed
	}
	return one(event.TokenRevoked{By: &by, Signed: cmd.Signed})
}
