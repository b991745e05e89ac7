package rules

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
)

// Sealing is what is known of one node of a cluster that is being unsealed.
type Sealing struct {
	ceremony.NodeState
	With []ceremony.Person // whose shares are in its progress, as far as they came from here
}

// lacks reports whether the node would take a share of this person.
func (s Sealing) lacks(who ceremony.Account) bool {
	_, has := ceremony.Find(s.With, who)
	return s.Reached && s.Sealed && !has
}

// sealedFor returns the addresses of the nodes that would take a share of this person.
func (c State) sealedFor(who ceremony.Account) []string {
	var addresses []string
	for _, n := range c.Nodes {
		if n.lacks(who) {
			addresses = append(addresses, n.Address)
		}
	}
	return addresses
}

// anySealed reports whether a node that answers is sealed.
func (c State) anySealed() bool {
	return slices.ContainsFunc(c.Nodes, func(n Sealing) bool { return n.Reached && n.Sealed })
}

// unsealed reports whether every node that answers is unsealed, and at least one answers.
// With all, every node has to answer.
func (c State) unsealed(all bool) bool {
	reached := 0
	for _, n := range c.Nodes {
		if n.Reached && n.Sealed || all && !n.Reached {
			return false
		}
		if n.Reached {
			reached++
		}
	}
	return reached > 0
}

// node returns what the journal has of the node at an address.
func (c State) node(address string) Sealing {
	for _, n := range c.Nodes {
		if n.Address == address {
			return n
		}
	}
	return Sealing{NodeState: ceremony.NodeState{Address: address}}
}

// stateOf returns what a node shows. A node without a key does not belong to the cluster
// yet, and counts as one that does not answer.
func stateOf(n ceremony.Node) ceremony.NodeState {
	if n.Err != nil || !n.Seal.Initialized {
		return ceremony.NodeState{Address: n.Address}
	}
	s := ceremony.NodeState{Address: n.Address, Reached: true, Sealed: n.Seal.Sealed}
	if s.Sealed {
		s.Progress = n.Progress
	}
	return s
}

// StatesOf returns what nodes show, in their order.
func StatesOf(nodes []ceremony.Node) []ceremony.NodeState {
	states := make([]ceremony.NodeState, len(nodes))
	for i, n := range nodes {
		states[i] = stateOf(n)
	}
	return states
}

// CompareNodes returns the first difference between what the nodes show and the plan, or
// nil (P4). Shares that others have entered are no difference: they do what the ceremony
// does, and the status post shows them.
func (c State) CompareNodes(nodes []ceremony.Node) *Difference {
	p := c.Plan
	differs := func(n ceremony.Node, want, got string) *Difference {
		return &Difference{event.VaultDiffers, n.Address + ": " + want, got}
	}
	cluster := p.ClusterID // unknown when every node was sealed; then the first unsealed one tells it
	for _, n := range nodes {
		s := n.Seal
		if n.Err == nil && s.Initialized && !s.Sealed {
			cluster = cmp.Or(cluster, s.ClusterID)
		}
		switch {
		case n.Err != nil || !s.Initialized:
		case !s.Sealed && s.ClusterID != "" && s.ClusterID != cluster:
			return differs(n, "cluster id "+cluster, s.ClusterID)
		case s.Sealed && s.UnsealsItself():
			return differs(n, "seal shamir", "seal "+s.Type)
		case s.Sealed && (s.Shares != p.Shares || s.Threshold != p.Threshold):
			want := fmt.Sprintf("%d of %d shares", p.Threshold, p.Shares)
			return differs(n, want, fmt.Sprintf("%d of %d", s.Threshold, s.Shares))
		}
	}
	return nil
}

// lookNodes judges what the nodes of a cluster that is being unsealed show.
func (c State) lookNodes(nodes []ceremony.Node, now time.Time) []event.Event {
	if d := c.CompareNodes(nodes); d != nil {
		return append(c.giveBack(ceremony.IsFrozen), d.freeze())
	}
	states := StatesOf(nodes)
	if c.Shown(states) {
		return nil
	}
	if _, offered := c.Offer(); !offered && c.seenEnough(now) && !c.see(states, false).unsealed(true) {
		return nil
	}
	return []event.Event{event.NodesSeen{Nodes: states}}
}

// Shown reports whether the nodes are as the journal has them.
func (c State) Shown(states []ceremony.NodeState) bool {
	return slices.EqualFunc(states, c.Nodes, func(s ceremony.NodeState, n Sealing) bool { return s == n.NodeState })
}

// A node that flaps changes what is seen with every poll. The journal takes manySightings,
// and from then on one every sightingPause, unless a share waits or nothing is sealed any
// more.
const (
	manySightings = 100
	sightingPause = 10 * time.Minute
)

// seenEnough reports whether a sighting can wait, so that the journal does not grow by a
// node that flaps.
func (c State) seenEnough(now time.Time) bool {
	sightings := 0
	var last time.Time
	for _, e := range c.History {
		if Is[event.NodesSeen](e.Event) {
			sightings, last = sightings+1, e.At
		}
	}
	return sightings >= manySightings && now.Sub(last) < sightingPause
}

// settleEntered judges what came of a share that was sent to sealed nodes, by each node's
// progress afterwards. A node does not tell that a share is a duplicate, and throws
// everything away after a share that does not fit.
func (c State) settleEntered(sent event.Submitting, cmd command.Settle) []event.Event {
	entered := event.Entered{By: sent.By, Nodes: StatesOf(cmd.Seen.Nodes)}
	refused := event.RoundRefused{Step: ceremony.StepUnseal, Round: c.Round.Number}
	for _, address := range sent.Nodes {
		before, after := c.node(address), ceremony.NodeState{Address: address}
		for _, n := range entered.Nodes {
			if n.Address == address {
				after = n
				break
			}
		}
		full := before.Progress == c.Plan.Threshold-1
		switch {
		case after.Reached && (!after.Sealed || after.Progress > before.Progress):
			entered.At = append(entered.At, address)
		case after.Reached && after.Progress == 0 && before.Progress > 0 && full:
			refused.Nodes = append(refused.Nodes, address)
			refused.With = ceremony.Unique(slices.Concat(refused.With, before.With))
		default:
			entered.Not = append(entered.Not, address)
		}
	}
	var events []event.Event
	if len(entered.At) > 0 {
		events = append(events, entered)
	}
	if len(refused.Nodes) > 0 {
		refused.With = append(refused.With, sent.By)
		refused.Suspects = c.suspects(refused.With)
		events = append(events, refused)
	}
	if len(events) == 0 {
		reason := ceremony.NotCounted
		if cmd.Refused {
			reason = ceremony.VaultRefused
		}
		events = append(events, notTaken(sent, reason))
	}
	return events
}

// settleReset judges what came of having the nodes forget their shares. It returns nothing
// while a node that answers still has some.
func (c State) settleReset(sent event.Dropping, v command.View) []event.Event {
	states := StatesOf(v.Nodes)
	if slices.ContainsFunc(states, func(s ceremony.NodeState) bool { return s.Progress > 0 }) {
		return nil
	}
	return []event.Event{event.NodesSeen{Nodes: states}, event.RoundReset(sent)}
}

// see returns the state with what nodes show now. A node whose progress is less than the
// shares that it was sent has dropped them.
//
// The people who have sent a share are needed once more when a sealed node is there without
// it. sent reports whether anybody has sent one since everybody was asked last: a node that
// flaps must not have people asked anew, since their envelopes would be for a key that is
// gone.
func (c State) see(states []ceremony.NodeState, sent bool) State {
	nodes := make([]Sealing, len(states))
	for i, s := range states {
		before := c.node(s.Address)
		nodes[i] = Sealing{NodeState: s, With: before.With}
		switch {
		case !s.Reached:
			// It may come back as it was.
		case !s.Sealed || s.Progress < len(before.With):
			nodes[i].With = nil
		}
		changed := !before.Reached || !before.Sealed || len(before.With) > 0
		if sent && s.Reached && s.Sealed && len(nodes[i].With) == 0 && changed {
			c.AskAgain = true
		}
	}
	c.Nodes = nodes
	return c
}

// MayHold reports whether a node may have a share in its progress that came through
// Conclave. A node that gave no answer may have counted it.
func (c State) MayHold(address string) bool {
	for _, e := range slices.Backward(c.History) {
		var seen []ceremony.NodeState
		switch ev := e.Event.(type) {
		case event.Submitting:
			if slices.Contains(ev.Nodes, address) {
				return true
			}
		case event.NodesSeen:
			seen = ev.Nodes
		case event.Entered:
			seen = ev.Nodes
		}
		if slices.ContainsFunc(seen, func(s ceremony.NodeState) bool {
			return s.Address == address && s.Reached && s.Progress == 0
		}) {
			return false
		}
	}
	return false
}

// enter returns the state with a person's share on the nodes that have counted it.
func (c State) enter(by ceremony.Person, at []string) State {
	nodes := slices.Clone(c.Nodes)
	for i, n := range nodes {
		if n.Sealed && slices.Contains(at, n.Address) && n.lacks(by.Account) {
			nodes[i].With = append(slices.Clip(n.With), by)
		}
	}
	c.Nodes = nodes
	return c
}

// dropped returns the state without the shares on nodes that have refused or forgotten them.
func (c State) dropped(at []string) State {
	nodes := slices.Clone(c.Nodes)
	for i, n := range nodes {
		if slices.Contains(at, n.Address) {
			nodes[i].With, nodes[i].Progress = nil, 0
		}
	}
	c.Nodes = nodes
	return c
}

// LeftSealed returns the nodes that an unseal has left sealed, and when people were told
// of them: address → time. A node that did not answer at the end is among them, unless
// people were told that everything is done: then it is news when it comes back.
func (c State) LeftSealed() map[string]time.Time {
	told := map[string]time.Time{}
	for _, n := range c.Nodes {
		if n.Sealed || !n.Reached && c.Outcome != event.Completed {
			told[n.Address] = c.Plan.Proposed
		}
	}
	return told
}
