package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
	"conclave/ceremony/planning"
	"conclave/ceremony/rules"
)

// Raise adds a finding to the cluster's open alarm, or opens an alarm for it. It returns
// the alarm's id. A finding that the alarm already has is no error. After an error
// nothing was written.
func (e *Engine) Raise(ctx context.Context, cluster ceremony.Cluster, found event.Noticed) (ceremony.ID, error) {
	e.alarming.Lock()
	defer e.alarming.Unlock()
	if c, ok := e.openAlarm(cluster.Name); ok {
		_, err := e.command(ctx, c.ID(), command.Alert{Found: found})
		if !errors.Is(err, ceremony.Closed) { // it may just have been acknowledged
			return c.ID(), err
		}
	}
	c, err := e.open(ctx, cluster, e.alarmPlan(cluster, found), found)
	if err != nil {
		return "", fmt.Errorf("open an alarm for %s: %w", cluster.Name, err)
	}
	e.config.Log.Warn("an alarm is raised", "cluster", cluster.Name, "ceremony", string(c.ID()),
		"finding", string(found.Kind), "was", found.Want, "is", found.Got)
	return c.ID(), nil
}

// openAlarm returns the cluster's alarm that nobody has acknowledged yet. It reports
// whether there is one.
func (e *Engine) openAlarm(cluster string) (rules.State, bool) {
	all := e.Current()
	i := slices.IndexFunc(all, func(c rules.State) bool {
		return c.Plan.Cluster == cluster && c.Plan.Operation == ceremony.Alarm && !c.Ended() && c.Closing == nil &&
			time.Now().Before(c.Plan.Closes) && !e.StandsStill(c)
	})
	if i < 0 {
		return rules.State{}, false
	}
	return all[i], true
}

// alarmPlan returns the plan of an alarm. It pins who is told and who may acknowledge.
// Vault is not asked: the alarm may be about Vault itself.
func (e *Engine) alarmPlan(cluster ceremony.Cluster, first event.Noticed) ceremony.Plan {
	now := time.Now().UTC().Truncate(time.Second)
	return ceremony.Plan{
		Ceremony:   planning.NewID(cluster.Name, ceremony.Alarm),
		Operation:  ceremony.Alarm,
		Cluster:    cluster.Name,
		Reason:     string(first.Kind),
		Initiator:  ceremony.InterferenceWatch,
		Approvers:  cluster.Approvers,
		Owners:     cluster.Owners,
		Initiators: cluster.Initiators,
		Identity:   e.config.OpenPGP.Identity(),
		Proposed:   now,
		Closes:     now.Add(rules.AlarmWindow),
	}
}

// Acknowledge ends an alarm: a person looks after it from now on. An owner of the cluster,
// an initiator or an approver may acknowledge. signed is their armored statement, empty
// when they have not signed one.
func (e *Engine) Acknowledge(ctx context.Context, id ceremony.ID, by ceremony.Account, why,
	signed string) (rules.State, error) {
	return e.command(ctx, id, command.Acknowledge{By: by, Why: command.OneLine(why), Signed: signed})
}
