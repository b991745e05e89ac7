package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// view asks Vault for everything that is compared with the plan.
func (a *actor) view(ctx context.Context) (v command.View, err error) {
	defer func() { a.heard(err) }()
	if a.c.Plan.Operation == ceremony.Unseal {
		return a.viewNodes(ctx)
	}
	for range 2 {
		if v.Update, err = a.cluster.Vault.Progress(ctx, a.c.Plan.Operation, ceremony.StepUpdate); err != nil {
			return v, err
		}
		if a.c.Round.Step == ceremony.StepVerify || v.Update.VerificationNonce != "" {
			if v.Verify, err = a.cluster.Vault.Progress(ctx, a.c.Plan.Operation, ceremony.StepVerify); err != nil {
				return v, err
			}
		}
		// A rekey that ends between the two questions is asked about again.
		if a.c.Round.Step != ceremony.StepVerify || !v.Update.Started || v.Verify.Started {
			break
		}
	}
	if a.c.Plan.Operation == ceremony.RecoveryToken {
		return v, nil // in recovery mode a server tells nothing of its seal
	}
	// The seal comes last: its numbers are read as those after the rekey.
	if v.Seal, err = a.cluster.Vault.Seal(ctx); err == nil && v.Seal.Sealed {
		err = ceremony.ErrSealed
	}
	return v, err
}

// viewNodes asks every node of the plan by itself. A node that does not answer is shown
// as such. An error means that no node answers.
func (a *actor) viewNodes(ctx context.Context) (v command.View, err error) {
	configured, err := a.cluster.Vault.Nodes(ctx)
	if err != nil {
		return v, err
	}
	v.Nodes = a.c.Plan.NodesOf(configured)
	for _, n := range v.Nodes {
		if n.Err == nil {
			return v, nil
		}
		err = n.Err
	}
	return v, err
}

// heard notes how Vault answers, for the status post. That there is no backup is an answer.
func (a *actor) heard(err error) {
	if errors.Is(err, ceremony.ErrNoBackup) {
		err = nil
	}
	if a.live.Since.IsZero() || ceremony.KindOf(err) != ceremony.KindOf(a.live.Vault) {
		a.live = rules.Live{Vault: err, Since: time.Now()}
		a.publish()
	}
}

// poll compares Vault with the plan and freezes on a difference (P4). An error means
// that they could not be compared.
func (a *actor) poll(ctx context.Context, reconcile bool) error {
	if a.c.Plan.Operation == ceremony.Drill || a.c.Plan.Operation == ceremony.ReadBackup {
		return nil // they have nothing in Vault between two acts
	}
	v, err := a.view(ctx)
	if err == nil {
		err = a.askBackup(ctx, &v)
	}
	switch {
	case errors.Is(err, ceremony.ErrSealed):
		err = a.record(ctx, command.Stop{Why: event.SealedMidway})
	case err == nil:
		err = a.record(ctx, command.Look{Seen: v, Reconcile: reconcile})
	}
	if err != nil {
		return fmt.Errorf("compare Vault with the plan: %w", err)
	}
	return nil
}
