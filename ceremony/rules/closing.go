package rules

import (
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
)

func (c State) cancel(cmd command.Cancel) ([]event.Event, error) {
	if c.Ended() || c.Closing != nil {
		return nil, ceremony.Closed
	}
	if c.Plan.Operation == ceremony.Alarm {
		return nil, ceremony.IsAnAlarm
	}
	by, ok := c.decider(cmd.By)
	if !ok {
		return nil, ceremony.MayNotCancel
	}
	return c.close(event.Closing{Outcome: event.Cancelled, By: &by, Why: cmd.Why, Signed: cmd.Signed})
}

// tick ends what has run out of time.
func (c State) tick(_ command.Tick, now time.Time) ([]event.Event, error) {
	if c.awaitsWitness() && !now.Before(c.EndedAt().Add(lastReminder)) {
		return one(event.WitnessLeft{})
	}
	if c.Ended() || c.Closing != nil || now.Before(c.Plan.Closes) {
		return nil, nil
	}
	return c.close(event.Closing{Outcome: c.atClosing()})
}

func (c State) finish(command.Finish) ([]event.Event, error) {
	if c.Ended() || c.Phase == PhaseFrozen || !c.done() {
		return nil, c.wrongPhase()
	}
	return one(event.Ended{Outcome: event.Completed, Vault: ending(c.Plan.Operation)})
}

// close begins the end. A ceremony that has no attempt in Vault, and waits for none, ends
// at once.
func (c State) close(closing event.Closing) ([]event.Event, error) {
	events := []event.Event{closing}
	if c.Pending == nil && (c.Attempt.Nonce == "" || c.Plan.Operation == ceremony.Drill) {
		ending := c.nothingOpen()
		if c.Foreign() {
			ending = event.AttemptForeign
		}
		events = append(events, event.Ended{Outcome: closing.Outcome, Vault: ending})
	}
	return events, nil
}

// closed returns the end of a ceremony, by what has become of its attempt.
func (c State) closed(cmd command.Close) ([]event.Event, error) {
	if c.Closing == nil {
		return nil, nil
	}
	ended := event.Ended{Outcome: c.Closing.Outcome, Vault: cmd.Vault}
	dropped := cmd.Vault == event.AttemptDropped && !cmd.Unconfirmed
	switch {
	case dropped:
		if events := c.shownInForce(cmd.Seen); events != nil {
			return events, nil
		}
		return one(ended)
	case !c.Plan.Operation.HasAttempt():
		return one(ended)
	case c.Attempt.Nonce == "":
		if cmd.Vault == event.NothingToCancel {
			ended.Vault = c.nothingOpen()
		}
		return one(ended)
	}
	if events := c.carriedThrough(cmd.Seen); events != nil {
		return events, nil
	}
	if c.Last(Is[event.TokenIssued]) > c.Last(Is[event.Started]) {
		if cmd.Vault != event.AttemptForeign {
			ended.Vault = event.AttemptUsed // it made a token, if not the plan's
		}
		return one(ended)
	}
	if !c.unproven(cmd.Seen) {
		return one(ended)
	}
	if cmd.Vault != event.AttemptForeign {
		ended.Vault = event.AttemptUnknown
	}
	return []event.Event{event.AttemptLost{Nonce: c.Attempt.Nonce, Unproven: true}, ended}, nil
}

// nothingOpen returns the ending of a ceremony that has nothing in Vault now. What it had
// there before may have been carried through, or done, all the same.
func (c State) nothingOpen() ceremony.VaultEnding {
	if c.Unproven || c.Result == nil && c.Last(Is[event.Acting]) > 0 {
		return event.AttemptUnknown
	}
	return event.NothingToCancel
}

// Foreign reports whether the attempt that stopped the start is still in Vault. It is not
// ours, or can't be told to be.
func (c State) Foreign() bool {
	return c.Attempt.Nonce == "" && c.FrozenFor(event.ForeignAttempt)
}

// failed ends a ceremony that a fault has made impossible.
func failed(fault ceremony.Refusal, vault ceremony.VaultEnding) ([]event.Event, error) {
	return []event.Event{
		event.Closing{Outcome: event.Failed, Fault: fault},
		event.Ended{Outcome: event.Failed, Vault: vault},
	}, nil
}

// atClosing returns how a ceremony ends whose window is over. A drill has its report,
// whichever holders answered. An unseal is done when every node that answers is unsealed.
// A backup that was handed out may stay in Vault.
func (c State) atClosing() event.Outcome {
	switch c.Plan.Operation {
	case ceremony.Drill:
		if c.Attempt.Nonce != "" {
			return event.Completed
		}
	case ceremony.Unseal:
		if c.unsealed(false) {
			return event.Completed
		}
	case ceremony.ReadBackup:
		if c.Backup != nil {
			return event.Completed
		}
	}
	return event.Expired
}

// ending returns what became of the attempt in Vault when an operation has completed.
func ending(op ceremony.Operation) ceremony.VaultEnding {
	if op.HasAttempt() || op == ceremony.Init {
		return event.AttemptUsed
	}
	return event.NothingToCancel
}
