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
	read map[ceremony.ID]int // number of the last entry that it has of each ceremony
	live bool                // the journals were read, and the watcher sees for itself

	clusterID string
	shares    string // numbers of the key in force, in words; empty when not known
	term      rotation
	nodes     map[string]nodeState                          // address →
	foreign   map[ceremony.Operation]foreignAttempt         // attempts of others that people were told of
	ours      map[string]map[ceremony.Finding]event.Noticed // nonce of our attempt → findings about it
	rotating  map[int]bool                                  // terms that a ceremony has asked Vault to replace
	sent      map[string]time.Time                          // address → when the last unseal ended that has sent it shares
}

// rotation is an encryption key that is or was in use.
type rotation struct {
	number      int // the key's term; 0 when it is not known
	installed   time.Time
	encryptions int64
}

type nodeState struct {
	seal     string    // "sealed" or "unsealed"; empty when not known
	progress string    // of shares that were entered by hand, in words; empty without any
	seen     time.Time // when the node was last seen so
}

type foreignAttempt struct{ nonce, words string }

func newBaseline() baseline {
	return baseline{
		read: map[ceremony.ID]int{}, nodes: map[string]nodeState{},
		foreign: map[ceremony.Operation]foreignAttempt{}, ours: map[string]map[ceremony.Finding]event.Noticed{},
		rotating: map[int]bool{}, sent: map[string]time.Time{},
	}
}

// remember makes a baseline of what the journals show of a cluster.
func remember(cluster string, all []rules.State) baseline {
	b := newBaseline()
	b.catchUp(slices.DeleteFunc(slices.Clone(all), func(c rules.State) bool { return c.Plan.Cluster != cluster }))
	b.live = true
	return b
}

// catchUp takes over the new entries of the journals, in the order of their times.
func (b *baseline) catchUp(ceremonies []rules.State) {
	type news struct {
		c *rules.State
		e event.Entry
	}
	var all []news
	for i := range ceremonies {
		c := &ceremonies[i]
		for _, e := range c.History {
			if e.Seq > b.read[c.ID()] {
				all = append(all, news{c, e})
			}
		}
		if n := len(c.History); n > 0 {
			b.read[c.ID()] = max(b.read[c.ID()], c.History[n-1].Seq)
		}
	}
	slices.SortStableFunc(all, func(a, b news) int {
		return cmp.Or(a.e.At.Compare(b.e.At), cmp.Compare(a.c.ID(), b.c.ID()), cmp.Compare(a.e.Seq, b.e.Seq))
	})
	for _, n := range all {
		b.fold(n.c, n.e)
	}
}

// fold takes over one entry. It leaves out what a ceremony has seen of nodes: the watcher
// must see for itself, or it would miss what others have done.
func (b *baseline) fold(c *rules.State, e event.Entry) {
	p := c.Plan
	switch ev := e.Event.(type) {
	case event.Proposed:
		if b.live {
			break // the watcher judges by itself what a plan has found in Vault
		}
		b.clusterID = cmp.Or(b.clusterID, p.ClusterID)
		if b.shares == "" && p.Operation.HasAttempt() && p.Shares > 0 {
			b.shares = sharesWords(p.Shares, p.Threshold)
		}
		if p.KeyTerm > 0 { // Vault may have rotated by itself, which no journal shows
			b.term = rotation{number: p.KeyTerm, installed: e.At}
		}
	case event.Acting:
		if p.Operation == ceremony.Rotate {
			b.rotating[p.KeyTerm] = true
		}
	case event.Rotated:
		b.term = rotation{number: ev.Key.Term, installed: ev.Key.Installed}
	case event.Initialized:
		b.clusterID, b.shares, b.term = "", "", rotation{}
		clear(b.nodes)
	case event.Ended:
		if p.Operation.Rekeys() && ev.Outcome == event.Completed {
			b.shares = sharesWords(len(p.Receivers), p.NewThreshold)
		}
		if p.Operation == ceremony.Unseal {
			for _, address := range sentTo(*c) {
				b.sent[address] = e.At
			}
		}
	case event.Entered:
		for _, s := range ev.Nodes {
			if s.Reached && !s.Sealed && slices.Contains(ev.At, s.Address) {
				b.nodes[s.Address] = nodeState{seal: sealedWord(false), seen: e.At}
			}
		}
	case event.Noticed:
		b.note(ev, e.At)
	}
}

// note takes over a finding that people were told of.
func (b *baseline) note(n event.Noticed, at time.Time) {
	switch n.Kind {
	case ceremony.ForeignStart:
		b.foreign[n.Operation] = foreignAttempt{n.Subject, n.Got}
	case ceremony.ForeignProgress, ceremony.ForeignCancel, rules.ForeignEnd:
		switch {
		case n.Of != "":
			if b.ours[n.Subject] == nil {
				b.ours[n.Subject] = map[ceremony.Finding]event.Noticed{}
			}
			b.ours[n.Subject][n.Kind] = n
		case n.Operation == ceremony.Unseal:
			node := b.nodes[n.Subject]
			node.progress = n.Got
			b.nodes[n.Subject] = node
		case b.foreign[n.Operation].nonce != n.Subject:
		case n.Kind == ceremony.ForeignCancel:
			delete(b.foreign, n.Operation)
		default:
			b.foreign[n.Operation] = foreignAttempt{n.Subject, n.Got}
		}
	case ceremony.TermChanged:
		b.term = rotation{number: n.Term, installed: at}
	case ceremony.SealChanged:
		b.nodes[n.Subject] = nodeState{seal: n.Got, seen: at}
	case ceremony.ClusterChanged:
		read, live := b.read, b.live
		*b = newBaseline()
		b.read, b.live, b.clusterID = read, live, n.Got
	case ceremony.KeyChanged:
		b.shares = n.Got
	}
}
