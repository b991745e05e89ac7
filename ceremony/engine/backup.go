package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
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

// readBackup brings the new shares that Vault kept to whom they are for.
func (a *actor) readBackup(ctx context.Context) (progress bool, err error) {
	backup, err := a.backup(ctx)
	if err != nil {
		if fault := a.permanent(err); fault != "" {
			a.log.Warn("Vault's backup can't be read", "error", err)
			return a.advance(ctx, rules.Fail{Fault: fault})
		}
		return false, fmt.Errorf("read Vault's backup: %w", err)
	}
	read := event.BackupRead{Nonce: backup.Nonce}
	read.Of, read.Outcome, read.Unknown = a.e.madeUnder(backup.Nonce)
	snapshot := map[ceremony.Fingerprint]bool{}
	for _, p := range a.c.Plan.Receivers {
		for _, ciphertext := range backup.Ciphertexts[p.Key] {
			read.Shares = append(read.Shares, event.NewShare{For: p, Ciphertext: ciphertext})
		}
		snapshot[p.Key] = true
	}
	for key := range backup.Ciphertexts {
		if !snapshot[key] {
			read.Unclaimed = append(read.Unclaimed, key)
		}
	}
	slices.Sort(read.Unclaimed)
	return a.advance(ctx, rules.Done{Result: read})
}

func (a *actor) backup(ctx context.Context) (b ceremony.Backup, err error) {
	defer func() { a.heard(err) }()
	return a.cluster.Vault.Backup(ctx, a.rekeyKind())
}

// rekeyKind is the rekey whose backup this cluster keeps.
func (a *actor) rekeyKind() ceremony.Operation { return ceremony.Seal{Type: a.c.Plan.Seal}.Rekey() }

// unlikeBackup is why the backup that was handed out must not be deleted, nil when
// nothing is known: Vault has another one, or the rekey that made it still waits for
// proof of its new shares.
func (a *actor) unlikeBackup(ctx context.Context) (*rules.Difference, error) {
	handedOut := a.c.Backup.Nonce
	backup, err := a.backup(ctx)
	switch {
	case err != nil:
		return nil, err
	case backup.Nonce != handedOut:
		return &rules.Difference{
			Why: event.VaultDiffers, Want: "the backup of attempt " + handedOut, Got: "attempt " + backup.Nonce,
		}, nil
	}
	seen, err := a.cluster.Vault.Progress(ctx, a.rekeyKind(), ceremony.StepUpdate)
	switch {
	case errors.Is(err, ceremony.ErrForbidden), errors.Is(err, ceremony.ErrUnsupported):
		return nil, nil // whoever may not rekey here may not know either
	case err == nil && seen.Started && seen.Nonce == handedOut:
		return &rules.Difference{
			Why: event.VaultDiffers, Want: "a rekey that has ended", Got: "attempt " + handedOut + " still in progress",
		}, nil
	}
	return nil, err
}
