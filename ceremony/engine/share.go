package engine

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/secret"
)

// settleGrace is how long what was sent may still be on its way after its answer
// was given up, before "nothing came of it" is believed.
const settleGrace = 5 * time.Second

// mayArrive reports whether what was sent last may still be on its way.
func (o *actor) mayArrive() bool {
	return time.Since(o.c.Pending.At) < settleGrace || time.Since(o.lost) < settleGrace
}

// Share brings an envelope to the ceremony that it is encrypted for, or to the
// one that wants a share of this person.
//
// With an id, the outcome is in the journal, and the person is told by a
// receipt; the error, if any, is that outcome. Without an id nothing was
// recorded, and the caller tells the person.
func (e *Engine) Share(ctx context.Context, offer ceremony.Envelope) (ceremony.ID, error) {
	o, err := e.addressee(offer)
	if err != nil {
		return "", err
	}
	idle, taken, err := ask(ctx, o, func(ctx context.Context) (idle bool, err error) {
		before := o.c.Seq()
		err = o.share(ctx, offer)
		return o.c.Seq() == before, err
	})
	if (idle || !taken) && err != nil {
		return "", err
	}
	return o.id, err
}

// addressee finds the ceremony that an envelope is for.
func (e *Engine) addressee(offer ceremony.Envelope) (*actor, error) {
	// Envelopes are taken apart without the lock: whoever writes one decides how long
	// that takes.
	type candidate struct {
		o *actor
		k snapshot
	}
	var open []candidate
	e.mu.Lock()
	if e.run == nil {
		e.mu.Unlock()
		return nil, ceremony.ErrNotRunning
	}
	for id, o := range e.actors {
		open = append(open, candidate{o, e.snapshots[id]})
	}
	e.mu.Unlock()
	// Best of all, the envelope says it; then, somebody waits for this person; at
	// the least, this person has a part in it and is told why nobody waits.
	const (
		none = iota
		involved
		wanted
		fitting
	)
	var best candidate
	rank := none
	for _, it := range open {
		r := none
		switch k := it.k; {
		case k.c.Ended():
		case k.fits != nil && k.fits(offer.Envelope):
			r = fitting
		case k.c.Contributes(offer.By) && k.c.Wants():
			r = wanted
		case k.c.Contributes(offer.By):
			r = involved
		}
		if r > rank || r == rank && best.o != nil && newer(it.k.c, best.k.c) {
			best, rank = it, r
		}
	}
	if best.o != nil {
		return best.o, nil
	}
	if e.endedEarly(offer.By) {
		return nil, ceremony.Closed // this share comes late
	}
	return nil, ceremony.NotCollecting
}

// endedEarly reports whether a ceremony that somebody has a part in ended before its time.
func (e *Engine) endedEarly(by ceremony.Account) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, k := range e.snapshots {
		if k.c.Ended() && time.Since(k.c.Plan.Closes) < 0 && k.c.Contributes(by) {
			return true
		}
	}
	return false
}

func newer(a, b rules.State) bool { return a.Plan.Proposed.After(b.Plan.Proposed) }

// share takes an envelope through everything that happens to a share.
func (o *actor) share(ctx context.Context, offer ceremony.Envelope) error {
	began := time.Now()
	sum := sha256.Sum256(offer.Envelope)
	evidence := ceremony.Evidence{SHA256: hex.EncodeToString(sum[:])}

	// Life of a share, 3 of 7: may this holder act now? The offer is journaled.
	if err := o.record(ctx, rules.Receive{By: offer.By, Name: o.e.people[offer.By], Message: offer.Message, Way: offer.Way, Evidence: evidence}); err != nil {
		return err
	}
	if o.key == nil || !o.waiting(offer.Message) {
		return o.outcome(offer.Message)
	}
	recorded := time.Now()

	defer o.e.config.Forget() // last of all: what is refused has been decrypted too
	share, evidence, err := o.key.Open(offer.Envelope, ceremony.Expected{
		Ceremony:  o.c.ID(),
		Step:      o.c.Round.Step,
		Nonce:     o.c.Round.Nonce,
		Signer:    o.signer(offer.By),
		NotBefore: o.c.Key.At,
		Now:       time.Now(),
		PlanHash:  o.c.PlanHash,

		Commitment: o.commitment(),
	})
	evidence.SHA256 = hex.EncodeToString(sum[:])
	if err != nil {
		return o.decline(ctx, evidence, err)
	}
	defer share.Wipe()
	opened := time.Now()

	if o.c.Round.Step == ceremony.StepOTP {
		return o.begunWith(ctx, offer.Message, share, evidence)
	}
	tag, standing, err := o.recognise(share, offer.By)
	if err != nil {
		return o.decline(ctx, evidence, err)
	}
	waiting, _ := o.c.Offer()
	if reason := o.c.Judge(waiting, evidence, tag, standing); reason != "" {
		return o.doubt(ctx, rules.Decline{Evidence: evidence, Reason: reason, Share: tag, See: standing.See})
	}
	if o.c.Round.Step == ceremony.StepDrill {
		return o.record(ctx, rules.Prove{Evidence: evidence, Share: tag, Verdict: standing}) // it goes no further
	}

	// Life of a share, 5 of 7: Vault's live state is compared with the plan (P4).
	v, err := o.view(ctx)
	if err == nil {
		err = o.askBackup(ctx, &v)
	}
	if err != nil {
		if declined := o.decline(ctx, evidence, err); !errors.Is(err, ceremony.ErrSealed) {
			return declined
		}
		return errors.Join(ceremony.VaultSealed, o.record(ctx, rules.Stop{Why: event.SealedMidway}))
	}
	if err := o.record(ctx, rules.Look{Seen: v}); err != nil {
		return err
	}
	if !o.waiting(offer.Message) {
		return o.outcome(offer.Message)
	}
	if err := o.record(ctx, rules.Send{Evidence: evidence, Before: len(o.c.Round.Counted), Share: tag, Verdict: standing}); err != nil {
		return err
	}
	sent, ok := o.c.Pending.Submitting()
	if !ok {
		return o.outcome(offer.Message)
	}
	compared := time.Now()

	answer, err := o.submit(ctx, sent, share)
	answered := time.Now()

	// Life of a share, 7 of 7: the answer is journaled; board and receipt follow from it.
	o.answered(ctx, sent, answer, err)
	o.log.Info("share answered", "step", string(sent.Step),
		"journal_us", recorded.Sub(began).Microseconds(),
		"openpgp_us", opened.Sub(recorded).Microseconds(),
		"compare_us", compared.Sub(opened).Microseconds(),
		"vault_us", answered.Sub(compared).Microseconds(),
		"settle_us", time.Since(answered).Microseconds())
	return o.outcome(offer.Message)
}

// commitment is the hash of the one-time password that is expected, empty when a
// share is.
func (o *actor) commitment() string {
	if o.c.Round.Step == ceremony.StepOTP {
		return o.c.Plan.OTP
	}
	return ""
}

// begunWith begins an attempt with the one-time password that has just come. It is
// in memory until Vault has answered, and nowhere else.
func (o *actor) begunWith(ctx context.Context, message ceremony.Ref, password *secret.Secret, evidence ceremony.Evidence) error {
	o.startAttempt(ctx, password)
	if _, waits := o.c.Offer(); waits {
		return o.decline(ctx, evidence, ceremony.VaultUnreachable) // Vault was not asked
	}
	return o.outcome(message)
}

// submit sends a share where it belongs. To unseal, each of the nodes gets it; that
// one has not confirmed it is found out by asking them all.
func (o *actor) submit(ctx context.Context, sent event.Submitting, share *secret.Secret) (ceremony.Answer, error) {
	if sent.Step != ceremony.StepUnseal {
		return o.cluster.Vault.Submit(ctx, ceremony.Submission{
			Operation: o.c.Plan.Operation, Step: sent.Step, Nonce: sent.Nonce, Share: share,
		})
	}
	var certain, lost error
	for address, err := range o.cluster.Vault.Unseal(ctx, sent.Nodes, share) {
		switch {
		case err == nil:
		case errors.Is(err, ceremony.ErrNotSent), errors.Is(err, ceremony.ErrRefused), errors.Is(err, ceremony.ErrThrottled):
			certain = fmt.Errorf("%s: %w: %w", address, ceremony.ErrRefused, err)
		default:
			lost = fmt.Errorf("%s: %w: %w", address, ceremony.ErrUncertain, err)
		}
	}
	return ceremony.Answer{}, cmp.Or(lost, certain)
}

// answered judges Vault's answer to a share. What certainly did not happen is
// declined at once, everything else is settled by asking (P5).
func (o *actor) answered(ctx context.Context, sent event.Submitting, answer ceremony.Answer, err error) {
	switch {
	case err == nil:
		o.settleShare(ctx, sent, &answer, false)
		return
	case sent.Step == ceremony.StepUnseal: // other nodes may have counted it
	case errors.Is(err, ceremony.ErrNotSent), errors.Is(err, ceremony.ErrThrottled), errors.Is(err, ceremony.ErrForbidden), errors.Is(err, ceremony.ErrUnsupported):
		_ = o.decline(ctx, sent.Evidence, err)
		return
	}
	o.log.Warn("Vault did not confirm a share", "error", err)
	o.lost = time.Now()
	refused := errors.Is(err, ceremony.ErrRefused)
	if refused {
		o.refused = o.c.Submitted() // remembered until Vault can be asked
	}
	if !refused && o.record(ctx, rules.Lose{}) != nil {
		return
	}
	o.settleShare(ctx, sent, nil, refused)
}

// settleShare finds out what became of a share.
func (o *actor) settleShare(ctx context.Context, sent event.Submitting, answer *ceremony.Answer, refused bool) bool {
	if answer != nil && answer.Complete {
		return o.record(ctx, rules.Settle{Answer: answer}) == nil
	}
	v, err := o.view(ctx)
	if err != nil {
		return false // asked again later; the intent stays in the journal
	}
	if o.unseen(sent, v) {
		err = o.readInto(ctx, &v)
	} else {
		err = o.askBackup(ctx, &v)
	}
	if err != nil {
		return false
	}
	lost := answer == nil && !refused
	if lost && o.mayArrive() && o.untouched(sent, v) {
		return false // it may still be on its way
	}
	return o.record(ctx, rules.Settle{Answer: answer, Refused: refused, Seen: v}) == nil
}

// unseen reports whether new shares were made whose answer did not arrive.
func (o *actor) unseen(sent event.Submitting, v rules.View) bool {
	return o.c.Plan.Operation.Rekeys() && sent.Step == ceremony.StepUpdate && o.c.Plan.Backup && v.Update.Started && v.Made()
}

// untouched reports whether Vault looks as if the share had never come.
func (o *actor) untouched(sent event.Submitting, v rules.View) bool {
	if sent.Step == ceremony.StepUnseal {
		return o.c.Shown(rules.StatesOf(v.Nodes))
	}
	seen := v.Update
	if sent.Step == ceremony.StepVerify {
		seen = v.Verify
	}
	return seen.Started && seen.Nonce == sent.Nonce && seen.Progress == sent.Before
}

// decline records why an envelope or a share was not used, and answers it.
func (o *actor) decline(ctx context.Context, evidence ceremony.Evidence, err error) error {
	reason, ok := ceremony.RefusalOf(err)
	switch {
	case ok:
	case errors.Is(err, ceremony.ErrSealed):
		reason = ceremony.VaultSealed
	case errors.Is(err, ceremony.ErrThrottled):
		reason = ceremony.VaultThrottled
	case errors.Is(err, ceremony.ErrForbidden):
		reason = ceremony.VaultForbids
	case errors.Is(err, ceremony.ErrNotSent), errors.Is(err, ceremony.ErrNoLeader), errors.Is(err, ceremony.ErrUncertain):
		reason = ceremony.VaultUnreachable
	case errors.Is(err, ceremony.ErrRefused), errors.Is(err, ceremony.ErrUnsupported):
		reason = ceremony.VaultRefused
	default:
		reason = ceremony.BadMessage
	}
	o.log.Warn("envelope declined", "reason", string(reason), "error", err)
	if err := o.record(ctx, rules.Decline{Evidence: evidence, Reason: reason}); err != nil {
		return err
	}
	return reason
}

// waiting reports whether this message is the offer that waits to be opened.
func (o *actor) waiting(message ceremony.Ref) bool {
	offer, ok := o.c.Offer()
	return ok && offer.Message == message
}

// outcome is the refusal that the journal has for a message, nil if it has none.
func (o *actor) outcome(message ceremony.Ref) error {
	for _, e := range o.c.History {
		if d, ok := e.Event.(event.Declined); ok && d.Message == message {
			return d.Reason
		}
	}
	return nil
}

// signer is the key that the plan pins for somebody.
func (o *actor) signer(who ceremony.Account) ceremony.Fingerprint {
	p, _ := ceremony.Find(o.c.Plan.Contributors(o.c.Round.Step), who)
	return p.Key
}
