package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/ledger"
	"conclave/ceremony/rules"
)

// KeyReport returns [ReportKeys] of a configured cluster and this engine's ceremonies.
func (e *Engine) KeyReport(ctx context.Context, cluster string) (ledger.KeyReport, error) {
	c, ok := e.clusters[cluster]
	if !ok {
		return ledger.KeyReport{}, fmt.Errorf("cluster %q: %w", cluster, ceremony.UnknownCluster)
	}
	r, err := ReportKeys(ctx, c, e.Current())
	e.mu.Lock()
	defer e.mu.Unlock()
	rekeyed, rotated := e.past.Done(cluster)
	r.Rekeyed, r.Rotated = later(r.Rekeyed, rekeyed), later(r.Rotated, rotated)
	return r, err
}

// later returns the later of two moments.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// ReportKeys reports a cluster's encryption key, its rotation policy and whether Vault keeps
// a backup of shares. When the cluster was last rekeyed and rotated comes from the
// ceremonies, which must be newest first.
func ReportKeys(ctx context.Context, c ceremony.Cluster, ceremonies []rules.State) (ledger.KeyReport, error) {
	var r ledger.KeyReport
	var err error
	if r.Key, err = c.Vault.KeyStatus(ctx); err != nil {
		return r, fmt.Errorf("ask %s for its encryption key: %w", c.Name, err)
	}
	switch policy, err := c.Vault.RotationPolicy(ctx); {
	case err == nil:
		r.Policy = &policy
	case !errors.Is(err, ceremony.ErrForbidden) && !errors.Is(err, ceremony.ErrUnsupported):
		return r, fmt.Errorf("ask %s for its rotation policy: %w", c.Name, err)
	}
	seal, err := c.Vault.Seal(ctx)
	if err != nil {
		return r, fmt.Errorf("ask %s for its seal: %w", c.Name, err)
	}
	switch _, err := c.Vault.Backup(ctx, seal.Rekey()); {
	case err == nil:
		r.Backup = true
	case errors.Is(err, ceremony.ErrForbidden):
		r.Unread = true
	case !errors.Is(err, ceremony.ErrNoBackup) && !errors.Is(err, ceremony.ErrUnsupported):
		return r, fmt.Errorf("ask %s for its backup: %w", c.Name, err)
	}
	for _, done := range ceremonies {
		if done.Plan.Cluster != c.Name || done.Outcome != event.Completed {
			continue
		}
		switch {
		case done.Plan.Operation.Rekeys() && r.Rekeyed.IsZero():
			r.Rekeyed = done.EndedAt()
		case done.Plan.Operation == ceremony.Rotate && r.Rotated.IsZero():
			r.Rotated = done.EndedAt()
		}
	}
	return r, nil
}
