package ledger

import (
	"context"
	"errors"
	"fmt"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// ReportKeys reports a cluster's encryption key, its rotation policy and whether Vault keeps
// a backup of shares. When the cluster was last rekeyed and rotated comes from the
// ceremonies, which must be newest first.
func ReportKeys(ctx context.Context, c ceremony.Cluster, ceremonies []rules.State) (KeyReport, error) {
	var r KeyReport
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
	case errors.Is(err, ceremony.ErrForbidden), errors.Is(err, ceremony.ErrUnsupported):
		r.Unread = true
	case !errors.Is(err, ceremony.ErrNoBackup):
		return r, fmt.Errorf("ask %s for its backup: %w", c.Name, err)
	}
	for _, done := range ceremonies {
		rekeys := done.Plan.Operation.Rekeys()
		switch {
		case done.Plan.Cluster != c.Name || !done.Ended():
		case rekeys && Doubtful(done):
			if r.Rekeyed.IsZero() && r.Others.IsZero() {
				r.Others = done.EndedAt()
			}
		case done.Outcome != event.Completed:
		case rekeys && r.Rekeyed.IsZero():
			r.Rekeyed = done.EndedAt()
		case done.Plan.Operation == ceremony.Rotate && r.Rotated.IsZero():
			r.Rotated = done.EndedAt()
		}
	}
	return r, nil
}

// Doubtful reports whether nobody knows that a rekey's new shares came into force by it: an
// attempt vanished, others have carried it through, or its end was not confirmed.
func Doubtful(c rules.State) bool {
	return c.Unproven || c.MadeElsewhere() || c.Verified != nil && c.Verified.Unconfirmed
}
