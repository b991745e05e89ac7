package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
	"conclave/ceremony/planning"
	"conclave/ceremony/rules"
)

// backupPatience is for how long a backup that can't be read holds up a ceremony. It stays in
// Vault, and people are told how to get at it.
const backupPatience = 5 * time.Minute

// unread tells since when Vault's backup can't be read.
type unread struct {
	Nonce string // of the attempt whose shares it may have
	Since time.Time
}

// askBackup reads Vault's backup into a view in which the attempt of a rekey is gone. After
// an error nothing is known, and Vault must be asked again. A missing backup, or one that
// the bot's token may not read, is no error.
func (a *actor) askBackup(ctx context.Context, v *command.View) error {
	if a.c.Plan.Operation.Rekeys() && a.c.Plan.Backup && a.c.Round.Step == ceremony.StepUpdate && a.c.Lacks(*v) {
		return a.readInto(ctx, v)
	}
	return nil
}

// readInto reads Vault's backup of the new shares into a view. A backup without a nonce
// means that there is none. After backupPatience of errors it returns nil, and the
// view has no backup.
func (a *actor) readInto(ctx context.Context, v *command.View) error {
	backup, err := a.cluster.Vault.Backup(ctx, a.c.Plan.Operation)
	switch {
	case err == nil:
		v.Backup = &backup
	case errors.Is(err, ceremony.ErrNoBackup):
		v.Backup = &ceremony.Backup{}
	case errors.Is(err, ceremony.ErrForbidden), errors.Is(err, ceremony.ErrUnsupported):
	default:
		if nonce := a.c.Attempt.Nonce; a.unread.Nonce != nonce {
			a.unread = unread{Nonce: nonce, Since: time.Now()}
		}
		if time.Since(a.unread.Since) < backupPatience {
			a.heard(err)
			return err
		}
		a.log.Warn("Vault's backup can't be read: the ceremony goes on without it", "error", err)
		return nil
	}
	a.unread = unread{}
	return nil
}

// readBackup records the new shares of Vault's backup for their receivers.
func (a *actor) readBackup(ctx context.Context) (progress bool, err error) {
	backup, err := a.backup(ctx)
	if err != nil {
		if fault := a.permanent(err); fault != "" {
			a.log.Warn("Vault's backup can't be read", "error", err)
			return a.advance(ctx, command.Fail{Fault: fault})
		}
		return false, fmt.Errorf("read Vault's backup: %w", err)
	}
	read := event.BackupRead{Nonce: backup.Nonce}
	read.Of, read.Outcome, read.Unknown = a.e.madeUnder(backup.Nonce)
	claimed := map[ceremony.Fingerprint]bool{}
	for _, p := range a.c.Plan.Receivers {
		for _, ciphertext := range backup.Ciphertexts[p.Key] {
			read.Shares = append(read.Shares, event.NewShare{For: p, Ciphertext: ciphertext})
		}
		claimed[p.Key] = true
	}
	for key := range backup.Ciphertexts {
		if !claimed[key] {
			read.Unclaimed = append(read.Unclaimed, key)
		}
	}
	slices.Sort(read.Unclaimed)
	return a.advance(ctx, command.Done{Result: read})
}

// backup reads Vault's backup of new shares.
func (a *actor) backup(ctx context.Context) (b ceremony.Backup, err error) {
	defer func() { a.heard(err) }()
	return a.cluster.Vault.Backup(ctx, a.rekeyKind())
}

// rekeyKind returns the kind of rekey whose backup this cluster keeps.
func (a *actor) rekeyKind() ceremony.Operation { return ceremony.Seal{Type: a.c.Plan.Seal}.Rekey() }

// unlikeBackup returns why the backup that was handed out must not be deleted, or nil:
// Vault has another backup, or the rekey that made it still waits for proof of its new
// shares.
func (a *actor) unlikeBackup(ctx context.Context) (*rules.Difference, error) {
	handedOut := a.c.Backup.Nonce
	backup, err := a.backup(ctx)
	switch {
	case err != nil:
		return nil, err
	case backup.Nonce != handedOut:
		return planning.VaultDiffers("the backup of attempt "+handedOut, "attempt "+backup.Nonce), nil
	}
	seen, err := a.cluster.Vault.Progress(ctx, a.rekeyKind(), ceremony.StepUpdate)
	switch {
	case errors.Is(err, ceremony.ErrForbidden), errors.Is(err, ceremony.ErrUnsupported):
		return nil, nil // a token that may not rekey may not ask either
	case err == nil && seen.Started && seen.Nonce == handedOut:
		return planning.VaultDiffers("a rekey that has ended", "attempt "+handedOut+" still in progress"), nil
	}
	return nil, err
}
