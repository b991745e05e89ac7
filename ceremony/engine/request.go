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

// request carries out an operation that takes no shares. It makes sure that Vault is as
// the approved plan has it, records the act, and sends it.
func (a *actor) request(ctx context.Context) (progress bool, err error) {
	if stop, err := a.notAsAgreed(ctx); err != nil {
		return false, err
	} else if stop != nil {
		return a.advance(ctx, stop)
	}
	op := a.c.Plan.Operation
	if op == ceremony.ReadBackup && a.c.Backup == nil {
		return a.readBackup(ctx)
	}
	if _, err := a.advance(ctx, command.Request{Act: rules.Undertakes(op)}); err != nil {
		return false, err
	}
	return a.act(ctx)
}

// notAsAgreed returns the command that ends or freezes the ceremony because Vault
// differs from the approved plan (P4) or refuses to be asked. It returns nil when the act
// may be sent, and an error when Vault must be asked again.
func (a *actor) notAsAgreed(ctx context.Context) (command.Command, error) {
	d, err := a.planDrift(ctx)
	switch {
	case err != nil && a.permanent(err) != "":
		return command.Fail{Fault: a.permanent(err)}, nil
	case err != nil:
		return nil, fmt.Errorf("ask Vault before the act: %w", err)
	case d != nil:
		return d.Stop(), nil
	}
	return nil, nil
}

// planDrift returns the first way in which Vault differs from the approved plan, or nil
// (P4).
func (a *actor) planDrift(ctx context.Context) (d *rules.Difference, err error) {
	defer func() { a.heard(err) }()
	p := a.c.Plan
	if p.Operation == ceremony.Init {
		v, err := a.cluster.Vault.Nodes(ctx)
		if err != nil {
			return nil, err
		}
		if !slices.EqualFunc(v, p.Nodes, func(n ceremony.Node, address string) bool { return n.Address == address }) {
			return planning.VaultDiffers("the nodes of the plan", "other nodes in the configuration"), nil
		}
		return planning.CompareFresh(p, v)
	}
	if d, err := a.otherCluster(ctx); d != nil || err != nil {
		return d, err
	}
	switch p.Operation {
	case ceremony.Rotate:
		key, err := a.cluster.Vault.KeyStatus(ctx)
		if err == nil && key.Term != p.KeyTerm {
			return planning.VaultDiffers(ceremony.TermWords(p.KeyTerm), ceremony.TermWords(key.Term)), nil
		}
		return nil, err
	case ceremony.RotateConfig:
		policy, err := a.cluster.Vault.RotationPolicy(ctx)
		if err == nil && policy != *p.OldPolicy {
			return planning.VaultDiffers("rotation "+p.OldPolicy.String(), policy.String()), nil
		}
		return nil, err
	case ceremony.ReadBackup:
		if a.c.Backup == nil {
			return nil, nil // it is read next
		}
		return a.unlikeBackup(ctx)
	}
	return nil, nil
}

// otherCluster returns a difference when another cluster than the plan's answers, or nil.
func (a *actor) otherCluster(ctx context.Context) (*rules.Difference, error) {
	seal, err := a.cluster.Vault.Seal(ctx)
	switch {
	case err != nil:
		return nil, err
	case seal.Sealed:
		return nil, ceremony.ErrSealed
	case seal.ClusterID != a.c.Plan.ClusterID:
		return planning.VaultDiffers("cluster id "+a.c.Plan.ClusterID, seal.ClusterID), nil
	}
	return nil, nil
}

// act sends the act that the journal has announced.
func (a *actor) act(ctx context.Context) (progress bool, err error) {
	p := a.c.Plan
	switch p.Operation {
	case ceremony.Init:
		return a.initialize(ctx)
	case ceremony.Rotate:
		err = a.cluster.Vault.Rotate(ctx)
	case ceremony.RotateConfig:
		err = a.cluster.Vault.SetRotationPolicy(ctx, *p.NewPolicy)
	case ceremony.ReadBackup:
		err = a.cluster.Vault.DeleteBackup(ctx, a.rekeyKind())
	}
	if err != nil {
		a.lost = time.Now()
		a.log.Warn("Vault did not confirm the act", "act", string(rules.Undertakes(p.Operation)), "error", err)
		if fault := a.permanent(err); fault != "" {
			return a.advance(ctx, command.Fail{Fault: fault})
		}
	}
	return a.acted(ctx, err == nil)
}

// acted finds out by asking what came of an act (P5). answered reports that Vault has
// confirmed it. Without that the act may still be on its way, until settleGrace is over.
func (a *actor) acted(ctx context.Context, answered bool) (progress bool, err error) {
	result, d, err := a.result(ctx)
	switch {
	case err != nil:
		return false, fmt.Errorf("ask Vault what came of the act: %w", err)
	case d != nil: // another cluster knows nothing of the act
		return a.advance(ctx, d.Stop())
	case result != nil:
		return a.advance(ctx, command.Done{Result: result})
	case !answered && a.mayArrive():
		return false, nil
	case a.c.Closing != nil:
		return a.advance(ctx, command.Close{Vault: event.NothingToCancel})
	case answered:
		return a.advance(ctx, planning.VaultDiffers(string(rules.Undertakes(a.c.Plan.Operation))+" done",
			"Vault confirmed it and shows nothing of it").Stop())
	}
	if a.session.Doubt != nil {
		return a.do(ctx, rules.ActDoubt)
	}
	// Nothing has come of it. Before it is sent once more Vault is compared with the plan
	// again: others may have acted meanwhile.
	if stop, err := a.notAsAgreed(ctx); err != nil {
		return false, err
	} else if stop != nil {
		return a.advance(ctx, stop)
	}
	return a.act(ctx)
}

// result returns the event of an act that was done, nil when Vault does not show it, or a
// difference when another cluster answers.
func (a *actor) result(ctx context.Context) (_ event.Event, d *rules.Difference, err error) {
	defer func() { a.heard(err) }()
	if d, err := a.otherCluster(ctx); d != nil || err != nil {
		return nil, d, err
	}
	p := a.c.Plan
	switch p.Operation {
	case ceremony.Rotate:
		key, err := a.cluster.Vault.KeyStatus(ctx)
		if err != nil || key.Term <= p.KeyTerm {
			return nil, nil, err
		}
		return event.Rotated{Key: key}, nil, nil
	case ceremony.RotateConfig:
		policy, err := a.cluster.Vault.RotationPolicy(ctx)
		if err != nil || policy != *p.NewPolicy {
			return nil, nil, err
		}
		return event.RotationSet{Policy: policy}, nil, nil
	case ceremony.ReadBackup:
		_, err := a.backup(ctx)
		if errors.Is(err, ceremony.ErrNoBackup) {
			return event.BackupDeleted{}, nil, nil
		}
		return nil, nil, err
	}
	return nil, nil, nil
}

// permanent returns the refusal of an error that asking again would not change, or "".
func (a *actor) permanent(err error) ceremony.Refusal {
	switch {
	case errors.Is(err, ceremony.ErrForbidden):
		return ceremony.VaultForbids
	case errors.Is(err, ceremony.ErrNoBackup):
		return ceremony.NoBackupKept
	case errors.Is(err, ceremony.ErrRefused), errors.Is(err, ceremony.ErrUnsupported):
		return ceremony.VaultRefused
	}
	return ""
}
