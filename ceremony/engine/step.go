package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/secret"
)

// maxStarts is how often Vault may answer a start with a server error and begin
// nothing before it is believed: it answers a bad order with 500.
const maxStarts = 3

// do carries out an act. It reports progress when the next act can be worked out anew at
// once, and an error when the act could not be done. Without either, what was sent may
// still be on its way. In all but the first case the same act is tried again later.
func (a *actor) do(ctx context.Context, act rules.Act) (progress bool, err error) {
	switch act {
	case rules.ActSettle:
		return a.settle(ctx)
	case rules.ActFinish:
		return a.advance(ctx, rules.Finish{})
	case rules.ActClose:
		return a.close(ctx)
	case rules.ActExpire:
		return a.advance(ctx, rules.Tick{})
	case rules.ActStart:
		return a.start(ctx)
	case rules.ActReconcile:
		err := a.poll(ctx, true)
		a.session.Checked = err == nil
		return a.session.Checked, err
	case rules.ActCallRoll:
		return a.callRoll(ctx)
	case rules.ActAskWitness:
		return a.advance(ctx, rules.AskWitness{})
	case rules.ActDoubt:
		return a.advance(ctx, a.session.Doubt.Stop())
	case rules.ActFreeze:
		froze := rules.FrozenBy(*a.c.Stopping)
		return a.advance(ctx, rules.Stop{Why: froze.Why, Want: froze.Want, Got: froze.Got})
	case rules.ActAnnounce:
		return a.announce(ctx)
	case rules.ActRemind:
		return a.remind(ctx)
	case rules.ActAttest:
		return a.attest(ctx)
	case rules.ActForgo:
		return a.advance(ctx, rules.GiveUpArchive{})
	}
	return false, nil
}

// start begins what the plan is for.
func (a *actor) start(ctx context.Context) (progress bool, err error) {
	switch op := a.c.Plan.Operation; {
	case rules.Undertakes(op) != "":
		return a.request(ctx)
	case !op.HasAttempt():
		return a.open(ctx)
	}
	return a.startAttempt(ctx, nil)
}

// startAttempt begins an attempt, with a one-time password where the plan has one.
func (a *actor) startAttempt(ctx context.Context, otp *secret.Secret) (progress bool, err error) {
	v, err := a.view(ctx)
	if err != nil {
		return false, fmt.Errorf("ask Vault before the start: %w", err)
	}
	if v.Update.Started {
		return a.advance(ctx, rules.Stop{
			Why: event.ForeignAttempt, Want: "no attempt in progress", Got: "attempt " + v.Update.Nonce,
		})
	}
	if v.Seal.ClusterID != a.c.Plan.ClusterID {
		return a.advance(ctx, rules.Stop{
			Why: event.VaultDiffers, Want: "cluster id " + a.c.Plan.ClusterID, Got: v.Seal.ClusterID,
		})
	}
	if otp != nil && v.Update.OTPLength > 0 && otp.Len() != v.Update.OTPLength {
		offer, _ := a.c.Offer()
		return a.advance(ctx, rules.Decline{Evidence: offer.Evidence, Reason: ceremony.BadPassword})
	}
	if _, err := a.advance(ctx, rules.Begin{}); err != nil {
		return false, err
	}
	return a.begin(ctx, true, otp)
}

// begin sends the order that the journal has announced.
func (a *actor) begin(ctx context.Context, first bool, otp *secret.Secret) (progress bool, err error) {
	order, err := a.order()
	order.OTP = otp
	if err != nil {
		a.log.Error("a PGP key of the plan can't be given to Vault", "error", err)
		return a.advance(ctx, rules.NotBegun{Fault: ceremony.HolderKeyInvalid})
	}
	seen, err := a.cluster.Vault.Start(ctx, order)
	if err == nil {
		a.starts = 0
		return a.advance(ctx, rules.Began{Seen: seen, Confirmed: true})
	}
	a.lost = time.Now()
	a.log.Warn("Vault did not confirm the start", "error", err)
	a.starts++
	// Of a first request that Vault did not carry out, nothing can be there.
	if first && !errors.Is(err, ceremony.ErrUncertain) {
		if v, err := a.view(ctx); err == nil && v.Update.Started {
			return a.advance(ctx, rules.Stop{
				Why: event.ForeignAttempt, Want: "no attempt in progress", Got: "attempt " + v.Update.Nonce,
			})
		}
	}
	switch {
	case errors.Is(err, ceremony.ErrForbidden):
		return a.begun(ctx, ceremony.VaultForbids)
	case errors.Is(err, ceremony.ErrRefused), errors.Is(err, ceremony.ErrUnsupported),
		errors.Is(err, ceremony.ErrUncertain) && a.starts >= maxStarts:
		return a.begun(ctx, ceremony.VaultRefused)
	}
	return a.begun(ctx, "")
}

// begun settles a start by asking (P5).
func (a *actor) begun(ctx context.Context, fault ceremony.Refusal) (progress bool, err error) {
	v, err := a.view(ctx)
	switch {
	case err != nil:
		return false, fmt.Errorf("ask Vault what came of the start: %w", err)
	case v.Update.Started:
		a.starts = 0
		return a.advance(ctx, rules.Began{Seen: v.Update})
	case fault != "" || (a.c.Closing != nil || a.c.Plan.OTP != "") && !a.mayArrive():
		return a.advance(ctx, rules.NotBegun{Fault: fault})
	}
	return false, nil // it may still be on its way, or is sent again
}

func (a *actor) order() (ceremony.Order, error) {
	p := a.c.Plan
	order := ceremony.Order{
		Operation:    p.Operation,
		Shares:       len(p.Receivers),
		Threshold:    p.NewThreshold,
		Verification: p.Verification,
		Backup:       p.Backup,
	}
	for _, f := range p.Recipients() {
		// The key is checked again: it was good at the proposal, which may be hours ago.
		if err := a.e.config.OpenPGP.CheckKey(f, time.Now(), p.Closes); err != nil {
			return order, err
		}
		key, err := a.e.config.OpenPGP.Certificate(f)
		if err != nil {
			return order, err
		}
		order.Keys = append(order.Keys, key)
	}
	return order, nil
}

// announce makes the key that shares of this round are encrypted to.
func (a *actor) announce(ctx context.Context) (progress bool, err error) {
	a.dropKey()
	if bot := a.e.config.OpenPGP.Identity(); bot != a.c.Plan.Identity {
		// Holders have approved and pinned another one.
		return a.advance(ctx, rules.OtherBot(a.c.Plan, bot).Stop())
	}
	nonce := a.c.Round.Nonce
	if a.c.Round.Step == ceremony.StepOTP {
		nonce = newNonce() // Vault has none yet
	}
	key, err := a.e.config.OpenPGP.NewKey(ceremony.Notice{
		Plan: a.c.Plan, Step: a.c.Round.Step, Nonce: nonce, At: time.Now(), Expires: a.c.Plan.Closes,
	})
	if err != nil {
		return false, ownFault{fmt.Errorf("make a ceremony key: %w", err)}
	}
	if _, err := a.advance(ctx, rules.Announce{Key: key.Announced()}); err != nil {
		key.Destroy()
		return false, err
	}
	a.key, a.session.HasKey = key, true
	a.publish()
	return true, nil
}

// settle finds out what came of an intent that has no outcome.
func (a *actor) settle(ctx context.Context) (progress bool, err error) {
	switch sent := a.c.Pending.Event.(type) {
	case event.Offered:
		return a.advance(ctx, rules.Decline{Evidence: sent.Evidence, Reason: ceremony.Interrupted})
	case event.Starting:
		v, err := a.view(ctx)
		switch {
		case err != nil:
			return false, fmt.Errorf("ask Vault what came of the start: %w", err)
		case v.Update.Started:
			return a.advance(ctx, rules.Began{Seen: v.Update})
		case (a.c.Closing != nil || a.c.Plan.OTP != "" || a.session.Doubt != nil) && a.mayArrive():
			return false, nil // and it can't be sent again
		case a.c.Closing != nil || a.c.Plan.OTP != "":
			return a.advance(ctx, rules.NotBegun{})
		case a.session.Doubt != nil:
			return a.do(ctx, rules.ActDoubt)
		}
		return a.begin(ctx, false, nil)
	case event.Acting:
		if sent.Act == event.Initializing {
			return a.initialized(ctx, "")
		}
		return a.acted(ctx, false)
	case event.Dropping:
		return a.drop(ctx, sent)
	case event.Submitting:
		return a.settleShare(ctx, sent, nil, a.refused == a.c.Submitted())
	}
	return false, nil
}

// drop has Vault forget what can't be used, and only what is ours.
func (a *actor) drop(ctx context.Context, sent event.Dropping) (progress bool, err error) {
	v, err := a.view(ctx)
	if err != nil {
		return false, fmt.Errorf("ask Vault what it has to drop: %w", err)
	}
	var refused error
	var dropped bool
	if sent.Step == ceremony.StepUnseal {
		// the next view says what came of it
		_, refused = a.resetNodes(ctx, v, func(ceremony.NodeState) bool { return true })
		if v, err = a.view(ctx); err != nil {
			return false, fmt.Errorf("ask the nodes what they dropped: %w", err)
		}
	}
	if v.Update.Started && v.Update.Nonce == a.c.Attempt.Nonce {
		if sent.Step == ceremony.StepVerify {
			_, err = a.cluster.Vault.CancelVerification(ctx, a.c.Plan.Operation, sent.Nonce)
		} else {
			err = a.cluster.Vault.Cancel(ctx, a.c.Plan.Operation, sent.Nonce)
			dropped = err == nil
		}
		if refused = err; refused != nil {
			a.log.Warn("Vault did not confirm that it dropped the attempt", "error", refused)
		}
		if v, err = a.view(ctx); err != nil {
			return false, fmt.Errorf("ask Vault what it dropped: %w", err)
		}
	}
	if !dropped {
		if err := a.askBackup(ctx, &v); err != nil {
			return false, fmt.Errorf("read Vault's backup: %w", err)
		}
	}
	seq := a.c.Seq()
	if _, err := a.advance(ctx, rules.Settle{Dropped: dropped, Seen: v}); err != nil {
		return false, err
	}
	if a.c.Seq() == seq && a.permanent(refused) != "" {
		// Asked again it would say the same, and nothing else would ever be done.
		return a.advance(ctx, rules.Stop{
			Why: event.VaultDiffers, Want: "what people want forgotten dropped", Got: "Vault refuses to drop it",
		})
	}
	return a.c.Seq() > seq, nil
}

// close ends the attempt in Vault, if there is one and it is ours.
func (a *actor) close(ctx context.Context) (progress bool, err error) {
	switch {
	case a.c.Foreign():
		return a.advance(ctx, rules.Close{Vault: event.AttemptForeign})
	case a.c.Attempt.Nonce == "", a.c.Plan.Operation == ceremony.Drill: // Vault was asked nothing
		return a.advance(ctx, rules.Close{Vault: event.NothingToCancel})
	case a.c.Plan.Operation == ceremony.Unseal:
		return a.closeUnseal(ctx)
	}
	v, err := a.view(ctx)
	if err != nil {
		return false, fmt.Errorf("ask Vault before the cancellation: %w", err)
	}
	ending, unconfirmed := event.AttemptDropped, false
	switch {
	case !v.Update.Started:
		ending = event.NothingToCancel
	case v.Update.Nonce != a.c.Attempt.Nonce:
		ending = event.AttemptForeign
	default:
		if err := a.cluster.Vault.Cancel(ctx, a.c.Plan.Operation, a.c.Attempt.Nonce); err != nil {
			a.log.Warn("Vault did not confirm the cancellation", "error", err)
			unconfirmed = true // should it be gone now, it may have been in another way
		}
		if v, err = a.view(ctx); err != nil {
			return false, fmt.Errorf("ask Vault what came of the cancellation: %w", err)
		}
		if v.Update.Started && v.Update.Nonce == a.c.Attempt.Nonce {
			return false, nil
		}
	}
	if ending != event.AttemptDropped || unconfirmed {
		if err := a.askBackup(ctx, &v); err != nil {
			return false, fmt.Errorf("read Vault's backup: %w", err)
		}
	}
	return a.advance(ctx, rules.Close{Vault: ending, Unconfirmed: unconfirmed, Seen: v})
}

// closeUnseal has the nodes forget the shares that they were sent. A node that
// can't be asked is not waited for: it loses them when it starts again.
func (a *actor) closeUnseal(ctx context.Context) (progress bool, err error) {
	v, err := a.view(ctx)
	if err != nil {
		return a.advance(ctx, rules.Close{Vault: event.NothingToCancel})
	}
	ours := func(s ceremony.NodeState) bool { return a.c.MayHold(s.Address) }
	n, err := a.resetNodes(ctx, v, ours)
	switch {
	case err != nil:
		return false, fmt.Errorf("have the nodes forget their shares: %w", err)
	case n > 0:
		return a.advance(ctx, rules.Close{Vault: event.AttemptDropped})
	}
	return a.advance(ctx, rules.Close{Vault: event.NothingToCancel})
}

// resetNodes has sealed nodes forget the shares that they have counted, and answers
// how many did.
func (a *actor) resetNodes(ctx context.Context, v rules.View, which func(ceremony.NodeState) bool) (n int, err error) {
	for _, s := range rules.StatesOf(v.Nodes) {
		if !s.Reached || !s.Sealed || s.Progress == 0 || !which(s) {
			continue
		}
		if reset := a.cluster.Vault.ResetUnseal(ctx, s.Address); reset != nil {
			a.log.Warn("a node did not confirm that it forgot the shares", "node", s.Address, "error", reset)
			err = errors.Join(err, reset) // the others shall forget theirs all the same
			continue
		}
		n++
	}
	return n, err
}
