package engine

import (
	"cmp"
	"context"
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
func (a *actor) mayArrive() bool {
	return time.Since(a.c.Pending.At) < settleGrace || time.Since(a.lost) < settleGrace
}

// submit sends a share where it belongs. To unseal, each of the nodes gets it; that
// one has not confirmed it is found out by asking them all.
func (a *actor) submit(ctx context.Context, sent event.Submitting, share *secret.Secret) (ceremony.Answer, error) {
	if sent.Step != ceremony.StepUnseal {
		return a.cluster.Vault.Submit(ctx, ceremony.Submission{
			Operation: a.c.Plan.Operation, Step: sent.Step, Nonce: sent.Nonce, Share: share,
		})
	}
	var certain, lost error
	for address, err := range a.cluster.Vault.Unseal(ctx, sent.Nodes, share) {
		switch {
		case err == nil:
		case errors.Is(err, ceremony.ErrNotSent), errors.Is(err, ceremony.ErrRefused),
			errors.Is(err, ceremony.ErrThrottled):
			certain = fmt.Errorf("%s: %w: %w", address, ceremony.ErrRefused, err)
		default:
			lost = fmt.Errorf("%s: %w: %w", address, ceremony.ErrUncertain, err)
		}
	}
	return ceremony.Answer{}, cmp.Or(lost, certain)
}

// answered judges Vault's answer to a share. What certainly did not happen is
// declined at once, everything else is settled by asking (P5).
func (a *actor) answered(ctx context.Context, sent event.Submitting, answer ceremony.Answer, err error) {
	switch {
	case err == nil:
		a.settleAnswered(ctx, sent, &answer, false)
		return
	case sent.Step == ceremony.StepUnseal: // other nodes may have counted it
	case errors.Is(err, ceremony.ErrNotSent), errors.Is(err, ceremony.ErrThrottled),
		errors.Is(err, ceremony.ErrForbidden), errors.Is(err, ceremony.ErrUnsupported):
		_ = a.decline(ctx, sent.Evidence, err)
		return
	}
	a.log.Warn("Vault did not confirm a share", "error", err)
	a.lost = time.Now()
	refused := errors.Is(err, ceremony.ErrRefused)
	if refused {
		a.refused = a.c.Submitted() // remembered until Vault can be asked
	}
	if !refused && a.record(ctx, rules.Lose{}) != nil {
		return
	}
	a.settleAnswered(ctx, sent, nil, refused)
}

// settleAnswered settles a share at once. What can't be found out now is settled later:
// the intent stays in the journal.
func (a *actor) settleAnswered(ctx context.Context, sent event.Submitting, answer *ceremony.Answer, refused bool) {
	if _, err := a.settleShare(ctx, sent, answer, refused); err != nil {
		a.logUndone(err)
	}
}

// settleShare finds out what became of a share.
func (a *actor) settleShare(ctx context.Context, sent event.Submitting, answer *ceremony.Answer,
	refused bool) (progress bool, err error) {
	if answer != nil && answer.Complete {
		return a.advance(ctx, rules.Settle{Answer: answer})
	}
	v, err := a.view(ctx)
	if err != nil {
		return false, fmt.Errorf("ask Vault what became of a share: %w", err)
	}
	if a.unseen(sent, v) {
		err = a.readInto(ctx, &v)
	} else {
		err = a.askBackup(ctx, &v)
	}
	if err != nil {
		return false, fmt.Errorf("read Vault's backup: %w", err)
	}
	lost := answer == nil && !refused
	if lost && a.mayArrive() && a.untouched(sent, v) {
		return false, nil // it may still be on its way
	}
	return a.advance(ctx, rules.Settle{Answer: answer, Refused: refused, Seen: v})
}

// unseen reports whether new shares were made whose answer did not arrive.
func (a *actor) unseen(sent event.Submitting, v rules.View) bool {
	return a.c.Plan.Operation.Rekeys() && sent.Step == ceremony.StepUpdate && a.c.Plan.Backup && v.Update.Started &&
		v.Made()
}

// untouched reports whether Vault looks as if the share had never come.
func (a *actor) untouched(sent event.Submitting, v rules.View) bool {
	if sent.Step == ceremony.StepUnseal {
		return a.c.Shown(rules.StatesOf(v.Nodes))
	}
	seen := v.Update
	if sent.Step == ceremony.StepVerify {
		seen = v.Verify
	}
	return seen.Started && seen.Nonce == sent.Nonce && seen.Progress == sent.Before
}
