package rules

import (
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
)

// Act is what the ceremony's actor has to do now, without anybody asking.
type Act int

const (
	ActNothing    Act = iota
	ActSettle         // an intent has no outcome: ask Vault, or give an interrupted offer back
	ActFinish         // the result is in the journal, and the end is not
	ActClose          // end the attempt in Vault
	ActExpire         // the window is over
	ActStart          // begin an attempt
	ActReconcile      // compare with Vault before anything else: after a start of the program, after a thaw
	ActAnnounce       // make a ceremony key
	ActRemind         // tell people again of what the ceremony has left behind
	ActAttest         // sign the transcript
	ActCallRoll       // make the challenges of a roll call
	ActAskWitness     // ask the witnesses about the gate that is closed
	ActDoubt          // the journal or the configuration speaks against it
	ActFreeze         // a person wants it frozen, and Vault has answered
	ActForgo          // give up what no archive keeps
	ActObserve        // record what the ceremony runs under
)

// Session is what this process knows of a ceremony and no journal does.
type Session struct {
	HasKey  bool        // the private half of the announced key is here
	Checked bool        // Vault has been compared since the start or the thaw
	Since   time.Time   // when this process took the ceremony up
	Observe bool        // what it runs under was not looked at since
	Doubt   *Difference // why it must not go on as it stands
	Other   bool        // the bot has another identity than the plan's, whose signature would be worth nothing
}

// Next returns what is to be done now. It works that out from the value, so that a program
// that was stopped anywhere goes on where it was (P6).
func (c State) Next(s Session, now time.Time) Act {
	switch {
	case c.Owes() && !now.Before(c.ReminderDue()):
		return ActRemind
	case c.TranscriptDue(now) && !s.Other:
		return ActAttest
	case c.awaitsWitness() && !now.Before(c.EndedAt().Add(lastReminder)):
		return ActExpire
	case len(c.overdue(now)) > 0 && !now.Before(s.Since.Add(archiveTrial)):
		return ActForgo
	case c.Ended():
		return ActNothing
	case s.Observe:
		return ActObserve
	case c.inDoubt(s.Doubt):
		return ActDoubt
	case c.Pending.begins() && c.Closing == nil && !now.Before(c.Plan.Closes):
		return ActExpire // what has not come of it by now is not begun again
	case c.Pending != nil:
		return ActSettle
	case c.done() && c.Phase != PhaseFrozen:
		return ActFinish
	case c.Closing != nil:
		return ActClose
	case !now.Before(c.Plan.Closes):
		return ActExpire
	case c.Stopping != nil:
		return ActFreeze
	case c.unasked():
		return ActAskWitness
	}
	switch c.Phase {
	case PhaseRollCall:
		if c.Called() == nil {
			return ActCallRoll
		}
	case PhaseApproved:
		if !c.mayBegin(now) {
			return ActNothing
		}
		if c.Plan.OTP == "" {
			return ActStart
		}
		if !s.HasKey || c.Key == nil {
			return ActAnnounce // the one-time password comes first
		}
	case PhaseCollecting, PhaseHandingOut, PhaseVerifying:
		switch {
		case !s.Checked:
			return ActReconcile
		case c.Phase == PhaseHandingOut && !c.handedOut():
			return ActNothing
		case c.Plan.Operation == ceremony.ReadBackup:
			if c.Deletion != nil && c.mayBegin(now) {
				return ActStart
			}
			return ActNothing
		case c.Plan.Operation == ceremony.Unseal && !c.anySealed():
			return ActNothing // a node is waited for
		case !s.HasKey || c.Key == nil || c.AskAgain:
			return ActAnnounce
		}
	}
	return ActNothing
}

// begins reports whether the pending intent is sent again when nothing came of it.
func (p *Pending) begins() bool {
	return p != nil && (Is[event.Starting](p.Event) || Is[event.Acting](p.Event))
}

// done reports whether the ceremony has the result that it was for, encrypted to the right
// people.
func (c State) done() bool {
	switch op := c.Plan.Operation; {
	case op == ceremony.Unseal:
		return c.unsealed(true)
	case op == ceremony.Alarm:
		return c.Acknowledged != nil
	case op == ceremony.Drill:
		return c.Attempt.Nonce != "" && len(c.Missing()) == 0
	case Undertakes(op) != "":
		return c.Result != nil
	case c.Verified != nil:
		return true
	}
	issued := c.Token != "" || c.Encoded != ""
	made := len(c.NewShares) == len(c.Keys) && len(c.Keys) > 0 && !c.Plan.Verification
	return slices.Equal(c.Keys, c.Plan.Recipients()) && (issued || made)
}

// handedOut reports whether every new share has been posted to its receiver, or
// can't be.
func (c State) handedOut() bool {
	return !slices.ContainsFunc(c.Due(), func(m Message) bool { return m.Kind == DeliveryMessage })
}

// undelivered reports whether a new share could not be posted to its receiver and never
// will be.
func (c State) undelivered() bool {
	given := c.GivenUp()
	return slices.ContainsFunc(c.Messages(), func(m Message) bool {
		return m.Kind == DeliveryMessage && given[m.Key]
	})
}

// Submitted returns the sequence number of the newest share that was sent, 0 before.
func (c State) Submitted() int { return c.Last(Is[event.Submitting]) }

// Submitting returns the share that was sent and has no outcome.
func (p *Pending) Submitting() (event.Submitting, bool) { return waiting[event.Submitting](p) }

// waiting returns the pending intent if it is of this type.
func waiting[E event.Event](p *Pending) (intent E, ok bool) {
	if p != nil {
		intent, ok = p.Event.(E)
	}
	return intent, ok
}
