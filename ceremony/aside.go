package ceremony

import "slices"

// Aside is a ceremony whose journal is not obeyed. Nothing is done with it. It may be open,
// so that no new ceremony begins on its cluster, except an unseal, which a sealed cluster
// needs whatever was before.
type Aside struct {
	Ceremony ID
	// Clusters are the names of those that it may be of: the one in its id, and the one in its
	// first line. It is empty when it may be of any: its first line can't be read, and the
	// configuration has no cluster that its id names.
	Clusters []string
	Why      error // wraps ErrNotAdopted or ErrChain
}

// HoldsUp reports whether the ceremony may be one of the cluster.
func (a Aside) HoldsUp(cluster string) bool {
	return len(a.Clusters) == 0 || slices.Contains(a.Clusters, cluster)
}
