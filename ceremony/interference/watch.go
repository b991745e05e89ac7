package interference

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// confirmAfter is how long the interference watch waits before it asks a second time
// whether what it has found is so.
const confirmAfter = 2 * time.Second

// alarms is what the watch needs of the engine.
type alarms interface {
	Ceremonies() []rules.State
	Raise(ctx context.Context, cluster ceremony.Cluster, found event.Noticed) (ceremony.ID, error)
}

// guard is the interference watch of one cluster.
type Watcher struct {
	E       alarms
	Cluster ceremony.Cluster
	Log     *slog.Logger
	Memory  baseline
	Denied  map[string]time.Time // question that Vault does not answer → when it was last put
	fault   string               // why the last finding could not be raised, so that it is logged once
}

// Round looks once, and a second time before anything is raised: our own ceremony may
// be in the middle of an act, and Vault in the middle of an election.
func (g *Watcher) Round(ctx context.Context) {
	found := g.poll(ctx)
	if len(found) == 0 {
		return
	}
	pause(ctx, min(confirmAfter, g.Cluster.Poll))
	for _, n := range confirmed(found, g.poll(ctx)) {
		if ctx.Err() != nil {
			return
		}
		if _, err := g.E.Raise(ctx, g.Cluster, n); err != nil {
			if ctx.Err() != nil {
				return // the program is told to stop, and finds it again when it is back
			}
			if fault := err.Error(); g.fault != fault && !errors.Is(err, ceremony.ErrNotRunning) {
				g.fault = fault
				g.Log.Error("an alarm could not be raised", "finding", string(n.Kind), "was", n.Want, "is", n.Got,
					"error", err)
			}
			return // found again by the next round
		}
		g.fault = ""
		g.Memory.note(n, time.Now())
	}
}

// confirmed are the findings that a second look has as well, as it has them. That
// somebody else's attempt was there is certain when it was seen once: our own are
// announced in the journal before, and a quick one is gone by the second look.
func confirmed(found, again []event.Noticed) []event.Noticed {
	var sure []event.Noticed
	for _, n := range found {
		i := slices.IndexFunc(again, n.SameMatter)
		switch {
		case i >= 0:
			sure = append(sure, again[i])
		case n.Kind == ceremony.ForeignStart:
			sure = append(sure, n)
		}
	}
	return sure
}

// poll asks Vault and answers what has changed without us. A ceremony that wrote to
// its journal in between may have caused it: then nothing is known.
func (g *Watcher) poll(ctx context.Context) []event.Noticed {
	before := g.ceremonies()
	seen := g.ask(ctx)
	after := g.ceremonies()
	if ctx.Err() != nil || !slices.EqualFunc(before, after, unmoved) {
		return nil
	}
	g.Memory.catchUp(after)
	return g.Memory.compare(seen, after, time.Now())
}

// ceremonies are those of this cluster, newest first.
func (g *Watcher) ceremonies() []rules.State {
	return slices.DeleteFunc(g.E.Ceremonies(), func(c rules.State) bool { return c.Plan.Cluster != g.Cluster.Name })
}

// unmoved reports whether nothing has happened in a ceremony but the delivery of
// messages.
func unmoved(before, after rules.State) bool {
	return before.ID() == after.ID() && !slices.ContainsFunc(after.History[min(before.Seq(), after.Seq()):],
		func(e event.Entry) bool {
			return !rules.Is[event.Posted](e.Event) && !rules.Is[event.Undeliverable](e.Event)
		})
}

// pause waits for a while, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
