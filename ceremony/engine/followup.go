package engine

import (
	"context"
	"errors"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/rules"
)

// errOtherCluster means that the cluster that answers does not have the plan's id.
var errOtherCluster = errors.New("it is not the cluster that the ceremony was about")

// How often Vault is asked whether the token or the backup still exists.
const (
	accessorPoll = time.Minute
	backupPoll   = 10 * time.Minute
)

// followUp looks after the token or the backup that a ceremony has left in Vault. It
// returns how long to wait for the next look.
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
		_ = a.record(ctx, command.Gone{}) // an error of the journal halts the actor by itself
	}
	return min(poll, due)
}

// remind reminds people once more of what is left in Vault. Vault is asked first: it may
// be gone by now, and then that is recorded instead.
func (a *actor) remind(ctx context.Context) (progress bool, err error) {
	if a.c.OwesDeletion() || a.c.Accessor != "" {
		gone, err := a.leftBehind(ctx)
		a.heard(err)
		switch {
		case err != nil:
			a.log.Warn("people are reminded of what Vault could not be asked for", "error", err)
		case gone:
			return a.advance(ctx, command.Gone{})
		}
	}
	return a.advance(ctx, command.Remind{})
}

// leftBehind asks Vault whether the token or the backup is gone. Another cluster has
// neither, which proves nothing: then the error is errOtherCluster.
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

// NameToken records the accessor of the root token that a ceremony has issued. Vault is
// asked whether it can be that token.
func (e *Engine) NameToken(ctx context.Context, id ceremony.ID, by ceremony.Account,
	accessor string) (rules.State, error) {
	a, err := e.actor(id)
	if err != nil {
		return rules.State{}, err
	}
	return a.nameToken(ctx, command.Name{By: by, Accessor: accessor})
}

// nameToken asks Vault for the accessor and records the command with Vault's answer.
func (a *actor) nameToken(ctx context.Context, cmd command.Name) (rules.State, error) {
	c, _, err := ask(ctx, a, func(ctx context.Context) (rules.State, error) {
		if _, err := a.c.MayName(cmd.By); err != nil {
			return a.c, err
		}
		seen, err := a.cluster.Vault.Accessor(ctx, cmd.Accessor)
		if err == nil {
			cmd.Seen = seen
			err = a.record(ctx, cmd)
		}
		return a.c, err
	})
	return c, err
}

// TokenRevoked records that a person says that the root token is revoked, of a token that
// Vault can't be asked about.
func (e *Engine) TokenRevoked(ctx context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error) {
	return e.command(ctx, id, command.Revoke{By: by})
}
