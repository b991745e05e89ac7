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

// confirmAfter is how long a watcher waits before it looks a second time at what it has
// found.
const confirmAfter = 2 * time.Second

// Engine is what a watcher needs of the engine.
type Engine interface {
	// Current returns the ceremonies that are not settled, those that have ended within a day,
	// and each cluster's newest unseal. They come newest first.
	Current() []rules.State
	// Begun reports whether a ceremony, however long ago, has begun the attempt with this
	// nonce.
	Begun(nonce string) bool
	// Raise adds a finding to the cluster's open alarm, or opens an alarm for it.
	Raise(ctx context.Context, cluster ceremony.Cluster, found event.Noticed) (ceremony.ID, error)
}

// Watcher watches one cluster for changes that no ceremony has made, with or without an
// open ceremony. It has one goroutine.
type Watcher struct {
	engine   Engine
	cluster  ceremony.Cluster
	log      *slog.Logger
	baseline baseline
	denied   map[string]time.Time // question that Vault refuses to answer → when it was last put
	fault    string               // why the last finding could not be raised, so that it is logged once
}

// NewWatcher makes a watcher. What is so at its start is compared with the journals, so
// that a restart neither hides nor repeats a finding. past are the cluster's other
// ceremonies, those that the engine does not return as current; of their entries those
// suffice that the watcher goes by.
func NewWatcher(e Engine, cluster ceremony.Cluster, past []rules.State, log *slog.Logger) *Watcher {
	return &Watcher{
		engine: e, cluster: cluster, log: log,
		baseline: remember(cluster.Name, slices.Concat(past, e.Current())), denied: map[string]time.Time{},
	}
}

// Run looks once each poll interval of the cluster, until ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	ticker := time.NewTicker(w.cluster.Poll)
	defer ticker.Stop()
	for ctx.Err() == nil {
		w.round(ctx)
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

// round looks once, and a second time before it raises an alarm: our own ceremony may be in
// the middle of an act, and Vault in the middle of an election.
func (w *Watcher) round(ctx context.Context) {
	found := w.poll(ctx)
	if len(found) == 0 {
		return
	}
	pause(ctx, min(confirmAfter, w.cluster.Poll))
	for _, n := range confirmed(found, w.poll(ctx)) {
		if ctx.Err() != nil {
			return
		}
		if _, err := w.engine.Raise(ctx, w.cluster, n); err != nil {
			if ctx.Err() != nil {
				return // the program stops, and finds it again when it is started
			}
			if fault := err.Error(); w.fault != fault && !errors.Is(err, ceremony.ErrNotRunning) {
				w.fault = fault
				w.log.Error("an alarm could not be raised", "finding", string(n.Kind), "was", n.Want, "is", n.Got,
					"error", err)
			}
			return // found again by the next round
		}
		w.fault = ""
		w.baseline.note(n, time.Now())
	}
}

// confirmed returns the findings that the second look has as well, in its words. A foreign
// attempt is certain when it was seen once: our own are announced in the journal before,
// and a quick one is gone by the second look.
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

// poll asks Vault and returns the findings. When a ceremony has written to its journal
// meanwhile it returns nil: the ceremony may have caused the change.
func (w *Watcher) poll(ctx context.Context) []event.Noticed {
	before := w.ceremonies()
	seen := w.ask(ctx)
	after := w.ceremonies()
	if ctx.Err() != nil || !slices.EqualFunc(before, after, unmoved) {
		return nil
	}
	w.baseline.catchUp(after)
	return w.baseline.compare(seen, after, w.engine.Begun, time.Now())
}

// ceremonies returns the ceremonies of this cluster, newest first.
func (w *Watcher) ceremonies() []rules.State {
	return slices.DeleteFunc(w.engine.Current(), func(c rules.State) bool {
		return c.Plan.Cluster != w.cluster.Name
	})
}

// unmoved reports whether a ceremony has only delivered messages in between.
func unmoved(before, after rules.State) bool {
	more := after.History[min(before.Seq(), after.Seq()):]
	return before.ID() == after.ID() && !slices.ContainsFunc(more, func(e event.Entry) bool {
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
