package engine

import (
	"context"
	"time"

	"conclave/ceremony/command"
)

// conditionsPatience is how long Vault's nodes are asked what they are. A node that does
// not answer holds no ceremony up for longer; what it is stays not known.
const conditionsPatience = 5 * time.Second

// observe records what the ceremony runs under, once for each start of the program.
func (a *actor) observe(ctx context.Context) (progress bool, err error) {
	a.session.Observe = false
	seen := a.e.config.Conditions()
	asking, cancel := context.WithTimeout(ctx, conditionsPatience)
	defer cancel()
	seen.Vault = a.cluster.Vault.Servers(asking)
	return a.advance(ctx, command.Observe{Seen: seen})
}
