package engine

import (
	"context"
	"errors"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/rules"
)

// errOtherCluster means that a cluster answers whose id is not the plan's.
var errOtherCluster = errors.New("it is not the cluster that the ceremony was about")

// How often Vault is asked whether it is still there.
const (
	accessorPoll = time.Minute
	backupPoll   = 10 * time.Minute
)

// followUp looks after what a ceremony has left behind, and answers how long to
// wait for the next look.
func (a *actor) followUp(ctx context.Context, now time.Time) time.Duration {
	due := max(time.Until(a.c.ReminderDue()), time.Millisecond)
	poll := accessorPoll
	switch {
	case a.c.OwesDeletion():
		poll = backupPoll
	case a.c.Accessor == "":
		return due
	}
	if wait := time.Until(a.polled.Add(poll)); wait > 0 {
		return min(wait, due)
	}
	a.polled = now
	gone, err := a.leftBehind(ctx)
	a.heard(err)
	switch {
	case err != nil:
		a.log.Warn("Vault could not be asked for what the ceremony has left behind", "error", err)
	case gone:
		_ = a.record(ctx, rules.Gone{}) // an error of the journal stops the owner by itself
	}
	return min(poll, due)
}

// remind tells people once more, unless Vault says now that there is nothing left:
// it may have gone while nobody asked.
func (a *actor) remind(ctx context.Context) (progress bool, err error) {
	if a.c.OwesDeletion() || a.c.Accessor != "" {
		gone, err := a.leftBehind(ctx)
		a.heard(err)
		switch {
		case err != nil:
			a.log.Warn("people are reminded of what Vault could not be asked for", "error", err)
		case gone:
			return a.advance(ctx, rules.Gone{})
		}
	}
	return a.advance(ctx, rules.Remind{})
}

// leftBehind asks Vault whether it is gone. Another cluster has neither, which says
// nothing.
func (a *actor) leftBehind(ctx context.Context) (gone bool, err error) {
	if d, err := a.otherCluster(ctx); err != nil {
		return false, err
	} else if d != nil {
		return false, errOtherCluster
	}
	if a.c.OwesRevocation() {
		state, err := a.cluster.Vault.Accessor(ctx, a.c.Accessor)
		return err == nil && !state.Exists, err
	}
	backup, err := a.cluster.Vault.Backup(ctx, a.c.Plan.Operation)
	if errors.Is(err, ceremony.ErrNoBackup) {
		return true, nil
	}
	return err == nil && backup.Nonce != a.c.BackedUpUnder(), err
}
