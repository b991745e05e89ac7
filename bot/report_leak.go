package bot

import (
	"context"

	"conclave/bot/refusal"
	"conclave/ceremony"
)

// reportLeak raises an alarm for each kind of secret in shown, at most once every ten
// minutes for each person and kind. A one-time password raises none: its requester alone
// has to replace it.
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

// offerable reports whether the engine gets a text that shows a secret of this kind. It
// waits for shares and passwords, and its journal records that one came in the open. It
// never asks for a key or a token.
func offerable(e refusal.Exposure) bool {
	return e == refusal.ExposedShare || e == refusal.ExposedPassword
}
