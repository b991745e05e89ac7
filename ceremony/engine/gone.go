package engine

import (
	"context"
	"errors"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/rules"
)

// askBackup has a view in which the attempt is gone show what remains of it. After an
// error nothing is known, and Vault is to be asked again; that there is no backup, or
// that the bot may not read it, is an answer.
func (a *actor) askBackup(ctx context.Context, v *rules.View) error {
	if a.c.Plan.Operation.Rekeys() && a.c.Plan.Backup && a.c.Round.Step == ceremony.StepUpdate && a.c.Lacks(*v) {
		return a.readInto(ctx, v)
	}
	return nil
}

// readInto reads Vault's backup of new shares into a view. A backup without a nonce
// says that there is none. One that can't be read in the end is not to be had.
func (a *actor) readInto(ctx context.Context, v *rules.View) error {
	backup, err := a.cluster.Vault.Backup(ctx, a.c.Plan.Operation)
	switch {
	case err == nil:
		v.Backup = &backup
	case errors.Is(err, ceremony.ErrNoBackup):
		v.Backup = &ceremony.Backup{}
	case errors.Is(err, ceremony.ErrForbidden), errors.Is(err, ceremony.ErrUnsupported):
	default:
		if nonce := a.c.Attempt.Nonce; a.unread.Nonce != nonce {
			a.unread = rules.Unread{Nonce: nonce, Since: time.Now()}
		}
		if time.Since(a.unread.Since) < rules.BackupPatience {
			a.heard(err)
			return err
		}
		a.log.Warn("Vault's backup can't be read: the ceremony goes on without it", "error", err)
		return nil
	}
	a.unread = rules.Unread{}
	return nil
}
