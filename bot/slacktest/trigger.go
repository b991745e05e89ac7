package slacktest

import (
	"fmt"
	"strings"
	"time"

	"conclave/bot/slacktest/record"
)

// trigger lets the app open one form for the person whose action it came with.
type trigger struct {
	person  *Person
	expires time.Time
	used    bool
}

func (w *Workspace) triggerLocked(p *Person) string {
	id := fmt.Sprintf("%d.%d.%016x%016x", 1000000+len(w.triggers), 2000000, w.random.Uint64(), w.random.Uint64())
	w.triggers[id] = &trigger{person: p, expires: w.cfg.Now().Add(w.cfg.Timing.Trigger + w.cfg.Timing.Grace)}
	return id
}

// exchangeLocked uses up the trigger of a call and returns the person whom it belongs to.
func (c *call) exchangeLocked() (*Person, error) {
	id := c.args["trigger_id"]
	if strings.Count(id, ".") != 2 {
		return nil, refuseArguments("invalid `trigger_id`")
	}
	t := c.triggers[id]
	switch {
	case t == nil:
		return nil, refuse("invalid_trigger_id")
	case t.used:
		c.violateLocked(record.RuleTrigger, c.method, "trigger used twice")
		return nil, refuse("exchanged_trigger_id")
	case c.cfg.Now().After(t.expires):
		c.violateLocked(record.RuleTrigger, c.method, "trigger used after %v", c.cfg.Timing.Trigger)
		return nil, refuse("expired_trigger_id")
	}
	t.used = true
	return t.person, nil
}
