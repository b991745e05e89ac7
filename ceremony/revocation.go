package ceremony

import (
	"slices"
	"time"
)

// How often somebody who has a root token is reminded to revoke it, counted from
// its issue; afterwards once a day until the last one, which says that nobody
// looks any more.
var reminders = []time.Duration{time.Hour, 4 * time.Hour, 12 * time.Hour, 24 * time.Hour}

const lastReminder = 7 * 24 * time.Hour

// OwesRevocation says whether a root token is about that nobody is known to have
// revoked. A ceremony that has ended is not settled before.
func (c Ceremony) OwesRevocation() bool {
	return c.Plan.Operation == GenerateRoot && c.Outcome == Completed && c.Revoked == nil && !c.Left
}

// issued is when the token was made, zero before.
func (c Ceremony) issued() time.Time {
	for _, e := range c.History {
		if _, ok := e.Event.(TokenIssued); ok {
			return e.At
		}
	}
	return time.Time{}
}

// reminderDue is when the next reminder is to be sent.
func (c Ceremony) reminderDue() time.Time {
	after := lastReminder
	switch n := c.Reminders; {
	case n < len(reminders):
		after = reminders[n]
	default:
		after = min(after, reminders[len(reminders)-1]*time.Duration(n-len(reminders)+2))
	}
	return c.issued().Add(after)
}

func (c Ceremony) remind(now time.Time) ([]Event, error) {
	switch {
	case !c.OwesRevocation() || now.Before(c.reminderDue()):
		return nil, nil
	case !now.Before(c.issued().Add(lastReminder)):
		return one(TokenLeft{})
	}
	return one(Reminded{Number: c.Reminders + 1})
}

// mayName says who may speak for the token.
func (c Ceremony) mayName(who Account) (Person, error) {
	if !c.OwesRevocation() {
		return Person{}, NotWaiting
	}
	by, ok := find(append(slices.Clip(c.Plan.Approvers), *c.Plan.Requester), who)
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
	return one(AccessorGiven{By: by, Accessor: cmd.Accessor})
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
	return one(TokenRevoked{By: &by})
}

func (c Ceremony) gone() ([]Event, error) {
	if !c.OwesRevocation() || c.Accessor == "" {
		return nil, nil
	}
	return one(TokenRevoked{})
}
