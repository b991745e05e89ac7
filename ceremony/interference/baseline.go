package interference

import (
	"cmp"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// baseline is what the watcher knows of a cluster: what the journals show, and what it has
// seen since. A difference from it that no ceremony explains is a finding. A fact that it
// lacks is taken over without one.
type baseline struct {
	read map[ceremony.ID]int // how many entries of each ceremony it has
	live bool                // the journals were read, and the watcher sees for itself

	clusterID string
	shares    string // numbers of the key in force, in words; empty when not known
	term      rotation
	nodes     map[string]nodeMemory                         // address →
	foreign   map[ceremony.Operation]foreignAttempt         // attempts of others that people were told of
	ours      map[string]map[ceremony.Finding]event.Noticed // nonce of our attempt → findings about it
}

// rotation is an encryption key that is or was in use.
type rotation struct {
	number      int // the key's term; 0 when it is not known
	installed   time.Time
	encryptions int64
}

type nodeMemory struct {
	seal     string    // "sealed" or "unsealed"; empty when not known
	progress string    // of shares that were entered by hand, in words; empty without any
	seen     time.Time // when the node was last seen so
}

type foreignAttempt struct{ nonce, words string }

func newBaseline() baseline {
	return baseline{
		read: map[ceremony.ID]int{}, nodes: map[string]nodeMemory{},
		foreign: map[ceremony.Operation]foreignAttempt{}, ours: map[string]map[ceremony.Finding]event.Noticed{},
	}
}

// remember makes a baseline of what the journals show of a cluster.
func remember(cluster string, all []rules.State) baseline {
	m := newBaseline()
	m.catchUp(slices.DeleteFunc(slices.Clone(all), func(c rules.State) bool { return c.Plan.Cluster != cluster }))
	m.live = true
	return m
}

// catchUp takes over the new entries of the journals, in the order of their times.
func (m *baseline) catchUp(ceremonies []rules.State) {
	type news struct {
		c rules.State
		e event.Entry
	}
	var all []news
	for _, c := range ceremonies {
		for _, e := range c.History[m.read[c.ID()]:] {
			all = append(all, news{c, e})
		}
		m.read[c.ID()] = c.Seq()
	}
	slices.SortStableFunc(all, func(a, b news) int {
		return cmp.Or(a.e.At.Compare(b.e.At), cmp.Compare(a.c.ID(), b.c.ID()), cmp.Compare(a.e.Seq, b.e.Seq))
	})
	for _, n := range all {
		m.fold(n.c, n.e)
	}
}

// fold takes over one entry. It leaves out what a ceremony has seen of nodes: the watcher
// must see for itself, or it would miss what others have done.
func (m *baseline) fold(c rules.State, e event.Entry) {
	p := c.Plan
	switch ev := e.Event.(type) {
	case event.Proposed:
		if m.live {
			break // the watcher judges by itself what a plan has found in Vault
		}
		m.clusterID = cmp.Or(m.clusterID, p.ClusterID)
		if m.shares == "" && p.Operation.HasAttempt() && p.Shares > 0 {
			m.shares = sharesWords(p.Shares, p.Threshold)
		}
		if p.KeyTerm > 0 { // Vault may have rotated by itself, which no journal shows
			m.term = rotation{number: p.KeyTerm, installed: e.At}
		}
	case event.Rotated:
		m.term = rotation{number: ev.Key.Term, installed: ev.Key.Installed}
	case event.Initialized:
		m.clusterID, m.shares, m.term = "", "", rotation{}
		clear(m.nodes)
	case event.Ended:
		if p.Operation.Rekeys() && ev.Outcome == event.Completed {
			m.shares = sharesWords(len(p.Receivers), p.NewThreshold)
		}
	case event.Entered:
		for _, s := range ev.Nodes {
			if s.Reached && !s.Sealed && slices.Contains(ev.At, s.Address) {
				m.nodes[s.Address] = nodeMemory{seal: sealedWord(false), seen: e.At}
			}
		}
	case event.Noticed:
		m.note(ev, e.At)
	}
}

// note takes over a finding that people were told of.
func (m *baseline) note(n event.Noticed, at time.Time) {
	switch n.Kind {
	case ceremony.ForeignStart:
		m.foreign[n.Operation] = foreignAttempt{n.Subject, n.Got}
	case ceremony.ForeignProgress, ceremony.ForeignCancel, rules.ForeignEnd:
		switch {
		case n.Of != "":
			if m.ours[n.Subject] == nil {
				m.ours[n.Subject] = map[ceremony.Finding]event.Noticed{}
			}
			m.ours[n.Subject][n.Kind] = n
		case n.Operation == ceremony.Unseal:
			node := m.nodes[n.Subject]
			node.progress = n.Got
			m.nodes[n.Subject] = node
		case m.foreign[n.Operation].nonce != n.Subject:
		case n.Kind == ceremony.ForeignCancel:
			delete(m.foreign, n.Operation)
		default:
			m.foreign[n.Operation] = foreignAttempt{n.Subject, n.Got}
		}
	case ceremony.TermChanged:
		m.term = rotation{number: n.Term, installed: at}
	case ceremony.SealChanged:
		m.nodes[n.Subject] = nodeMemory{seal: n.Got, seen: at}
	case ceremony.ClusterChanged:
		read, live := m.read, m.live
		*m = newBaseline()
		m.read, m.live, m.clusterID = read, live, n.Got
	case ceremony.KeyChanged:
		m.shares = n.Got
	}
}
