package engine

import (
	"context"
	"errors"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/secret"
)

// maxStarts is how often Vault may answer a start with a server error and begin
// nothing before it is believed: it answers a bad order with 500.
const maxStarts = 3

// do carries an act out and reports whether there is anything new.
func (o *actor) do(ctx context.Context, a rules.Act) bool {
	switch a {
	case rules.ActSettle:
		return o.settle(ctx)
	case rules.ActFinish:
		return o.record(ctx, rules.Finish{}) == nil
	case rules.ActClose:
		return o.close(ctx)
	case rules.ActExpire:
		return o.record(ctx, rules.Tick{}) == nil
	case rules.ActStart:
		return o.start(ctx)
	case rules.ActReconcile:
		o.session.Checked = o.poll(ctx, true)
		return o.session.Checked
	case rules.ActCallRoll:
		return o.callRoll(ctx)
	case rules.ActAskWitness:
		return o.record(ctx, rules.AskWitness{}) == nil
	case rules.ActDoubt:
		return o.record(ctx, o.session.Doubt.Stop()) == nil
	case rules.ActFreeze:
		froze := rules.FrozenBy(*o.c.Stopping)
		return o.record(ctx, rules.Stop{Why: froze.Why, Want: froze.Want, Got: froze.Got}) == nil
	case rules.ActAnnounce:
		return o.announce(ctx)
	case rules.ActRemind:
		return o.remind(ctx)
	case rules.ActAttest:
		return o.attest(ctx)
	case rules.ActForgo:
		return o.record(ctx, rules.GiveUpArchive{}) == nil
	}
	return false
}

// start begins what the plan is for.
func (o *actor) start(ctx context.Context) bool {
	switch op := o.c.Plan.Operation; {
	case rules.Undertakes(op) != "":
		return o.request(ctx)
	case !op.HasAttempt():
		return o.open(ctx)
	}
	return o.startAttempt(ctx, nil)
}

// startAttempt begins an attempt, with a one-time password where the plan has one.
func (o *actor) startAttempt(ctx context.Context, otp *secret.Secret) bool {
	v, err := o.view(ctx)
	if err != nil {
		o.log.Warn("Vault could not be asked before the start", "error", err)
		return false
	}
	if v.Update.Started {
		return o.record(ctx, rules.Stop{Why: event.ForeignAttempt, Want: "no attempt in progress", Got: "attempt " + v.Update.Nonce}) == nil
	}
	if v.Seal.ClusterID != o.c.Plan.ClusterID {
		return o.record(ctx, rules.Stop{Why: event.VaultDiffers, Want: "cluster id " + o.c.Plan.ClusterID, Got: v.Seal.ClusterID}) == nil
	}
	if otp != nil && v.Update.OTPLength > 0 && otp.Len() != v.Update.OTPLength {
		offer, _ := o.c.Offer()
		return o.record(ctx, rules.Decline{Evidence: offer.Evidence, Reason: ceremony.BadPassword}) == nil
	}
	if err := o.record(ctx, rules.Begin{}); err != nil {
		return false
	}
	return o.begin(ctx, true, otp)
}

// begin sends the order that the journal has announced.
func (o *actor) begin(ctx context.Context, first bool, otp *secret.Secret) bool {
	order, err := o.order()
	order.OTP = otp
	if err != nil {
		o.log.Error("a PGP key of the plan can't be given to Vault", "error", err)
		return o.record(ctx, rules.NotBegun{Fault: ceremony.HolderKeyInvalid}) == nil
	}
	seen, err := o.cluster.Vault.Start(ctx, order)
	if err == nil {
		o.starts = 0
		return o.record(ctx, rules.Began{Seen: seen, Confirmed: true}) == nil
	}
	o.lost = time.Now()
	o.log.Warn("Vault did not confirm the start", "error", err)
	o.starts++
	// Of a first request that Vault did not carry out, nothing can be there.
	if first && !errors.Is(err, ceremony.ErrUncertain) {
		if v, err := o.view(ctx); err == nil && v.Update.Started {
			return o.record(ctx, rules.Stop{Why: event.ForeignAttempt, Want: "no attempt in progress", Got: "attempt " + v.Update.Nonce}) == nil
		}
	}
	switch {
	case errors.Is(err, ceremony.ErrForbidden):
		return o.begun(ctx, ceremony.VaultForbids)
	case errors.Is(err, ceremony.ErrRefused), errors.Is(err, ceremony.ErrUnsupported),
		errors.Is(err, ceremony.ErrUncertain) && o.starts >= maxStarts:
		return o.begun(ctx, ceremony.VaultRefused)
	}
	return o.begun(ctx, "")
}

// begun settles a start by asking (P5).
func (o *actor) begun(ctx context.Context, fault ceremony.Refusal) bool {
	v, err := o.view(ctx)
	switch {
	case err != nil:
		return false
	case v.Update.Started:
		o.starts = 0
		return o.record(ctx, rules.Began{Seen: v.Update}) == nil
	case fault != "" || (o.c.Closing != nil || o.c.Plan.OTP != "") && !o.mayArrive():
		return o.record(ctx, rules.NotBegun{Fault: fault}) == nil
	}
	return false
}

func (o *actor) order() (ceremony.Order, error) {
	p := o.c.Plan
	order := ceremony.Order{
		Operation:    p.Operation,
		Shares:       len(p.Receivers),
		Threshold:    p.NewThreshold,
		Verification: p.Verification,
		Backup:       p.Backup,
	}
	for _, f := range p.Recipients() {
		// The key is checked again: it was good at the proposal, which may be hours ago.
		if err := o.e.config.Opener.CheckKey(f, time.Now(), p.Closes); err != nil {
			return order, err
		}
		key, err := o.e.config.Opener.Certificate(f)
		if err != nil {
			return order, err
		}
		order.Keys = append(order.Keys, key)
	}
	return order, nil
}

// announce makes the key that shares of this round are encrypted to.
func (o *actor) announce(ctx context.Context) bool {
	o.dropKey()
	if bot := o.e.config.Opener.Identity(); bot != o.c.Plan.Identity {
		// Holders have approved and pinned another one.
		return o.record(ctx, rules.OtherBot(o.c.Plan, bot).Stop()) == nil
	}
	nonce := o.c.Round.Nonce
	if o.c.Round.Step == ceremony.StepOTP {
		nonce = newNonce() // Vault has none yet
	}
	key, err := o.e.config.Opener.NewKey(ceremony.Notice{
		Plan: o.c.Plan, Step: o.c.Round.Step, Nonce: nonce, At: time.Now(), Expires: o.c.Plan.Closes,
	})
	if err != nil {
		o.log.Error("no ceremony key could be made", "error", err)
		return false
	}
	if err := o.record(ctx, rules.Announce{Key: key.Announced()}); err != nil {
		key.Destroy()
		return false
	}
	o.key, o.session.HasKey = key, true
	o.publish()
	return true
}

// settle finds out what came of an intent that has no outcome.
func (o *actor) settle(ctx context.Context) bool {
	switch sent := o.c.Pending.Event.(type) {
	case event.Offered:
		return o.record(ctx, rules.Decline{Evidence: sent.Evidence, Reason: ceremony.Interrupted}) == nil
	case event.Starting:
		v, err := o.view(ctx)
		switch {
		case err != nil:
			return false
		case v.Update.Started:
			return o.record(ctx, rules.Began{Seen: v.Update}) == nil
		case (o.c.Closing != nil || o.c.Plan.OTP != "" || o.session.Doubt != nil) && o.mayArrive():
			return false // and it can't be sent again
		case o.c.Closing != nil || o.c.Plan.OTP != "":
			return o.record(ctx, rules.NotBegun{}) == nil
		case o.session.Doubt != nil:
			return o.do(ctx, rules.ActDoubt)
		}
		return o.begin(ctx, false, nil)
	case event.Acting:
		if sent.Act == event.Initializing {
			return o.initialized(ctx, "")
		}
		return o.acted(ctx, false)
	case event.Dropping:
		return o.drop(ctx, sent)
	case event.Submitting:
		return o.settleShare(ctx, sent, nil, o.refused == o.c.Submitted())
	}
	return false
}

// drop has Vault forget what can't be used, and only what is ours.
func (o *actor) drop(ctx context.Context, sent event.Dropping) bool {
	v, err := o.view(ctx)
	if err != nil {
		return false
	}
	var refused error
	var dropped bool
	if sent.Step == ceremony.StepUnseal {
		_, refused = o.resetNodes(ctx, v, func(ceremony.NodeState) bool { return true }) // the next view says what came of it
		if v, err = o.view(ctx); err != nil {
			return false
		}
	}
	if v.Update.Started && v.Update.Nonce == o.c.Attempt.Nonce {
		if sent.Step == ceremony.StepVerify {
			_, err = o.cluster.Vault.CancelVerification(ctx, o.c.Plan.Operation, sent.Nonce)
		} else {
			err = o.cluster.Vault.Cancel(ctx, o.c.Plan.Operation, sent.Nonce)
			dropped = err == nil
		}
		if refused = err; refused != nil {
			o.log.Warn("Vault did not confirm that it dropped the attempt", "error", refused)
		}
		if v, err = o.view(ctx); err != nil {
			return false
		}
	}
	if !dropped {
		if err := o.askBackup(ctx, &v); err != nil {
			return false
		}
	}
	seq := o.c.Seq()
	if o.record(ctx, rules.Settle{Dropped: dropped, Seen: v}) != nil {
		return false
	}
	if o.c.Seq() == seq && o.permanent(refused) != "" {
		// Asked again it would say the same, and nothing else would ever be done.
		return o.record(ctx, rules.Stop{Why: event.VaultDiffers, Want: "what people want forgotten dropped", Got: "Vault refuses to drop it"}) == nil
	}
	return o.c.Seq() > seq
}

// close ends the attempt in Vault, if there is one and it is ours.
func (o *actor) close(ctx context.Context) bool {
	switch {
	case o.c.Foreign():
		return o.record(ctx, rules.Close{Vault: event.AttemptForeign}) == nil
	case o.c.Attempt.Nonce == "", o.c.Plan.Operation == ceremony.Drill: // Vault was asked nothing
		return o.record(ctx, rules.Close{Vault: event.NothingToCancel}) == nil
	case o.c.Plan.Operation == ceremony.Unseal:
		return o.closeUnseal(ctx)
	}
	v, err := o.view(ctx)
	if err != nil {
		return false
	}
	ending, unconfirmed := event.AttemptDropped, false
	switch {
	case !v.Update.Started:
		ending = event.NothingToCancel
	case v.Update.Nonce != o.c.Attempt.Nonce:
		ending = event.AttemptForeign
	default:
		if err := o.cluster.Vault.Cancel(ctx, o.c.Plan.Operation, o.c.Attempt.Nonce); err != nil {
			o.log.Warn("Vault did not confirm the cancellation", "error", err)
			unconfirmed = true // should it be gone now, it may have been in another way
		}
		if v, err = o.view(ctx); err != nil || v.Update.Started && v.Update.Nonce == o.c.Attempt.Nonce {
			return false
		}
	}
	if ending != event.AttemptDropped || unconfirmed {
		if err := o.askBackup(ctx, &v); err != nil {
			o.log.Warn("Vault's backup could not be read", "error", err)
			return false
		}
	}
	return o.record(ctx, rules.Close{Vault: ending, Unconfirmed: unconfirmed, Seen: v}) == nil
}

// closeUnseal has the nodes forget the shares that they were sent. A node that
// can't be asked is not waited for: it loses them when it starts again.
func (o *actor) closeUnseal(ctx context.Context) bool {
	v, err := o.view(ctx)
	if err != nil {
		return o.record(ctx, rules.Close{Vault: event.NothingToCancel}) == nil
	}
	ours := func(s ceremony.NodeState) bool { return o.c.MayHold(s.Address) }
	n, err := o.resetNodes(ctx, v, ours)
	switch {
	case err != nil:
		return false
	case n > 0:
		return o.record(ctx, rules.Close{Vault: event.AttemptDropped}) == nil
	}
	return o.record(ctx, rules.Close{Vault: event.NothingToCancel}) == nil
}

// resetNodes has sealed nodes forget the shares that they have counted, and answers
// how many did.
func (o *actor) resetNodes(ctx context.Context, v rules.View, which func(ceremony.NodeState) bool) (n int, err error) {
	for _, s := range rules.StatesOf(v.Nodes) {
		if !s.Reached || !s.Sealed || s.Progress == 0 || !which(s) {
			continue
		}
		if reset := o.cluster.Vault.ResetUnseal(ctx, s.Address); reset != nil {
			o.log.Warn("a node did not confirm that it forgot the shares", "node", s.Address, "error", reset)
			err = errors.Join(err, reset) // the others shall forget theirs all the same
			continue
		}
		n++
	}
	return n, err
}
