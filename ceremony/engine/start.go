package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
	"conclave/ceremony/planning"
	"conclave/ceremony/rules"
	"conclave/ceremony/secret"
)

// maxStarts is how often a start may end in a server error, with nothing begun, before it
// counts as refused: Vault answers a bad order with 500.
const maxStarts = 3

// start begins the plan's operation.
func (a *actor) start(ctx context.Context) (progress bool, err error) {
	switch op := a.c.Plan.Operation; {
	case rules.Undertakes(op) != "":
		return a.request(ctx)
	case !op.HasAttempt():
		return a.open(ctx)
	}
	return a.startAttempt(ctx, nil)
}

// foreignAttempt is the difference of an attempt that the ceremony has not begun.
func foreignAttempt(nonce string) *rules.Difference {
	return &rules.Difference{Why: event.ForeignAttempt, Want: "no attempt in progress", Got: "attempt " + nonce}
}

// startAttempt begins an attempt in Vault. otp is the one-time password where the plan has
// one, else nil.
func (a *actor) startAttempt(ctx context.Context, otp *secret.Secret) (progress bool, err error) {
	v, err := a.view(ctx)
	if err != nil {
		return false, fmt.Errorf("ask Vault before the start: %w", err)
	}
	if v.Update.Started {
		return a.advance(ctx, foreignAttempt(v.Update.Nonce).Stop())
	}
	if v.Seal.ClusterID != a.c.Plan.ClusterID {
		return a.advance(ctx, planning.VaultDiffers("cluster id "+a.c.Plan.ClusterID, v.Seal.ClusterID).Stop())
	}
	if otp != nil && v.Update.OTPLength > 0 && otp.Len() != v.Update.OTPLength {
		offer, _ := a.c.Offer()
		return a.advance(ctx, command.Decline{Evidence: offer.Evidence, Reason: ceremony.BadPassword})
	}
	if _, err := a.advance(ctx, command.Begin{}); err != nil {
		return false, err
	}
	return a.begin(ctx, true, otp)
}

// begin sends the order that the journal has announced. first reports that it was not sent
// before.
func (a *actor) begin(ctx context.Context, first bool, otp *secret.Secret) (progress bool, err error) {
	order, err := a.order()
	order.OTP = otp
	if err != nil {
		a.log.Error("a PGP key of the plan can't be given to Vault", "error", err)
		return a.advance(ctx, command.NotBegun{Fault: ceremony.HolderKeyInvalid})
	}
	seen, err := a.cluster.Vault.Start(ctx, order)
	if err == nil {
		a.starts = 0
		return a.advance(ctx, command.Began{Seen: seen, Confirmed: true})
	}
	a.lost = time.Now()
	a.log.Warn("Vault did not confirm the start", "error", err)
	a.starts++
	// Vault did not carry out this first request, so an attempt that is there is not ours.
	if first && !errors.Is(err, ceremony.ErrUncertain) {
		if v, err := a.view(ctx); err == nil && v.Update.Started {
			return a.advance(ctx, foreignAttempt(v.Update.Nonce).Stop())
		}
	}
	switch {
	case errors.Is(err, ceremony.ErrForbidden):
		return a.begun(ctx, ceremony.VaultForbids)
	case errors.Is(err, ceremony.ErrRefused), errors.Is(err, ceremony.ErrUnsupported):
		return a.begun(ctx, ceremony.VaultRefused)
	}
	return a.begun(ctx, "")
}

// begun settles a start by asking (P5). fault is why Vault refuses it, if it does.
func (a *actor) begun(ctx context.Context, fault ceremony.Refusal) (progress bool, err error) {
	v, err := a.view(ctx)
	switch {
	case err != nil:
		return false, fmt.Errorf("ask Vault what came of the start: %w", err)
	case v.Update.Started:
		a.starts = 0
		return a.advance(ctx, command.Began{Seen: v.Update})
	case fault != "" || (a.c.Closing != nil || a.c.Plan.OTP != "") && !a.mayArrive():
		return a.advance(ctx, command.NotBegun{Fault: fault})
	}
	return false, nil // it may still be on its way, or is sent again
}

// order returns the order of the plan, with the PGP keys that it names.
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

// announce makes and announces the ceremony key that shares of this round are encrypted to.
func (a *actor) announce(ctx context.Context) (progress bool, err error) {
	a.dropKey()
	if bot := a.e.config.OpenPGP.Identity(); bot != a.c.Plan.Identity {
		// The plan that was approved, and the holders' pins, name another identity.
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
	if _, err := a.advance(ctx, command.Announce{Key: key.Announced()}); err != nil {
		key.Destroy()
		return false, err
	}
	a.key, a.session.HasKey = key, true
	a.publish()
	return true, nil
}

// open begins to collect shares for an operation that has no attempt in Vault.
func (a *actor) open(ctx context.Context) (progress bool, err error) {
	cmd := command.Open{Nonce: newNonce()}
	if a.c.Plan.Operation == ceremony.Unseal {
		v, err := a.view(ctx)
		if err != nil {
			return false, fmt.Errorf("ask the nodes before shares are collected: %w", err)
		}
		if d := a.c.CompareNodes(v.Nodes); d != nil {
			return a.advance(ctx, d.Stop())
		}
		cmd.Nodes = rules.StatesOf(v.Nodes)
	}
	return a.advance(ctx, cmd)
}
