package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/plural"
)

// SetAside returns the ceremonies that were set aside at the start. They stay so until the
// next one.
func (e *Engine) SetAside() []ceremony.Aside {
	select {
	case <-e.ready:
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

// setAside notes a ceremony whose journal is not obeyed.
func (e *Engine) setAside(id ceremony.ID, found *event.AsideError) {
	a := ceremony.Aside{Ceremony: id, Why: found}
	named, told := id.Cluster(), found.Proposed.Plan.Cluster
	if _, configured := e.clusters[named]; configured || named != "" && told != "" {
		a.Clusters = append(a.Clusters, named)
	}
	if told != "" && told != named {
		a.Clusters = append(a.Clusters, told)
	}
	e.aside = append(e.aside, a)
	clusters := strings.Join(a.Clusters, ", ")
	if clusters == "" {
		clusters = "every cluster"
	}
	todo := "keep the file and tell your security team; put the file from a backup in its place, or take it out of the folder"
	if errors.Is(found, ceremony.ErrNotAdopted) {
		todo = "stop the bot and run: conclave journal adopt"
	}
	e.config.Log.Error("a ceremony is set aside: its journal is not obeyed", "ceremony", string(id), "holds up", clusters,
		"error", found, "todo", todo)
}

// sortAside orders what was set aside by when it says that it was proposed, oldest first.
func (e *Engine) sortAside() {
	proposed := func(a ceremony.Aside) time.Time {
		var aside *event.AsideError
		if errors.As(a.Why, &aside) {
			return aside.Proposed.Plan.Proposed
		}
		return time.Time{}
	}
	slices.SortStableFunc(e.aside, func(a, b ceremony.Aside) int { return proposed(a).Compare(proposed(b)) })
}

// tellAside raises an alarm on each cluster that is held up.
func (e *Engine) tellAside(ctx context.Context) {
	for _, cluster := range e.config.Clusters {
		var foreign []string
		for _, a := range e.SetAside() {
			switch {
			case !a.HoldsUp(cluster.Name):
			case errors.Is(a.Why, ceremony.ErrNotAdopted):
				foreign = append(foreign, string(a.Ceremony))
			default:
				e.raiseAside(ctx, cluster, event.Noticed{
					Kind: ceremony.JournalBroken, Subject: shorten(string(a.Ceremony)), Got: shorten(a.Why.Error()),
				})
			}
		}
		if len(foreign) > 0 {
			e.raiseAside(ctx, cluster, event.Noticed{Kind: ceremony.NotAdopted, Got: listed(foreign)})
		}
	}
}

func (e *Engine) raiseAside(ctx context.Context, cluster ceremony.Cluster, found event.Noticed) {
	if _, err := e.Raise(ctx, cluster, found); err != nil {
		e.config.Log.Error("people are not told of a journal that is not obeyed", "cluster", cluster.Name, "error", err)
	}
}

// longestFound is how many characters of a text that was found in a file people are shown.
const longestFound = 200

// shorten returns a text that was found in a file, or that names one, as it can be told.
func shorten(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if r := []rune(text); len(r) > longestFound {
		return string(r[:longestFound]) + "…"
	}
	return text
}

// listed returns how many ceremonies there are, and the newest of them by name.
func listed(ids []string) string {
	const most = 5
	newest := slices.Clone(ids[max(0, len(ids)-most):])
	slices.Reverse(newest)
	for i := range newest {
		newest[i] = shorten(newest[i])
	}
	text := fmt.Sprintf("%s: %s", plural.Count(len(ids), "ceremony", "ceremonies"), strings.Join(newest, ", "))
	if len(ids) > most {
		text += fmt.Sprintf(" and %d more", len(ids)-most)
	}
	return text
}
