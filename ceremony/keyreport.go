package ceremony

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// KeyReport is what people are told of a cluster's keys.
type KeyReport struct {
	Key     KeyStatus
	Policy  *RotationPolicy // nil when the bot's token may not read it
	Backup  bool            // Vault keeps a backup of new shares
	Unread  bool            // whether it does is not known: the bot's token may not ask
	Rekeyed time.Time       // when a ceremony last replaced the shares; zero if none did
	Rotated time.Time       // when a ceremony last rotated; zero if none did
}

// KeyReport is [ReportKeys] of a configured cluster, with this engine's journal.
func (e *Engine) KeyReport(ctx context.Context, cluster string) (KeyReport, error) {
	c, ok := e.clusters[cluster]
	if !ok {
		return KeyReport{}, fmt.Errorf("cluster %q: %w", cluster, UnknownCluster)
	}
	return ReportKeys(ctx, c, e.Ceremonies())
}

// ReportKeys asks a cluster for its encryption key, and the ceremonies, newest first,
// for what was done to it.
func ReportKeys(ctx context.Context, c Cluster, ceremonies []Ceremony) (KeyReport, error) {
	var r KeyReport
	var err error
	if r.Key, err = c.Vault.KeyStatus(ctx); err != nil {
		return r, fmt.Errorf("ask %s for its encryption key: %w", c.Name, err)
	}
	switch policy, err := c.Vault.RotationPolicy(ctx); {
	case err == nil:
		r.Policy = &policy
	case !errors.Is(err, ErrForbidden) && !errors.Is(err, ErrUnsupported):
		return r, fmt.Errorf("ask %s for its rotation policy: %w", c.Name, err)
	}
	seal, err := c.Vault.Seal(ctx)
	if err != nil {
		return r, fmt.Errorf("ask %s for its seal: %w", c.Name, err)
	}
	switch _, err := c.Vault.Backup(ctx, seal.rekey()); {
	case err == nil:
		r.Backup = true
	case errors.Is(err, ErrForbidden):
		r.Unread = true
	case !errors.Is(err, ErrNoBackup) && !errors.Is(err, ErrUnsupported):
		return r, fmt.Errorf("ask %s for its backup: %w", c.Name, err)
	}
	for _, done := range ceremonies {
		if done.Plan.Cluster != c.Name || done.Outcome != Completed {
			continue
		}
		switch {
		case done.Plan.Operation.Rekeys() && r.Rekeyed.IsZero():
			r.Rekeyed = done.EndedAt()
		case done.Plan.Operation == Rotate && r.Rotated.IsZero():
			r.Rotated = done.EndedAt()
		}
	}
	return r, nil
}
