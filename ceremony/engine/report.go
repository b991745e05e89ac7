package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/index"
	"conclave/ceremony/ledger"
	"conclave/ceremony/rules"
)

// Past returns the newest ceremonies of a cluster that have ended, or of all clusters when
// it is "", at most as many as are wanted, newest first. It returns as well how many there
// are. It reads them from their journals, and leaves out one that can't be read.
func (e *Engine) Past(cluster string, most int) (newest []rules.State, all int) {
	list := e.listed(cluster)
	for _, l := range list[:min(most, len(list))] {
		c, _, err := e.Ceremony(l.ID)
		if err != nil {
			e.config.Log.Error("a ceremony that has ended can't be read", "ceremony", string(l.ID), "error", err)
			continue
		}
		newest = append(newest, c)
	}
	return newest, len(list)
}

// listed returns the ceremonies of a cluster, or of all clusters, that have ended, newest
// first.
func (e *Engine) listed(cluster string) []index.Listed {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := e.past.List(cluster)
	for id, k := range e.snapshots {
		_, settled := e.past.Ends(id)
		if k.c.Ended() && !settled && (cluster == "" || k.c.Plan.Cluster == cluster) {
			list = append(list, index.Listed{ID: id, Proposed: k.c.Plan.Proposed})
		}
	}
	slices.SortFunc(list, index.Listed.Compare)
	return list
}

// Named returns the ceremonies that a person may mean by a word: those whose id it is, those
// whose id begins with it, and those whose last word it is.
func (e *Engine) Named(word string) (open, ended []ceremony.ID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, id := range e.order {
		_, settled := e.past.Ends(id)
		switch {
		case settled || !index.Means(id, word):
		case e.snapshots[id].c.Ended():
			ended = append(ended, id)
		default:
			open = append(open, id)
		}
	}
	return open, append(ended, e.past.Named(word)...)
}

// Exposures returns the shares of a cluster that count as exposed.
func (e *Engine) Exposures(cluster string) []ledger.Exposure {
	e.mu.Lock()
	shown := e.past.Shown(cluster)
	e.mu.Unlock()
	for _, c := range e.Current() {
		if c.Plan.Cluster == cluster {
			shown.Add(ledger.ShownBy(c))
		}
	}
	return shown.Open()
}

// KeyReport returns [ReportKeys] of a configured cluster and this engine's ceremonies.
func (e *Engine) KeyReport(ctx context.Context, cluster string) (ledger.KeyReport, error) {
	c, ok := e.clusters[cluster]
	if !ok {
		return ledger.KeyReport{}, fmt.Errorf("cluster %q: %w", cluster, ceremony.UnknownCluster)
	}
	r, err := ReportKeys(ctx, c, e.Current())
	e.mu.Lock()
	defer e.mu.Unlock()
	done := e.past.Done(cluster)
	r.Rekeyed, r.Rotated, r.Others = later(r.Rekeyed, done.Rekeyed), later(r.Rotated, done.Rotated), later(r.Others, done.Others)
	if !r.Others.After(r.Rekeyed) {
		r.Others = time.Time{}
	}
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
	case errors.Is(err, ceremony.ErrForbidden), errors.Is(err, ceremony.ErrUnsupported):
		r.Unread = true
	case !errors.Is(err, ceremony.ErrNoBackup):
		return r, fmt.Errorf("ask %s for its backup: %w", c.Name, err)
	}
	for _, done := range ceremonies {
		rekeys := done.Plan.Operation.Rekeys()
		switch {
		case done.Plan.Cluster != c.Name || !done.Ended():
		case rekeys && index.Doubtful(done):
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
