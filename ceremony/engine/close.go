package engine

import (
	"context"
	"errors"
	"fmt"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
	"conclave/ceremony/planning"
	"conclave/ceremony/rules"
)

// close ends the attempt in Vault, if there is one and it is ours, and records it.
func (a *actor) close(ctx context.Context) (progress bool, err error) {
	switch {
	case a.c.Foreign():
		return a.advance(ctx, command.Close{Vault: event.AttemptForeign})
	case a.c.Attempt.Nonce == "", a.c.Plan.Operation == ceremony.Drill: // Vault was asked nothing
		return a.advance(ctx, command.Close{Vault: event.NothingToCancel})
	case a.c.Plan.Operation == ceremony.Unseal:
		return a.closeUnseal(ctx)
	}
	v, err := a.view(ctx)
	if err != nil {
		return false, fmt.Errorf("ask Vault before the cancellation: %w", err)
	}
	ending, unconfirmed := event.AttemptDropped, false
	switch {
	case !v.Update.Started:
		ending = event.NothingToCancel
	case v.Update.Nonce != a.c.Attempt.Nonce:
		ending = event.AttemptForeign
	case a.e.StandsStill(a.c): // a mark has come to light meanwhile
		return false, nil
	default:
		if err := a.cluster.Vault.Cancel(ctx, a.c.Plan.Operation, a.c.Attempt.Nonce); err != nil {
			a.log.Warn("Vault did not confirm the cancellation", "error", err)
			unconfirmed = true // if it is gone now, others may have ended it
		}
		if v, err = a.view(ctx); err != nil {
			return false, fmt.Errorf("ask Vault what came of the cancellation: %w", err)
		}
		if v.Update.Started && v.Update.Nonce == a.c.Attempt.Nonce {
			return false, nil
		}
	}
	dropped := ending == event.AttemptDropped && !unconfirmed
	if err := a.askBackup(ctx, &v); err != nil && !dropped {
		return false, fmt.Errorf("read Vault's backup: %w", err)
	}
	return a.advance(ctx, command.Close{Vault: ending, Unconfirmed: unconfirmed, Seen: v})
}

// closeUnseal makes the nodes forget the shares that they were sent. It does not wait for a
// node that can't be asked: such a node loses them when it starts again.
func (a *actor) closeUnseal(ctx context.Context) (progress bool, err error) {
	v, err := a.view(ctx)
	if err != nil {
		return a.advance(ctx, command.Close{Vault: event.NothingToCancel})
	}
	ours := func(s ceremony.NodeState) bool { return a.c.MayHold(s.Address) }
	n, err := a.resetNodes(ctx, v, ours)
	switch {
	case err != nil:
		return false, fmt.Errorf("have the nodes forget their shares: %w", err)
	case n > 0:
		return a.advance(ctx, command.Close{Vault: event.AttemptDropped})
	}
	return a.advance(ctx, command.Close{Vault: event.NothingToCancel})
}

// drop makes Vault forget an attempt or shares that can't be used, and only our own.
func (a *actor) drop(ctx context.Context, sent event.Dropping) (progress bool, err error) {
	v, err := a.view(ctx)
	if err != nil {
		return false, fmt.Errorf("ask Vault what it has to drop: %w", err)
	}
	var refused error
	var dropped bool
	if sent.Step == ceremony.StepUnseal {
		// the next view shows what came of it
		_, refused = a.resetNodes(ctx, v, func(ceremony.NodeState) bool { return true })
		if v, err = a.view(ctx); err != nil {
			return false, fmt.Errorf("ask the nodes what they dropped: %w", err)
		}
	}
	if v.Update.Started && v.Update.Nonce == a.c.Attempt.Nonce {
		if sent.Step == ceremony.StepVerify {
			_, err = a.cluster.Vault.CancelVerification(ctx, a.c.Plan.Operation, sent.Nonce)
		} else {
			err = a.cluster.Vault.Cancel(ctx, a.c.Plan.Operation, sent.Nonce)
			dropped = err == nil
		}
		if refused = err; refused != nil {
			a.log.Warn("Vault did not confirm that it dropped the attempt", "error", refused)
		}
		if v, err = a.view(ctx); err != nil {
			return false, fmt.Errorf("ask Vault what it dropped: %w", err)
		}
	}
	if err := a.askBackup(ctx, &v); err != nil && !dropped {
		return false, fmt.Errorf("read Vault's backup: %w", err)
	}
	seq := a.c.Seq()
	if _, err := a.advance(ctx, command.Settle{Dropped: dropped, Seen: v}); err != nil {
		return false, err
	}
	if a.c.Seq() == seq && a.permanent(refused) != "" {
		// Vault would refuse it again, and nothing else would ever be done.
		return a.advance(ctx, planning.VaultDiffers("what people want forgotten dropped", "Vault refuses to drop it").Stop())
	}
	return a.c.Seq() > seq, nil
}

// resetNodes makes sealed nodes forget the shares that they have counted. It returns how
// many did, and the errors of the others.
func (a *actor) resetNodes(ctx context.Context, v command.View, which func(ceremony.NodeState) bool) (n int, err error) {
	for _, s := range rules.StatesOf(v.Nodes) {
		if !s.Reached || !s.Sealed || s.Progress == 0 || !which(s) {
			continue
		}
		if reset := a.cluster.Vault.ResetUnseal(ctx, s.Address); reset != nil {
			a.log.Warn("a node did not confirm that it forgot the shares", "node", s.Address, "error", reset)
			err = errors.Join(err, reset) // the others must forget theirs all the same
			continue
		}
		n++
	}
	return n, err
}
