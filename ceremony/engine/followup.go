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
func (o *actor) followUp(ctx context.Context, now time.Time) time.Duration {
	due := max(time.Until(o.c.ReminderDue()), time.Millisecond)
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
		_ = o.record(ctx, rules.Gone{}) // an error of the journal stops the owner by itself
	}
	return min(poll, due)
}

// remind tells people once more, unless Vault says now that there is nothing left:
// it may have gone while nobody asked.
func (o *actor) remind(ctx context.Context) bool {
	if o.c.OwesDeletion() || o.c.Accessor != "" {
		gone, err := o.leftBehind(ctx)
		o.heard(err)
		switch {
		case err != nil:
			o.log.Warn("people are reminded of what Vault could not be asked for", "error", err)
		case gone:
			return o.record(ctx, rules.Gone{}) == nil
		}
	}
	return o.record(ctx, rules.Remind{}) == nil
}

// leftBehind asks Vault whether it is gone. Another cluster has neither, which says
// nothing.
func (o *actor) leftBehind(ctx context.Context) (gone bool, err error) {
	if d, err := o.otherCluster(ctx); err != nil {
		return false, err
	} else if d != nil {
		return false, errOtherCluster
	}
	if o.c.OwesRevocation() {
		state, err := o.cluster.Vault.Accessor(ctx, o.c.Accessor)
		return err == nil && !state.Exists, err
	}
	backup, err := o.cluster.Vault.Backup(ctx, o.c.Plan.Operation)
	if errors.Is(err, ceremony.ErrNoBackup) {
		return true, nil
	}
	return err == nil && backup.Nonce != o.c.BackedUpUnder(), err
}
