package rules

import (
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
)

// issued returns when the token was made, the zero time before.
func (c State) issued() time.Time {
	for _, e := range c.History {
		if _, ok := e.Event.(event.TokenIssued); ok {
			return e.At
		}
	}
	return time.Time{}
}

// MayName returns the token's requester or the approver with this account. It refuses
// everybody else, and everybody once no token is to be revoked.
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

// issueSlack is how far apart Vault's clock and the journal's may be about when a token
// was made.
const issueSlack = 5 * time.Minute

// name takes the accessor of a root token that exists and was made when this ceremony made
// its own. That any other token is gone would say nothing.
func (c State) name(cmd Name) ([]event.Event, error) {
	by, err := c.MayName(cmd.By)
	made := cmd.Seen.Created
	switch {
	case err != nil:
		return nil, err
	case !cmd.Seen.Exists:
		return nil, ceremony.UnknownAccessor
	case !cmd.Seen.Root, made.Before(c.issued().Add(-issueSlack)), made.After(c.issued().Add(issueSlack)):
		return nil, ceremony.OtherToken
	case c.Accessor == cmd.Accessor:
		return nil, nil
	}
	return one(event.AccessorGiven{By: by, Accessor: cmd.Accessor, Signed: cmd.Signed})
}

// revoke records that a person calls the token revoked, where nobody can check it.
func (c State) revoke(cmd Revoke) ([]event.Event, error) {
	by, err := c.MayName(cmd.By)
	if err != nil {
		return nil, err
	}
	if c.Accessor != "" {
		return nil, ceremony.NotWaiting // Vault is asked, and nobody has to be believed
	}
	return one(event.TokenRevoked{By: &by, Signed: cmd.Signed})
}
