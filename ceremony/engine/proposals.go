package engine

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// proposalDay is the time within which a person's proposals are counted.
const proposalDay = 24 * time.Hour

// mayPropose returns a refusal for a person who has opened as many ceremonies on the
// cluster within a day as it allows, and has its owners told, once a day. It counts what is
// in the journals, so that a restart forgets nothing.
//
// It refuses nothing that an emergency needs: an unseal, a token that is needed when
// Vault's storage is damaged or a data centre is lost, and whatever follows from an alarm
// that nobody has acknowledged yet.
func (e *Engine) mayPropose(
	ctx context.Context, cluster ceremony.Cluster, op ceremony.Operation, by ceremony.Person,
) error {
	most := cluster.DailyProposals
	if most == 0 || forEmergencies(op) || e.opened(cluster.Name, by.Account) < most {
		return nil
	}
	if alarm, ok := e.openAlarm(cluster.Name); ok && slices.ContainsFunc(alarm.Findings(), func(f event.Entry) bool {
		n, _ := f.Event.(event.Noticed)
		return n.Kind != ceremony.ManyProposals && n.Whose() != by.Account // nobody lifts their own limit
	}) {
		return nil
	}
	if !e.toldOfProposals(cluster.Name, by.Account) {
		found := event.Noticed{Kind: ceremony.ManyProposals, Subject: strconv.Itoa(most), By: &by}
		if _, err := e.Raise(ctx, cluster, found); err != nil {
			e.config.Log.Error("no alarm about proposals", "cluster", cluster.Name, "person", by.Name, "error", err)
		}
	}
	return fmt.Errorf("%s has opened %d on %s: %w", by.Name, most, cluster.Name, ceremony.TooManyProposals)
}

// forEmergencies reports whether an operation is never refused for the number of proposals.
func forEmergencies(op ceremony.Operation) bool {
	return op == ceremony.Unseal || op == ceremony.RecoveryToken || op == ceremony.DRToken
}

// opened returns how many ceremonies a person has opened on a cluster within a day, without
// those that are for emergencies.
func (e *Engine) opened(cluster string, by ceremony.Account) int {
	n := 0
	for _, c := range e.Current() {
		p := c.Plan
		if p.Cluster == cluster && p.Initiator.Account == by && !forEmergencies(p.Operation) && lately(p.Proposed) {
			n++
		}
	}
	return n
}

// toldOfProposals reports whether the owners of a cluster have heard within a day that a
// person opens too many ceremonies, even when they have acknowledged it.
func (e *Engine) toldOfProposals(cluster string, by ceremony.Account) bool {
	return slices.ContainsFunc(e.Current(), func(c rules.State) bool {
		return c.Plan.Cluster == cluster && slices.ContainsFunc(c.Findings(), func(f event.Entry) bool {
			n, _ := f.Event.(event.Noticed)
			return n.Kind == ceremony.ManyProposals && n.Whose() == by && lately(f.At)
		})
	})
}

func lately(at time.Time) bool { return time.Since(at) < proposalDay }
