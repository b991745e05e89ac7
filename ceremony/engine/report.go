package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"conclave/ceremony"
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

// KeyReport returns [ledger.ReportKeys] of a configured cluster and this engine's ceremonies.
func (e *Engine) KeyReport(ctx context.Context, cluster string) (ledger.KeyReport, error) {
	c, ok := e.clusters[cluster]
	if !ok {
		return ledger.KeyReport{}, fmt.Errorf("cluster %q: %w", cluster, ceremony.UnknownCluster)
	}
	r, err := ledger.ReportKeys(ctx, c, e.Current())
	e.mu.Lock()
	defer e.mu.Unlock()
	done := e.past.Done(cluster)
	later := func(a, b time.Time) time.Time { return slices.MaxFunc([]time.Time{a, b}, time.Time.Compare) }
	r.Rekeyed, r.Rotated, r.Others = later(r.Rekeyed, done.Rekeyed), later(r.Rotated, done.Rotated), later(r.Others, done.Others)
	if !r.Others.After(r.Rekeyed) {
		r.Others = time.Time{}
	}
	return r, err
}
