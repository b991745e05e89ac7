package ceremony

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Vault shows an attempt that was cancelled, one that died with its leader and one
// that others have carried through in the same way: it has none any more. What came
// of it is not known then, until Vault's backup or its numbers show it.

// Remains is what Vault's backup says of a rekey's attempt that is gone. It settles
// nothing by itself: a backup is written before the new key is in force, and others
// may delete it.
type Remains string

// Remains of an attempt, empty when the backup was not to be had.
const (
	SharesMade  Remains = "made"    // the backup carries the attempt's nonce: new shares were made under it
	NothingMade Remains = "nothing" // there is none, or another attempt's
)

// Elsewhere says whether nobody's share that came through Conclave completed the
// rekey: others have carried its attempt through, and the backup had the shares.
func (r Rekeyed) Elsewhere() bool { return r.By == Person{} }

// MadeElsewhere says whether the newest new shares were made past Conclave.
func (c Ceremony) MadeElsewhere() bool {
	for _, e := range slices.Backward(c.History) {
		if made, ok := e.Event.(Rekeyed); ok {
			return made.Elsewhere()
		}
	}
	return false
}

// lacks says whether Vault shows that it does not have the ceremony's attempt.
func (c Ceremony) lacks(v View) bool {
	return c.Attempt.Nonce != "" && (!v.Update.Started || v.Update.Nonce != c.Attempt.Nonce)
}

// remains is what the backup in a view says of the attempt.
func (c Ceremony) remains(v View) Remains {
	switch {
	case v.Backup == nil || v.Seal.ClusterID != c.Plan.ClusterID:
		return ""
	case v.Backup.Nonce == c.Attempt.Nonce:
		return SharesMade
	}
	return NothingMade
}

// unproven says whether nothing shows that an attempt which is gone has come to
// nothing: whoever has enough shares may have carried it through.
func (c Ceremony) unproven(v View) bool {
	op, made := c.Plan.Operation, c.remains(v) == SharesMade && !c.Plan.Verification
	return op.IssuesToken() || op.Rekeys() && (made || !c.oldInForce(v.Seal))
}

// oldInForce says whether the numbers of the plan's cluster show that the old key is
// in force. They can't when the new key has the same.
func (c Ceremony) oldInForce(s Seal) bool {
	return s.ClusterID == c.Plan.ClusterID && c.refutedBy(s)
}

// fromBackup is a rekey that Vault has carried through without an answer to us: its
// backup has the new shares, under the attempt's nonce. Of a rekey with verification
// that shows no more than that they were made; that they are in force is for the
// numbers to show.
func (c Ceremony) fromBackup(v View) []Event {
	switch {
	case !c.lacks(v), c.Round.Step != Update, c.remains(v) != SharesMade, c.oldInForce(v.Seal):
		return nil
	case !c.Plan.Verification:
		events, _ := c.rekeyed(c.completing(), c.backedUp(v), true) // it only decides which events
		return events
	case !c.confirmedBy(v.Seal):
		return nil
	}
	made, wrong := c.newShares(Person{}, c.backedUp(v), true)
	if wrong != nil {
		return []Event{made, *wrong}
	}
	return []Event{made, Verified{}, Ended{Outcome: Completed, Vault: AttemptUsed}}
}

// carriedThrough is the end of a rekey that Vault has no more and whose new key is, or
// may be, in force: whatever ends the ceremony, the new shares are not given up.
func (c Ceremony) carriedThrough(v View) []Event {
	if events := c.proven(v); events != nil {
		return events
	}
	return c.fromBackup(v)
}

// goneUnasked is what follows from an attempt that is gone, and not by our cancelling.
func (c Ceremony) goneUnasked(v View) []Event {
	if events := c.carriedThrough(v); events != nil {
		return events
	}
	return []Event{AttemptLost{Nonce: c.Attempt.Nonce, Unproven: c.unproven(v)}}
}

// completing is who sent the last share that the attempt needed, where Vault's answer
// to it was lost: it may have arrived later than anybody waited for it. Otherwise it
// is nobody, and others have brought what was missing.
func (c Ceremony) completing() Person {
	for _, e := range slices.Backward(c.History) {
		if sent, ok := e.Event.(Submitting); ok {
			if sent.Nonce == c.Attempt.Nonce && sent.Before+1 == c.Round.Required && c.last(is[AnswerLost]) > e.Seq {
				return sent.By
			}
			break
		}
	}
	return Person{}
}

// askBackup has a view in which the attempt is gone show what remains of it. After an
// error nothing is known, and Vault is to be asked again; that there is no backup, or
// that the bot may not read it, is an answer.
func (o *owner) askBackup(ctx context.Context, v *View) error {
	if o.c.Plan.Operation.Rekeys() && o.c.Plan.Backup && o.c.Round.Step == Update && o.c.lacks(*v) {
		return o.readInto(ctx, v)
	}
	return nil
}

// backupPatience is for how long a backup that can't be read holds a ceremony up. It
// stays in Vault, and people are told how to get at it.
const backupPatience = 5 * time.Minute

// unread is since when Vault's backup can't be read.
type unread struct {
	nonce string // of the attempt whose shares it may have
	since time.Time
}

// readInto reads Vault's backup of new shares into a view. A backup without a nonce
// says that there is none. One that can't be read in the end is not to be had.
func (o *owner) readInto(ctx context.Context, v *View) error {
	backup, err := o.cluster.Vault.Backup(ctx, o.c.Plan.Operation)
	switch {
	case err == nil:
		v.Backup = &backup
	case errors.Is(err, ErrNoBackup):
		v.Backup = &Backup{}
	case errors.Is(err, ErrForbidden), errors.Is(err, ErrUnsupported):
	default:
		if nonce := o.c.Attempt.Nonce; o.unread.nonce != nonce {
			o.unread = unread{nonce: nonce, since: time.Now()}
		}
		if time.Since(o.unread.since) < backupPatience {
			o.heard(err)
			return err
		}
		o.log.Warn("Vault's backup can't be read: the ceremony goes on without it", "error", err)
		return nil
	}
	o.unread = unread{}
	return nil
}
