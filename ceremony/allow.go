package ceremony

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// allows holds an event to the promises that a journal shows by itself, so that a
// check of it means more than that its lines hang together (P2, P4, P8).
func (c Ceremony) allows(e Event, at time.Time) error {
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
	if err := c.allowsAlarm(e); err != nil {
		return err
	}
	switch ev := e.(type) {
	case Proposed:
		switch p := ev.Plan; {
		case p.Initiator == SealWatch && p.Operation != Unseal:
			return errors.New("the seal watch proposes nothing but to unseal")
		case (p.Operation.IssuesToken() || p.Operation == Init) && p.Requester == nil:
			return errors.New("nobody is to get the token")
		case p.OTP != "" && (p.Requester == nil || !p.Operation.IssuesToken()):
			return errors.New("nobody has the one-time password")
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
		if c.Plan.SignedApprovals && ev.Signed == "" {
			return errors.New("it is not signed")
		}
		return among(c.Plan.Approvers, ev.By)
	case RollCalled:
		called := func(ch Challenge, p Person) bool { return ch.For == p }
		if c.State != StateRollCall || c.Called() != nil || !slices.EqualFunc(ev.Challenges, c.Plan.RollCall, called) {
			return errors.New("no such roll call is due")
		}
	case Present:
		if c.State != StateRollCall || c.Called() == nil || c.IsPresent(ev.By.Account) || ev.Signed == "" {
			return errors.New("no such answer is waited for")
		}
		return among(c.Plan.RollCall, ev.By)
	case WitnessAsked:
		if !c.unasked() || ev.Gate != c.Gate() {
			return errors.New("no such gate is closed")
		}
	case Proceeded:
		if c.unasked() || ev.Gate != c.Gate() {
			return errors.New("no such gate is closed")
		}
		return among(c.Plan.Witnesses, ev.By)
	case ExceptionNoted:
		return among(c.Plan.everybody(), ev.By)
	case WitnessStated:
		if !c.Ended() || c.hasTestified(ev.By.Account) {
			return errors.New("nothing is asked of them")
		}
		return among(c.Plan.Witnesses, ev.By)
	case WitnessLeft:
		if !c.awaitsWitness() {
			return errors.New("no witness is waited for")
		}
	case FreezeAsked:
		return among(c.Plan.everybody(), ev.By)
	case Froze:
		if ev.Why == PersonStopped && c.Stopping == nil {
			return errors.New("nobody has asked for it")
		}
	case Rejected:
		return among(c.Plan.Approvers, ev.By)
	case ResumeAsked:
		return among(c.Plan.deciders(), ev.By)
	case Resumed:
		if c.Freeze == nil || !c.Freeze.Initiator && c.Plan.Initiator != SealWatch || !c.Freeze.Approver {
			return errors.New("it takes the initiator and an approver")
		}
	case Started:
		if op := c.Plan.Operation; !op.HasAttempt() && op.TakesShares() && c.State == StateApproved {
			return c.allowsBeginning(at) // it has no attempt in Vault
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
			return among(c.Plan.deciders(), *ev.By)
		}
	case Ended:
		if ev.Outcome == Completed && c.Verified == nil && !c.done() && (c.Closing == nil || c.atClosing() != Completed) {
			return errors.New("it has no result")
		}
	case Starting:
		if c.State != StateApproved {
			return errors.New("it was not approved")
		}
		return c.allowsBeginning(at)
	case Acting:
		agreed := c.State == StateApproved
		if ev.Act == DeletingBackup {
			agreed = c.Backup != nil && c.Deletion != nil
		}
		if !agreed || c.Pending != nil || ev.Act != c.Plan.Operation.undertakes() {
			return errors.New("nobody has agreed to it")
		}
		return c.allowsBeginning(at)
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
		return among(c.Plan.deciders(), ev.By)
	case ResetAsked:
		return among(c.Plan.deciders(), ev.By)
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
	case TranscriptSigned:
		return c.allowsTranscript(ev)
	case Kept:
		return c.allowsKept(ev)
	case NotKept:
		return c.allowsNotKept(ev)
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
		if !slices.Equal(ev.Suspects, c.suspects(ev.With)) {
			return errors.New("it suspects others than those whose share was not known")
		}
	case PasswordLost:
		if c.Plan.OTP == "" || c.Pending == nil || !is[Starting](c.Pending.Event) {
			return errors.New("no password was waited for")
		}
	case Proven:
		if offer, ok := c.offer(); !ok || offer.By != ev.By || offer.Message != ev.Message || offer.Step != Practice {
			return errors.New("nothing was offered")
		}
		return c.allowsUse(ev.Evidence, ev.Recognition)
	case Declined:
		if ev.Reason.doubts() && ev.Tag == "" {
			return errors.New("it does not say which share is doubted")
		}
	case Offered:
		return among(c.Plan.Contributors(ev.Step), ev.By)
	case Submitting:
		if offer, ok := c.offer(); !ok || offer.By != ev.By || offer.Message != ev.Message || offer.Step != ev.Step || ev.Step == Practice || ev.Step == Password {
			return errors.New("no share of this kind was offered")
		}
		if c.Gate() != "" {
			return errors.New("no witness has let it happen")
		}
		if slices.ContainsFunc(ev.Nodes, func(address string) bool { return !slices.Contains(c.Plan.Nodes, address) }) {
			return errors.New("it is sent to a node that the plan does not have")
		}
		if err := c.allowsUse(ev.Evidence, ev.Recognition); err != nil {
			return err
		}
		return among(c.Plan.Contributors(ev.Step), ev.By)
	case Counted:
		if c.Plan.Operation.HasAttempt() && c.HasCounted(ev.By.Account) {
			return errors.New("their share is in this round")
		}
		return sent(ev.By, ev.Step)
	case Rekeyed:
		if !c.Plan.Operation.Rekeys() {
			return errors.New("it makes no shares")
		}
		if ev.Elsewhere() {
			if !ev.FromBackup || c.Attempt.Nonce == "" {
				return errors.New("nobody has brought a share for it")
			}
			return nil
		}
		if _, waits := c.Pending.submitting(); ev.FromBackup && !waits {
			return among(c.Plan.Holders, ev.By) // learnt long after the share was sent
		}
		return sent(ev.By, Update)
	case TokenIssued:
		if !c.Plan.Operation.IssuesToken() {
			return errors.New("it issues no token")
		}
		return sent(ev.By, Update)
	}
	return nil
}

// clockSlack is how far the clock may have moved, or have been set, from the decision to
// begin to its line in the journal.
const clockSlack = time.Minute

// allowsBeginning holds what is begun to the plan's time and its gates.
func (c Ceremony) allowsBeginning(at time.Time) error {
	if c.mayBegin(at) || c.mayBegin(at.Add(-clockSlack)) || c.mayBegin(at.Add(clockSlack)) {
		return nil
	}
	// Journals are older than the rule that an hour which the clocks pass twice is quiet
	// both times: something may have begun in the second one.
	if q := c.Plan.Quiet; q != nil && q.changing(at) && c.mayBegin(at.Add(time.Hour)) {
		return nil
	}
	return errors.New("it begins before it may")
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

// speaksForToken says whether somebody is the token's requester or an approver.
func (c Ceremony) speaksForToken(by Person) error {
	if !c.OwesRevocation() {
		return errors.New("no token is waited for")
	}
	if p, ok := find(c.Plan.tokenSpeakers(), by.Account); !ok || p != by {
		return fmt.Errorf("%s has no such part in the plan", by.Account)
	}
	return nil
}
