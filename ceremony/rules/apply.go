package rules

import (
	"fmt"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
)

// Apply returns the state after an entry. [Decide] has judged the entry before it was
// written, and Apply checks what the journal shows by itself. With an error it returns
// the state before the entry: the journal does not tell the story of one ceremony.
func Apply(c State, e event.Entry) (State, error) {
	if e.Seq != c.Seq()+1 {
		return c, fmt.Errorf("event %d follows event %d", e.Seq, c.Seq())
	}
	if _, first := e.Event.(event.Proposed); first != (e.Seq == 1) {
		return c, fmt.Errorf("event %d is %q", e.Seq, event.TypeOf(e.Event))
	}
	if c.Ended() && c.changes(e.Event) {
		return c, fmt.Errorf("event %d: %q after the end", e.Seq, event.TypeOf(e.Event))
	}
	if err := shaped(e.Event); err != nil {
		return c, fmt.Errorf("event %d: %q: %w", e.Seq, event.TypeOf(e.Event), err)
	}
	if err := c.checkInvariants(e.Event, e.At); err != nil {
		return c, fmt.Errorf("event %d: %q: %w", e.Seq, event.TypeOf(e.Event), err)
	}
	next, err := apply(c, e)
	if err != nil {
		return c, fmt.Errorf("event %d: %w", e.Seq, err)
	}
	next.History = append(slices.Clip(c.History), e)
	if f, ok := c.keyFact(e); ok {
		next.KeyFacts = append(slices.Clip(c.KeyFacts), f)
	}
	return next, nil
}

// Replay returns the state after all entries of a ceremony, which begin with the first.
// With an error it returns the state before the entry that does not fit.
func Replay(entries []event.Entry) (State, error) {
	var c State
	for _, e := range entries {
		next, err := Apply(c, e)
		if err != nil {
			return c, err
		}
		c = next
	}
	return c, nil
}

// Takes returns an error unless a replay would accept the events. A line that a replay
// refuses would stop every later start, of every other ceremony too, and must not be
// written.
func (c State) Takes(events []event.Event, at time.Time) error {
	var err error
	for _, e := range events {
		if c, err = Apply(c, event.Entry{Seq: c.Seq() + 1, At: at, Event: e}); err != nil {
			return fmt.Errorf("defect in the rules: %w", err)
		}
	}
	return nil
}

// changes reports whether an event is about more than the delivery of messages and
// what the ceremony has left behind.
func (c State) changes(e event.Event) bool {
	switch e.(type) {
	case event.Posted, event.Undeliverable, event.Declined,
		event.AccessorGiven, event.Reminded, event.TokenRevoked, event.TokenLeft,
		event.BackupReminded, event.BackupLeft,
		event.ExceptionNoted, event.WitnessStated, event.WitnessLeft,
		event.TranscriptSigned, event.Archived, event.ArchiveFailed, event.Adopted:
		return false
	case event.BackupDeleted:
		return !c.OwesDeletion()
	}
	return true
}

// areas fold the events of one area each. An area returns known false for an event of
// another one.
var areas = []func(c State, e event.Entry) (next State, known bool, err error){
	applyAgreement, applyAttempt, applyShare, applyResult, applyFreeze, applyEnd, applyRecord,
}

// apply folds one entry that the invariants allow.
func apply(c State, e event.Entry) (State, error) {
	for _, area := range areas {
		if next, known, err := area(c, e); known {
			return next, err
		}
	}
	return c, fmt.Errorf("no rule for %T", e.Event)
}

// applyAgreement folds what people agree to: the plan, its approvals, the roll call.
func applyAgreement(c State, e event.Entry) (_ State, known bool, _ error) {
	switch ev := e.Event.(type) {
	case event.Proposed:
		if got := ev.Plan.Hash(); got != ev.PlanHash {
			return c, true, fmt.Errorf("the plan's hash is %s, not %s", got, ev.PlanHash)
		}
		c = State{Plan: ev.Plan, PlanHash: ev.PlanHash, Phase: PhaseProposed}
		if ev.Plan.Approvals == 0 && !ev.Plan.Operation.NeedsApproval() {
			c.Phase = PhaseApproved
		}
		if ev.Plan.Operation == ceremony.Alarm {
			c.Phase = PhaseRaised
		}
		return c, true, nil
	case event.Approved:
		c.Approvals = append(slices.Clip(c.Approvals), ceremony.Approval{By: ev.By, At: e.At})
		switch {
		case !c.Plan.Agreed(c.Approvals):
		case len(c.Plan.RollCall) > 0:
			c.Phase = PhaseRollCall
		default:
			c.Phase = PhaseApproved
			c.Round = c.firstRound()
		}
	case event.Present:
		c.Present = append(slices.Clip(c.Present), Contribution{By: ev.By, At: e.At})
		if len(c.Present) >= c.Plan.Present {
			c.Phase = PhaseApproved
			c.Round = c.firstRound()
		}
	case event.Rejected:
		c.Closing = &event.Closing{Outcome: event.WasRejected, By: &ev.By, Why: ev.Why}
	default:
		return c, false, nil
	}
	return c, true, nil
}

// applyAttempt folds what becomes of the attempt in Vault, of its rounds and of their
// ceremony keys.
func applyAttempt(c State, e event.Entry) (_ State, known bool, _ error) {
	switch ev := e.Event.(type) {
	case event.Starting:
		c.Attempt = Attempt{Number: ev.Attempt}
		c.Pending = &Pending{Event: ev, At: e.At}
	case event.Started:
		c.Pending = nil
		c.Attempt.Nonce = ev.Nonce
		c.Phase = PhaseCollecting
		c.Round = Round{Number: 1, Step: c.Plan.Operation.FirstStep(), Nonce: ev.Nonce, Required: ev.Required}
		if c.Key != nil && c.Key.Step == ceremony.StepOTP {
			c.Key = nil // it was for the one-time password
		}
	case event.KeyAnnounced:
		key := ev.Key
		c.Key = &key
		c.Thawed = false
		c.AskAgain = false
		if key.Step == ceremony.StepOTP {
			c.Round.Nonce = key.Nonce
		}
		if c.Phase == PhaseHandingOut {
			c.Phase = PhaseVerifying
		}
	case event.RoundRefused:
		c.Pending = nil
		c = c.dropped(ev.Nodes)
		c.Round.Number++
		c.Round.Counted = nil
		if ev.Nonce != "" {
			c.Round.Nonce = ev.Nonce
		}
		// Everybody is asked anew, and no envelope of the refused round opens in this
		// one.
		c.Key = nil
	case event.PasswordLost:
		c.Pending, c.Key = nil, nil
	case event.Dropping:
		c.Pending = &Pending{Event: ev, At: e.At}
	case event.RoundReset:
		c.Pending = nil
		c = c.dropped(c.Plan.Nodes)
		c.Key = nil
		c.Round.Number++
		c.Round.Nonce = ev.Nonce
		c.Round.Counted = nil
	case event.AttemptLost:
		c.Pending = nil
		c.Unproven = c.Unproven || ev.Unproven
		c.Key = nil
		c.NewShares, c.Keys = nil, nil
		c.Thawed = false
		c.Attempt.Nonce = ""
		c.Round = c.firstRound()
		c.Phase = PhaseApproved
	default:
		return c, false, nil
	}
	return c, true, nil
}

// applyShare folds the way of a share: offered, sent, counted or not.
func applyShare(c State, e event.Entry) (_ State, known bool, _ error) {
	switch ev := e.Event.(type) {
	case event.Offered:
		c.Pending = &Pending{Event: ev, At: e.At}
	case event.Declined:
		if c.awaits(ev.Message) {
			c.Pending = nil
		}
	case event.Submitting:
		c.Pending = &Pending{Event: ev, At: e.At}
	case event.AnswerLost:
		if c.Pending == nil {
			return c, true, fmt.Errorf("an answer is lost that nobody waits for")
		}
		pending := *c.Pending
		pending.Asking = true
		c.Pending = &pending
	case event.Counted:
		c.Pending = nil
		c.Round.Counted = append(slices.Clip(c.Round.Counted), Contribution{By: ev.By, At: e.At})
	case event.Proven:
		c.Pending = nil
		c.Round.Counted = append(slices.Clip(c.Round.Counted), Contribution{By: ev.By, At: e.At})
	case event.NodesSeen:
		c = c.see(ev.Nodes, c.Last(Is[event.Entered]) > c.Last(Is[event.KeyAnnounced]))
	case event.Entered:
		c.Pending = nil
		c = c.see(ev.Nodes, true).enter(ev.By, ev.At)
		if !slices.ContainsFunc(c.Round.Counted, func(s Contribution) bool { return s.By == ev.By }) {
			c.Round.Counted = append(slices.Clip(c.Round.Counted), Contribution{By: ev.By, At: e.At})
		}
	default:
		return c, false, nil
	}
	return c, true, nil
}

// applyResult folds what Vault has made or done.
func applyResult(c State, e event.Entry) (_ State, known bool, _ error) {
	switch ev := e.Event.(type) {
	case event.Acting:
		c.Pending = &Pending{Event: ev, At: e.At}
	case event.Rekeyed:
		c.Pending = nil
		c.Key = nil
		c.NewShares, c.Keys = ev.Shares, ev.Keys
		c.Phase = PhaseHandingOut
		c.Round = Round{Number: 1, Step: ceremony.StepVerify, Nonce: ev.VerificationNonce, Required: ev.Required}
	case event.Verified:
		c.Pending = nil
		c.Key = nil
		c.Verified = &ev
	case event.TokenIssued:
		c.Pending = nil
		c.Key = nil
		c.Token, c.Encoded, c.Keys = ev.Ciphertext, ev.Encoded, ev.Keys
	case event.Initialized:
		c.Pending, c.Result = nil, ev
		c.NewShares, c.Token = ev.Shares, ev.Token
	case event.Rotated, event.RotationSet, event.BackupDeleted:
		c.Pending, c.Result = nil, ev
	case event.BackupRead:
		c.Backup, c.NewShares = &ev, ev.Shares
		c.Phase = PhaseHandingOut
	case event.DeletionAsked:
		c.Deletion = &ev.By
	default:
		return c, false, nil
	}
	return c, true, nil
}

// applyFreeze folds the wishes to stop and to go on, and what follows from them.
func applyFreeze(c State, e event.Entry) (_ State, known bool, _ error) {
	switch ev := e.Event.(type) {
	case event.FreezeAsked:
		c.Stopping = &ev
	case event.Frozen:
		c.Pending, c.Stopping = nil, nil
		c.Thawed = false
		was := c.Phase
		if c.Freeze != nil {
			was = c.Freeze.Was
		}
		c.Freeze = &FreezeState{Frozen: ev, At: e.At, Was: was}
		c.Phase = PhaseFrozen
	case event.ResumeAsked:
		if c.Freeze == nil {
			return c, true, fmt.Errorf("%q but nothing is frozen", event.TypeOf(ev))
		}
		freeze := *c.Freeze
		initiator := ev.By.Account == c.Plan.Initiator.Account
		freeze.Initiator = freeze.Initiator || initiator
		freeze.Approver = freeze.Approver || !initiator
		c.Freeze = &freeze
	case event.Resumed:
		if c.Freeze == nil {
			return c, true, fmt.Errorf("%q but nothing is frozen", event.TypeOf(ev))
		}
		c.Phase = c.Freeze.Was
		c.Freeze = nil
		c.Key = nil // people are asked anew
		c.Thawed = true
	default:
		return c, false, nil
	}
	return c, true, nil
}

// applyEnd folds the end, and what is told about the token, the backup and the
// witnesses after it.
func applyEnd(c State, e event.Entry) (_ State, known bool, _ error) {
	switch ev := e.Event.(type) {
	case event.Closing:
		c.Closing, c.Stopping = &ev, nil
		if c.Freeze != nil {
			c.Phase, c.Freeze = c.Freeze.Was, nil
		}
	case event.Ended:
		c.Pending, c.Closing, c.Freeze, c.Stopping, c.Key = nil, nil, nil, nil, nil
		c.Thawed = false
		c.Phase = PhaseEnded
		c.Outcome, c.Ending = ev.Outcome, ev.Vault
		if ev.Outcome == event.Completed && c.Plan.Operation.Rekeys() {
			c.Unproven = false // the newest shares are those that count
		}
	case event.Acknowledged:
		c.Acknowledged = &ev
	case event.AccessorGiven:
		c.Accessor = ev.Accessor
	case event.Reminded:
		c.Reminders = ev.Number
	case event.BackupReminded:
		c.Reminders = ev.Number
	case event.TokenRevoked:
		c.Revoked = &ev
	case event.TokenLeft, event.BackupLeft:
		c.Left = true
	case event.WitnessLeft:
		c.WitnessLeft = true
	default:
		return c, false, nil
	}
	return c, true, nil
}

// applyRecord accepts the events that change nothing but the history, from which what
// they tell is read.
func applyRecord(c State, e event.Entry) (_ State, known bool, _ error) {
	switch e.Event.(type) {
	case event.Conditions, event.RollCalled, event.WitnessAsked, event.Proceeded, event.ExceptionNoted, event.WitnessStated,
		event.VerificationDropped, event.ResetAsked,
		event.Noticed, event.TranscriptSigned, event.Archived, event.ArchiveFailed, event.Posted, event.Undeliverable,
		event.Adopted:
		return c, true, nil
	}
	return c, false, nil
}

// firstRound returns the round that comes before Vault is asked for anything: it collects
// the one-time password of a requester without a PGP key, or nothing.
func (c State) firstRound() Round {
	if c.Plan.OTP == "" {
		return Round{}
	}
	return Round{Number: 1, Step: ceremony.StepOTP, Required: 1}
}
