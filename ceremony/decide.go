package ceremony

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// maxDeclined is how many of one person's envelopes are looked at in vain in
	// one ceremony: the journal must not grow by what an intruder types.
	maxDeclined = 20
	// maxPassing bounds those that are no fault of the sender's, too.
	maxPassing = 3 * maxDeclined
	// shortestHash is how much of a plan's hash an approver has to name.
	shortestHash = 8
)

// Decide judges a command: it answers the events that follow from it, or a
// Refusal. It changes nothing.
func Decide(c Ceremony, command Command, now time.Time) ([]Event, error) {
	switch cmd := command.(type) {
	case Approve:
		return c.approve(cmd, now)
	case Reject:
		return c.reject(cmd)
	case Cancel:
		return c.cancel(cmd)
	case Freezing:
		return c.freeze(cmd)
	case AnswerRoll:
		return c.answer(cmd)
	case Proceed:
		return c.proceed(cmd)
	case Note:
		return c.note(cmd)
	case Testify:
		return c.testify(cmd)
	case CallRoll:
		if c.State != StateRollCall || c.Called() != nil {
			return nil, c.notNow()
		}
		return one(cmd.Called)
	case AskWitness:
		if !c.unasked() {
			return nil, nil
		}
		return one(WitnessAsked{Gate: c.Gate()})
	case Resume:
		return c.resume(cmd)
	case Reverify:
		return c.reverify(cmd)
	case Reset:
		return c.reset(cmd)
	case Delete:
		return c.delete(cmd)
	case Name:
		return c.name(cmd)
	case Revoke:
		return c.revoke(cmd)
	case Alert:
		return c.alert(cmd, now)
	case Acknowledge:
		return c.acknowledge(cmd)
	case Receive:
		return c.receive(cmd, now)
	case Open:
		return c.begunHere(cmd, now)
	case Prove:
		return c.prove(cmd)
	case Undertake:
		return c.undertake(cmd, now)
	case Done:
		return c.concluded(cmd)
	case Fail:
		return c.fail(cmd.Fault)
	case Remind:
		return c.remind(now)
	case Gone:
		return c.gone()
	case Attest:
		return c.attested(cmd, now)
	case Keep:
		return c.keep(cmd.Kept)
	case Forgo:
		return c.forgo(now), nil
	case Begin:
		// A one-time password waits as an offer until Vault is asked for an attempt.
		offer, offered := c.offer()
		if c.State != StateApproved || !c.Plan.Operation.HasAttempt() || !c.mayBegin(now) || c.Pending != nil && !(offered && offer.Step == Password) {
			return nil, c.notNow()
		}
		return one(Starting{Attempt: c.Attempt.Number + 1})
	case Began:
		return c.began(cmd)
	case NotBegun:
		return c.notBegun(cmd.Fault)
	case Announce:
		password := c.State == StateApproved && c.Plan.OTP != "" && cmd.Key.Step == Password
		if c.State != StateCollecting && c.State != StateHandingOut && c.State != StateVerifying && !password {
			return nil, c.notNow()
		}
		return one(KeyAnnounced(cmd))
	case Decline:
		return c.decline(cmd)
	case Send:
		return c.send(cmd)
	case Lose:
		if c.Pending == nil || c.Pending.Asking {
			return nil, nil
		}
		return one(AnswerLost{})
	case Settle:
		return c.settle(cmd)
	case Look:
		return c.look(cmd, now)
	case Stop:
		if c.Ended() || c.State == StateFrozen && !cmd.Why.stands() || cmd.Why == PersonStopped && c.Stopping == nil {
			return nil, nil
		}
		return append(c.giveBack(IsFrozen), Froze{Why: cmd.Why, Want: cmd.Want, Got: cmd.Got}), nil
	case Tick:
		if c.awaitsWitness() && !now.Before(c.EndedAt().Add(lastReminder)) {
			return one(WitnessLeft{})
		}
		if c.Ended() || c.Closing != nil || now.Before(c.Plan.Closes) {
			return nil, nil
		}
		return c.close(Closing{Outcome: c.atClosing()})
	case Finish:
		if c.Ended() || c.State == StateFrozen || !c.done() {
			return nil, c.notNow()
		}
		return one(Ended{Outcome: Completed, Vault: c.Plan.Operation.ending()})
	case Close:
		return c.closed(cmd), nil
	case Post:
		return one(Posted(cmd))
	case Undeliver:
		return one(Undeliverable(cmd))
	}
	return nil, fmt.Errorf("no rule for %T", command)
}

func one(e Event) ([]Event, error) { return []Event{e}, nil }

func (c Ceremony) approve(cmd Approve, now time.Time) ([]Event, error) {
	if c.Ended() || c.Closing != nil {
		return nil, Closed
	}
	// The rule of two people comes first: it is worth its own words.
	if cmd.By == c.Plan.Initiator.Account {
		return nil, OwnProposal
	}
	by, ok := find(c.Plan.Approvers, cmd.By)
	if !ok {
		return nil, NotApprover
	}
	for _, a := range c.Approvals {
		if a.By.Account == cmd.By {
			return nil, AlreadyApproved
		}
	}
	if c.State != StateProposed {
		return nil, NotProposed
	}
	if !now.Before(c.Plan.Closes) {
		return nil, Closed
	}
	if c.Plan.SignedApprovals && cmd.Signed == "" {
		return nil, NeedsSignature
	}
	if len(cmd.PlanHash) < shortestHash || !strings.HasPrefix(c.PlanHash, strings.ToLower(cmd.PlanHash)) {
		return nil, PlanChanged
	}
	return one(Approved{By: by, PlanHash: c.PlanHash, Signed: cmd.Signed})
}

func (c Ceremony) reject(cmd Reject) ([]Event, error) {
	if c.Ended() || c.Closing != nil {
		return nil, Closed
	}
	by, ok := find(c.Plan.Approvers, cmd.By)
	if !ok {
		return nil, NotApprover
	}
	if c.State != StateProposed {
		return nil, NotProposed
	}
	return []Event{Rejected{By: by, Why: cmd.Why, Signed: cmd.Signed}, Ended{Outcome: WasRejected, Vault: NothingToCancel}}, nil
}

func (c Ceremony) cancel(cmd Cancel) ([]Event, error) {
	if c.Ended() || c.Closing != nil {
		return nil, Closed
	}
	if c.Plan.Operation == Alarm {
		return nil, IsAnAlarm
	}
	by, ok := c.decider(cmd.By)
	if !ok {
		return nil, MayNotCancel
	}
	return c.close(Closing{Outcome: Cancelled, By: &by, Why: cmd.Why, Signed: cmd.Signed})
}

// close begins the end. When Vault was never asked for anything there is
// nothing to wait for.
func (c Ceremony) close(closing Closing) ([]Event, error) {
	events := []Event{closing}
	if c.Pending == nil && (c.Attempt.Nonce == "" || c.Plan.Operation == Drill) {
		ending := c.nothingOpen()
		if c.foreign() {
			ending = AttemptForeign
		}
		events = append(events, Ended{Outcome: closing.Outcome, Vault: ending})
	}
	return events, nil
}

// closed says how a ceremony ends, by what has become of its attempt.
func (c Ceremony) closed(cmd Close) []Event {
	if c.Closing == nil {
		return nil
	}
	ended := Ended{Outcome: c.Closing.Outcome, Vault: cmd.Vault}
	dropped := cmd.Vault == AttemptDropped && !cmd.Unconfirmed
	switch {
	case dropped, !c.Plan.Operation.HasAttempt():
		return []Event{ended}
	case c.Attempt.Nonce == "":
		if cmd.Vault == NothingToCancel {
			ended.Vault = c.nothingOpen()
		}
		return []Event{ended}
	}
	if events := c.carriedThrough(cmd.Seen); events != nil {
		return events
	}
	if c.last(is[TokenIssued]) > c.last(is[Started]) {
		if cmd.Vault != AttemptForeign {
			ended.Vault = AttemptUsed // it made a token, if not the plan's
		}
		return []Event{ended}
	}
	if !c.unproven(cmd.Seen) {
		return []Event{ended}
	}
	if cmd.Vault != AttemptForeign {
		ended.Vault = AttemptUnknown
	}
	return []Event{AttemptLost{Nonce: c.Attempt.Nonce, Unproven: true}, ended}
}

// nothingOpen is the ending of a ceremony that has nothing in Vault now. What it had
// there before may have been carried through, or done, all the same.
func (c Ceremony) nothingOpen() VaultEnding {
	if c.Unproven || c.Result == nil && c.last(is[Acting]) > 0 {
		return AttemptUnknown
	}
	return NothingToCancel
}

// foreign says whether what stopped the start is still in Vault: it is not ours, or
// can't be told to be.
func (c Ceremony) foreign() bool {
	return c.Attempt.Nonce == "" && c.FrozenFor(ForeignAttempt)
}

func (c Ceremony) resume(cmd Resume) ([]Event, error) {
	if c.Ended() || c.Closing != nil {
		return nil, Closed
	}
	by, ok := c.decider(cmd.By)
	if !ok {
		return nil, MayNotResume
	}
	if c.State != StateFrozen {
		return nil, NotFrozen
	}
	initiator := by.Account == c.Plan.Initiator.Account
	if heard := initiator && c.Freeze.Initiator || !initiator && c.Freeze.Approver; heard && !(c.Freeze.Initiator && c.Freeze.Approver) {
		return nil, nil // said before
	}
	events := []Event{ResumeAsked{By: by, Signed: cmd.Signed}}
	if (initiator || c.Freeze.Initiator || c.Plan.Initiator == SealWatch) && (!initiator || c.Freeze.Approver) {
		events = append(events, Resumed{})
	}
	return events, nil
}

// decider is somebody whose word ends or thaws a ceremony.
func (c Ceremony) decider(who Account) (Person, bool) {
	return find(c.Plan.deciders(), who)
}

// receive is the third stop in the life of a share: may this person bring one
// now? Whatever the answer, it goes to the journal.
func (c Ceremony) receive(cmd Receive, now time.Time) ([]Event, error) {
	if c.seen(cmd.Message) {
		return nil, nil // Slack delivered it again
	}
	if own, passing := c.declined(cmd.By); own >= maxDeclined || passing >= maxPassing {
		return nil, TooManyRefusals
	}
	step := c.Round.Step
	by, contributes := find(c.Plan.Contributors(step), cmd.By)
	if !contributes {
		by = Person{Name: cmd.Name, Account: cmd.By}
	}
	if reason := c.mayNot(cmd, contributes, now); reason != "" {
		return one(Declined{By: by, Step: step, Message: cmd.Message, Evidence: cmd.Evidence, Reason: reason})
	}
	return one(Offered{By: by, Step: step, Message: cmd.Message, Evidence: cmd.Evidence})
}

// mayNot is why a person can't bring a share now, empty when they can (P2).
func (c Ceremony) mayNot(cmd Receive, contributes bool, now time.Time) Refusal {
	switch {
	case !contributes:
		return NotAHolder
	case c.Ended() || c.Closing != nil || !now.Before(c.Plan.Closes):
		return Closed
	case c.State == StateFrozen || c.Stopping != nil:
		return IsFrozen
	case len(c.Plan.Ways) > 0 && cmd.Way != AtTerminal && !slices.Contains(c.Plan.Ways, cmd.Way):
		return WayForbidden
	case c.Pending != nil:
		return Busy
	case !c.Wants():
		return NotCollecting
	case c.HasCounted(cmd.By):
		return AlreadyCounted
	case c.Gate() != "":
		return WitnessAwaited
	case c.Round.Step == Password && !c.mayBegin(now):
		return NotCollecting // a quiet hour has begun since they were asked
	case c.knows(func(e Evidence) bool { return e.SHA256 == cmd.Evidence.SHA256 }):
		return Replayed
	}
	return ""
}

// seen says whether this Slack message has been dealt with.
func (c Ceremony) seen(message Ref) bool {
	for _, e := range c.History {
		switch ev := e.Event.(type) {
		case Offered:
			if ev.Message == message {
				return true
			}
		case Declined:
			if ev.Message == message {
				return true
			}
		}
	}
	return false
}

// knows says whether an envelope that got as far as Vault matches.
func (c Ceremony) knows(match func(Evidence) bool) bool {
	for _, e := range c.History {
		if s, ok := e.Event.(Submitting); ok && match(s.Evidence) {
			return true
		}
	}
	return false
}

// passing says whether a refusal is no fault of the sender's.
func (r Refusal) passing() bool {
	switch r {
	case Busy, IsFrozen, NotCollecting, WitnessAwaited, Interrupted, NotCounted,
		VaultUnreachable, VaultSealed, VaultThrottled, VaultForbids:
		return true
	}
	return false
}

// declined counts what was refused to somebody: by their own fault, and by
// nobody's.
func (c Ceremony) declined(who Account) (own, passing int) {
	for _, e := range c.History {
		d, ok := e.Event.(Declined)
		switch {
		case !ok || d.By.Account != who:
		case d.Reason.passing():
			passing++
		default:
			own++
		}
	}
	return own, passing
}

func (c Ceremony) decline(cmd Decline) ([]Event, error) {
	declined := Declined{Evidence: cmd.Evidence.withoutProof(), Reason: cmd.Reason, Commitment: cmd.Share, See: cmd.See}
	if c.Pending == nil {
		return nil, c.notNow()
	}
	switch waiting := c.Pending.Event.(type) {
	case Offered:
		declined.By, declined.Step, declined.Message = waiting.By, waiting.Step, waiting.Message
	case Submitting:
		declined.By, declined.Step, declined.Message = waiting.By, waiting.Step, waiting.Message
	default:
		return nil, c.notNow()
	}
	events := []Event{declined}
	if cmd.Reason == PlainPassword && c.Attempt.Nonce == "" {
		// Whoever reads the direct messages would have both halves of the token.
		events = append(events, Closing{Outcome: Failed, Fault: PlainPassword}, Ended{Outcome: Failed, Vault: c.nothingOpen()})
	}
	return events, nil
}

func (c Ceremony) send(cmd Send) ([]Event, error) {
	offer, ok := c.offer()
	if !ok || c.Closing != nil || offer.Step == Practice || offer.Step == Password {
		return nil, c.notNow() // neither is a share that goes to Vault
	}
	// A message that was mangled on the way has other bytes and the same
	// signature: a replay is known by who signed and when.
	if c.knows(func(e Evidence) bool {
		return e.Signer == cmd.Evidence.Signer && e.SignedAt.Equal(cmd.Evidence.SignedAt)
	}) {
		return c.decline(Decline{Evidence: cmd.Evidence, Reason: Replayed})
	}
	if reason := c.judge(offer, cmd.Evidence, cmd.Share, cmd.Standing); reason != "" {
		return c.decline(Decline{Evidence: cmd.Evidence, Reason: reason, Share: cmd.Share, See: cmd.Standing.See})
	}
	nodes := c.sealedFor(offer.By.Account)
	if offer.Step == Enter && len(nodes) == 0 {
		return c.decline(Decline{Evidence: cmd.Evidence, Reason: NotCollecting}) // the last of them has just gone
	}
	return one(Submitting{
		By: offer.By, Step: offer.Step, Nonce: c.Round.Nonce, Before: cmd.Before, Nodes: nodes,
		Message: offer.Message, Evidence: cmd.Evidence, Recognition: recognised(cmd.Share, cmd.Standing),
	})
}

// giveBack declines the envelope that waits to be opened, if there is one.
func (c Ceremony) giveBack(reason Refusal) []Event {
	offer, ok := c.offer()
	if !ok {
		return nil
	}
	events, _ := c.decline(Decline{Evidence: offer.Evidence, Reason: reason}) // an offer can always be declined
	return events
}

// mayBegin says whether Vault may be asked for what people have agreed to: the time
// for it has come, and nobody has to be waited for.
func (c Ceremony) mayBegin(now time.Time) bool {
	return c.Gate() == "" && c.Stopping == nil && !now.Round(0).Before(c.startsAt(now))
}

// offer is the envelope that waits to be opened.
func (c Ceremony) offer() (Offered, bool) {
	if c.Pending == nil {
		return Offered{}, false
	}
	offer, ok := c.Pending.Event.(Offered)
	return offer, ok
}

// notNow is the refusal that says where the ceremony stands instead.
func (c Ceremony) notNow() Refusal {
	switch {
	case c.Ended() || c.Closing != nil:
		return Closed
	case c.State == StateFrozen:
		return IsFrozen
	}
	return NotCollecting
}
