package rules

import (
	"fmt"
	"slices"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
)

// freeze takes a person's wish that nothing goes on. What Vault was asked for is waited for
// first.
func (c State) freeze(cmd command.Freeze) ([]event.Event, error) {
	by, ok := ceremony.Find(c.Plan.Everybody(), cmd.By)
	switch {
	case !ok:
		return nil, ceremony.NoPart
	case c.Ended() || c.Closing != nil:
		return nil, ceremony.Closed
	case c.Plan.Operation == ceremony.Alarm:
		return nil, ceremony.IsAnAlarm
	case c.Phase == PhaseFrozen || c.Stopping != nil:
		return nil, nil
	}
	asked := event.FreezeAsked{By: by, Why: cmd.Why, Signed: cmd.Signed}
	if _, offered := c.Offer(); c.Pending != nil && !offered {
		return one(asked)
	}
	return append([]event.Event{asked}, append(c.giveBack(ceremony.IsFrozen), FrozenBy(asked))...), nil
}

// FrozenBy returns the freeze that follows from a person's wish.
func FrozenBy(f event.FreezeAsked) event.Frozen {
	return event.Frozen{Why: event.PersonStopped, Want: "nobody who objects", Got: f.By.Name}
}

func (c State) stop(cmd command.Stop) ([]event.Event, error) {
	unasked := cmd.Why == event.PersonStopped && c.Stopping == nil
	if c.Ended() || unasked || c.Phase == PhaseFrozen && !overrides(cmd.Why) {
		return nil, nil
	}
	return append(c.giveBack(ceremony.IsFrozen), event.Frozen{Why: cmd.Why, Want: cmd.Want, Got: cmd.Got}), nil
}

func (c State) resume(cmd command.Resume) ([]event.Event, error) {
	if c.Ended() || c.Closing != nil {
		return nil, ceremony.Closed
	}
	by, ok := c.decider(cmd.By)
	if !ok {
		return nil, ceremony.MayNotResume
	}
	if c.Phase != PhaseFrozen {
		return nil, ceremony.NotFrozen
	}
	initiator := by.Account == c.Plan.Initiator.Account
	heard := initiator && c.Freeze.Initiator || !initiator && c.Freeze.Approver
	if heard && !(c.Freeze.Initiator && c.Freeze.Approver) {
		return nil, nil // said before
	}
	events := []event.Event{event.ResumeAsked{By: by, Signed: cmd.Signed}}
	initiatorAgrees := initiator || c.Freeze.Initiator || c.Plan.Initiator == ceremony.SealWatch
	if approverAgrees := !initiator || c.Freeze.Approver; initiatorAgrees && approverAgrees {
		events = append(events, event.Resumed{})
	}
	return events, nil
}

// decider returns the initiator or the approver with this account.
func (c State) decider(who ceremony.Account) (ceremony.Person, bool) {
	return ceremony.Find(c.Plan.Deciders(), who)
}

// OtherBot returns the difference between the identity that a plan pins and the bot's own.
func OtherBot(p ceremony.Plan, bot ceremony.Fingerprint) *Difference {
	return &Difference{event.OtherBot, "identity " + p.Identity.String(), bot.String()}
}

// Adoption returns the difference for which a ceremony freezes once after its lines were
// taken over, if it can, or nil.
func (c State) Adoption() *Difference {
	at := c.Last(Is[event.Adopted])
	frozen := c.Last(func(e event.Event) bool { f, ok := e.(event.Frozen); return ok && f.Why == event.TakenOver })
	if frozen >= at {
		return nil
	}
	key := "no authentication code"
	if a, _ := c.History[at-1].Event.(event.Adopted); a.Key != "" {
		key = "key " + a.Key
	}
	return &Difference{event.TakenOver, "lines of this identity", fmt.Sprintf("lines 1 to %d: %s", at-1, key)}
}

// overrides reports whether a ceremony that is frozen is frozen once more for this reason.
// But for RolledBack and TakenOver, people alone can't thaw it: the program has to start
// anew, with another configuration or another journal.
func overrides(why event.FreezeReason) bool {
	switch why {
	case event.OtherBot, event.OtherConfig, event.NotSigned, event.NotTold, event.RolledBack, event.TakenOver:
		return true
	}
	return false
}

// Stands reports whether something has frozen the ceremony that people alone can't thaw.
func (c State) Stands() bool {
	return slices.ContainsFunc([]event.FreezeReason{event.OtherBot, event.OtherConfig, event.NotSigned, event.NotTold},
		c.FrozenFor)
}

// FrozenFor reports whether the ceremony is frozen for this reason. There may be others:
// a doubt may have frozen it once more.
func (c State) FrozenFor(why event.FreezeReason) bool {
	frozen := c.Last(func(e event.Event) bool { f, ok := e.(event.Frozen); return ok && f.Why == why })
	return c.Freeze != nil && frozen > c.Last(Is[event.Resumed])
}

// RolledBack reports whether the journal was once found to be older than a mark of it. What
// happened in between is not known.
func (c State) RolledBack() bool {
	return c.Last(func(e event.Event) bool { f, ok := e.(event.Frozen); return ok && f.Why == event.RolledBack }) > 0
}

// Freezes reports whether the ceremony can be frozen: it has neither ended nor come to its
// result, and nobody is ending it.
func (c State) Freezes() bool {
	return !c.Ended() && c.Closing == nil && c.Plan.Operation != ceremony.Alarm && (c.Phase == PhaseFrozen || !c.done())
}

// inDoubt reports whether the ceremony must be frozen before anything else is done. What
// was sent to Vault is settled first. What Vault has done is not undone. A journal that has
// lost its end is no ground to settle anything on.
func (c State) inDoubt(d *Difference) bool {
	if d == nil || !c.Freezes() || c.Freeze != nil && c.Freeze.Frozen == d.freeze() {
		return false
	}
	_, sent := c.Pending.Submitting()
	return !sent && !c.Pending.begins() || d.Why == event.RolledBack
}
