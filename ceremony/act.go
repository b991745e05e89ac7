package ceremony

import (
	"context"
	"errors"
	"time"
)

// maxStarts is how often Vault may answer a start with a server error and begin
// nothing before it is believed: it answers a bad order with 500.
const maxStarts = 3

// do carries an act out and says whether there is anything new.
func (o *owner) do(ctx context.Context, a act) bool {
	switch a {
	case actSettle:
		return o.settle(ctx)
	case actFinish:
		return o.record(ctx, Finish{}) == nil
	case actClose:
		return o.close(ctx)
	case actExpire:
		return o.record(ctx, Tick{}) == nil
	case actStart:
		return o.start(ctx)
	case actReconcile:
		o.session.checked = o.look(ctx, true)
		return o.session.checked
	case actCallRoll:
		return o.callRoll(ctx)
	case actAskWitness:
		return o.record(ctx, AskWitness{}) == nil
	case actDoubt:
		return o.record(ctx, o.session.doubt.stop()) == nil
	case actFreeze:
		froze := o.c.Stopping.freeze()
		return o.record(ctx, Stop{Why: froze.Why, Want: froze.Want, Got: froze.Got}) == nil
	case actAnnounce:
		return o.announce(ctx)
	case actRemind:
		return o.remind(ctx)
	case actAttest:
		return o.attest(ctx)
	case actForgo:
		return o.record(ctx, Forgo{}) == nil
	}
	return false
}

// start begins what the plan is for.
func (o *owner) start(ctx context.Context) bool {
	switch op := o.c.Plan.Operation; {
	case op.undertakes() != "":
		return o.undertake(ctx)
	case !op.HasAttempt():
		return o.open(ctx)
	}
	return o.startAttempt(ctx, nil)
}

// startAttempt begins an attempt, with a one-time password where the plan has one.
func (o *owner) startAttempt(ctx context.Context, otp *Secret) bool {
	v, err := o.view(ctx)
	if err != nil {
		o.log.Warn("Vault could not be asked before the start", "error", err)
		return false
	}
	if v.Update.Started {
		return o.record(ctx, Stop{Why: ForeignAttempt, Want: "no attempt in progress", Got: "attempt " + v.Update.Nonce}) == nil
	}
	if v.Seal.ClusterID != o.c.Plan.ClusterID {
		return o.record(ctx, Stop{Why: VaultDiffers, Want: "cluster id " + o.c.Plan.ClusterID, Got: v.Seal.ClusterID}) == nil
	}
	if otp != nil && v.Update.OTPLength > 0 && otp.Len() != v.Update.OTPLength {
		offer, _ := o.c.offer()
		return o.record(ctx, Decline{Evidence: offer.Evidence, Reason: BadPassword}) == nil
	}
	if err := o.record(ctx, Begin{}); err != nil {
		return false
	}
	return o.begin(ctx, true, otp)
}

// begin sends the order that the journal has announced.
func (o *owner) begin(ctx context.Context, first bool, otp *Secret) bool {
	order, err := o.order()
	order.OTP = otp
	if err != nil {
		o.log.Error("a PGP key of the plan can't be given to Vault", "error", err)
		return o.record(ctx, NotBegun{Fault: HolderKeyInvalid}) == nil
	}
	seen, err := o.cluster.Vault.Start(ctx, order)
	if err == nil {
		o.starts = 0
		return o.record(ctx, Began{Seen: seen, Confirmed: true}) == nil
	}
	o.lost = time.Now()
	o.log.Warn("Vault did not confirm the start", "error", err)
	o.starts++
	// Of a first request that Vault did not carry out, nothing can be there.
	if first && !errors.Is(err, ErrUncertain) {
		if v, err := o.view(ctx); err == nil && v.Update.Started {
			return o.record(ctx, Stop{Why: ForeignAttempt, Want: "no attempt in progress", Got: "attempt " + v.Update.Nonce}) == nil
		}
	}
	switch {
	case errors.Is(err, ErrForbidden):
		return o.begun(ctx, VaultForbids)
	case errors.Is(err, ErrRefused), errors.Is(err, ErrUnsupported),
		errors.Is(err, ErrUncertain) && o.starts >= maxStarts:
		return o.begun(ctx, VaultRefused)
	}
	return o.begun(ctx, "")
}

// begun settles a start by asking (P5).
func (o *owner) begun(ctx context.Context, fault Refusal) bool {
	v, err := o.view(ctx)
	switch {
	case err != nil:
		return false
	case v.Update.Started:
		o.starts = 0
		return o.record(ctx, Began{Seen: v.Update}) == nil
	case fault != "" || (o.c.Closing != nil || o.c.Plan.OTP != "") && !o.mayArrive():
		return o.record(ctx, NotBegun{Fault: fault}) == nil
	}
	return false
}

func (o *owner) order() (Order, error) {
	p := o.c.Plan
	order := Order{
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
func (o *owner) announce(ctx context.Context) bool {
	o.dropKey()
	if bot := o.e.config.Opener.Identity(); bot != o.c.Plan.Identity {
		// Holders have approved and pinned another one.
		return o.record(ctx, otherBot(o.c.Plan, bot).stop()) == nil
	}
	nonce := o.c.Round.Nonce
	if o.c.Round.Step == Password {
		nonce = newNonce() // Vault has none yet
	}
	key, err := o.e.config.Opener.NewKey(Notice{
		Plan: o.c.Plan, Step: o.c.Round.Step, Nonce: nonce, At: time.Now(), Expires: o.c.Plan.Closes,
	})
	if err != nil {
		o.log.Error("no ceremony key could be made", "error", err)
		return false
	}
	if err := o.record(ctx, Announce{Key: key.Announced()}); err != nil {
		key.Destroy()
		return false
	}
	o.key, o.session.hasKey = key, true
	o.publish()
	return true
}

// settle finds out what came of an intent that has no outcome.
func (o *owner) settle(ctx context.Context) bool {
	switch sent := o.c.Pending.Event.(type) {
	case Offered:
		return o.record(ctx, Decline{Evidence: sent.Evidence, Reason: Interrupted}) == nil
	case Starting:
		v, err := o.view(ctx)
		switch {
		case err != nil:
			return false
		case v.Update.Started:
			return o.record(ctx, Began{Seen: v.Update}) == nil
		case (o.c.Closing != nil || o.c.Plan.OTP != "" || o.session.doubt != nil) && o.mayArrive():
			return false // and it can't be sent again
		case o.c.Closing != nil || o.c.Plan.OTP != "":
			return o.record(ctx, NotBegun{}) == nil
		case o.session.doubt != nil:
			return o.do(ctx, actDoubt)
		}
		return o.begin(ctx, false, nil)
	case Acting:
		if sent.Act == Initializing {
			return o.initialized(ctx, "")
		}
		return o.acted(ctx, false)
	case Dropping:
		return o.drop(ctx, sent)
	case Submitting:
		return o.settleShare(ctx, sent, nil, o.refused == o.c.submitted())
	}
	return false
}

// drop has Vault forget what can't be used, and only what is ours.
func (o *owner) drop(ctx context.Context, sent Dropping) bool {
	v, err := o.view(ctx)
	if err != nil {
		return false
	}
	var refused error
	var dropped bool
	if sent.Step == Enter {
		_, refused = o.resetNodes(ctx, v, func(NodeState) bool { return true }) // the next view says what came of it
		if v, err = o.view(ctx); err != nil {
			return false
		}
	}
	if v.Update.Started && v.Update.Nonce == o.c.Attempt.Nonce {
		if sent.Step == Verify {
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
	if o.record(ctx, Settle{Dropped: dropped, Seen: v}) != nil {
		return false
	}
	if o.c.Seq() == seq && o.hopeless(refused) != "" {
		// Asked again it would say the same, and nothing else would ever be done.
		return o.record(ctx, Stop{Why: VaultDiffers, Want: "what people want forgotten dropped", Got: "Vault refuses to drop it"}) == nil
	}
	return o.c.Seq() > seq
}

// close ends the attempt in Vault, if there is one and it is ours.
func (o *owner) close(ctx context.Context) bool {
	switch {
	case o.c.foreign():
		return o.record(ctx, Close{Vault: AttemptForeign}) == nil
	case o.c.Attempt.Nonce == "", o.c.Plan.Operation == Drill: // Vault was asked nothing
		return o.record(ctx, Close{Vault: NothingToCancel}) == nil
	case o.c.Plan.Operation == Unseal:
		return o.closeUnseal(ctx)
	}
	v, err := o.view(ctx)
	if err != nil {
		return false
	}
	ending, unconfirmed := AttemptDropped, false
	switch {
	case !v.Update.Started:
		ending = NothingToCancel
	case v.Update.Nonce != o.c.Attempt.Nonce:
		ending = AttemptForeign
	default:
		if err := o.cluster.Vault.Cancel(ctx, o.c.Plan.Operation, o.c.Attempt.Nonce); err != nil {
			o.log.Warn("Vault did not confirm the cancellation", "error", err)
			unconfirmed = true // should it be gone now, it may have been in another way
		}
		if v, err = o.view(ctx); err != nil || v.Update.Started && v.Update.Nonce == o.c.Attempt.Nonce {
			return false
		}
	}
	if ending != AttemptDropped || unconfirmed {
		if err := o.askBackup(ctx, &v); err != nil {
			o.log.Warn("Vault's backup could not be read", "error", err)
			return false
		}
	}
	return o.record(ctx, Close{Vault: ending, Unconfirmed: unconfirmed, Seen: v}) == nil
}

// closeUnseal has the nodes forget the shares that they were sent. A node that
// can't be asked is not waited for: it loses them when it starts again.
func (o *owner) closeUnseal(ctx context.Context) bool {
	v, err := o.view(ctx)
	if err != nil {
		return o.record(ctx, Close{Vault: NothingToCancel}) == nil
	}
	ours := func(s NodeState) bool { return o.c.mayHold(s.Address) }
	n, err := o.resetNodes(ctx, v, ours)
	switch {
	case err != nil:
		return false
	case n > 0:
		return o.record(ctx, Close{Vault: AttemptDropped}) == nil
	}
	return o.record(ctx, Close{Vault: NothingToCancel}) == nil
}

// resetNodes has sealed nodes forget the shares that they have counted, and answers
// how many did.
func (o *owner) resetNodes(ctx context.Context, v View, which func(NodeState) bool) (n int, err error) {
	for _, s := range statesOf(v.Nodes) {
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
