package ceremony

import (
	"context"
	"errors"
	"time"
)

// How often people are reminded of what a ceremony has left behind, counted from
// its end: a root token, which somebody has, or a backup in Vault of shares that
// only their holders can open. Afterwards it is once a day until the last time,
// which says that nobody looks any more.
var (
	tokenReminders  = []time.Duration{time.Hour, 4 * time.Hour, 12 * time.Hour, 24 * time.Hour}
	backupReminders = []time.Duration{24 * time.Hour}
)

const lastReminder = 7 * 24 * time.Hour

// How often Vault is asked whether it is still there.
const (
	accessorPoll = time.Minute
	backupPoll   = 10 * time.Minute
)

// OwesRevocation says whether a root token is about that nobody is known to have
// revoked: however the ceremony ended, since a token that Vault encrypted to
// somebody else's key is about as well. A ceremony that has ended is not settled
// before.
func (c Ceremony) OwesRevocation() bool {
	issued := c.Token != "" || c.Encoded != ""
	return c.Plan.Operation == GenerateRoot && issued && c.Ended() && c.Revoked == nil && !c.Left
}

// OwesDeletion says whether a rekey has left its backup in Vault: however it ended,
// once it has made new shares.
func (c Ceremony) OwesDeletion() bool {
	return c.Plan.Backup && c.Ended() && c.Result == nil && !c.Left && c.backedUpUnder() != ""
}

// backedUpUnder is the nonce of the attempt whose new shares Vault was to keep, empty
// while none was made.
func (c Ceremony) backedUpUnder() string {
	var attempt, made string
	for _, e := range c.History {
		switch ev := e.Event.(type) {
		case Started:
			attempt = ev.Nonce
		case Rekeyed:
			made = attempt
		}
	}
	return made
}

// owes says whether something is left behind that people are reminded of.
func (c Ceremony) owes() bool { return c.OwesRevocation() || c.OwesDeletion() }

// reminderDue is when the next reminder is to be sent.
func (c Ceremony) reminderDue() time.Time {
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

func (c Ceremony) remind(now time.Time) ([]Event, error) {
	over := !now.Before(c.EndedAt().Add(lastReminder))
	switch {
	case !c.owes() || now.Before(c.reminderDue()):
		return nil, nil
	case c.OwesDeletion() && over:
		return one(BackupLeft{})
	case c.OwesDeletion():
		return one(BackupReminded{Number: c.nextReminder(now)})
	case over:
		return one(TokenLeft{})
	}
	return one(Reminded{Number: c.nextReminder(now)})
}

// nextReminder is the number of a reminder that is sent now. Those whose time passed
// while nobody could send them are left out.
func (c Ceremony) nextReminder(now time.Time) int {
	for c.Reminders++; !now.Before(c.reminderDue()); c.Reminders++ {
	}
	return c.Reminders
}

// gone records that Vault does not have any more what was left behind.
func (c Ceremony) gone() ([]Event, error) {
	switch {
	case c.OwesDeletion():
		return one(BackupDeleted{})
	case c.OwesRevocation() && c.Accessor != "":
		return one(TokenRevoked{})
	}
	return nil, nil
}

// followUp looks after what a ceremony has left behind, and answers how long to
// wait for the next look.
func (o *owner) followUp(ctx context.Context, now time.Time) time.Duration {
	due := max(time.Until(o.c.reminderDue()), time.Millisecond)
	poll := accessorPoll
	switch {
	case o.c.OwesDeletion():
		poll = backupPoll
	case o.c.Accessor == "":
		return due
	}
	if wait := time.Until(o.polled.Add(poll)); wait > 0 {
		return min(wait, due)
	}
	o.polled = now
	gone, err := o.leftBehind(ctx)
	o.heard(err)
	switch {
	case err != nil:
		o.log.Warn("Vault could not be asked for what the ceremony has left behind", "error", err)
	case gone:
		_ = o.record(ctx, Gone{}) // an error of the journal stops the owner by itself
	}
	return min(poll, due)
}

// remind tells people once more, unless Vault says now that there is nothing left:
// it may have gone while nobody asked.
func (o *owner) remind(ctx context.Context) bool {
	if o.c.OwesDeletion() || o.c.Accessor != "" {
		gone, err := o.leftBehind(ctx)
		o.heard(err)
		switch {
		case err != nil:
			o.log.Warn("people are reminded of what Vault could not be asked for", "error", err)
		case gone:
			return o.record(ctx, Gone{}) == nil
		}
	}
	return o.record(ctx, Remind{}) == nil
}

// leftBehind asks Vault whether it is gone. Another cluster has neither, which says
// nothing.
func (o *owner) leftBehind(ctx context.Context) (gone bool, err error) {
	if d, err := o.elsewhere(ctx); err != nil {
		return false, err
	} else if d != nil {
		return false, errOtherCluster
	}
	if o.c.OwesRevocation() {
		state, err := o.cluster.Vault.Accessor(ctx, o.c.Accessor)
		return err == nil && !state.Exists, err
	}
	backup, err := o.cluster.Vault.Backup(ctx, o.c.Plan.Operation)
	if errors.Is(err, ErrNoBackup) {
		return true, nil
	}
	return err == nil && backup.Nonce != o.c.backedUpUnder(), err
}
