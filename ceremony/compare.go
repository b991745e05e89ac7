package ceremony

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// difference is what Vault shows where the plan or the journal says otherwise.
type difference struct {
	why       FreezeReason
	want, got string
}

// stop freezes the ceremony for the difference.
func (d *difference) stop() Stop { return Stop{Why: d.why, Want: d.want, Got: d.got} }

func (d *difference) freeze() Froze { return Froze{Why: d.why, Want: d.want, Got: d.got} }

// compare holds Vault's live state against the plan and the journal, and
// answers the first difference, nil when they agree (P4).
func (c Ceremony) compare(v View) *difference {
	// First: of another cluster nothing else means anything.
	if id := v.Seal.ClusterID; id != "" && id != c.Plan.ClusterID {
		return &difference{VaultDiffers, "cluster id " + c.Plan.ClusterID, id}
	}
	if d := c.compareAttempt(v.Update); d != nil {
		return d
	}
	if c.Round.Step == Verify {
		return c.compareVerification(v)
	}
	if v.made() {
		return &difference{KeysLost, "shares still being collected", "new shares made and waiting for verification"}
	}
	return c.compareRound(v.Update)
}

// compareAttempt holds the attempt against what was ordered.
func (c Ceremony) compareAttempt(seen Progress) *difference {
	switch {
	case !seen.Started:
		return &difference{AttemptGone, "attempt " + c.Attempt.Nonce, "no attempt in progress"}
	case seen.Nonce != c.Attempt.Nonce:
		return &difference{ForeignAttempt, "attempt " + c.Attempt.Nonce, "attempt " + seen.Nonce}
	}
	return c.compareOrder(seen)
}

// compareOrder holds what an attempt will make against the plan.
func (c Ceremony) compareOrder(seen Progress) *difference {
	p := c.Plan
	differs := func(what string, want, got any) *difference {
		return &difference{VaultDiffers, fmt.Sprintf("%s %v", what, want), fmt.Sprintf("%v", got)}
	}
	if seen.Required != p.Threshold {
		return differs("shares required", p.Threshold, seen.Required)
	}
	if want := p.Recipients(); !slices.Equal(seen.Fingerprints, want) {
		return differs("PGP keys", list(want), list(seen.Fingerprints))
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
		return differs("verification", yesNo(p.Verification), yesNo(seen.VerificationRequired))
	case seen.Backup != p.Backup:
		return differs("backup", yesNo(p.Backup), yesNo(seen.Backup))
	}
	return nil
}

// compareVerification holds the verification against the journal.
func (c Ceremony) compareVerification(v View) *difference {
	switch {
	case !v.Verify.Started:
		return &difference{AttemptGone, "verification " + c.Round.Nonce, "no verification in progress"}
	case v.Verify.Nonce != c.Round.Nonce:
		return &difference{ForeignShare, "verification " + c.Round.Nonce, "verification " + v.Verify.Nonce}
	case v.Verify.Required != c.Plan.NewThreshold:
		return &difference{VaultDiffers, fmt.Sprintf("shares required %d", c.Plan.NewThreshold), fmt.Sprint(v.Verify.Required)}
	}
	return c.compareRound(v.Verify)
}

func (c Ceremony) compareRound(seen Progress) *difference {
	if seen.Progress != len(c.Round.Counted) {
		return &difference{ForeignShare, fmt.Sprintf("%d shares counted", len(c.Round.Counted)), fmt.Sprint(seen.Progress)}
	}
	return nil
}

func list(keys []Fingerprint) string {
	if len(keys) == 0 {
		return "none"
	}
	words := make([]string, len(keys))
	for i, k := range keys {
		words[i] = k.String()
	}
	return strings.Join(words, " ")
}

// began judges what Vault shows after it was asked for an attempt.
func (c Ceremony) began(cmd Began) ([]Event, error) {
	seen := cmd.Seen
	if c.Pending == nil {
		return nil, c.notNow()
	}
	if _, ok := c.Pending.Event.(Starting); !ok || !seen.Started {
		return nil, c.notNow()
	}
	started := Started{Nonce: seen.Nonce, Required: seen.Required}
	if d := c.compareOrder(seen); d != nil {
		// Somebody else's attempt, or a Vault that did something else than it was
		// asked: either way nothing of ours may go there.
		return []Event{Froze{Why: ForeignAttempt, Want: d.want, Got: d.got}}, nil
	}
	if c.Plan.OTP != "" && !cmd.Confirmed {
		// Vault does not show with which one-time password an attempt was begun: this
		// one may have been begun with somebody else's.
		return one(Froze{Why: ForeignAttempt, Want: "an attempt whose start Vault has confirmed", Got: "attempt " + seen.Nonce})
	}
	if seen.Progress != 0 {
		return []Event{started, Froze{Why: ForeignShare, Want: "0 shares counted", Got: fmt.Sprint(seen.Progress)}}, nil
	}
	return one(started)
}

// notBegun judges an attempt that Vault was asked for and does not have.
func (c Ceremony) notBegun(fault Refusal) ([]Event, error) {
	if c.Pending == nil {
		return nil, c.notNow()
	}
	if _, ok := c.Pending.Event.(Starting); !ok {
		return nil, c.notNow()
	}
	switch {
	case c.Closing != nil:
		return one(Ended{Outcome: c.Closing.Outcome, Vault: c.nothingOpen()})
	case fault != "":
		return []Event{Closing{Outcome: Failed, Fault: fault}, Ended{Outcome: Failed, Vault: c.nothingOpen()}}, nil
	case c.Plan.OTP != "":
		return one(PasswordLost{})
	}
	return nil, nil
}

// look judges a comparison of Vault's live state with what it should be.
func (c Ceremony) look(cmd Look, now time.Time) ([]Event, error) {
	offer, offered := c.offer()
	if c.Ended() || c.State == StateFrozen || c.Closing != nil || c.Attempt.Nonce == "" || (c.Pending != nil && !offered) {
		return nil, nil
	}
	switch {
	case c.Plan.Operation == Drill, offered && offer.Step == Password:
		return nil, nil
	case c.Plan.Operation == Unseal:
		return c.lookNodes(cmd.Seen.Nodes, now), nil
	}
	d := c.compare(cmd.Seen)
	if d == nil {
		return nil, nil
	}
	if events := c.fromBackup(cmd.Seen); events != nil {
		return append(c.giveBack(Closed), events...), nil // nothing is left to be sent
	}
	if c.Thawed && cmd.Reconcile {
		return c.reconcile(cmd.Seen, d), nil
	}
	froze := d.freeze()
	froze.Remains = c.remains(cmd.Seen)
	return append(c.giveBack(IsFrozen), froze), nil
}

// reconcile is what people have asked for by thawing the ceremony: what is gone
// is begun again, what is ours but spoilt is dropped first, what is not ours
// stays untouched and freezes again.
func (c Ceremony) reconcile(v View, d *difference) []Event {
	switch d.why {
	case AttemptGone:
		return c.goneUnasked(v)
	case KeysLost:
		return []Event{Dropping{Step: Update, Nonce: c.Attempt.Nonce}}
	case ForeignShare:
		switch {
		case c.Round.Step == Update:
			return []Event{Dropping{Step: Update, Nonce: c.Attempt.Nonce}}
		case v.Verify.Nonce != c.Round.Nonce && v.Verify.Progress == 0:
			return []Event{RoundReset{Step: Verify, Nonce: v.Verify.Nonce}}
		}
		return []Event{Dropping{Step: Verify, Nonce: v.Verify.Nonce}}
	}
	return []Event{d.freeze()}
}

// proven is the end of a verification that Vault has no more and that has, or may
// have, brought the new key into force.
func (c Ceremony) proven(v View) []Event {
	if c.Round.Step != Verify || v.Update.Started && v.Update.Nonce == c.Attempt.Nonce || !c.confirmedBy(v.Seal) && !c.maybeProven(v.Seal) {
		return nil
	}
	return []Event{
		Verified{Unconfirmed: !c.confirmedBy(v.Seal)},
		Ended{Outcome: Completed, Vault: AttemptUsed},
	}
}

// maybeProven says whether the last share that the verification needed was sent
// and may have arrived after all, later than anybody waited for it.
func (c Ceremony) maybeProven(s Seal) bool {
	lost := c.last(is[AnswerLost])
	known := c.last(func(e Event) bool {
		switch e.(type) {
		case Counted, Rekeyed, RoundReset, RoundRefused:
			return true
		}
		return false
	})
	return lost > known && len(c.Round.Counted) == c.Round.Required-1 && !c.refutedBy(s)
}
