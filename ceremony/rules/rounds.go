package rules

import (
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
)

// begunHere begins to collect shares for an operation without an attempt in Vault. The
// nonce that binds them is this program's own.
func (c State) begunHere(cmd command.Open, now time.Time) ([]event.Event, error) {
	op := c.Plan.Operation
	if c.Phase != PhaseApproved || c.Closing != nil || !c.mayBegin(now) || op.HasAttempt() || !op.TakesShares() {
		return nil, c.wrongPhase()
	}
	events := []event.Event{event.Started{Nonce: cmd.Nonce, Required: c.Plan.Needed(op.FirstStep())}}
	if op == ceremony.Unseal {
		events = append(events, event.NodesSeen{Nodes: cmd.Nodes})
	}
	return events, nil
}

// announce takes a ceremony key while shares, or a one-time password, are wanted.
func (c State) announce(cmd command.Announce) ([]event.Event, error) {
	password := c.Phase == PhaseApproved && c.Plan.OTP != "" && cmd.Key.Step == ceremony.StepOTP
	if c.Phase != PhaseCollecting && c.Phase != PhaseHandingOut && c.Phase != PhaseVerifying && !password {
		return nil, c.wrongPhase()
	}
	return one(event.KeyAnnounced(cmd))
}

// prove records that a holder could decrypt and sign in a drill. A share that is
// most likely the wrong one proves nothing, unless its holder insists.
func (c State) prove(cmd command.Prove) ([]event.Event, error) {
	offer, ok := c.Offer()
	if !ok || offer.Step != ceremony.StepDrill {
		return nil, c.wrongPhase()
	}
	if reason := c.Judge(offer, cmd.Evidence, cmd.Share, cmd.Verdict); reason != "" {
		return c.decline(command.Decline{Evidence: cmd.Evidence, Reason: reason, Share: cmd.Share, See: cmd.Verdict.See})
	}
	return one(event.Proven{
		By: offer.By, Message: offer.Message, Evidence: cmd.Evidence, TagMatch: tagMatch(cmd.Share, cmd.Verdict),
	})
}

// reverify has Vault forget which new shares were proven so far. The new shares stay, and
// every receiver proves theirs again.
func (c State) reverify(cmd command.Reverify) ([]event.Event, error) {
	by, err := c.mayDrop(cmd.By, c.Phase == PhaseVerifying)
	if err != nil {
		return nil, err
	}
	return []event.Event{
		event.VerificationDropped{By: by, Signed: cmd.Signed},
		event.Dropping{Step: ceremony.StepVerify, Nonce: c.Round.Nonce},
	}, nil
}

// reset has sealed nodes forget every share that they have counted. One that came past
// Conclave and does not fit would spoil the round. Every holder is asked anew.
func (c State) reset(cmd command.Reset) ([]event.Event, error) {
	by, err := c.mayDrop(cmd.By, c.Plan.Operation == ceremony.Unseal && c.Phase == PhaseCollecting)
	if err != nil {
		return nil, err
	}
	return []event.Event{
		event.ResetAsked{By: by, Signed: cmd.Signed},
		event.Dropping{Step: ceremony.StepUnseal, Nonce: c.Round.Nonce},
	}, nil
}

// mayDrop returns the decider with this account, or why they can't have forgotten now what
// Vault has counted.
func (c State) mayDrop(who ceremony.Account, collecting bool) (ceremony.Person, error) {
	by, ok := c.decider(who)
	switch {
	case c.Ended() || c.Closing != nil:
		return ceremony.Person{}, ceremony.Closed
	case !ok:
		return ceremony.Person{}, ceremony.MayNotCancel
	case c.Phase == PhaseFrozen || c.Stopping != nil:
		return ceremony.Person{}, ceremony.IsFrozen
	case c.Pending != nil:
		return ceremony.Person{}, ceremony.Busy
	case !collecting:
		return ceremony.Person{}, ceremony.NotWaiting
	}
	return by, nil
}
