package ceremony

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"
)

// confirmAfter is how long the interference watch waits before it asks a second time
// whether what it has found is so.
const confirmAfter = 2 * time.Second

// watchInterference watches one cluster for what no ceremony here has done, with or without an
// open one. It tells what has changed since it looked last; what was so when the
// program started is held against the journals, so that a restart neither hides nor
// repeats anything.
func (e *Engine) watchInterference(ctx context.Context, cluster Cluster) {
	g := &guard{
		e: e, cluster: cluster, log: e.config.Log.With("cluster", cluster.Name),
		memory: remember(cluster.Name, e.Ceremonies()), denied: map[string]time.Time{},
	}
	ticker := time.NewTicker(cluster.Poll)
	defer ticker.Stop()
	for ctx.Err() == nil {
		g.round(ctx)
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

// guard is the interference watch of one cluster.
type guard struct {
	e       *Engine
	cluster Cluster
	log     *slog.Logger
	memory  memory
	denied  map[string]time.Time // question that Vault does not answer → when it was last put
	fault   string               // why the last finding could not be raised, so that it is logged once
}

// round looks once, and a second time before anything is raised: our own ceremony may
// be in the middle of an act, and Vault in the middle of an election.
func (g *guard) round(ctx context.Context) {
	found := g.look(ctx)
	if len(found) == 0 {
		return
	}
	pause(ctx, min(confirmAfter, g.cluster.Poll))
	for _, n := range confirmed(found, g.look(ctx)) {
		if ctx.Err() != nil {
			return
		}
		if _, err := g.e.raise(ctx, g.cluster, n); err != nil {
			if ctx.Err() != nil {
				return // the program is told to stop, and finds it again when it is back
			}
			if fault := err.Error(); g.fault != fault && !errors.Is(err, ErrNotRunning) {
				g.fault = fault
				g.log.Error("an alarm could not be raised", "finding", string(n.Kind), "was", n.Want, "is", n.Got, "error", err)
			}
			return // found again by the next round
		}
		g.fault = ""
		g.memory.note(n, time.Now())
	}
}

// confirmed are the findings that a second look has as well, as it has them. That
// somebody else's attempt was there is certain when it was seen once: our own are
// announced in the journal before, and a quick one is gone by the second look.
func confirmed(found, again []Noticed) []Noticed {
	var sure []Noticed
	for _, n := range found {
		i := slices.IndexFunc(again, n.sameMatter)
		switch {
		case i >= 0:
			sure = append(sure, again[i])
		case n.Kind == ForeignStart:
			sure = append(sure, n)
		}
	}
	return sure
}

// look asks Vault and answers what has changed without us. A ceremony that wrote to
// its journal in between may have caused it: then nothing is known.
func (g *guard) look(ctx context.Context) []Noticed {
	before := g.ceremonies()
	seen := g.ask(ctx)
	after := g.ceremonies()
	if ctx.Err() != nil || !slices.EqualFunc(before, after, unmoved) {
		return nil
	}
	g.memory.catchUp(after)
	return g.memory.compare(seen, after, time.Now())
}

// ceremonies are those of this cluster, newest first.
func (g *guard) ceremonies() []Ceremony {
	return slices.DeleteFunc(g.e.Ceremonies(), func(c Ceremony) bool { return c.Plan.Cluster != g.cluster.Name })
}

// unmoved says whether nothing has happened in a ceremony but the delivery of
// messages.
func unmoved(before, after Ceremony) bool {
	return before.ID() == after.ID() && !slices.ContainsFunc(after.History[min(before.Seq(), after.Seq()):], func(e Entry) bool {
		return !is[Posted](e.Event) && !is[Undeliverable](e.Event)
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
