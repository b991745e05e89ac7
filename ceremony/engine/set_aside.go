package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/aside"
	"conclave/ceremony/event"
	"conclave/ceremony/mark"
)

// asidePause is the pause before people are told once more of what an alarm had no room for.
const asidePause = time.Minute

// SetAside returns the ceremonies whose journals are not obeyed. They stay so until the next
// start.
func (e *Engine) SetAside() []ceremony.Aside {
	select {
	case <-e.ready:
		e.asideMu.Lock()
		defer e.asideMu.Unlock()
		return e.aside
	default:
		return nil
	}
}

// unknown returns why there is no ceremony with this id, or nothing is done with it.
func (e *Engine) unknown(id ceremony.ID) error {
	for _, a := range e.SetAside() {
		if a.Ceremony == id {
			return fmt.Errorf("%s is set aside: %w", id, a.Why)
		}
	}
	return fmt.Errorf("%s: %w", id, ceremony.ErrUnknownCeremony)
}

// setAside notes a ceremony whose journal is not obeyed, and has people told.
func (e *Engine) setAside(id ceremony.ID, found *event.AsideError) {
	a := aside.New(id, found, func(name string) bool { _, ok := e.clusters[name]; return ok })
	e.asideMu.Lock()
	e.aside = append(slices.Clone(e.aside), a)
	aside.Sort(e.aside)
	e.asideMu.Unlock()
	select {
	case e.asideNews <- struct{}{}:
	default: // it is looked at anyway
	}
	e.config.Log.Error("a ceremony is set aside: its journal is not obeyed", "ceremony", string(id), "holds up",
		aside.HoldsUp(a), "error", found, "todo", aside.Todo(a))
}

// tellAside raises alarms on the clusters that are held up, until each has taken what it is
// to be told, and whenever more is set aside.
func (e *Engine) tellAside(ctx context.Context) {
	told := map[string]bool{}
	was, _ := e.config.Marks.Recalled()
	open := func(id ceremony.ID) bool { return slices.ContainsFunc(was.Open, mark.IsOf(id)) }
	known := func(id ceremony.ID) bool { return slices.ContainsFunc(was.Settled, mark.IsOf(id)) }
	for ctx.Err() == nil {
		var again <-chan time.Time
		for _, cluster := range e.config.Clusters {
			for _, n := range aside.Findings(e.SetAside(), cluster.Name, open, known) {
				key := cluster.Name + "\n" + n.Subject + "\n" + n.Got
				if told[key] = told[key] || e.raiseAside(ctx, cluster, n); !told[key] {
					again = time.After(asidePause)
				}
			}
		}
		select {
		case <-e.asideNews:
		case <-again:
		case <-ctx.Done():
		}
	}
}

// raiseAside raises an alarm. It reports whether that has taken the finding: it takes only so
// many of a kind at a time.
func (e *Engine) raiseAside(ctx context.Context, cluster ceremony.Cluster, found event.Noticed) bool {
	id, err := e.Raise(ctx, cluster, found)
	if err != nil {
		e.config.Log.Error("people are not told of a journal that is not obeyed", "cluster", cluster.Name, "error", err)
		return false
	}
	alarm, _, err := e.Ceremony(id)
	return err == nil && slices.ContainsFunc(alarm.Findings(), func(f event.Entry) bool {
		n, _ := f.Event.(event.Noticed)
		return n.Same(found)
	})
}
