package ceremony

import (
	"context"
	"slices"
	"time"
)

// SealWatch opens an unseal by itself. It is nobody's account, so that nobody can
// speak for it.
var SealWatch = Person{Name: "seal-watch"}

// quiet is how long after an unseal that was not carried through the seal watch
// says nothing, unless it sees the cluster unsealed in between.
const quiet = 24 * time.Hour

// watch looks for sealed nodes of one cluster and opens an unseal for them. It is
// announced once: while the unseal is open, and after people have ended it or let
// it expire, the same sealed nodes are no news.
func (e *Engine) watch(ctx context.Context, cluster Cluster) {
	log := e.config.Log.With("cluster", cluster.Name)
	ticker := time.NewTicker(cluster.Poll)
	defer ticker.Stop()
	told := e.lastUnseal(cluster.Name)
	var answers string // kind of the last error, so that it is logged once
	for ctx.Err() == nil {
		nodes, err := cluster.Vault.Nodes(ctx)
		sealed, unsealed := tally(nodes)
		switch {
		case err != nil:
		case sealed == 0 && unsealed > 0:
			told = time.Time{}
		case sealed > 0 && time.Since(told) > quiet && !e.unsealing(cluster.Name):
			c, err := e.propose(ctx, cluster, Proposal{Operation: Unseal, Cluster: cluster.Name, Reason: "a node is sealed"}, SealWatch)
			switch {
			case err == nil:
				told, answers = time.Now(), ""
				log.Info("sealed nodes: an unseal is opened", "ceremony", string(c.ID()))
			case ctx.Err() == nil && answers != err.Error():
				answers = err.Error()
				log.Warn("sealed nodes, and no unseal can be opened", "error", err)
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

// tally counts the initialised nodes that answer.
func tally(nodes []Node) (sealed, unsealed int) {
	for _, n := range nodes {
		switch {
		case n.Err != nil || !n.Seal.Initialized || n.Seal.UnsealsItself():
		case n.Seal.Sealed:
			sealed++
		default:
			unsealed++
		}
	}
	return sealed, unsealed
}

// unsealing says whether an unseal of the cluster is open.
func (e *Engine) unsealing(cluster string) bool {
	return slices.ContainsFunc(e.Ceremonies(), func(c Ceremony) bool {
		return c.Plan.Cluster == cluster && c.Plan.Operation == Unseal && !c.Ended()
	})
}

// lastUnseal is when the newest unseal of the cluster was proposed, unless it was
// carried through: before a restart people were told of these sealed nodes.
func (e *Engine) lastUnseal(cluster string) time.Time {
	for _, c := range e.Ceremonies() {
		if c.Plan.Cluster == cluster && c.Plan.Operation == Unseal {
			if c.Outcome == Completed {
				break
			}
			return c.Plan.Proposed
		}
	}
	return time.Time{}
}
