package bot

import (
	"context"

	"conclave/bot/refusal"
	"conclave/ceremony"
)

// raise has the security people hear of what somebody showed in the open. Of the
// same kind by the same person they hear once in a while: who pastes twice has
// shown no more. A one-time password is the requester's to replace, and nobody
// else's business.
func (in *inbox) reportLeak(ctx context.Context, by ceremony.Account, shown []refusal.Exposure) {
	for _, what := range shown {
		key := by.String() + " " + string(what)
		if what == refusal.ExposedPassword || !in.leaksTold.Free(key) {
			continue
		}
		alarms, err := in.engine.Exposed(ctx, by, ceremony.Finding(what))
		if err != nil {
			in.leaksTold.Release(key)
			in.log.Error("no alarm about what was shown in the open", "kind", string(what), "user", by.User, "error", err)
			continue
		}
		in.log.Warn("shown in the open", "kind", string(what), "user", by.User, "alarms", alarms)
	}
}

// offerable reports whether the engine is to look at what shows something of this kind.
// A share or a password is what it waits for, and its journal says that it came in
// the open. A key or a token is nothing that it asks for.
func offerable(e refusal.Exposure) bool {
	return e == refusal.ExposedShare || e == refusal.ExposedPassword
}
