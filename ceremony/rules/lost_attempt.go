package rules

import (
	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
)

// What Vault's backup shows of an attempt that is gone; empty when the backup could not be
// read.
const (
	SharesMade  event.Remains = "made"    // the backup has the attempt's nonce: new shares were made under it
	NothingMade event.Remains = "nothing" // there is no backup, or another attempt's
)

// Elsewhere reports whether no share that came through Conclave completed the rekey. Others
// have carried its attempt through, and the backup had the new shares.
func Elsewhere(r event.Rekeyed) bool { return r.By == ceremony.Person{} }

// MadeElsewhere reports whether the newest new shares were made past Conclave, by
// [Elsewhere].
func (c State) MadeElsewhere() bool {
	made := newest[event.Rekeyed](c)
	return made != nil && Elsewhere(*made)
}

// Lacks reports whether Vault shows that it does not have the ceremony's attempt.
func (c State) Lacks(v command.View) bool {
	return c.Attempt.Nonce != "" && (!v.Update.Started || v.Update.Nonce != c.Attempt.Nonce)
}

// remains returns what the backup in a view shows of the attempt.
func (c State) remains(v command.View) event.Remains {
	switch {
	case v.Backup == nil || v.Seal.ClusterID != c.Plan.ClusterID:
		return ""
	case v.Backup.Nonce == c.Attempt.Nonce:
		return SharesMade
	}
	return NothingMade
}

// unproven reports whether an attempt that is gone may have been carried through by others
// with enough shares: nothing shows that it came to nothing.
func (c State) unproven(v command.View) bool {
	op, made := c.Plan.Operation, c.remains(v) == SharesMade && !c.Plan.Verification
	return op.IssuesToken() || op.Rekeys() && (made || !c.oldInForce(v.Seal))
}

// oldInForce reports whether the numbers of the plan's cluster show that the old key is
// in force. They can't when the new key has the same numbers.
func (c State) oldInForce(s ceremony.Seal) bool {
	return s.ClusterID == c.Plan.ClusterID && c.refutedBy(s)
}

// fromBackup returns the end of a rekey that Vault has carried through without an answer
// to us, or nil: its backup has the new shares, under the attempt's nonce. For a rekey
// with verification that shows only that they were made. Whether they are in force, the
// seal's numbers have to show.
func (c State) fromBackup(v command.View) []event.Event {
	switch {
	case !c.Lacks(v), c.Round.Step != ceremony.StepUpdate, c.remains(v) != SharesMade, c.oldInForce(v.Seal):
		return nil
	case !c.Plan.Verification:
		events, _ := c.rekeyed(c.completing(), c.backedUp(v), true) // it only decides which events
		return events
	case !c.confirmedBy(v.Seal):
		return nil
	}
	made, wrong := c.madeShares(ceremony.Person{}, c.backedUp(v), true)
	if wrong != nil {
		return []event.Event{made, *wrong}
	}
	return []event.Event{made, event.Verified{}, event.Ended{Outcome: event.Completed, Vault: event.AttemptUsed}}
}

// carriedThrough returns the end of a rekey that Vault has no more and whose new key is in
// force, or may be, or nil. Whatever ends the ceremony, the new shares are not given up.
func (c State) carriedThrough(v command.View) []event.Event {
	if events := c.proven(v); events != nil {
		return events
	}
	return c.fromBackup(v)
}

// shownInForce returns the end of a rekey whose new key Vault shows to be in force although
// it has confirmed that it dropped the attempt, or nil. Vault confirms that, too, of an
// attempt that others completed a moment before (RekeyCancel in vault/rekey.go of 1.21).
func (c State) shownInForce(v command.View) []event.Event {
	if c.Round.Step == ceremony.StepVerify && !c.confirmedBy(v.Seal) {
		return nil // a lost answer shows nothing: Vault had the attempt after it
	}
	return c.carriedThrough(v)
}

// goneUnasked returns what follows from an attempt that is gone without our cancelling it.
func (c State) goneUnasked(v command.View) []event.Event {
	if events := c.carriedThrough(v); events != nil {
		return events
	}
	return []event.Event{event.AttemptLost{Nonce: c.Attempt.Nonce, Unproven: c.unproven(v)}}
}

// completing returns who sent the last share that the attempt needed, where Vault's answer
// to it was lost: the share may have arrived later than anybody waited for it. Otherwise it
// returns nobody, and others have brought what was missing.
func (c State) completing() ceremony.Person {
	sent, lost := newest[event.Submitting](c), c.Last(Is[event.AnswerLost]) > c.Submitted()
	if sent != nil && lost && sent.Nonce == c.Attempt.Nonce && sent.Before+1 == c.Round.Required {
		return sent.By
	}
	return ceremony.Person{}
}
