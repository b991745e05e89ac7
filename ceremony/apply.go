package ceremony

import (
	"fmt"
	"slices"
	"time"
)

// Apply folds one entry into the next value. It trusts the entry as far as it
// can: [Decide] has judged it before it was written. An error means that the
// journal does not tell the story of one ceremony.
func Apply(c Ceremony, e Entry) (Ceremony, error) {
	if e.Seq != c.Seq()+1 {
		return c, fmt.Errorf("event %d follows event %d", e.Seq, c.Seq())
	}
	if _, first := e.Event.(Proposed); first != (e.Seq == 1) {
		return c, fmt.Errorf("event %d is %q", e.Seq, TypeOf(e.Event))
	}
	if c.Ended() && c.changes(e.Event) {
		return c, fmt.Errorf("event %d: %q after the end", e.Seq, TypeOf(e.Event))
	}
	if err := shaped(e.Event); err != nil {
		return c, fmt.Errorf("event %d: %q: %w", e.Seq, TypeOf(e.Event), err)
	}
	if err := c.allows(e.Event, e.At); err != nil {
		return c, fmt.Errorf("event %d: %q: %w", e.Seq, TypeOf(e.Event), err)
	}
	next, err := fold(c, e)
	if err != nil {
		return c, fmt.Errorf("event %d: %w", e.Seq, err)
	}
	next.History = append(slices.Clip(c.History), e)
	if f, ok := c.keyFact(e); ok {
		next.KeyFacts = append(slices.Clip(c.KeyFacts), f)
	}
	return next, nil
}

// Replay makes a ceremony of its entries.
func Replay(entries []Entry) (Ceremony, error) {
	var c Ceremony
	for _, e := range entries {
		next, err := Apply(c, e)
		if err != nil {
			return c, err
		}
		c = next
	}
	return c, nil
}

// takes says whether events could be read back. A line that a replay refuses would stop
// every later start, of every other ceremony too: it is not written.
func (c Ceremony) takes(events []Event, at time.Time) error {
	var err error
	for _, e := range events {
		if c, err = Apply(c, Entry{Seq: c.Seq() + 1, At: at, Event: e}); err != nil {
			return fmt.Errorf("defect in the rules: %w", err)
		}
	}
	return nil
}

// changes says whether an event is about more than the delivery of messages, and
// what the ceremony has left behind.
func (c Ceremony) changes(e Event) bool {
	switch e.(type) {
	case Posted, Undeliverable, Declined, AccessorGiven, Reminded, TokenRevoked, TokenLeft, BackupReminded, BackupLeft,
		ExceptionNoted, WitnessStated, WitnessLeft, TranscriptSigned, Kept, NotKept:
		return false
	case BackupDeleted:
		return !c.OwesDeletion()
	}
	return true
}

func fold(c Ceremony, e Entry) (Ceremony, error) {
	switch ev := e.Event.(type) {
	case Proposed:
		if got := ev.Plan.Hash(); got != ev.PlanHash {
			return c, fmt.Errorf("the plan's hash is %s, not %s", got, ev.PlanHash)
		}
		c = Ceremony{Plan: ev.Plan, PlanHash: ev.PlanHash, State: StateProposed}
		if ev.Plan.Approvals == 0 && !ev.Plan.Operation.NeedsApproval() {
			c.State = StateApproved
		}
		if ev.Plan.Operation == Alarm {
			c.State = StateRaised
		}
		return c, nil
	case Approved:
		c.Approvals = append(slices.Clip(c.Approvals), Approval{By: ev.By, At: e.At})
		switch {
		case !c.Plan.agreed(c.Approvals):
		case len(c.Plan.RollCall) > 0:
			c.State = StateRollCall
		default:
			c.State = StateApproved
			c.Round = c.firstRound()
		}
	case RollCalled:
		// Read from the history.
	case Present:
		c.Present = append(slices.Clip(c.Present), Contribution{By: ev.By, At: e.At})
		if len(c.Present) >= c.Plan.Present {
			c.State = StateApproved
			c.Round = c.firstRound()
		}
	case WitnessAsked, Proceeded, ExceptionNoted, WitnessStated:
		// Read from the history.
	case WitnessLeft:
		c.WitnessLeft = true
	case FreezeAsked:
		c.Stopping = &ev
	case Rejected:
		c.Closing = &Closing{Outcome: WasRejected, By: &ev.By, Why: ev.Why}
	case Starting:
		c.Attempt = Attempt{Number: ev.Attempt}
		c.Pending = &Pending{Event: ev, At: e.At}
	case Started:
		c.Pending = nil
		c.Attempt.Nonce = ev.Nonce
		c.State = StateCollecting
		c.Round = Round{Number: 1, Step: c.Plan.Operation.firstStep(), Nonce: ev.Nonce, Required: ev.Required}
		if c.Key != nil && c.Key.Step == Password {
			c.Key = nil // it was for the one-time password
		}
	case KeyAnnounced:
		key := ev.Key
		c.Key = &key
		c.Thawed = false
		c.AskAgain = false
		if key.Step == Password {
			c.Round.Nonce = key.Nonce
		}
		if c.State == StateHandingOut {
			c.State = StateVerifying
		}
	case Offered:
		c.Pending = &Pending{Event: ev, At: e.At}
	case Declined:
		if c.answers(ev.Message) {
			c.Pending = nil
		}
	case Submitting:
		c.Pending = &Pending{Event: ev, At: e.At}
	case AnswerLost:
		if c.Pending == nil {
			return c, fmt.Errorf("an answer is lost that nobody waits for")
		}
		pending := *c.Pending
		pending.Asking = true
		c.Pending = &pending
	case Counted:
		c.Pending = nil
		c.Round.Counted = append(slices.Clip(c.Round.Counted), Contribution{By: ev.By, At: e.At})
	case NodesSeen:
		c = c.see(ev.Nodes, c.last(is[Entered]) > c.last(is[KeyAnnounced]))
	case Entered:
		c.Pending = nil
		c = c.see(ev.Nodes, true).enter(ev.By, ev.At)
		if !slices.ContainsFunc(c.Round.Counted, func(s Contribution) bool { return s.By == ev.By }) {
			c.Round.Counted = append(slices.Clip(c.Round.Counted), Contribution{By: ev.By, At: e.At})
		}
	case Proven:
		c.Pending = nil
		c.Round.Counted = append(slices.Clip(c.Round.Counted), Contribution{By: ev.By, At: e.At})
	case PasswordLost:
		c.Pending, c.Key = nil, nil
	case Acting:
		c.Pending = &Pending{Event: ev, At: e.At}
	case Initialized:
		c.Pending, c.Result = nil, ev
		c.NewShares, c.Token = ev.Shares, ev.Token
	case Rotated, RotationSet, BackupDeleted:
		c.Pending, c.Result = nil, ev
	case BackupRead:
		c.Backup, c.NewShares = &ev, ev.Shares
		c.State = StateHandingOut
	case DeletionAsked:
		c.Deletion = &ev.By
	case VerificationDropped, ResetAsked:
		// What follows from it is the next event.
	case AccessorGiven:
		c.Accessor = ev.Accessor
	case Reminded:
		c.Reminders = ev.Number
	case BackupReminded:
		c.Reminders = ev.Number
	case TokenRevoked:
		c.Revoked = &ev
	case TokenLeft, BackupLeft:
		c.Left = true
	case RoundRefused:
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
	case Rekeyed:
		c.Pending = nil
		c.Key = nil
		c.NewShares, c.Keys = ev.Shares, ev.Keys
		c.State = StateHandingOut
		c.Round = Round{Number: 1, Step: Verify, Nonce: ev.VerificationNonce, Required: ev.Required}
	case TokenIssued:
		c.Pending = nil
		c.Key = nil
		c.Token, c.Encoded, c.Keys = ev.Ciphertext, ev.Encoded, ev.Keys
	case Verified:
		c.Pending = nil
		c.Key = nil
		c.Verified = &ev
	case Froze:
		c.Pending, c.Stopping = nil, nil
		c.Thawed = false
		was := c.State
		if c.Freeze != nil {
			was = c.Freeze.Was
		}
		c.Freeze = &Freeze{Froze: ev, At: e.At, Was: was}
		c.State = StateFrozen
	case ResumeAsked:
		if c.Freeze == nil {
			return c, fmt.Errorf("%q but nothing is frozen", TypeOf(ev))
		}
		freeze := *c.Freeze
		initiator := ev.By.Account == c.Plan.Initiator.Account
		freeze.Initiator = freeze.Initiator || initiator
		freeze.Approver = freeze.Approver || !initiator
		c.Freeze = &freeze
	case Resumed:
		if c.Freeze == nil {
			return c, fmt.Errorf("%q but nothing is frozen", TypeOf(ev))
		}
		c.State = c.Freeze.Was
		c.Freeze = nil
		c.Key = nil // people are asked anew
		c.Thawed = true
	case Dropping:
		c.Pending = &Pending{Event: ev, At: e.At}
	case AttemptLost:
		c.Pending = nil
		c.Unproven = c.Unproven || ev.Unproven
		c.Key = nil
		c.NewShares, c.Keys = nil, nil
		c.Thawed = false
		c.Attempt.Nonce = ""
		c.Round = c.firstRound()
		c.State = StateApproved
	case RoundReset:
		c.Pending = nil
		c = c.dropped(c.Plan.Nodes)
		c.Key = nil
		c.Round.Number++
		c.Round.Nonce = ev.Nonce
		c.Round.Counted = nil
	case Closing:
		c.Closing, c.Stopping = &ev, nil
		if c.Freeze != nil {
			c.State, c.Freeze = c.Freeze.Was, nil
		}
	case Ended:
		c.Pending, c.Closing, c.Freeze, c.Stopping, c.Key = nil, nil, nil, nil, nil
		c.Thawed = false
		c.State = StateEnded
		c.Outcome, c.Ending = ev.Outcome, ev.Vault
		if ev.Outcome == Completed && c.Plan.Operation.Rekeys() {
			c.Unproven = false // the newest shares are those that count
		}
	case Acknowledged:
		c.Acknowledged = &ev
	case Noticed, TranscriptSigned, Kept, NotKept, Posted, Undeliverable:
		// Read from the history by Findings, Transcripts, TimeStamps, Due and Where.
	default:
		return c, fmt.Errorf("no rule for %T", ev)
	}
	return c, nil
}

// firstRound is what is collected before Vault is asked for anything: a one-time
// password, of a requester who has no PGP key.
func (c Ceremony) firstRound() Round {
	if c.Plan.OTP == "" {
		return Round{}
	}
	return Round{Number: 1, Step: Password, Required: 1}
}

// answers says whether message is the offer that waits for an outcome.
func (c Ceremony) answers(message Ref) bool {
	if c.Pending == nil {
		return false
	}
	switch waiting := c.Pending.Event.(type) {
	case Offered:
		return waiting.Message == message
	case Submitting:
		return waiting.Message == message
	}
	return false
}
