package index

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/ledger"
)

// Past is what the program holds in memory of settled ceremonies: some hundred bytes of
// each, and per cluster and person what they come to. It is not safe for concurrent use,
// but for Digests.
type Past struct {
	Digests DigestSet

	all       map[ceremony.ID]brief
	begun     map[string]ceremony.ID // nonce of an attempt →
	passwords map[string]ceremony.ID // commitment →
	proven    map[keyOf]time.Time    // when the key was last used
	clusters  map[string]*clusterPast
}

// brief is a settled ceremony. The rest of it is read from its journal.
type brief struct {
	cluster  string
	proposed time.Time
	end      End
}

// End is where the journal of a settled ceremony ends.
type End struct {
	Lines int
	Head  string // hash of the last line
}

// keyOf is a person's key.
type keyOf struct {
	who ceremony.Account
	key ceremony.Fingerprint
}

// clusterPast is what the settled ceremonies of one cluster come to.
type clusterPast struct {
	name     string
	done     Done
	shown    ledger.Shown
	unseal   ceremony.ID // the newest
	unsealed time.Time   // when that was proposed
}

// NewPast returns the past in which nothing has happened.
func NewPast() *Past {
	return &Past{
		all: map[ceremony.ID]brief{}, begun: map[string]ceremony.ID{}, passwords: map[string]ceremony.ID{},
		proven: map[keyOf]time.Time{}, clusters: map[string]*clusterPast{},
	}
}

// Learn adds a settled ceremony, without its digests. Records may come in any order.
func (p *Past) Learn(r Record) {
	at := p.clusters[r.Cluster]
	if at == nil {
		at = &clusterPast{name: r.Cluster}
		p.clusters[r.Cluster] = at
	}
	p.all[r.Ceremony] = brief{cluster: at.name, proposed: r.Proposed, end: End{r.Lines, r.Head}}
	for _, nonce := range r.Begun {
		p.begun[nonce] = r.Ceremony
	}
	if r.OTP != "" {
		p.passwords[r.OTP] = r.Ceremony
	}
	for _, proof := range r.Proven {
		if of := (keyOf{proof.Account, proof.Key}); proof.At.After(p.proven[of]) {
			p.proven[of] = proof.At
		}
	}
	switch done := r.Outcome == event.Completed; {
	case r.Doubtful:
		at.done.Others = latest(at.done.Others, r.Ended)
	case done && r.Operation.Rekeys():
		at.done.Rekeyed = latest(at.done.Rekeyed, r.Ended)
	case done && r.Operation == ceremony.Rotate:
		at.done.Rotated = latest(at.done.Rotated, r.Ended)
	}
	at.shown.Add(r.Shown)
	if r.Operation == ceremony.Unseal && !r.Proposed.Before(at.unsealed) {
		at.unseal, at.unsealed = r.Ceremony, r.Proposed
	}
}

// Lose drops a settled ceremony whose journal can't be read any more. What was learnt of it
// stays.
func (p *Past) Lose(id ceremony.ID) { delete(p.all, id) }

// Ends returns where the journal of a settled ceremony ends. It reports whether there is one
// with this id.
func (p *Past) Ends(id ceremony.ID) (End, bool) {
	b, ok := p.all[id]
	return b.end, ok
}

// Begun returns the ceremony that has begun the attempt with this nonce. It reports whether
// one has.
func (p *Past) Begun(nonce string) (ceremony.ID, bool) {
	id, ok := p.begun[nonce]
	return id, ok
}

// PasswordOf returns the ceremony whose one-time password has this commitment, or "".
func (p *Past) PasswordOf(commitment string) ceremony.ID { return p.passwords[commitment] }

// Proven returns when a person has last used this key of theirs, the zero time if never.
func (p *Past) Proven(who ceremony.Account, key ceremony.Fingerprint) time.Time {
	return p.proven[keyOf{who, key}]
}

// cluster returns what the ceremonies of a cluster come to.
func (p *Past) cluster(name string) clusterPast {
	if at := p.clusters[name]; at != nil {
		return *at
	}
	return clusterPast{}
}

// Done is when the last ceremony of a cluster ended that has done this, the zero time if none
// has.
type Done struct {
	Rekeyed time.Time
	Rotated time.Time
	Others  time.Time // a rekey that others may have carried through
}

// latest returns the later of two moments.
func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Done returns when a cluster was last rekeyed and rotated.
func (p *Past) Done(cluster string) Done { return p.cluster(cluster).done }

// Shown returns what the ceremonies of a cluster show about exposed shares. The caller may
// add to it.
func (p *Past) Shown(cluster string) ledger.Shown {
	shown := p.cluster(cluster).shown
	return ledger.Shown{Exposed: slices.Clone(shown.Exposed), Replaced: slices.Clone(shown.Replaced)}
}

// Unseal returns a cluster's newest unseal, or "".
func (p *Past) Unseal(cluster string) ceremony.ID { return p.cluster(cluster).unseal }

// Named returns the ceremonies whose id a person may mean by a word: the whole id, its
// beginning, or its last word.
func (p *Past) Named(word string) []ceremony.ID {
	var found []ceremony.ID
	for id := range p.all {
		if Means(id, word) {
			found = append(found, id)
		}
	}
	slices.Sort(found)
	return found
}

// Means reports whether a person may mean a ceremony by a word.
func Means(id ceremony.ID, word string) bool {
	return strings.HasPrefix(string(id), word) || strings.HasSuffix(string(id), "-"+word)
}

// Listed is a ceremony in a list.
type Listed struct {
	ID       ceremony.ID
	Proposed time.Time
}

// List returns the ceremonies of a cluster, or of all clusters when it is "".
func (p *Past) List(cluster string) []Listed {
	var list []Listed
	for id, b := range p.all {
		if cluster == "" || b.cluster == cluster {
			list = append(list, Listed{id, b.proposed})
		}
	}
	return list
}

// Compare orders ceremonies newest first.
func (l Listed) Compare(other Listed) int {
	return cmp.Or(other.Proposed.Compare(l.Proposed), cmp.Compare(l.ID, other.ID))
}
