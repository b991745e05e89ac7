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
func (o *actor) askBackup(ctx context.Context, v *rules.View) error {
	if o.c.Plan.Operation.Rekeys() && o.c.Plan.Backup && o.c.Round.Step == ceremony.StepUpdate && o.c.Lacks(*v) {
		return o.readInto(ctx, v)
	}
	return nil
}

// readInto reads Vault's backup of new shares into a view. A backup without a nonce
// says that there is none. One that can't be read in the end is not to be had.
func (o *actor) readInto(ctx context.Context, v *rules.View) error {
	backup, err := o.cluster.Vault.Backup(ctx, o.c.Plan.Operation)
	switch {
	case err == nil:
		v.Backup = &backup
	case errors.Is(err, ceremony.ErrNoBackup):
		v.Backup = &ceremony.Backup{}
	case errors.Is(err, ceremony.ErrForbidden), errors.Is(err, ceremony.ErrUnsupported):
	default:
		if nonce := o.c.Attempt.Nonce; o.unread.Nonce != nonce {
			o.unread = rules.Unread{Nonce: nonce, Since: time.Now()}
		}
		if time.Since(o.unread.Since) < rules.BackupPatience {
			o.heard(err)
			return err
		}
		o.log.Warn("Vault's backup can't be read: the ceremony goes on without it", "error", err)
		return nil
	}
	o.unread = rules.Unread{}
	return nil
}
