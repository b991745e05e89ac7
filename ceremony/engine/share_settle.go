package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/secret"
)

// settleGrace is how long a request may still be on its way after the wait for its answer
// was given up. Until then "nothing came of it" is not believed.
const settleGrace = 5 * time.Second

// mayArrive reports whether the last request may still be on its way.
func (a *actor) mayArrive() bool {
	return time.Since(a.c.Pending.At) < settleGrace || time.Since(a.lost) < settleGrace
}

// submit sends a share to Vault. In an unseal each node gets it. A node that has not
// confirmed it is settled by asking all nodes.
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

// answered judges Vault's answer to a share. A share that certainly did not reach Vault is
// declined at once. Everything else is settled by asking (P5).
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
	if !refused && a.record(ctx, command.Lose{}) != nil {
		return
	}
	a.settleAnswered(ctx, sent, nil, refused)
}

// settleAnswered settles a share at once. If that is not possible now, the loop settles it
// later: the intent stays in the journal.
func (a *actor) settleAnswered(ctx context.Context, sent event.Submitting, answer *ceremony.Answer, refused bool) {
	if _, err := a.settleShare(ctx, sent, answer, refused); err != nil {
		a.logUndone(err)
	}
}

// settleShare finds out what became of a share, and records it. answer is Vault's answer,
// nil when it was lost; refused reports that Vault refused the share explicitly.
func (a *actor) settleShare(ctx context.Context, sent event.Submitting, answer *ceremony.Answer,
	refused bool) (progress bool, err error) {
	if answer != nil && answer.Complete {
		return a.advance(ctx, command.Settle{Answer: answer})
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
	return a.advance(ctx, command.Settle{Answer: answer, Refused: refused, Seen: v})
}

// unseen reports whether Vault has made new shares in an answer that was lost.
func (a *actor) unseen(sent event.Submitting, v command.View) bool {
	return a.c.Plan.Operation.Rekeys() && sent.Step == ceremony.StepUpdate && a.c.Plan.Backup && v.Update.Started &&
		v.Made()
}

// untouched reports whether Vault looks as if the share had never come.
func (a *actor) untouched(sent event.Submitting, v command.View) bool {
	if sent.Step == ceremony.StepUnseal {
		return a.c.Shown(rules.StatesOf(v.Nodes))
	}
	seen := v.Update
	if sent.Step == ceremony.StepVerify {
		seen = v.Verify
	}
	return seen.Started && seen.Nonce == sent.Nonce && seen.Progress == sent.Before
}
