package ceremony

import "slices"

// Gate is a step that waits for a witness's word.
type Gate string

// Gates.
const (
	GateStart  Gate = "start"  // before Vault is asked for anything
	GateUpdate Gate = "update" // before the share that completes an attempt
	GateVerify Gate = "verify" // before the share with which the new key comes into force
	GateDelete Gate = "delete" // before the backup is deleted
)

// maxExceptions bounds what one person writes into one ceremony's journal, so that
// nobody takes the place of what a witness has to say.
const maxExceptions = 25

// Gate is the step that a witness has to let happen before anything goes on, empty
// when there is none.
func (c Ceremony) Gate() Gate {
	gate, since := c.gate()
	if gate == "" || c.last(func(e Event) bool { p, ok := e.(Proceeded); return ok && p.Gate == gate }) > since {
		return ""
	}
	return gate
}

// gate is the gated step that comes next, and since when it does.
func (c Ceremony) gate() (_ Gate, since int) {
	if len(c.Plan.Witnesses) == 0 || c.Ended() || c.Closing != nil {
		return "", 0
	}
	switch op := c.Plan.Operation; c.State {
	case StateApproved:
		return GateStart, c.last(func(e Event) bool { return is[Approved](e) || is[AttemptLost](e) })
	case StateCollecting, StateVerifying:
		if !op.HasAttempt() || c.Round.Required-len(c.Round.Counted) != 1 {
			break
		}
		since := c.last(func(e Event) bool {
			return is[Started](e) || is[RoundRefused](e) || is[RoundReset](e) || is[Rekeyed](e)
		})
		if c.Round.Step == Verify {
			return GateVerify, since
		}
		return GateUpdate, since
	case StateHandingOut:
		if c.Backup != nil && c.Deletion != nil {
			return GateDelete, c.last(is[DeletionAsked])
		}
	}
	return "", 0
}

// unasked says whether the witnesses have not been asked yet about the gate that is
// closed.
func (c Ceremony) unasked() bool {
	_, since := c.gate()
	return c.Gate() != "" && c.last(is[WitnessAsked]) <= since
}

// proceed opens a gate.
func (c Ceremony) proceed(cmd Proceed) ([]Event, error) {
	by, ok := find(c.Plan.Witnesses, cmd.By)
	switch {
	case c.Ended() || c.Closing != nil:
		return nil, Closed
	case !ok:
		return nil, NotWitness
	case c.State == StateFrozen || c.Stopping != nil:
		return nil, IsFrozen
	case c.Gate() == "" || c.unasked():
		return nil, NotWaiting
	}
	return one(Proceeded{By: by, Gate: c.Gate(), Signed: cmd.Signed})
}

// note writes down what somebody saw that was not as it should be.
func (c Ceremony) note(cmd Note) ([]Event, error) {
	by, ok := find(c.Plan.everybody(), cmd.By)
	notes, said := 0, false
	for _, e := range c.History {
		if n, ok := e.Event.(ExceptionNoted); ok && n.By.Account == cmd.By {
			notes++
			said = said || n.Text == cmd.Text
		}
	}
	switch {
	case !ok:
		return nil, NoPart
	case notes >= maxExceptions:
		return nil, TooManyRefusals
	case cmd.Text == "":
		return nil, BadReason
	case c.Ended() && !c.OwesWitness():
		return nil, Closed
	case said && cmd.Signed != "":
		return nil, OldWord // whoever has what they signed could have it said once more
	}
	return one(ExceptionNoted{By: by, Text: cmd.Text, Signed: cmd.Signed})
}

// testify takes what a witness says of the whole ceremony.
func (c Ceremony) testify(cmd Testify) ([]Event, error) {
	by, ok := find(c.Plan.Witnesses, cmd.By)
	switch {
	case !ok:
		return nil, NotWitness
	case !c.Ended():
		return nil, NotEnded
	case c.hasTestified(cmd.By):
		return nil, AlreadyStated
	}
	return one(WitnessStated{By: by, Agrees: cmd.Agrees, Why: cmd.Why, Signed: cmd.Signed})
}

func (c Ceremony) hasTestified(who Account) bool {
	return slices.ContainsFunc(c.Testimonies(), func(w WitnessStated) bool { return w.By.Account == who })
}

// Testimonies are what the witnesses have said of the whole ceremony.
func (c Ceremony) Testimonies() []WitnessStated {
	var said []WitnessStated
	for _, e := range c.History {
		if w, ok := e.Event.(WitnessStated); ok {
			said = append(said, w)
		}
	}
	return said
}

// OwesWitness says whether the ceremony has ended and no witness has said yet
// whether they agree.
func (c Ceremony) OwesWitness() bool {
	return c.Ended() && len(c.Plan.Witnesses) > 0 && c.Outcome != WasRejected && len(c.Testimonies()) == 0
}

// awaitsWitness says whether a witness's statement is still waited for.
func (c Ceremony) awaitsWitness() bool { return c.OwesWitness() && !c.WitnessLeft }

// freeze is one person's wish that nothing goes on. What Vault was asked for is waited
// for first.
func (c Ceremony) freeze(cmd Freezing) ([]Event, error) {
	by, ok := find(c.Plan.everybody(), cmd.By)
	switch {
	case !ok:
		return nil, NoPart
	case c.Ended() || c.Closing != nil:
		return nil, Closed
	case c.Plan.Operation == Alarm:
		return nil, IsAnAlarm
	case c.State == StateFrozen || c.Stopping != nil:
		return nil, nil
	}
	asked := FreezeAsked{By: by, Why: cmd.Why, Signed: cmd.Signed}
	if _, offered := c.offer(); c.Pending != nil && !offered {
		return one(asked)
	}
	return append([]Event{asked}, append(c.giveBack(IsFrozen), asked.freeze())...), nil
}

func (f FreezeAsked) freeze() Froze {
	return Froze{Why: PersonStopped, Want: "nobody who objects", Got: f.By.Name}
}
