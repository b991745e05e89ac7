package ceremony

import (
	"slices"
	"time"
)

// act is what a ceremony's owner has to do now, without anybody asking.
type act int

const (
	actNothing    act = iota
	actSettle         // an intent has no outcome: ask Vault, or give an interrupted offer back
	actFinish         // the result is in the journal, and the end is not
	actClose          // end the attempt in Vault
	actExpire         // the window is over
	actStart          // begin an attempt
	actReconcile      // compare with Vault before anything else: after a start of the program, after a thaw
	actAnnounce       // make a ceremony key
	actRemind         // tell people again of what the ceremony has left behind
	actAttest         // sign the transcript
	actCallRoll       // make the challenges of a roll call
	actAskWitness     // ask the witnesses about the gate that is closed
	actDoubt          // the journal or the configuration speaks against it
	actFreeze         // somebody wants it frozen, and Vault has answered
	actForgo          // give up what no archive keeps
)

// session is what this process knows of a ceremony and no journal does.
type session struct {
	hasKey  bool        // the private half of the announced key is here
	checked bool        // Vault has been compared since the start or the thaw
	since   time.Time   // when this process took the ceremony up
	doubt   *difference // why it must not go on as it stands
	other   bool        // the bot has another identity than the plan's, whose signature would be worth nothing
}

// next is what is to be done. It looks at the value alone, so that a program
// that was stopped anywhere goes on where it was (P6).
func (c Ceremony) next(s session, now time.Time) act {
	switch {
	case c.owes() && !now.Before(c.reminderDue()):
		return actRemind
	case c.TranscriptDue(now) && !s.other:
		return actAttest
	case c.awaitsWitness() && !now.Before(c.EndedAt().Add(lastReminder)):
		return actExpire
	case len(c.overdue(now)) > 0 && !now.Before(s.since.Add(keepTrial)):
		return actForgo
	case c.Ended():
		return actNothing
	case c.inDoubt(s.doubt):
		return actDoubt
	case c.Pending.begins() && c.Closing == nil && !now.Before(c.Plan.Closes):
		return actExpire // what has not come of it by now is not begun again
	case c.Pending != nil:
		return actSettle
	case c.done() && c.State != StateFrozen:
		return actFinish
	case c.Closing != nil:
		return actClose
	case !now.Before(c.Plan.Closes):
		return actExpire
	case c.Stopping != nil:
		return actFreeze
	case c.unasked():
		return actAskWitness
	}
	switch c.State {
	case StateRollCall:
		if c.Called() == nil {
			return actCallRoll
		}
	case StateApproved:
		if !c.mayBegin(now) {
			return actNothing
		}
		if c.Plan.OTP == "" {
			return actStart
		}
		if !s.hasKey || c.Key == nil {
			return actAnnounce // the one-time password comes first
		}
	case StateCollecting, StateHandingOut, StateVerifying:
		switch {
		case !s.checked:
			return actReconcile
		case c.State == StateHandingOut && !c.handedOut():
			return actNothing
		case c.Plan.Operation == ReadBackup:
			if c.Deletion != nil && c.mayBegin(now) {
				return actStart
			}
			return actNothing
		case c.Plan.Operation == Unseal && !c.anySealed():
			return actNothing // a node is waited for
		case !s.hasKey || c.Key == nil || c.AskAgain:
			return actAnnounce
		}
	}
	return actNothing
}

// begins says whether what waits for an outcome is sent again when nothing came of
// it.
func (p *Pending) begins() bool {
	return p != nil && (is[Starting](p.Event) || is[Acting](p.Event))
}

// done says whether the ceremony has given what it was for, to whom it was for.
func (c Ceremony) done() bool {
	switch op := c.Plan.Operation; {
	case op == Unseal:
		return c.unsealed(true)
	case op == Alarm:
		return c.Acknowledged != nil
	case op == Drill:
		return c.Attempt.Nonce != "" && len(c.Missing()) == 0
	case op.undertakes() != "":
		return c.Result != nil
	case c.Verified != nil:
		return true
	}
	return slices.Equal(c.Keys, c.Plan.Recipients()) && (c.Token != "" || c.Encoded != "" || len(c.NewShares) == len(c.Keys) && !c.Plan.Verification && len(c.Keys) > 0)
}

// handedOut says whether every new share has been posted to its receiver, or
// can't be.
func (c Ceremony) handedOut() bool {
	return !slices.ContainsFunc(c.Due(), func(m Message) bool { return m.Kind == DeliveryMessage })
}

// undelivered says whether a new share could not be posted to its receiver and never
// will be.
func (c Ceremony) undelivered() bool {
	given := c.givenUp()
	return slices.ContainsFunc(c.Messages(), func(m Message) bool { return m.Kind == DeliveryMessage && given[m.Key] })
}
