package ceremony

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// settleGrace is how long what was sent may still be on its way after its answer
// was given up, before "nothing came of it" is believed.
const settleGrace = 5 * time.Second

// mayArrive says whether what was sent last may still be on its way.
func (o *owner) mayArrive() bool {
	return time.Since(o.c.Pending.At) < settleGrace || time.Since(o.lost) < settleGrace
}

// Offer is an envelope that somebody sent.
type Offer struct {
	By       Account
	Message  Ref    // where it lies; the same message is looked at once
	Way      Way    // by which it came
	Envelope []byte // as it came, with everything that a chat did to it
}

// Offer brings an envelope to the ceremony that it is encrypted for, or to the
// one that wants a share of this person.
//
// With an id, the outcome is in the journal, and the person is told by a
// receipt; the error, if any, is that outcome. Without an id nothing was
// recorded, and the caller tells the person.
func (e *Engine) Offer(ctx context.Context, offer Offer) (ID, error) {
	o, err := e.addressee(offer)
	if err != nil {
		return "", err
	}
	idle, taken, err := ask(ctx, o, func(ctx context.Context) (idle bool, err error) {
		before := o.c.Seq()
		err = o.offer(ctx, offer)
		return o.c.Seq() == before, err
	})
	if (idle || !taken) && err != nil {
		return "", err
	}
	return o.id, err
}

// addressee finds the ceremony that an envelope is for.
func (e *Engine) addressee(offer Offer) (*owner, error) {
	// Envelopes are taken apart without the lock: whoever writes one decides how long
	// that takes.
	type candidate struct {
		o *owner
		k known
	}
	var open []candidate
	e.mu.Lock()
	if e.run == nil {
		e.mu.Unlock()
		return nil, ErrNotRunning
	}
	for id, o := range e.owners {
		open = append(open, candidate{o, e.known[id]})
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
		case k.c.contributes(offer.By) && k.c.Wants():
			r = wanted
		case k.c.contributes(offer.By):
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
		return nil, Closed // this share comes late
	}
	return nil, NotCollecting
}

// endedEarly says whether a ceremony that somebody has a part in ended before its time.
func (e *Engine) endedEarly(by Account) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, k := range e.known {
		if k.c.Ended() && time.Since(k.c.Plan.Closes) < 0 && k.c.contributes(by) {
			return true
		}
	}
	return false
}

func newer(a, b Ceremony) bool { return a.Plan.Proposed.After(b.Plan.Proposed) }

// offer takes an envelope through everything that happens to a share.
func (o *owner) offer(ctx context.Context, offer Offer) error {
	began := time.Now()
	sum := sha256.Sum256(offer.Envelope)
	evidence := Evidence{SHA256: hex.EncodeToString(sum[:])}

	// Life of a share, 3 of 7: may this holder act now? The offer is journaled.
	if err := o.record(ctx, Receive{By: offer.By, Name: o.e.people[offer.By], Message: offer.Message, Way: offer.Way, Evidence: evidence}); err != nil {
		return err
	}
	if o.key == nil || !o.waiting(offer.Message) {
		return o.outcome(offer.Message)
	}
	recorded := time.Now()

	defer o.e.config.Forget() // last of all: what is refused has been decrypted too
	share, evidence, err := o.key.Open(offer.Envelope, Expected{
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

	if o.c.Round.Step == Password {
		return o.begunWith(ctx, offer.Message, share, evidence)
	}
	tag, standing, err := o.recognise(share, offer.By)
	if err != nil {
		return o.decline(ctx, evidence, err)
	}
	waiting, _ := o.c.offer()
	if reason := o.c.judge(waiting, evidence, tag, standing); reason != "" {
		return o.doubt(ctx, Decline{Evidence: evidence, Reason: reason, Share: tag, See: standing.See})
	}
	if o.c.Round.Step == Practice {
		return o.record(ctx, Prove{Evidence: evidence, Share: tag, Standing: standing}) // it goes no further
	}

	// Life of a share, 5 of 7: Vault's live state is compared with the plan (P4).
	v, err := o.view(ctx)
	if err == nil {
		err = o.askBackup(ctx, &v)
	}
	if err != nil {
		if declined := o.decline(ctx, evidence, err); !errors.Is(err, ErrSealed) {
			return declined
		}
		return errors.Join(VaultSealed, o.record(ctx, Stop{Why: SealedMidway}))
	}
	if err := o.record(ctx, Look{Seen: v}); err != nil {
		return err
	}
	if !o.waiting(offer.Message) {
		return o.outcome(offer.Message)
	}
	if err := o.record(ctx, Send{Evidence: evidence, Before: len(o.c.Round.Counted), Share: tag, Standing: standing}); err != nil {
		return err
	}
	sent, ok := o.c.Pending.submitting()
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
func (o *owner) commitment() string {
	if o.c.Round.Step == Password {
		return o.c.Plan.OTP
	}
	return ""
}

// begunWith begins an attempt with the one-time password that has just come. It is
// in memory until Vault has answered, and nowhere else.
func (o *owner) begunWith(ctx context.Context, message Ref, password *Secret, evidence Evidence) error {
	o.startAttempt(ctx, password)
	if _, waits := o.c.offer(); waits {
		return o.decline(ctx, evidence, VaultUnreachable) // Vault was not asked
	}
	return o.outcome(message)
}

// submit sends a share where it belongs. To unseal, each of the nodes gets it; that
// one has not confirmed it is found out by asking them all.
func (o *owner) submit(ctx context.Context, sent Submitting, share *Secret) (Answer, error) {
	if sent.Step != Enter {
		return o.cluster.Vault.Submit(ctx, Submission{
			Operation: o.c.Plan.Operation, Step: sent.Step, Nonce: sent.Nonce, Share: share,
		})
	}
	var certain, lost error
	for address, err := range o.cluster.Vault.Unseal(ctx, sent.Nodes, share) {
		switch {
		case err == nil:
		case errors.Is(err, ErrNotSent), errors.Is(err, ErrRefused), errors.Is(err, ErrThrottled):
			certain = fmt.Errorf("%s: %w: %w", address, ErrRefused, err)
		default:
			lost = fmt.Errorf("%s: %w: %w", address, ErrUncertain, err)
		}
	}
	return Answer{}, cmp.Or(lost, certain)
}

// answered judges Vault's answer to a share. What certainly did not happen is
// declined at once, everything else is settled by asking (P5).
func (o *owner) answered(ctx context.Context, sent Submitting, answer Answer, err error) {
	switch {
	case err == nil:
		o.settleShare(ctx, sent, &answer, false)
		return
	case sent.Step == Enter: // other nodes may have counted it
	case errors.Is(err, ErrNotSent), errors.Is(err, ErrThrottled), errors.Is(err, ErrForbidden), errors.Is(err, ErrUnsupported):
		_ = o.decline(ctx, sent.Evidence, err)
		return
	}
	o.log.Warn("Vault did not confirm a share", "error", err)
	o.lost = time.Now()
	refused := errors.Is(err, ErrRefused)
	if refused {
		o.refused = o.c.submitted() // remembered until Vault can be asked
	}
	if !refused && o.record(ctx, Lose{}) != nil {
		return
	}
	o.settleShare(ctx, sent, nil, refused)
}

// settleShare finds out what became of a share.
func (o *owner) settleShare(ctx context.Context, sent Submitting, answer *Answer, refused bool) bool {
	if answer != nil && answer.Complete {
		return o.record(ctx, Settle{Answer: answer}) == nil
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
	return o.record(ctx, Settle{Answer: answer, Refused: refused, Seen: v}) == nil
}

// unseen says whether new shares were made whose answer did not arrive.
func (o *owner) unseen(sent Submitting, v View) bool {
	return o.c.Plan.Operation.Rekeys() && sent.Step == Update && o.c.Plan.Backup && v.Update.Started && v.made()
}

// untouched says whether Vault looks as if the share had never come.
func (o *owner) untouched(sent Submitting, v View) bool {
	if sent.Step == Enter {
		return o.c.shown(statesOf(v.Nodes))
	}
	seen := v.Update
	if sent.Step == Verify {
		seen = v.Verify
	}
	return seen.Started && seen.Nonce == sent.Nonce && seen.Progress == sent.Before
}

// decline records why an envelope or a share was not used, and answers it.
func (o *owner) decline(ctx context.Context, evidence Evidence, err error) error {
	reason, ok := RefusalOf(err)
	switch {
	case ok:
	case errors.Is(err, ErrSealed):
		reason = VaultSealed
	case errors.Is(err, ErrThrottled):
		reason = VaultThrottled
	case errors.Is(err, ErrForbidden):
		reason = VaultForbids
	case errors.Is(err, ErrNotSent), errors.Is(err, ErrNoLeader), errors.Is(err, ErrUncertain):
		reason = VaultUnreachable
	case errors.Is(err, ErrRefused), errors.Is(err, ErrUnsupported):
		reason = VaultRefused
	default:
		reason = BadMessage
	}
	o.log.Warn("envelope declined", "reason", string(reason), "error", err)
	if err := o.record(ctx, Decline{Evidence: evidence, Reason: reason}); err != nil {
		return err
	}
	return reason
}

// waiting says whether this message is the offer that waits to be opened.
func (o *owner) waiting(message Ref) bool {
	offer, ok := o.c.offer()
	return ok && offer.Message == message
}

// outcome is the refusal that the journal has for a message, nil if it has none.
func (o *owner) outcome(message Ref) error {
	for _, e := range o.c.History {
		if d, ok := e.Event.(Declined); ok && d.Message == message {
			return d.Reason
		}
	}
	return nil
}

// signer is the key that the plan pins for somebody.
func (o *owner) signer(who Account) Fingerprint {
	p, _ := find(o.c.Plan.Contributors(o.c.Round.Step), who)
	return p.Key
}

// submitted is the sequence number of the newest share on its way.
func (c Ceremony) submitted() int {
	return c.last(is[Submitting])
}

// submitting is the share that was sent and has no outcome.
func (p *Pending) submitting() (Submitting, bool) {
	if p == nil {
		return Submitting{}, false
	}
	s, ok := p.Event.(Submitting)
	return s, ok
}
