package rules

import (
	"slices"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
)

// maxExceptions is how many exceptions one person may note in a ceremony. What a witness
// has to say must find its place in the journal.
const maxExceptions = 25

// Gate returns the step that a witness has to let happen before anything goes on, or "".
func (c State) Gate() ceremony.Gate {
	gate, since := c.gate()
	opened := c.Last(func(e event.Event) bool { p, ok := e.(event.Proceeded); return ok && p.Gate == gate })
	if gate == "" || opened > since {
		return ""
	}
	return gate
}

// gate returns the gated step that comes next, opened or not, and the sequence number of
// the event since which it does.
func (c State) gate() (_ ceremony.Gate, since int) {
	if len(c.Plan.Witnesses) == 0 || c.Ended() || c.Closing != nil {
		return "", 0
	}
	switch op := c.Plan.Operation; c.Phase {
	case PhaseApproved:
		return ceremony.GateStart, c.Last(func(e event.Event) bool {
			return Is[event.Approved](e) || Is[event.AttemptLost](e)
		})
	case PhaseCollecting, PhaseVerifying:
		if !op.HasAttempt() || c.Round.Required-len(c.Round.Counted) != 1 {
			break
		}
		since := c.Last(func(e event.Event) bool {
			return Is[event.Started](e) || Is[event.Rekeyed](e) ||
				Is[event.RoundRefused](e) || Is[event.RoundReset](e)
		})
		if c.Round.Step == ceremony.StepVerify {
			return ceremony.GateVerify, since
		}
		return ceremony.GateUpdate, since
	case PhaseHandingOut:
		if c.Backup != nil && c.Deletion != nil {
			return ceremony.GateDelete, c.Last(Is[event.DeletionAsked])
		}
	}
	return "", 0
}

// unasked reports whether a gate is closed and the witnesses have not been asked about it.
func (c State) unasked() bool {
	_, since := c.gate()
	return c.Gate() != "" && c.Last(Is[event.WitnessAsked]) <= since
}

func (c State) askWitness(command.AskWitness) ([]event.Event, error) {
	if !c.unasked() {
		return nil, nil
	}
	return one(event.WitnessAsked{Gate: c.Gate()})
}

// proceed opens a gate.
func (c State) proceed(cmd command.Proceed) ([]event.Event, error) {
	by, ok := ceremony.Find(c.Plan.Witnesses, cmd.By)
	switch {
	case c.Ended() || c.Closing != nil:
		return nil, ceremony.Closed
	case !ok:
		return nil, ceremony.NotWitness
	case c.Phase == PhaseFrozen || c.Stopping != nil:
		return nil, ceremony.IsFrozen
	case c.Gate() == "" || c.unasked():
		return nil, ceremony.NotWaiting
	}
	return one(event.Proceeded{By: by, Gate: c.Gate(), Signed: cmd.Signed})
}

// note records what a person saw that was not as it should be.
func (c State) note(cmd command.Note) ([]event.Event, error) {
	by, ok := ceremony.Find(c.Plan.Everybody(), cmd.By)
	notes, said := 0, false
	for _, n := range all[event.ExceptionNoted](c) {
		if n.By.Account == cmd.By {
			notes++
			said = said || n.Text == cmd.Text
		}
	}
	switch {
	case !ok:
		return nil, ceremony.NoPart
	case notes >= maxExceptions:
		return nil, ceremony.TooManyRefusals
	case cmd.Text == "":
		return nil, ceremony.BadReason
	case c.Ended() && !c.OwesWitness():
		return nil, ceremony.Closed
	case said && cmd.Signed != "":
		return nil, ceremony.OldWord // others who have the statement could send it once more
	}
	return one(event.ExceptionNoted{By: by, Text: cmd.Text, Signed: cmd.Signed})
}

// testify records what a witness says of the whole ceremony.
func (c State) testify(cmd command.Testify) ([]event.Event, error) {
	by, ok := ceremony.Find(c.Plan.Witnesses, cmd.By)
	switch {
	case !ok:
		return nil, ceremony.NotWitness
	case !c.Ended():
		return nil, ceremony.NotEnded
	case c.hasTestified(cmd.By):
		return nil, ceremony.AlreadyStated
	}
	return one(event.WitnessStated{By: by, Agrees: cmd.Agrees, Why: cmd.Why, Signed: cmd.Signed})
}

func (c State) hasTestified(who ceremony.Account) bool {
	return slices.ContainsFunc(c.Testimonies(), func(w event.WitnessStated) bool { return w.By.Account == who })
}

// Testimonies returns what the witnesses have said of the whole ceremony.
func (c State) Testimonies() []event.WitnessStated { return all[event.WitnessStated](c) }

// OwesWitness reports whether the ceremony has ended and no witness has said yet
// whether they agree.
func (c State) OwesWitness() bool {
	watched := len(c.Plan.Witnesses) > 0 && c.Outcome != event.WasRejected
	return c.Ended() && watched && len(c.Testimonies()) == 0
}

// awaitsWitness reports whether a witness's statement is still waited for.
func (c State) awaitsWitness() bool { return c.OwesWitness() && !c.WitnessLeft }
