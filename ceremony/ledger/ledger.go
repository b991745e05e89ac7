// Package ledger works out which shares are in force from the journals of all ceremonies.
// Only what Vault has proven counts.
package ledger

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/rules"
	"conclave/ceremony/secret"
)

// Ledger is what the journals of all ceremonies show about the shares of every cluster:
// which are in force, which no longer are, and which are another cluster's. It knows what
// Vault has proven, and nothing else. Where that does not tell, a share is as good as a new
// one: refusing a right share at 3 a.m. is worse than a round spoilt by a wrong one.
//
// It is worked out once, in about two milliseconds for a thousand ceremonies, and then
// learns what each new line shows. To judge a share takes as long after ten thousand
// ceremonies as after one. It is not safe for concurrent use.
type Ledger struct {
	tagKey  string
	keySets map[string]*keySet // cluster id → its keys
	ids     map[string]string  // name in the configuration → the id that it last had
}

// Facts are what one ceremony shows about its cluster's shares, and the facts of its plan
// that are needed to understand them.
type Facts struct {
	Ceremony     ceremony.ID        `json:"ceremony"`
	Operation    ceremony.Operation `json:"operation"`
	Cluster      string             `json:"cluster"`
	ClusterID    string             `json:"cluster_id,omitempty"`
	Proposed     time.Time          `json:"proposed"`
	Shares       int                `json:"shares,omitempty"`
	Threshold    int                `json:"threshold,omitempty"`
	NewShares    int                `json:"new_shares,omitempty"`
	NewThreshold int                `json:"new_threshold,omitempty"`
	KeyFacts     []rules.KeyFact    `json:"key_facts,omitempty"`
}

// FactsOf returns what a ceremony shows.
func FactsOf(c rules.State) Facts {
	p := c.Plan
	return Facts{
		Ceremony: p.Ceremony, Operation: p.Operation, Cluster: p.Cluster, ClusterID: p.ClusterID,
		Proposed: p.Proposed, Shares: p.Shares, Threshold: p.Threshold,
		NewShares: len(p.Receivers), NewThreshold: p.NewThreshold, KeyFacts: c.KeyFacts,
	}
}

// NewLedger returns the ledger of ceremonies, which may come in any order. It leaves out tags
// under another key than tagKey, which can't be compared.
//
// What happened is ordered by the clock of the journal. A clock that was set back between
// two ceremonies may turn two facts around. At worst a right share then has to be insisted
// on.
func NewLedger(ceremonies []Facts, tagKey string) *Ledger {
	type fact struct {
		at  time.Time
		of  *Facts
		key *rules.KeyFact // nil for the plan itself, which names the cluster's id
	}
	facts := make([]fact, 0, 2*len(ceremonies))
	for i := range ceremonies {
		c := &ceremonies[i]
		facts = append(facts, fact{at: c.Proposed, of: c})
		for j := range c.KeyFacts {
			facts = append(facts, fact{at: c.KeyFacts[j].At, of: c, key: &c.KeyFacts[j]})
		}
	}
	slices.SortStableFunc(facts, func(a, b fact) int {
		return cmp.Or(a.at.Compare(b.at), strings.Compare(string(a.of.Ceremony), string(b.of.Ceremony)))
	})
	l := &Ledger{tagKey: tagKey, keySets: map[string]*keySet{}, ids: map[string]string{}}
	for _, f := range facts {
		if f.key == nil {
			l.meet(f.of)
			continue
		}
		l.learn(f.of, f.key)
	}
	return l
}

// Learn adds what a ceremony has shown since before: the lines that it has gained. The first
// time before is the zero value. Lines must be learnt in the order in which they were
// written.
func (l *Ledger) Learn(before, now rules.State) {
	if before.Seq() > 0 && len(before.KeyFacts) == len(now.KeyFacts) {
		return
	}
	facts := FactsOf(now)
	if before.Seq() == 0 {
		l.meet(&facts)
	}
	for i := len(before.KeyFacts); i < len(now.KeyFacts); i++ {
		l.learn(&facts, &now.KeyFacts[i])
	}
}

// meet learns which cluster a name stands for. What was learnt under the name alone, while
// all nodes were sealed and nobody could tell the id, is about this cluster.
func (l *Ledger) meet(p *Facts) {
	if p.ClusterID == "" {
		return
	}
	l.ids[p.Cluster] = p.ClusterID
	nameless := l.keySets[unknownID(p.Cluster)]
	if nameless == nil {
		return
	}
	delete(l.keySets, unknownID(p.Cluster))
	at := l.at(p.ClusterID)
	for k := range nameless.all() {
		at.add(k)
	}
}

// unknownID returns what stands for the id of a cluster of which only the name is known. No
// id of Vault's has a space.
func unknownID(name string) string { return "named " + name }

// cluster returns the id of the cluster with this name and this id, as far as a plan knows it. An unseal whose nodes were all
// sealed knows the name alone.
func (l *Ledger) cluster(name, id string) string {
	return cmp.Or(id, l.ids[name], unknownID(name))
}

// at returns the keys of the cluster with this id, to be added to.
func (l *Ledger) at(id string) *keySet {
	s := l.keySets[id]
	if s == nil {
		s = newKeySet()
		l.keySets[id] = s
	}
	return s
}

// learn adds what one event of a ceremony shows.
func (l *Ledger) learn(p *Facts, f *rules.KeyFact) {
	if p.Operation == ceremony.Init {
		// From here on the name stands for a cluster of which nothing is known.
		delete(l.ids, p.Cluster)
		delete(l.keySets, unknownID(p.Cluster))
		return
	}
	at := l.at(l.cluster(p.Cluster, p.ClusterID))
	at.prove(l.comparable(f.Proven), numbers{p.Shares, p.Threshold}, p.Ceremony, f.At)
	switch {
	case f.Replaced:
		at.replace(p.Ceremony)
		at.prove(l.comparable(f.New), numbers{p.NewShares, p.NewThreshold}, p.Ceremony, f.At)
	case f.Doubtful:
		at.doubt()
	}
}

// comparable returns the shares whose tags are under this ledger's key.
func (l *Ledger) comparable(held []rules.Held) []rules.Held {
	return slices.DeleteFunc(slices.Clone(held), func(h rules.Held) bool { return !l.compares(h.Share) })
}

// compares reports whether a share has a tag under this ledger's key.
func (l *Ledger) compares(share secret.ShareTag) bool {
	return share.Tag != "" && share.TagKey == l.tagKey
}

// Judge returns what is known of a share that a person brings to a step of a ceremony with
// this plan.
func (l *Ledger) Judge(
	p ceremony.Plan, step ceremony.Step, by ceremony.Account, share secret.ShareTag,
) ceremony.Verdict {
	if !l.compares(share) {
		return ceremony.Verdict{}
	}
	at := l.keySets[l.cluster(p.Cluster, p.ClusterID)]
	if at == nil {
		at = newKeySet()
	}
	if step == ceremony.StepVerify {
		return l.fresh(at, p, share)
	}
	of := numbers{p.Shares, p.Threshold}
	for _, k := range at.of[share.Tag] {
		h := k.shares[share.Tag]
		switch {
		case k.is == outdated:
			return ceremony.Verdict{Reason: ceremony.OutdatedShare, See: k.by}
		case k.is == inForce && k.fits(of):
			return ceremony.Verdict{Known: true, Whose: h.other(by)}
		default:
			return ceremony.Verdict{} // it may be the right one
		}
	}
	// The secondary of a disaster recovery pair takes its primary's shares.
	if see, ok := l.otherCluster(at, share); ok && p.Operation != ceremony.DRToken {
		return ceremony.Verdict{Reason: ceremony.OtherClusterShare, See: see}
	}
	return at.judgeUnproven(of, by, share)
}

// fresh judges what is brought as a new share of a rekey. A share that was proven before the
// rekey made its shares is none of them.
func (l *Ledger) fresh(at *keySet, p ceremony.Plan, share secret.ShareTag) ceremony.Verdict {
	for _, k := range at.of[share.Tag] {
		return ceremony.Verdict{Reason: ceremony.OutdatedShare, See: cmp.Or(k.by, p.Ceremony)}
	}
	if see, ok := l.otherCluster(at, share); ok {
		return ceremony.Verdict{Reason: ceremony.OtherClusterShare, See: see}
	}
	return ceremony.Verdict{}
}

// otherCluster returns the newest ceremony that has shown a share to be another cluster's,
// and whether there is one.
func (l *Ledger) otherCluster(here *keySet, share secret.ShareTag) (ceremony.ID, bool) {
	var found provenShare
	for _, other := range l.keySets {
		if other == here {
			continue
		}
		for _, k := range other.of[share.Tag] {
			found = found.newest(k.shares[share.Tag], true)
		}
	}
	return found.seen, found.seen != ""
}
