package rules

import (
	"fmt"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
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
func Decide(c State, cmd command.Command, now time.Time) ([]event.Event, error) {
	switch cmd := cmd.(type) {
	case command.Approve:
		return c.approve(cmd, now)
	case command.Reject:
		return c.reject(cmd)
	case command.Cancel:
		return c.cancel(cmd)
	case command.Freeze:
		return c.freeze(cmd)
	case command.AnswerRoll:
		return c.answer(cmd)
	case command.Proceed:
		return c.proceed(cmd)
	case command.Note:
		return c.note(cmd)
	case command.Testify:
		return c.testify(cmd)
	case command.CallRoll:
		if c.Phase != PhaseRollCall || c.Called() != nil {
			return nil, c.wrongPhase()
		}
		return one(cmd.Called)
	case command.AskWitness:
		if !c.unasked() {
			return nil, nil
		}
		return one(event.WitnessAsked{Gate: c.Gate()})
	case command.Resume:
		return c.resume(cmd)
	case command.Reverify:
		return c.reverify(cmd)
	case command.Reset:
		return c.reset(cmd)
	case command.Delete:
		return c.delete(cmd)
	case command.Name:
		return c.name(cmd)
	case command.Revoke:
		return c.revoke(cmd)
	case command.Alert:
		return c.alert(cmd, now)
	case command.Acknowledge:
		return c.acknowledge(cmd)
	case command.Receive:
		return c.receive(cmd, now)
	case command.Open:
		return c.begunHere(cmd, now)
	case command.Prove:
		return c.prove(cmd)
	case command.Request:
		return c.request(cmd, now)
	case command.Done:
		return c.concluded(cmd)
	case command.Fail:
		return c.fail(cmd.Fault)
	case command.Remind:
		return c.remind(now)
	case command.Gone:
		return c.gone()
	case command.Attest:
		return c.attested(cmd, now)
	case command.Archive:
		return c.archived(cmd.Kept)
	case command.GiveUpArchive:
		return c.giveUpArchive(now), nil
	case command.Begin:
		// A one-time password waits as an offer until Vault is asked for an attempt.
		offer, offered := c.Offer()
		waits := c.Pending != nil && !(offered && offer.Step == ceremony.StepOTP)
		if c.Phase != PhaseApproved || !c.Plan.Operation.HasAttempt() || !c.mayBegin(now) || waits {
			return nil, c.wrongPhase()
		}
		return one(event.Starting{Attempt: c.Attempt.Number + 1})
	case command.Began:
		return c.began(cmd)
	case command.NotBegun:
		return c.notBegun(cmd.Fault)
	case command.Announce:
		password := c.Phase == PhaseApproved && c.Plan.OTP != "" && cmd.Key.Step == ceremony.StepOTP
		if c.Phase != PhaseCollecting && c.Phase != PhaseHandingOut && c.Phase != PhaseVerifying && !password {
			return nil, c.wrongPhase() // no share is wanted, and no one-time password
		}
		return one(event.KeyAnnounced(cmd))
	case command.Decline:
		return c.decline(cmd)
	case command.Send:
		return c.send(cmd)
	case command.Lose:
		if c.Pending == nil || c.Pending.Asking {
			return nil, nil
		}
		return one(event.AnswerLost{})
	case command.Settle:
		return c.settle(cmd)
	case command.Look:
		return c.look(cmd, now)
	case command.Stop:
		unasked := cmd.Why == event.PersonStopped && c.Stopping == nil
		if c.Ended() || unasked || c.Phase == PhaseFrozen && !overrides(cmd.Why) {
			return nil, nil
		}
		return append(c.giveBack(ceremony.IsFrozen), event.Frozen{Why: cmd.Why, Want: cmd.Want, Got: cmd.Got}), nil
	case command.Tick:
		if c.awaitsWitness() && !now.Before(c.EndedAt().Add(lastReminder)) {
			return one(event.WitnessLeft{})
		}
		if c.Ended() || c.Closing != nil || now.Before(c.Plan.Closes) {
			return nil, nil
		}
		return c.close(event.Closing{Outcome: c.atClosing()})
	case command.Finish:
		if c.Ended() || c.Phase == PhaseFrozen || !c.done() {
			return nil, c.wrongPhase()
		}
		return one(event.Ended{Outcome: event.Completed, Vault: ending(c.Plan.Operation)})
	case command.Close:
		return c.closed(cmd), nil
	case command.Post:
		return one(event.Posted(cmd))
	case command.Undeliver:
		return one(event.Undeliverable(cmd))
	}
	return nil, fmt.Errorf("no rule for %T", cmd)
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
