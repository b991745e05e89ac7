package engine

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
	"conclave/ceremony/secret"
)

// Share brings an envelope to the ceremony that it is encrypted for, or to one that wants a
// share of its sender.
//
// When it returns an id, the outcome is in the journal, the sender gets a receipt, and the
// error, if any, is that outcome. Without an id nothing was recorded, and the caller must
// tell the sender why.
func (e *Engine) Share(ctx context.Context, offer ceremony.Envelope) (ceremony.ID, error) {
	a, err := e.addressee(offer)
	if err != nil {
		return "", err
	}
	idle, taken, err := ask(ctx, a, func(ctx context.Context) (idle bool, err error) {
		before := a.c.Seq()
		err = a.share(ctx, offer)
		return a.c.Seq() == before, err
	})
	if (idle || !taken) && err != nil {
		return "", err
	}
	return a.id, err
}

// share takes an envelope through the life of a share. It returns the outcome that the
// journal has, or why nothing was recorded.
func (a *actor) share(ctx context.Context, offer ceremony.Envelope) error {
	began := time.Now()
	sum := sha256.Sum256(offer.Envelope)
	evidence := ceremony.Evidence{SHA256: hex.EncodeToString(sum[:])}

	// Life of a share, 3 of 7: may this holder act now? The offer is journaled.
	if err := a.record(ctx, command.Receive{
		By: offer.By, Name: a.e.people[offer.By], Message: offer.Message, Way: offer.Way, Evidence: evidence,
	}); err != nil {
		return err
	}
	if a.key == nil || !a.waiting(offer.Message) {
		return a.outcome(offer.Message)
	}
	recorded := time.Now()

	defer a.e.config.Forget() // last of all: a refused share has been decrypted too
	share, evidence, err := a.key.Open(offer.Envelope, ceremony.Expected{
		Ceremony:   a.c.ID(),
		Step:       a.c.Round.Step,
		Nonce:      a.c.Round.Nonce,
		Signer:     a.signer(offer.By),
		NotBefore:  a.c.Key.At,
		Now:        time.Now(),
		PlanHash:   a.c.PlanHash,
		Commitment: a.commitment(),
	})
	evidence.SHA256 = hex.EncodeToString(sum[:])
	if err != nil {
		return a.decline(ctx, evidence, err)
	}
	defer share.Wipe()
	opened := time.Now()

	if a.c.Round.Step == ceremony.StepOTP {
		return a.begunWith(ctx, offer.Message, share, evidence)
	}
	tag, verdict, err := a.recognise(share, offer.By)
	if err != nil {
		return a.decline(ctx, evidence, err)
	}
	waiting, _ := a.c.Offer()
	if reason := a.c.Judge(waiting, evidence, tag, verdict); reason != "" {
		return a.declineShare(ctx, command.Decline{Evidence: evidence, Reason: reason, Share: tag, See: verdict.See})
	}
	if a.c.Round.Step == ceremony.StepDrill {
		// a drill sends nothing to Vault
		return a.record(ctx, command.Prove{Evidence: evidence, Share: tag, Verdict: verdict})
	}

	// Life of a share, 5 of 7: Vault's live state is compared with the plan (P4).
	v, err := a.view(ctx)
	if err == nil {
		err = a.askBackup(ctx, &v)
	}
	if err != nil {
		if declined := a.decline(ctx, evidence, err); !errors.Is(err, ceremony.ErrSealed) {
			return declined
		}
		return errors.Join(ceremony.VaultSealed, a.record(ctx, command.Stop{Why: event.SealedMidway}))
	}
	if err := a.record(ctx, command.Look{Seen: v}); err != nil {
		return err
	}
	if !a.waiting(offer.Message) {
		return a.outcome(offer.Message)
	}
	if err := a.record(ctx, command.Send{
		Evidence: evidence, Before: len(a.c.Round.Counted), Share: tag, Verdict: verdict,
	}); err != nil {
		return cmp.Or(a.outcome(offer.Message), err)
	}
	sent, ok := a.c.Pending.Submitting()
	if !ok {
		return a.outcome(offer.Message)
	}
	compared := time.Now()

	answer, err := a.submit(ctx, sent, share)
	answered := time.Now()

	// Life of a share, 7 of 7: the answer is journaled; status post and receipt follow from it.
	a.answered(ctx, sent, answer, err)
	a.log.Info("share answered", "step", string(sent.Step),
		"journal_us", recorded.Sub(began).Microseconds(),
		"openpgp_us", opened.Sub(recorded).Microseconds(),
		"compare_us", compared.Sub(opened).Microseconds(),
		"vault_us", answered.Sub(compared).Microseconds(),
		"settle_us", time.Since(answered).Microseconds())
	return a.outcome(offer.Message)
}

// commitment returns the hash of the one-time password that is expected, or "" when a share
// is expected.
func (a *actor) commitment() string {
	if a.c.Round.Step == ceremony.StepOTP {
		return a.c.Plan.OTP
	}
	return ""
}

// begunWith begins an attempt with the one-time password that has just come. The password
// is in memory only, until Vault has answered.
func (a *actor) begunWith(ctx context.Context, message ceremony.Ref, password *secret.Secret,
	evidence ceremony.Evidence) error {
	if _, err := a.startAttempt(ctx, password); err != nil {
		a.logUndone(err)
	}
	if _, waits := a.c.Offer(); waits {
		return a.decline(ctx, evidence, ceremony.VaultUnreachable) // Vault was not asked
	}
	return a.outcome(message)
}

// decline records why an envelope or a share is not used. It returns the reason.
func (a *actor) decline(ctx context.Context, evidence ceremony.Evidence, err error) error {
	reason, ok := ceremony.RefusalOf(err)
	switch {
	case ok:
	case errors.Is(err, ceremony.ErrSealed):
		reason = ceremony.VaultSealed
	case errors.Is(err, ceremony.ErrThrottled):
		reason = ceremony.VaultThrottled
	case errors.Is(err, ceremony.ErrForbidden):
		reason = ceremony.VaultForbids
	case errors.Is(err, ceremony.ErrNotSent), errors.Is(err, ceremony.ErrNoLeader),
		errors.Is(err, ceremony.ErrUncertain):
		reason = ceremony.VaultUnreachable
	case errors.Is(err, ceremony.ErrRefused), errors.Is(err, ceremony.ErrUnsupported):
		reason = ceremony.VaultRefused
	default:
		reason = ceremony.BadMessage
	}
	a.log.Warn("envelope declined", "reason", string(reason), "error", err)
	if err := a.record(ctx, command.Decline{Evidence: evidence, Reason: reason}); err != nil {
		return err
	}
	return reason
}

// waiting reports whether this message is the offer that waits to be opened.
func (a *actor) waiting(message ceremony.Ref) bool {
	offer, ok := a.c.Offer()
	return ok && offer.Message == message
}

// outcome returns the refusal that the journal has for a message, or nil.
func (a *actor) outcome(message ceremony.Ref) error {
	for _, e := range a.c.History {
		if d, ok := e.Event.(event.Declined); ok && d.Message == message {
			return d.Reason
		}
	}
	return nil
}

// signer returns the key that the plan pins for a contributor, or "".
func (a *actor) signer(who ceremony.Account) ceremony.Fingerprint {
	p, _ := ceremony.Find(a.c.Plan.Contributors(a.c.Round.Step), who)
	return p.Key
}
