package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
)

// strangerPause is how long an exposure by an unknown account raises no further alarm of
// its kind, even when the alarm before was acknowledged. Otherwise any account in the
// workspace could keep people awake with made-up shares.
const strangerPause = 24 * time.Hour

// Exposed raises alarms because an account has shown a secret in the open. kind is
// ExposedShare, ExposedEnvelope, ExposedToken or ExposedKey. The secret itself must not be
// passed, so that it can't get into the journal (P1).
//
// A share raises an alarm on each cluster whose shares the account holds or receives; a
// token or a private key on each cluster in which the account has a part. When there is
// no such cluster, the secret may belong to any of them, and every cluster has the alarm.
// The alarm names nobody when the configuration does not know the account. Exposed
// returns the ids of the alarms.
func (e *Engine) Exposed(ctx context.Context, by ceremony.Account, kind ceremony.Finding) ([]ceremony.ID, error) {
	if !kind.Exposure() {
		return nil, fmt.Errorf("%q is nothing that is exposed: %w", kind, ceremony.NotAnAlarm)
	}
	var alarms []ceremony.ID
	var faults []error
	for _, cluster := range e.exposedOn(by, kind) {
		found := event.Noticed{Kind: kind}
		if p, ok := ceremony.Find(cluster.Everybody(), by); ok {
			found.By = &p
		} else if p, ok := e.person(by); ok {
			found.By = &p
		} else if e.strangerKnown(cluster.Name, kind) {
			continue
		}
		if kind.Share() || kind == ceremony.ExposedKey && cluster.HoldsOrGets(by) {
			found.Operation = cluster.ReplacesShares()
		}
		id, err := e.Raise(ctx, cluster, found)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		alarms = append(alarms, id)
	}
	return alarms, errors.Join(faults...)
}

// exposedOn returns the clusters on which an exposure raises an alarm.
func (e *Engine) exposedOn(by ceremony.Account, kind ceremony.Finding) []ceremony.Cluster {
	among := func(has func(ceremony.Cluster) bool) []ceremony.Cluster {
		return slices.DeleteFunc(slices.Clone(e.config.Clusters), func(c ceremony.Cluster) bool { return !has(c) })
	}
	part := func(c ceremony.Cluster) bool { _, ok := ceremony.Find(c.Everybody(), by); return ok }
	held := among(func(c ceremony.Cluster) bool { return c.HoldsOrGets(by) })
	parts := among(part)
	switch {
	case kind.Share() && len(held) > 0:
		return held
	case !kind.Share() && len(parts) > 0:
		return parts
	}
	return e.config.Clusters
}

// person returns the person with this account in any cluster. It reports whether there is
// one.
func (e *Engine) person(who ceremony.Account) (ceremony.Person, bool) {
	for _, c := range e.config.Clusters {
		if p, ok := ceremony.Find(c.Everybody(), who); ok {
			return p, true
		}
	}
	return ceremony.Person{}, false
}

// strangerKnown reports whether people were told within strangerPause that an unknown
// account has shown a secret of this kind.
func (e *Engine) strangerKnown(cluster string, kind ceremony.Finding) bool {
	for _, c := range e.Current() {
		if c.Plan.Cluster != cluster {
			continue
		}
		for _, entry := range c.Findings() {
			if n := entry.Event.(event.Noticed); n.Kind == kind && n.By == nil && time.Since(entry.At) < strangerPause {
				return true
			}
		}
	}
	return false
}
