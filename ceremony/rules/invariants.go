package rules

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
)

// checkInvariants holds an event to the promises that a journal shows by itself, so that a
// check of it means more than that its lines hang together (P2, P4, P8). Every
// event belongs to one area, and all others allow it. A proposal belongs to two, since it
// may be an alarm's.
func (c State) checkInvariants(e event.Event, at time.Time) error {
	return cmp.Or(
		c.allowsAlarm(e), c.allowsAgreement(e), c.allowsWitness(e), c.allowsFreeze(e),
		c.allowsAttempt(e, at), c.allowsShare(e), c.allowsResult(e, at), c.allowsEnd(e),
	)
}

// allowsAgreement holds the plan, its approvals and the roll call to who may agree (P2).
func (c State) allowsAgreement(e event.Event) error {
	switch ev := e.(type) {
	case event.Proposed:
		switch p := ev.Plan; {
		case p.Initiator == ceremony.SealWatch && p.Operation != ceremony.Unseal:
			return errors.New("the seal watch proposes nothing but to unseal")
		case (p.Operation.IssuesToken() || p.Operation == ceremony.Init) && p.Requester == nil:
			return errors.New("nobody is to get the token")
		case p.OTP != "" && (p.Requester == nil || !p.Operation.IssuesToken()):
			return errors.New("nobody has the one-time password")
		case p.Operation == ceremony.RotateConfig && (p.OldPolicy == nil || p.NewPolicy == nil):
			return errors.New("it names no policy")
		}
	case event.Approved:
		if c.Phase != PhaseProposed || ev.PlanHash != c.PlanHash || ev.By.Account == c.Plan.Initiator.Account {
			return errors.New("this is no approval of this plan")
		}
		if c.hasApproved(ev.By.Account) {
			return errors.New("they have approved before")
		}
		if c.Plan.SignedApprovals && ev.Signed == "" {
			return errors.New("it is not signed")
		}
		return among(c.Plan.Approvers, ev.By)
	case event.Rejected:
		return among(c.Plan.Approvers, ev.By)
	case event.RollCalled:
		called := func(ch ceremony.Challenge, p ceremony.Person) bool { return ch.For == p }
		if c.Phase != PhaseRollCall || c.Called() != nil || !slices.EqualFunc(ev.Challenges, c.Plan.RollCall, called) {
			return errors.New("no such roll call is due")
		}
	case event.Present:
		if c.Phase != PhaseRollCall || c.Called() == nil || c.IsPresent(ev.By.Account) || ev.Signed == "" {
			return errors.New("no such answer is waited for")
		}
		return among(c.Plan.RollCall, ev.By)
	}
	return nil
}

// allowsWitness holds what witnesses are asked, and what they say, to the gates.
func (c State) allowsWitness(e event.Event) error {
	switch ev := e.(type) {
	case event.WitnessAsked:
		if !c.unasked() || ev.Gate != c.Gate() {
			return errors.New("no such gate is closed")
		}
	case event.Proceeded:
		if c.unasked() || ev.Gate != c.Gate() {
			return errors.New("no such gate is closed")
		}
		return among(c.Plan.Witnesses, ev.By)
	case event.ExceptionNoted:
		return among(c.Plan.Everybody(), ev.By)
	case event.WitnessStated:
		if !c.Ended() || c.hasTestified(ev.By.Account) {
			return errors.New("nothing is asked of them")
		}
		return among(c.Plan.Witnesses, ev.By)
	case event.WitnessLeft:
		if !c.awaitsWitness() {
			return errors.New("no witness is waited for")
		}
	}
	return nil
}

// allowsFreeze holds the wishes to stop and to go on to who may have them.
func (c State) allowsFreeze(e event.Event) error {
	switch ev := e.(type) {
	case event.FreezeAsked:
		return among(c.Plan.Everybody(), ev.By)
	case event.Adopted:
		if ev.Lines != c.Seq() {
			return fmt.Errorf("%d lines stand before it", c.Seq())
		}
	case event.Frozen:
		if ev.Why == event.PersonStopped && c.Stopping == nil {
			return errors.New("nobody has asked for it")
		}
	case event.ResumeAsked:
		return among(c.Plan.Deciders(), ev.By)
	case event.Resumed:
		if c.Freeze == nil || !c.Freeze.Initiator && c.Plan.Initiator != ceremony.SealWatch || !c.Freeze.Approver {
			return errors.New("it takes the initiator and an approver")
		}
	}
	return nil
}

// allowsAttempt holds what is begun in Vault, and begun anew, to what was agreed.
func (c State) allowsAttempt(e event.Event, at time.Time) error {
	switch ev := e.(type) {
	case event.Starting:
		if c.Phase != PhaseApproved {
			return errors.New("it was not approved")
		}
		return c.allowsBeginning(at)
	case event.Started:
		if op := c.Plan.Operation; !op.HasAttempt() && op.TakesShares() && c.Phase == PhaseApproved {
			return c.allowsBeginning(at) // it has no attempt in Vault
		}
		if _, begun := waiting[event.Starting](c.Pending); !begun {
			return errors.New("nothing was begun")
		}
	case event.RoundRefused:
		if _, ok := c.Pending.Submitting(); !ok && !Is[event.Entered](c.History[c.Seq()-1].Event) {
			return errors.New("no share was sent")
		}
		if !slices.Equal(ev.Suspects, c.suspects(ev.With)) {
			return errors.New("it suspects others than those whose share was not known")
		}
	case event.PasswordLost:
		if _, begun := waiting[event.Starting](c.Pending); c.Plan.OTP == "" || !begun {
			return errors.New("no password was waited for")
		}
	case event.VerificationDropped:
		return among(c.Plan.Deciders(), ev.By)
	case event.ResetAsked:
		return among(c.Plan.Deciders(), ev.By)
	}
	return nil
}

// allowsShare holds the way of a share to who may bring it, and where to.
func (c State) allowsShare(e event.Event) error {
	switch ev := e.(type) {
	case event.Offered:
		return among(c.Plan.Contributors(ev.Step), ev.By)
	case event.Declined:
		if ev.Reason.Doubts() && ev.Tag == "" {
			return errors.New("it does not say which share is doubted")
		}
	case event.Submitting:
		offer, ok := c.Offer()
		goesToVault := ev.Step != ceremony.StepDrill && ev.Step != ceremony.StepOTP
		if !ok || !goesToVault || offer.By != ev.By || offer.Message != ev.Message || offer.Step != ev.Step {
			return errors.New("no share of this kind was offered")
		}
		if c.Gate() != "" {
			return errors.New("no witness has let it happen")
		}
		if !containsAll(c.Plan.Nodes, ev.Nodes) {
			return errors.New("it is sent to a node that the plan does not have")
		}
		if err := c.allowsUse(ev.Evidence, ev.TagMatch); err != nil {
			return err
		}
		return among(c.Plan.Contributors(ev.Step), ev.By)
	case event.Counted:
		if c.Plan.Operation.HasAttempt() && c.HasCounted(ev.By.Account) {
			return errors.New("their share is in this round")
		}
		return c.allowsOutcome(ev.By, ev.Step)
	case event.Proven:
		offer, ok := c.Offer()
		if !ok || offer.By != ev.By || offer.Message != ev.Message || offer.Step != ceremony.StepDrill {
			return errors.New("nothing was offered")
		}
		return c.allowsUse(ev.Evidence, ev.TagMatch)
	case event.NodesSeen:
		return c.allowsNodes(ev.Nodes)
	case event.Entered:
		if s, _ := c.Pending.Submitting(); !containsAll(s.Nodes, ev.At) {
			return errors.New("the share was not sent there")
		}
		return cmp.Or(c.allowsOutcome(ev.By, ceremony.StepUnseal), c.allowsNodes(ev.Nodes))
	}
	return nil
}

// allowsResult holds what Vault has made or done to what it was asked for.
func (c State) allowsResult(e event.Event, at time.Time) error {
	switch ev := e.(type) {
	case event.Acting:
		agreed := c.Phase == PhaseApproved
		if ev.Act == event.DeletingBackup {
			agreed = c.Backup != nil && c.Deletion != nil
		}
		if !agreed || c.Pending != nil || ev.Act != Undertakes(c.Plan.Operation) {
			return errors.New("nobody has agreed to it")
		}
		return c.allowsBeginning(at)
	case event.Rekeyed:
		if !c.Plan.Operation.Rekeys() {
			return errors.New("it makes no shares")
		}
		if Elsewhere(ev) {
			if !ev.FromBackup || c.Attempt.Nonce == "" {
				return errors.New("nobody has brought a share for it")
			}
			return nil
		}
		if _, waits := c.Pending.Submitting(); ev.FromBackup && !waits {
			return among(c.Plan.Holders, ev.By) // learnt long after the share was sent
		}
		return c.allowsOutcome(ev.By, ceremony.StepUpdate)
	case event.Verified:
		if c.Round.Step != ceremony.StepVerify {
			return errors.New("there is nothing to verify")
		}
		if ev.By != nil {
			return c.allowsOutcome(*ev.By, ceremony.StepVerify)
		}
	case event.TokenIssued:
		if !c.Plan.Operation.IssuesToken() {
			return errors.New("it issues no token")
		}
		return c.allowsOutcome(ev.By, ceremony.StepUpdate)
	case event.Initialized, event.Rotated, event.RotationSet, event.BackupRead, event.BackupDeleted:
		if Is[event.BackupDeleted](ev) && c.OwesDeletion() {
			return nil
		}
		if !c.concludes(ev) {
			return errors.New("nothing of this kind was begun")
		}
		return c.allowsShares(ev)
	case event.DeletionAsked:
		if c.Backup == nil {
			return errors.New("no backup was handed out")
		}
		if ev.By.Account == c.Plan.Initiator.Account {
			return errors.New("the initiator can't take the last step")
		}
		return among(c.Plan.Approvers, ev.By)
	}
	return nil
}

// allowsEnd holds the end, and what is told after it, to what there is to end.
func (c State) allowsEnd(e event.Event) error {
	switch ev := e.(type) {
	case event.Closing:
		if ev.By != nil {
			return among(c.Plan.Deciders(), *ev.By)
		}
	case event.Ended:
		atClosing := c.Closing != nil && c.atClosing() == event.Completed
		if ev.Outcome == event.Completed && c.Verified == nil && !c.done() && !atClosing {
			return errors.New("it has no result")
		}
	case event.AccessorGiven:
		return c.speaksForToken(ev.By)
	case event.TokenRevoked:
		if ev.By != nil {
			return c.speaksForToken(*ev.By)
		}
		if c.Accessor == "" || !c.OwesRevocation() {
			return errors.New("nobody has named the token")
		}
	case event.Reminded, event.TokenLeft:
		if !c.OwesRevocation() {
			return errors.New("no token is waited for")
		}
	case event.BackupReminded, event.BackupLeft:
		if !c.OwesDeletion() {
			return errors.New("no backup is left")
		}
	case event.TranscriptSigned:
		return c.allowsTranscript(ev)
	case event.Archived:
		return c.allowsArchived(ev)
	case event.ArchiveFailed:
		return c.allowsKeeping(func(k Keeping) bool { return k.Signed.Number == ev.Number && k.where == ev.Where })
	}
	return nil
}

// containsAll reports whether every part is in whole.
func containsAll(whole, parts []string) bool {
	return !slices.ContainsFunc(parts, func(part string) bool { return !slices.Contains(whole, part) })
}

// among returns an error unless the person is on the list, with the same key.
func among(list []ceremony.Person, by ceremony.Person) error {
	if p, ok := ceremony.Find(list, by.Account); !ok || p != by {
		return fmt.Errorf("%s has no such part in the plan", by.Account)
	}
	return nil
}

// allowsOutcome returns an error unless the person's share is on its way in this step.
func (c State) allowsOutcome(by ceremony.Person, step ceremony.Step) error {
	s, ok := c.Pending.Submitting()
	if !ok || s.By != by || s.Step != step {
		return errors.New("no such share was sent")
	}
	return nil
}

// clockSlack is how far the clock may have moved, or have been set, from the decision to
// begin to its line in the journal.
const clockSlack = time.Minute

// allowsBeginning returns an error unless the plan's time and its gates let something
// begin at this time.
func (c State) allowsBeginning(at time.Time) error {
	if c.mayBegin(at) || c.mayBegin(at.Add(-clockSlack)) || c.mayBegin(at.Add(clockSlack)) {
		return nil
	}
	// Journals are older than the rule that an hour which the clocks pass twice is quiet
	// both times: something may have begun in the second one.
	if q := c.Plan.Quiet; q != nil && q.Changing(at) && c.mayBegin(at.Add(time.Hour)) {
		return nil
	}
	return errors.New("it begins before it may")
}

// allowsNodes returns an error unless the states are those of the plan's nodes.
func (c State) allowsNodes(states []ceremony.NodeState) error {
	same := func(s ceremony.NodeState, address string) bool { return s.Address == address }
	if c.Plan.Operation != ceremony.Unseal || !slices.EqualFunc(states, c.Plan.Nodes, same) {
		return errors.New("these are not the nodes of the plan")
	}
	return nil
}

// allowsShares returns an error unless every share in the result of an act is for a
// receiver of the plan.
func (c State) allowsShares(result event.Event) error {
	var shares []event.NewShare
	switch ev := result.(type) {
	case event.Initialized:
		shares = ev.Shares
	case event.BackupRead:
		shares = ev.Shares
	}
	if slices.ContainsFunc(shares, func(s event.NewShare) bool { return !slices.Contains(c.Plan.Receivers, s.For) }) {
		return errors.New("a share is for somebody who gets none by the plan")
	}
	return nil
}

// speaksForToken returns an error unless a token is to be revoked and the person is its
// requester or an approver.
func (c State) speaksForToken(by ceremony.Person) error {
	if !c.OwesRevocation() {
		return errors.New("no token is waited for")
	}
	return among(c.Plan.TokenSpeakers(), by)
}
