package rules

import (
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
)

// The times at which people are reminded of what a ceremony has left behind, counted from
// its end: of a root token, which somebody has, or of a backup in Vault, whose shares only
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
	after := lastReminder
	switch n := c.Reminders; {
	case n < len(schedule):
		after = schedule[n]
	default:
		after = min(after, schedule[len(schedule)-1]*time.Duration(n-len(schedule)+2))
	}
	return c.EndedAt().Add(after)
}

// remind sends a reminder that is due, or the last word about what was left behind.
func (c State) remind(now time.Time) ([]event.Event, error) {
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
func (c State) gone() ([]event.Event, error) {
	switch {
	case c.OwesDeletion():
		return one(event.BackupDeleted{})
	case c.OwesRevocation() && c.Accessor != "":
		return one(event.TokenRevoked{})
	}
	return nil, nil
}
