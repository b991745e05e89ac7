package rules

import (
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
)

// receive judges whether a person may bring a share now: the third stop in the life of a
// share. Either way the envelope goes to the journal, up to [maxDeclined] refusals.
func (c State) receive(cmd command.Receive, now time.Time) ([]event.Event, error) {
	if c.seen(cmd.Message) {
		return nil, nil // Slack delivered it again
	}
	if own, transient := c.declined(cmd.By); own >= maxDeclined || transient >= maxTransient {
		return nil, ceremony.TooManyRefusals
	}
	step := c.Round.Step
	by, contributes := ceremony.Find(c.Plan.Contributors(step), cmd.By)
	if !contributes {
		by = ceremony.Person{Name: cmd.Name, Account: cmd.By}
	}
	if reason := c.refusalFor(cmd, contributes, now); reason != "" {
		return one(event.Declined{
			By: by, Step: step, Message: cmd.Message, Evidence: cmd.Evidence, Reason: reason,
		})
	}
	return one(event.Offered{By: by, Step: step, Message: cmd.Message, Evidence: cmd.Evidence})
}

// refusalFor returns why a person can't bring a share now, or "" (P2).
func (c State) refusalFor(cmd command.Receive, contributes bool, now time.Time) ceremony.Refusal {
	switch {
	case !contributes:
		return ceremony.NotAHolder
	case c.Ended() || c.Closing != nil || !now.Before(c.Plan.Closes):
		return ceremony.Closed
	case c.Phase == PhaseFrozen || c.Stopping != nil:
		return ceremony.IsFrozen
	case len(c.Plan.Ways) > 0 && cmd.Way != ceremony.AtTerminal && !slices.Contains(c.Plan.Ways, cmd.Way):
		return ceremony.WayForbidden
	case c.Pending != nil:
		return ceremony.Busy
	case !c.Wants():
		return ceremony.NotCollecting
	case c.HasCounted(cmd.By):
		return ceremony.AlreadyCounted
	case c.Gate() != "":
		return ceremony.WitnessAwaited
	case c.Round.Step == ceremony.StepOTP && !c.mayBegin(now):
		return ceremony.NotCollecting // a quiet hour has begun since they were asked
	case c.knows(func(s event.Submitting) bool { return s.Evidence.SHA256 == cmd.Evidence.SHA256 }):
		return ceremony.Replayed
	}
	return ""
}

// seen reports whether the envelope in this message has been judged before.
func (c State) seen(message ceremony.Ref) bool {
	return c.Last(func(e event.Event) bool {
		of, ok := refusalOf(e)
		return ok && of.Message == message
	}) > 0
}

// refusalOf returns the refusal of the envelope that an event is about, without a reason.
func refusalOf(e event.Event) (_ event.Declined, ok bool) {
	switch ev := e.(type) {
	case event.Offered:
		return event.Declined{By: ev.By, Step: ev.Step, Message: ev.Message}, true
	case event.Submitting:
		return event.Declined{By: ev.By, Step: ev.Step, Message: ev.Message}, true
	case event.Declined:
		return event.Declined{By: ev.By, Step: ev.Step, Message: ev.Message}, true
	}
	return event.Declined{}, false
}

// knows reports whether an envelope whose share was sent to Vault matches.
func (c State) knows(match func(event.Submitting) bool) bool {
	return slices.ContainsFunc(all[event.Submitting](c), match)
}

// declined returns how many of a person's envelopes were refused by their own fault, and
// how many by nobody's.
func (c State) declined(who ceremony.Account) (own, transient int) {
	for _, d := range all[event.Declined](c) {
		switch {
		case d.By.Account != who:
		case d.Reason.Transient():
			transient++
		default:
			own++
		}
	}
	return own, transient
}

// decline refuses the envelope that is opened, or whose share Vault has not taken.
func (c State) decline(cmd command.Decline) ([]event.Event, error) {
	if c.Pending == nil {
		return nil, c.wrongPhase()
	}
	declined, ok := refusalOf(c.Pending.Event)
	if !ok {
		return nil, c.wrongPhase()
	}
	declined.Evidence, declined.Reason = cmd.Evidence.WithoutProof(), cmd.Reason
	declined.ShareTag, declined.See = cmd.Share, cmd.See
	events := []event.Event{declined}
	if cmd.Reason == ceremony.PlainPassword && c.Attempt.Nonce == "" {
		// A reader of the direct messages would have both halves of the token.
		end, err := failed(ceremony.PlainPassword, c.nothingOpen())
		return append(events, end...), err
	}
	return events, nil
}

// giveBack declines the envelope that waits to be opened, if there is one.
func (c State) giveBack(reason ceremony.Refusal) []event.Event {
	offer, ok := c.Offer()
	if !ok {
		return nil
	}
	events, _ := c.decline(command.Decline{Evidence: offer.Evidence, Reason: reason}) // an offer can always be declined
	return events
}

// Offer returns the envelope that waits to be opened.
func (c State) Offer() (event.Offered, bool) { return waiting[event.Offered](c.Pending) }

// send judges an opened share before it goes to Vault.
func (c State) send(cmd command.Send) ([]event.Event, error) {
	offer, ok := c.Offer()
	if !ok || c.Closing != nil || offer.Step == ceremony.StepDrill || offer.Step == ceremony.StepOTP {
		return nil, c.wrongPhase() // neither is a share that goes to Vault
	}
	// A message that was mangled on the way has other bytes and the same signature. So a
	// replay is known by who signed and when. What was signed for another step does not open.
	if c.knows(func(s event.Submitting) bool {
		sent := s.Evidence
		return s.Step == offer.Step && sent.Signer == cmd.Evidence.Signer && sent.SignedAt.Equal(cmd.Evidence.SignedAt)
	}) {
		return c.decline(command.Decline{Evidence: cmd.Evidence, Reason: ceremony.Replayed})
	}
	if reason := c.Judge(offer, cmd.Evidence, cmd.Share, cmd.Verdict); reason != "" {
		return c.decline(command.Decline{Evidence: cmd.Evidence, Reason: reason, Share: cmd.Share, See: cmd.Verdict.See})
	}
	nodes := c.sealedFor(offer.By.Account)
	if offer.Step == ceremony.StepUnseal && len(nodes) == 0 {
		// The last of them has just gone.
		return c.decline(command.Decline{Evidence: cmd.Evidence, Reason: ceremony.NotCollecting})
	}
	return one(event.Submitting{
		By: offer.By, Step: offer.Step, Nonce: c.Round.Nonce, Before: cmd.Before, Nodes: nodes,
		Message: offer.Message, Evidence: cmd.Evidence, TagMatch: tagMatch(cmd.Share, cmd.Verdict),
	})
}

// awaits reports whether the envelope in this message still has no outcome.
func (c State) awaits(message ceremony.Ref) bool {
	if c.Pending == nil {
		return false
	}
	of, ok := refusalOf(c.Pending.Event)
	return ok && of.Message == message
}
