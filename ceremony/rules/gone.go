package rules

import (
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
)

// Remains of an attempt, empty when the backup was not to be had.
const (
	SharesMade  event.Remains = "made"    // the backup carries the attempt's nonce: new shares were made under it
	NothingMade event.Remains = "nothing" // there is none, or another attempt's
)

// Elsewhere reports whether nobody's share that came through Conclave completed the
// rekey: others have carried its attempt through, and the backup had the shares.
func Elsewhere(r event.Rekeyed) bool { return r.By == ceremony.Person{} }

// MadeElsewhere reports whether the newest new shares were made past Conclave.
func (c State) MadeElsewhere() bool {
	for _, e := range slices.Backward(c.History) {
		if made, ok := e.Event.(event.Rekeyed); ok {
			return Elsewhere(made)
		}
	}
	return false
}

// Lacks reports whether Vault shows that it does not have the ceremony's attempt.
func (c State) Lacks(v View) bool {
	return c.Attempt.Nonce != "" && (!v.Update.Started || v.Update.Nonce != c.Attempt.Nonce)
}

// remains is what the backup in a view says of the attempt.
func (c State) remains(v View) event.Remains {
	switch {
	case v.Backup == nil || v.Seal.ClusterID != c.Plan.ClusterID:
		return ""
	case v.Backup.Nonce == c.Attempt.Nonce:
		return SharesMade
	}
	return NothingMade
}

// unproven reports whether nothing shows that an attempt which is gone has come to
// nothing: whoever has enough shares may have carried it through.
func (c State) unproven(v View) bool {
	op, made := c.Plan.Operation, c.remains(v) == SharesMade && !c.Plan.Verification
	return op.IssuesToken() || op.Rekeys() && (made || !c.oldInForce(v.Seal))
}

// oldInForce reports whether the numbers of the plan's cluster show that the old key is
// in force. They can't when the new key has the same.
func (c State) oldInForce(s ceremony.Seal) bool {
	return s.ClusterID == c.Plan.ClusterID && c.refutedBy(s)
}

// fromBackup is a rekey that Vault has carried through without an answer to us: its
// backup has the new shares, under the attempt's nonce. Of a rekey with verification
// that shows no more than that they were made; that they are in force is for the
// numbers to show.
func (c State) fromBackup(v View) []event.Event {
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

// carriedThrough is the end of a rekey that Vault has no more and whose new key is, or
// may be, in force: whatever ends the ceremony, the new shares are not given up.
func (c State) carriedThrough(v View) []event.Event {
	if events := c.proven(v); events != nil {
		return events
	}
	return c.fromBackup(v)
}

// goneUnasked is what follows from an attempt that is gone, and not by our cancelling.
func (c State) goneUnasked(v View) []event.Event {
	if events := c.carriedThrough(v); events != nil {
		return events
	}
	return []event.Event{event.AttemptLost{Nonce: c.Attempt.Nonce, Unproven: c.unproven(v)}}
}

// completing is who sent the last share that the attempt needed, where Vault's answer
// to it was lost: it may have arrived later than anybody waited for it. Otherwise it
// is nobody, and others have brought what was missing.
func (c State) completing() ceremony.Person {
	for _, e := range slices.Backward(c.History) {
		if sent, ok := e.Event.(event.Submitting); ok {
			if sent.Nonce == c.Attempt.Nonce && sent.Before+1 == c.Round.Required && c.Last(Is[event.AnswerLost]) > e.Seq {
				return sent.By
			}
			break
		}
	}
	return ceremony.Person{}
}

// BackupPatience is for how long a backup that can't be read holds a ceremony up. It
// stays in Vault, and people are told how to get at it.
const BackupPatience = 5 * time.Minute

// Unread is since when Vault's backup can't be read.
type Unread struct {
	Nonce string // of the attempt whose shares it may have
	Since time.Time
}
