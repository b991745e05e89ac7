package ceremony

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
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
	if err := c.allows(e.Event); err != nil {
		return c, fmt.Errorf("event %d: %q: %w", e.Seq, TypeOf(e.Event), err)
	}
	next, err := fold(c, e)
	if err != nil {
		return c, fmt.Errorf("event %d: %w", e.Seq, err)
	}
	next.History = append(slices.Clip(c.History), e)
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

// changes says whether an event is about more than the delivery of messages, and
// what the ceremony has left behind.
func (c Ceremony) changes(e Event) bool {
	switch e.(type) {
	case Posted, Undeliverable, Declined, AccessorGiven, Reminded, TokenRevoked, TokenLeft, BackupReminded, BackupLeft:
		return false
	case BackupDeleted:
		return !c.OwesDeletion()
	}
	return true
}

// allows holds an event to the promises that a journal shows by itself, so that a
// check of it means more than that its lines hang together (P2, P4, P8).
func (c Ceremony) allows(e Event) error {
	among := func(list []Person, by Person) error {
		if p, ok := find(list, by.Account); !ok || p != by {
			return fmt.Errorf("%s has no such part in the plan", by.Account)
		}
		return nil
	}
	sent := func(by Person, step Step) error {
		s, ok := c.Pending.submitting()
		if !ok || s.By != by || s.Step != step {
			return errors.New("no such share was sent")
		}
		return nil
	}
	switch ev := e.(type) {
	case Proposed:
		switch p := ev.Plan; {
		case p.Initiator == SealWatch && p.Operation != Unseal:
			return errors.New("the seal watch proposes nothing but to unseal")
		case (p.Operation.IssuesToken() || p.Operation == Init) && p.Requester == nil:
			return errors.New("nobody is to get the token")
		case p.Operation == RotateConfig && (p.OldPolicy == nil || p.NewPolicy == nil):
			return errors.New("it names no policy")
		}
	case Approved:
		if c.State != StateProposed || ev.PlanHash != c.PlanHash || ev.By.Account == c.Plan.Initiator.Account {
			return errors.New("this is no approval of this plan")
		}
		if slices.ContainsFunc(c.Approvals, func(a Approval) bool { return a.By.Account == ev.By.Account }) {
			return errors.New("they have approved before")
		}
		return among(c.Plan.Approvers, ev.By)
	case Rejected:
		return among(c.Plan.Approvers, ev.By)
	case ResumeAsked:
		return among(append(slices.Clip(c.Plan.Approvers), c.Plan.Initiator), ev.By)
	case Resumed:
		if c.Freeze == nil || !c.Freeze.Initiator && c.Plan.Initiator != SealWatch || !c.Freeze.Approver {
			return errors.New("it takes the initiator and an approver")
		}
	case Started:
		if op := c.Plan.Operation; !op.HasAttempt() && op.TakesShares() && c.State == StateApproved {
			return nil // it has no attempt in Vault
		}
		if c.Pending == nil {
			return errors.New("nothing was begun")
		}
		if _, ok := c.Pending.Event.(Starting); !ok {
			return errors.New("nothing was begun")
		}
	case Verified:
		if c.Round.Step != Verify {
			return errors.New("there is nothing to verify")
		}
		if ev.By != nil {
			return sent(*ev.By, Verify)
		}
	case Closing:
		if ev.By != nil {
			return among(append(slices.Clip(c.Plan.Approvers), c.Plan.Initiator), *ev.By)
		}
	case Ended:
		if ev.Outcome == Completed && c.Verified == nil && !c.done() && (c.Closing == nil || c.atClosing() != Completed) {
			return errors.New("it has no result")
		}
	case Starting:
		if c.State != StateApproved {
			return errors.New("it was not approved")
		}
	case Acting:
		agreed := c.State == StateApproved
		if ev.Act == DeletingBackup {
			agreed = c.Backup != nil && c.Deletion != nil
		}
		if !agreed || c.Pending != nil || ev.Act != c.Plan.Operation.undertakes() {
			return errors.New("nobody has agreed to it")
		}
	case Initialized, Rotated, RotationSet, BackupRead, BackupDeleted:
		if is[BackupDeleted](ev) && c.OwesDeletion() {
			return nil
		}
		if !c.concludes(ev) {
			return errors.New("nothing of this kind was begun")
		}
		return c.handsOut(ev)
	case DeletionAsked:
		if c.Backup == nil {
			return errors.New("no backup was handed out")
		}
		if ev.By.Account == c.Plan.Initiator.Account {
			return errors.New("the initiator can't take the last step")
		}
		return among(c.Plan.Approvers, ev.By)
	case VerificationDropped:
		return among(append(slices.Clip(c.Plan.Approvers), c.Plan.Initiator), ev.By)
	case ResetAsked:
		return among(append(slices.Clip(c.Plan.Approvers), c.Plan.Initiator), ev.By)
	case AccessorGiven:
		return c.speaksForToken(ev.By)
	case TokenRevoked:
		if ev.By != nil {
			return c.speaksForToken(*ev.By)
		}
		if c.Accessor == "" || !c.OwesRevocation() {
			return errors.New("nobody has named the token")
		}
	case Reminded, TokenLeft:
		if !c.OwesRevocation() {
			return errors.New("no token is waited for")
		}
	case BackupReminded, BackupLeft:
		if !c.OwesDeletion() {
			return errors.New("no backup is left")
		}
	case NodesSeen:
		return c.shows(ev.Nodes)
	case Entered:
		if s, _ := c.Pending.submitting(); slices.ContainsFunc(ev.At, func(address string) bool { return !slices.Contains(s.Nodes, address) }) {
			return errors.New("the share was not sent there")
		}
		return cmp.Or(sent(ev.By, Enter), c.shows(ev.Nodes))
	case RoundRefused:
		if _, ok := c.Pending.submitting(); !ok && !is[Entered](c.History[c.Seq()-1].Event) {
			return errors.New("no share was sent")
		}
	case PasswordLost:
		if c.Plan.OTP == "" || c.Pending == nil || !is[Starting](c.Pending.Event) {
			return errors.New("no password was waited for")
		}
	case Proven:
		if offer, ok := c.offer(); !ok || offer.By != ev.By || offer.Message != ev.Message || offer.Step != Practice {
			return errors.New("nothing was offered")
		}
	case Offered:
		return among(c.Plan.Contributors(ev.Step), ev.By)
	case Submitting:
		if offer, ok := c.offer(); !ok || offer.By != ev.By || offer.Message != ev.Message || offer.Step != ev.Step || ev.Step == Practice || ev.Step == Password {
			return errors.New("no share of this kind was offered")
		}
		if slices.ContainsFunc(ev.Nodes, func(address string) bool { return !slices.Contains(c.Plan.Nodes, address) }) {
			return errors.New("it is sent to a node that the plan does not have")
		}
		return among(c.Plan.Contributors(ev.Step), ev.By)
	case Counted:
		return sent(ev.By, ev.Step)
	case Rekeyed:
		if ev.FromBackup && c.Pending == nil {
			return among(c.Plan.Holders, ev.By) // learnt long after the share was sent
		}
		return sent(ev.By, Update)
	case TokenIssued:
		return sent(ev.By, Update)
	}
	return nil
}

// shows says whether what nodes show is of the plan's nodes.
func (c Ceremony) shows(states []NodeState) error {
	if c.Plan.Operation != Unseal || !slices.EqualFunc(states, c.Plan.Nodes, func(s NodeState, address string) bool { return s.Address == address }) {
		return errors.New("these are not the nodes of the plan")
	}
	return nil
}

// handsOut says whether every share in the result of an act is for somebody who is
// to get one by the plan.
func (c Ceremony) handsOut(result Event) error {
	var shares []NewShare
	switch ev := result.(type) {
	case Initialized:
		shares = ev.Shares
	case BackupRead:
		shares = ev.Shares
	}
	if slices.ContainsFunc(shares, func(s NewShare) bool { return !slices.Contains(c.Plan.Receivers, s.For) }) {
		return errors.New("a share is for somebody who gets none by the plan")
	}
	return nil
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
		return c, nil
	case Approved:
		c.Approvals = append(slices.Clip(c.Approvals), Approval{By: ev.By, At: e.At})
		if len(c.Approvals) >= c.Plan.Approvals {
			c.State = StateApproved
			c.Round = c.firstRound()
		}
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
		c.Pending = nil
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
		c.Closing = &ev
		if c.Freeze != nil {
			c.State, c.Freeze = c.Freeze.Was, nil
		}
	case Ended:
		c.Pending, c.Closing, c.Freeze, c.Key = nil, nil, nil, nil
		c.Thawed = false
		c.State = StateEnded
		c.Outcome, c.Ending = ev.Outcome, ev.Vault
	case Posted, Undeliverable:
		// Read from the history by Due and Where.
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

// speaksForToken says whether somebody is the token's requester or an approver.
func (c Ceremony) speaksForToken(by Person) error {
	if !c.OwesRevocation() {
		return errors.New("no token is waited for")
	}
	if p, ok := find(append(slices.Clip(c.Plan.Approvers), *c.Plan.Requester), by.Account); !ok || p != by {
		return fmt.Errorf("%s has no such part in the plan", by.Account)
	}
	return nil
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
