package ceremony

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// strangerPause is how long what a stranger shows raises no further alarm of its
// kind, also when the one before was acknowledged: whoever has an account in the
// workspace could keep people awake with made-up shares.
const strangerPause = 24 * time.Hour

// Exposed raises an alarm since somebody has shown a secret in the open: kind is
// ExposedShare, ExposedEnvelope, ExposedToken or ExposedKey. The secret itself is not
// given here, so that it can't get into the journal (P1).
//
// Of a share it is raised on each cluster of which they hold or get one, of a token or
// a private key where they have any part. Where that is nowhere, the share is
// somebody else's and its cluster can't be told from it: then every cluster has the
// alarm, without a name when the configuration does not know the account. It answers
// the alarms.
func (e *Engine) Exposed(ctx context.Context, by Account, kind Finding) ([]ID, error) {
	if !kind.Exposure() {
		return nil, fmt.Errorf("%q is nothing that is exposed: %w", kind, NotAnAlarm)
	}
	var alarms []ID
	var faults []error
	for _, cluster := range e.exposedOn(by, kind) {
		found := Noticed{Kind: kind}
		if p, ok := find(cluster.everybody(), by); ok {
			found.By = &p
		} else if p, ok := e.person(by); ok {
			found.By = &p
		} else if e.strangerKnown(cluster.Name, kind) {
			continue
		}
		if kind.share() || kind == ExposedKey && cluster.holdsOrGets(by) {
			found.Operation = cluster.replacesShares()
		}
		id, err := e.raise(ctx, cluster, found)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		alarms = append(alarms, id)
	}
	return alarms, errors.Join(faults...)
}

// exposedOn are the clusters that an exposure is about.
func (e *Engine) exposedOn(by Account, kind Finding) []Cluster {
	among := func(has func(Cluster) bool) []Cluster {
		return slices.DeleteFunc(slices.Clone(e.config.Clusters), func(c Cluster) bool { return !has(c) })
	}
	part := func(c Cluster) bool { _, ok := find(c.everybody(), by); return ok }
	held := among(func(c Cluster) bool { return c.holdsOrGets(by) })
	parts := among(part)
	switch {
	case kind.share() && len(held) > 0:
		return held
	case !kind.share() && len(parts) > 0:
		return parts
	}
	return e.config.Clusters
}

// person is somebody with a part in any cluster.
func (e *Engine) person(who Account) (Person, bool) {
	for _, c := range e.config.Clusters {
		if p, ok := find(c.everybody(), who); ok {
			return p, true
		}
	}
	return Person{}, false
}

// strangerKnown says whether people were told not long ago that somebody unknown
// has shown a secret of this kind.
func (e *Engine) strangerKnown(cluster string, kind Finding) bool {
	for _, c := range e.Ceremonies() {
		if c.Plan.Cluster != cluster {
			continue
		}
		for _, entry := range c.Findings() {
			if n := entry.Event.(Noticed); n.Kind == kind && n.By == nil && time.Since(entry.At) < strangerPause {
				return true
			}
		}
	}
	return false
}

// everybody are the people who have a part in the cluster.
func (c Cluster) everybody() []Person {
	return slices.Concat(c.Holders, c.Receivers, c.Initiators, c.Approvers, c.Owners, c.Witnesses)
}

func (c Cluster) holdsOrGets(who Account) bool {
	_, ok := find(slices.Concat(c.Holders, c.Receivers), who)
	return ok
}

// replacesShares is the ceremony that makes shares worthless.
func (c Cluster) replacesShares() Operation {
	if slices.Contains(c.Operations, RekeyRecovery) {
		return RekeyRecovery
	}
	return Rekey
}

// share says whether it is a share that was seen.
func (f Finding) share() bool { return f == ExposedShare || f == ExposedEnvelope }

// Exposure is a share that counts as known to others.
type Exposure struct {
	Person Person // who has shown it, or their private key
	Kind   Finding
	At     time.Time
	Of     ID // the alarm
}

// Exposures are the people whose share of a cluster counts as exposed: since it was
// seen in the open and until a ceremony has replaced the shares. Where it was their
// private key, the new shares have to be for another one. The newest comes first, and
// one of each person and kind.
func Exposures(ceremonies []Ceremony, cluster string) []Exposure {
	var exposed []Exposure
	for _, c := range ceremonies {
		if c.Plan.Cluster != cluster {
			continue
		}
		for _, entry := range c.Findings() {
			n := entry.Event.(Noticed)
			if !n.Kind.Exposure() || n.By == nil || n.Operation == "" {
				continue
			}
			x := Exposure{Person: *n.By, Kind: n.Kind, At: entry.At, Of: c.ID()}
			if !slices.ContainsFunc(ceremonies, func(c Ceremony) bool { return c.Plan.Cluster == cluster && x.endedBy(c) }) {
				exposed = append(exposed, x)
			}
		}
	}
	slices.SortStableFunc(exposed, func(a, b Exposure) int { return b.At.Compare(a.At) })
	var newest []Exposure
	for _, x := range exposed {
		if !slices.ContainsFunc(newest, func(y Exposure) bool { return x.Person.Account == y.Person.Account && x.Kind == y.Kind }) {
			newest = append(newest, x)
		}
	}
	return newest
}

// endedBy says whether a ceremony has replaced the share that was exposed. New shares
// that were made before may be what was exposed; when others made theirs nobody knows.
func (x Exposure) endedBy(c Ceremony) bool {
	made := c.last(func(e Event) bool { return is[Rekeyed](e) || is[Initialized](e) })
	switch {
	case c.Outcome != Completed, made == 0, c.Verified != nil && c.Verified.Unconfirmed, c.MadeElsewhere(), !c.History[made-1].At.After(x.At):
		return false
	case x.Kind == ExposedKey:
		return !slices.ContainsFunc(c.Plan.Receivers, func(p Person) bool { return p.Account == x.Person.Account && p.Key == x.Person.Key })
	}
	return true
}
