package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/rules"
)

// quiet is how long the seal watch does not repeat that a node is sealed, unless it has
// seen the node unsealed in between.
const quiet = 24 * time.Hour

// watchSeals looks for sealed nodes of one cluster and opens an unseal for them, until ctx
// ends. A node is announced once. It is not announced again because it flaps, because the
// unseal was ended or expired, or because the program was started again.
func (e *Engine) watchSeals(ctx context.Context, cluster ceremony.Cluster) {
	log := e.config.Log.With("cluster", cluster.Name)
	ticker := time.NewTicker(cluster.Poll)
	defer ticker.Stop()
	told := map[string]time.Time{} // address → when people were told
	var last ceremony.ID           // the newest ended unseal whose nodes are in told
	var fault string               // why no unseal could be opened, so that it is logged once
	for ctx.Err() == nil {
		nodes, _ := cluster.Vault.Nodes(ctx) // fails with ctx only
		if c, ok := e.lastUnseal(cluster.Name); ok && c.Ended() && c.ID() != last {
			last, told = c.ID(), c.LeftSealed()
		}
		if news := news(nodes, told); len(news) > 0 && !e.unsealing(cluster.Name) {
			c, err := e.propose(ctx, cluster, ceremony.Proposal{
				Operation: ceremony.Unseal, Cluster: cluster.Name, Reason: sealedReason(news),
			}, ceremony.SealWatch)
			switch {
			case err == nil:
				fault = ""
				for _, address := range news {
					told[address] = time.Now()
				}
				log.Info("sealed nodes: an unseal is opened", "ceremony", string(c.ID()), "nodes", news)
			case ctx.Err() == nil && fault != err.Error():
				fault = err.Error()
				log.Warn("sealed nodes, and no unseal can be opened", "nodes", news, "error", err)
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

// news returns the sealed nodes that people have not been told of. It deletes those that
// are unsealed again from told.
func news(nodes []ceremony.Node, told map[string]time.Time) []string {
	var fresh []string
	for _, n := range nodes {
		switch {
		case n.Err != nil || !n.Seal.Initialized || n.Seal.UnsealsItself():
		case !n.Seal.Sealed:
			delete(told, n.Address)
		case time.Since(told[n.Address]) > quiet:
			fresh = append(fresh, n.Address)
		}
	}
	return fresh
}

// sealedReason returns a reason that names as many of the sealed nodes as it has room for.
func sealedReason(addresses []string) string {
	const room = longestReason - len(" and 1000 more")
	reason := "sealed:"
	for i, address := range addresses {
		if len(reason)+1+len(address) > room {
			return fmt.Sprintf("%s and %d more", reason, len(addresses)-i)
		}
		reason += " " + address
	}
	return reason
}

// unsealing reports whether an unseal of the cluster is open.
func (e *Engine) unsealing(cluster string) bool {
	return slices.ContainsFunc(e.Current(), func(c rules.State) bool {
		return c.Plan.Cluster == cluster && c.Plan.Operation == ceremony.Unseal && !c.Ended()
	})
}

// lastUnseal returns the newest unseal of the cluster. It reports whether there is one.
func (e *Engine) lastUnseal(cluster string) (rules.State, bool) {
	all := e.Current()
	i := slices.IndexFunc(all, func(c rules.State) bool {
		return c.Plan.Cluster == cluster && c.Plan.Operation == ceremony.Unseal
	})
	if i < 0 {
		return rules.State{}, false
	}
	return all[i], true
}
