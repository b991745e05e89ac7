package rules

import (
	"fmt"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
)

const (
	// maxDeclined is how many envelopes of one person may be refused by their own fault
	// in one ceremony. Then no more are looked at: the journal must not grow by what an
	// intruder types.
	maxDeclined = 20
	// maxTransient is the same of refusals that are no fault of the sender's.
	maxTransient = 3 * maxDeclined
	// shortestHash is how many digits of the plan's hash an approver has to name.
	shortestHash = 8
)

// Decide returns the events that follow from a command, or a [ceremony.Refusal]. It
// changes nothing.
func Decide(c State, command Command, now time.Time) ([]event.Event, error) {
	switch cmd := command.(type) {
	case Approve:
		return c.approve(cmd, now)
	case Reject:
		return c.reject(cmd)
	case Cancel:
		return c.cancel(cmd)
	case Freeze:
		return c.freeze(cmd)
	case AnswerRoll:
		return c.answer(cmd)
	case Proceed:
		return c.proceed(cmd)
	case Note:
		return c.note(cmd)
	case Testify:
		return c.testify(cmd)
	case CallRoll:
		if c.Phase != PhaseRollCall || c.Called() != nil {
			return nil, c.wrongPhase()
		}
		return one(cmd.Called)
	case AskWitness:
		if !c.unasked() {
			return nil, nil
		}
		return one(event.WitnessAsked{Gate: c.Gate()})
	case Resume:
		return c.resume(cmd)
	case Reverify:
		return c.reverify(cmd)
	case Reset:
		return c.reset(cmd)
	case Delete:
		return c.delete(cmd)
	case Name:
		return c.name(cmd)
	case Revoke:
		return c.revoke(cmd)
	case Alert:
		return c.alert(cmd, now)
	case Acknowledge:
		return c.acknowledge(cmd)
	case Receive:
		return c.receive(cmd, now)
	case Open:
		return c.begunHere(cmd, now)
	case Prove:
		return c.prove(cmd)
	case Request:
		return c.request(cmd, now)
	case Done:
		return c.concluded(cmd)
	case Fail:
		return c.fail(cmd.Fault)
	case Remind:
		return c.remind(now)
	case Gone:
		return c.gone()
	case Attest:
		return c.attested(cmd, now)
	case Archive:
		return c.archived(cmd.Kept)
	case GiveUpArchive:
		return c.giveUpArchive(now), nil
	case Begin:
		// A one-time password waits as an offer until Vault is asked for an attempt.
		offer, offered := c.Offer()
		waits := c.Pending != nil && !(offered && offer.Step == ceremony.StepOTP)
		if c.Phase != PhaseApproved || !c.Plan.Operation.HasAttempt() || !c.mayBegin(now) || waits {
			return nil, c.wrongPhase()
		}
		return one(event.Starting{Attempt: c.Attempt.Number + 1})
	case Began:
		return c.began(cmd)
	case NotBegun:
		return c.notBegun(cmd.Fault)
	case Announce:
		password := c.Phase == PhaseApproved && c.Plan.OTP != "" && cmd.Key.Step == ceremony.StepOTP
		if c.Phase != PhaseCollecting && c.Phase != PhaseHandingOut && c.Phase != PhaseVerifying && !password {
			return nil, c.wrongPhase() // no share is wanted, and no one-time password
		}
		return one(event.KeyAnnounced(cmd))
	case Decline:
		return c.decline(cmd)
	case Send:
		return c.send(cmd)
	case Lose:
		if c.Pending == nil || c.Pending.Asking {
			return nil, nil
		}
		return one(event.AnswerLost{})
	case Settle:
		return c.settle(cmd)
	case Look:
		return c.look(cmd, now)
	case Stop:
		unasked := cmd.Why == event.PersonStopped && c.Stopping == nil
		if c.Ended() || unasked || c.Phase == PhaseFrozen && !stands(cmd.Why) {
			return nil, nil
		}
		return append(c.giveBack(ceremony.IsFrozen), event.Frozen{Why: cmd.Why, Want: cmd.Want, Got: cmd.Got}), nil
	case Tick:
		if c.awaitsWitness() && !now.Before(c.EndedAt().Add(lastReminder)) {
			return one(event.WitnessLeft{})
		}
		if c.Ended() || c.Closing != nil || now.Before(c.Plan.Closes) {
			return nil, nil
		}
		return c.close(event.Closing{Outcome: c.atClosing()})
	case Finish:
		if c.Ended() || c.Phase == PhaseFrozen || !c.done() {
			return nil, c.wrongPhase()
		}
		return one(event.Ended{Outcome: event.Completed, Vault: ending(c.Plan.Operation)})
	case Close:
		return c.closed(cmd), nil
	case Post:
		return one(event.Posted(cmd))
	case Undeliver:
		return one(event.Undeliverable(cmd))
	}
	return nil, fmt.Errorf("no rule for %T", command)
}

func one(e event.Event) ([]event.Event, error) { return []event.Event{e}, nil }

// mayBegin reports whether Vault may be asked for what people have agreed to: its time
// has come, no witness is waited for, and nobody wants it frozen.
func (c State) mayBegin(now time.Time) bool {
	return c.Gate() == "" && c.Stopping == nil && !now.Round(0).Before(c.NextStart(now))
}

// wrongPhase returns the refusal of a command for which it is the wrong moment.
func (c State) wrongPhase() ceremony.Refusal {
	switch {
	case c.Ended() || c.Closing != nil:
		return ceremony.Closed
	case c.Phase == PhaseFrozen:
		return ceremony.IsFrozen
	}
	return ceremony.NotCollecting
}
