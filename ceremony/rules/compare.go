package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
)

// Difference is one way in which Vault is not as the plan or the journal says.
type Difference struct {
	Why       event.FreezeReason
	Want, Got string
}

// Stop returns the command that freezes the ceremony for the difference.
func (d *Difference) Stop() command.Stop { return command.Stop{Why: d.Why, Want: d.Want, Got: d.Got} }

func (d *Difference) freeze() event.Frozen { return event.Frozen{Why: d.Why, Want: d.Want, Got: d.Got} }

// Compare returns the first difference between Vault's live state and the plan or the
// journal, or nil (P4).
func (c State) Compare(v command.View) *Difference {
	// This comes first: nothing else means anything when it is another cluster.
	if id := v.Seal.ClusterID; id != "" && id != c.Plan.ClusterID {
		return &Difference{event.VaultDiffers, "cluster id " + c.Plan.ClusterID, id}
	}
	if d := c.compareAttempt(v.Update); d != nil {
		return d
	}
	if c.Round.Step == ceremony.StepVerify {
		return c.compareVerification(v)
	}
	if v.Made() {
		made := "new shares made and waiting for verification"
		return &Difference{event.KeysLost, "shares still being collected", made}
	}
	return c.compareRound(v.Update)
}

// compareAttempt compares the attempt with the one that was ordered.
func (c State) compareAttempt(seen ceremony.Progress) *Difference {
	switch {
	case !seen.Started:
		return &Difference{event.AttemptGone, "attempt " + c.Attempt.Nonce, "no attempt in progress"}
	case seen.Nonce != c.Attempt.Nonce:
		return &Difference{event.ForeignAttempt, "attempt " + c.Attempt.Nonce, "attempt " + seen.Nonce}
	}
	return c.compareOrder(seen)
}

// compareOrder compares what an attempt will make with the plan.
func (c State) compareOrder(seen ceremony.Progress) *Difference {
	p := c.Plan
	differs := func(what string, want, got any) *Difference {
		return &Difference{event.VaultDiffers, fmt.Sprintf("%s %v", what, want), fmt.Sprintf("%v", got)}
	}
	if seen.Required != p.Threshold {
		return differs("shares required", p.Threshold, seen.Required)
	}
	if want := p.Recipients(); !slices.Equal(seen.Fingerprints, want) {
		return differs("PGP keys", List(want), List(seen.Fingerprints))
	}
	if !p.Operation.Rekeys() {
		return nil
	}
	switch {
	case seen.Shares != len(p.Receivers):
		return differs("new shares", len(p.Receivers), seen.Shares)
	case seen.Threshold != p.NewThreshold:
		return differs("new threshold", p.NewThreshold, seen.Threshold)
	case seen.VerificationRequired != p.Verification:
		return differs("verification", ceremony.YesNo(p.Verification), ceremony.YesNo(seen.VerificationRequired))
	case seen.Backup != p.Backup:
		return differs("backup", ceremony.YesNo(p.Backup), ceremony.YesNo(seen.Backup))
	}
	return nil
}

// compareVerification compares the verification with the journal.
func (c State) compareVerification(v command.View) *Difference {
	switch {
	case !v.Verify.Started:
		return &Difference{event.AttemptGone, "verification " + c.Round.Nonce, "no verification in progress"}
	case v.Verify.Nonce != c.Round.Nonce:
		return &Difference{event.ForeignShare, "verification " + c.Round.Nonce, "verification " + v.Verify.Nonce}
	case v.Verify.Required != c.Plan.NewThreshold:
		want := fmt.Sprintf("shares required %d", c.Plan.NewThreshold)
		return &Difference{event.VaultDiffers, want, fmt.Sprint(v.Verify.Required)}
	}
	return c.compareRound(v.Verify)
}

// compareRound compares the number of shares that Vault has counted with the journal.
func (c State) compareRound(seen ceremony.Progress) *Difference {
	if n := len(c.Round.Counted); seen.Progress != n {
		return &Difference{event.ForeignShare, fmt.Sprintf("%d shares counted", n), fmt.Sprint(seen.Progress)}
	}
	return nil
}

// List returns fingerprints in one line, or "none".
func List(keys []ceremony.Fingerprint) string {
	if len(keys) == 0 {
		return "none"
	}
	words := make([]string, len(keys))
	for i, k := range keys {
		words[i] = k.String()
	}
	return strings.Join(words, " ")
}

// begin judges whether Vault may be asked for an attempt now. A one-time password waits as
// an offer until then.
func (c State) begin(_ command.Begin, now time.Time) ([]event.Event, error) {
	offer, offered := c.Offer()
	waits := c.Pending != nil && !(offered && offer.Step == ceremony.StepOTP)
	if c.Phase != PhaseApproved || !c.Plan.Operation.HasAttempt() || !c.mayBegin(now) || waits {
		return nil, c.wrongPhase()
	}
	return one(event.Starting{Attempt: c.Attempt.Number + 1})
}

// began judges what Vault shows after it was asked for an attempt.
func (c State) began(cmd command.Began) ([]event.Event, error) {
	seen := cmd.Seen
	if _, ok := waiting[event.Starting](c.Pending); !ok || !seen.Started {
		return nil, c.wrongPhase()
	}
	started := event.Started{Nonce: seen.Nonce, Required: seen.Required}
	if d := c.compareOrder(seen); d != nil {
		// It is another attempt than ours, or Vault did something else than it was asked.
		// Either way nothing of ours may go there.
		return []event.Event{event.Frozen{Why: event.ForeignAttempt, Want: d.Want, Got: d.Got}}, nil
	}
	if c.Plan.OTP != "" && !cmd.Confirmed {
		// Vault does not show with which one-time password an attempt was begun. It may
		// have been another one than the requester's.
		want := "an attempt whose start Vault has confirmed"
		return one(event.Frozen{Why: event.ForeignAttempt, Want: want, Got: "attempt " + seen.Nonce})
	}
	if seen.Progress != 0 {
		d := Difference{event.ForeignShare, "0 shares counted", fmt.Sprint(seen.Progress)}
		return []event.Event{started, d.freeze()}, nil
	}
	return one(started)
}

// notBegun judges an attempt that Vault was asked for and does not have.
func (c State) notBegun(cmd command.NotBegun) ([]event.Event, error) {
	if _, ok := waiting[event.Starting](c.Pending); !ok {
		return nil, c.wrongPhase()
	}
	switch {
	case c.Closing != nil:
		return one(event.Ended{Outcome: c.Closing.Outcome, Vault: c.nothingOpen()})
	case cmd.Fault != "":
		return failed(cmd.Fault, c.nothingOpen())
	case c.Plan.OTP != "":
		return one(event.PasswordLost{})
	}
	return nil, nil
}

// look judges Vault's live state. It changes nothing while the ceremony stands still, or
// waits for what came of an intent.
func (c State) look(cmd command.Look, now time.Time) ([]event.Event, error) {
	offer, offered := c.Offer()
	waits := c.Pending != nil && !offered
	if c.Ended() || c.Phase == PhaseFrozen || c.Closing != nil || c.Attempt.Nonce == "" || waits {
		return nil, nil
	}
	switch {
	case c.Plan.Operation == ceremony.Drill, offered && offer.Step == ceremony.StepOTP:
		return nil, nil
	case c.Plan.Operation == ceremony.Unseal:
		return c.lookNodes(cmd.Seen.Nodes, now), nil
	}
	d := c.Compare(cmd.Seen)
	if d == nil {
		return nil, nil
	}
	if events := c.fromBackup(cmd.Seen); events != nil {
		return append(c.giveBack(ceremony.Closed), events...), nil // nothing is left to be sent
	}
	if c.Thawed && cmd.Reconcile {
		return c.reconcile(cmd.Seen, d), nil
	}
	frozen := d.freeze()
	frozen.Remains = c.remains(cmd.Seen)
	return append(c.giveBack(ceremony.IsFrozen), frozen), nil
}

// reconcile returns what people have asked for by thawing the ceremony. What is gone is
// begun again. What is ours but spoilt is dropped first. What is not ours stays untouched
// and freezes the ceremony again.
func (c State) reconcile(v command.View, d *Difference) []event.Event {
	switch d.Why {
	case event.AttemptGone:
		return c.goneUnasked(v)
	case event.KeysLost:
		return []event.Event{event.Dropping{Step: ceremony.StepUpdate, Nonce: c.Attempt.Nonce}}
	case event.ForeignShare:
		switch {
		case c.Round.Step == ceremony.StepUpdate:
			return []event.Event{event.Dropping{Step: ceremony.StepUpdate, Nonce: c.Attempt.Nonce}}
		case v.Verify.Nonce != c.Round.Nonce && v.Verify.Progress == 0:
			return []event.Event{event.RoundReset{Step: ceremony.StepVerify, Nonce: v.Verify.Nonce}}
		}
		return []event.Event{event.Dropping{Step: ceremony.StepVerify, Nonce: v.Verify.Nonce}}
	}
	return []event.Event{d.freeze()}
}

// proven returns the end of a verification that Vault has no more, when it has brought
// the new key into force or may have. Otherwise it returns nil.
func (c State) proven(v command.View) []event.Event {
	open := v.Update.Started && v.Update.Nonce == c.Attempt.Nonce
	if c.Round.Step != ceremony.StepVerify || open || !c.confirmedBy(v.Seal) && !c.maybeProven(v.Seal) {
		return nil
	}
	return []event.Event{
		event.Verified{Unconfirmed: !c.confirmedBy(v.Seal)},
		event.Ended{Outcome: event.Completed, Vault: event.AttemptUsed},
	}
}

// maybeProven reports whether the last share that the verification needed may have
// arrived after all, later than anybody waited for it.
func (c State) maybeProven(s ceremony.Seal) bool {
	lost := c.Last(Is[event.AnswerLost])
	known := c.Last(func(e event.Event) bool {
		switch e.(type) {
		case event.Counted, event.Rekeyed, event.RoundReset, event.RoundRefused:
			return true
		}
		return false
	})
	return lost > known && len(c.Round.Counted) == c.Round.Required-1 && !c.refutedBy(s)
}
