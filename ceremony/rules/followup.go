package rules

import (
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
)

// The times at which people are reminded of what a ceremony has left behind, counted from
// its end: of a root token, which a person has, or of a backup in Vault, whose shares only
// their holders can open. Afterwards they are reminded once a day until [lastReminder],
// which says that nobody looks any more.
var (
	tokenReminders  = []time.Duration{time.Hour, 4 * time.Hour, 12 * time.Hour, 24 * time.Hour}
	backupReminders = []time.Duration{24 * time.Hour}
)

const lastReminder = 7 * 24 * time.Hour

// OwesRevocation reports whether a root token exists that nobody is known to have revoked,
// however the ceremony ended: a token that Vault encrypted to a wrong key exists as well.
// Until then a ceremony that has ended is not settled.
func (c State) OwesRevocation() bool {
	issued := c.Token != "" || c.Encoded != ""
	return c.Plan.Operation == ceremony.GenerateRoot && issued && c.Ended() && c.Revoked == nil && !c.Left
}

// OwesDeletion reports whether a rekey that has made new shares has left its backup in
// Vault, however it ended.
func (c State) OwesDeletion() bool {
	return c.Plan.Backup && c.Ended() && c.Result == nil && !c.Left && c.BackedUpUnder() != ""
}

// BackedUpUnder returns the nonce of the attempt whose new shares Vault was to keep, or ""
// while none were made.
func (c State) BackedUpUnder() string {
	var attempt, made string
	for _, e := range c.History {
		switch ev := e.Event.(type) {
		case event.Started:
			attempt = ev.Nonce
		case event.Rekeyed:
			made = attempt
		}
	}
	return made
}

// Owes reports whether something is left behind that people are reminded of.
func (c State) Owes() bool { return c.OwesRevocation() || c.OwesDeletion() }

// ReminderDue returns when the next reminder is to be sent.
func (c State) ReminderDue() time.Time {
	schedule := tokenReminders
	if c.OwesDeletion() {
		schedule = backupReminders
	}
	n, last := c.Reminders, len(schedule)-1
	return c.EndedAt().Add(min(lastReminder, schedule[min(n, last)]*time.Duration(max(n-last, 0)+1)))
}

// remind sends a reminder that is due, or the last word about what was left behind.
func (c State) remind(_ command.Remind, now time.Time) ([]event.Event, error) {
	over := !now.Before(c.EndedAt().Add(lastReminder))
	switch {
	case !c.Owes() || now.Before(c.ReminderDue()):
		return nil, nil
	case c.OwesDeletion() && over:
		return one(event.BackupLeft{})
	case c.OwesDeletion():
		return one(event.BackupReminded{Number: c.nextReminder(now)})
	case over:
		return one(event.TokenLeft{})
	}
	return one(event.Reminded{Number: c.nextReminder(now)})
}

// nextReminder returns the number of a reminder that is sent now. It leaves out those
// whose time passed while nobody could send them.
func (c State) nextReminder(now time.Time) int {
	for c.Reminders++; !now.Before(c.ReminderDue()); c.Reminders++ {
	}
	return c.Reminders
}

// gone records that Vault no longer has what was left behind.
func (c State) gone(command.Gone) ([]event.Event, error) {
	switch {
	case c.OwesDeletion():
		return one(event.BackupDeleted{})
	case c.OwesRevocation() && c.Accessor != "":
		return one(event.TokenRevoked{})
	}
	return nil, nil
}

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
func (c State) name(cmd command.Name) ([]event.Event, error) {
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
func (c State) revoke(cmd command.Revoke) ([]event.Event, error) {
	by, err := c.MayName(cmd.By)
	if err != nil {
		return nil, err
	}
	if c.Accessor != "" {
		return nil, ceremony.NotWaiting // Vault is asked, and nobody has to be believed
	}
	return one(event.TokenRevoked{By: &by, Signed: cmd.Signed})
}
