package rules

import (
	"conclave/ceremony"
	"conclave/ceremony/event"
)

// OtherBot returns the difference between the identity that a plan pins and the bot's own.
func OtherBot(p ceremony.Plan, bot ceremony.Fingerprint) *Difference {
	return &Difference{event.OtherBot, "identity " + p.Identity.String(), bot.String()}
}

// stands reports whether people alone can't thaw what was frozen for this reason. The
// program has to start anew, with another configuration or another journal.
func stands(why event.FreezeReason) bool {
	return why == event.OtherBot || why == event.OtherConfig || why == event.NotSigned
}

// FrozenFor reports whether the ceremony is frozen for this reason. There may be others:
// a doubt may have frozen it once more.
func (c State) FrozenFor(why event.FreezeReason) bool {
	frozen := c.Last(func(e event.Event) bool { f, ok := e.(event.Frozen); return ok && f.Why == why })
	return c.Freeze != nil && frozen > c.Last(Is[event.Resumed])
}

// inDoubt reports whether the ceremony must be frozen before anything else is done. What
// was sent to Vault is settled first. What Vault has done is not undone.
func (c State) inDoubt(d *Difference) bool {
	if d == nil || c.Ended() || c.Closing != nil || c.Freeze != nil && c.Freeze.Frozen == d.freeze() {
		return false
	}
	if _, sent := c.Pending.Submitting(); sent || c.Pending.begins() {
		return false
	}
	return c.Phase == PhaseFrozen || !c.done()
}
