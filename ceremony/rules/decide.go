package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
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
func Decide(c State, command Command, now time.Time) ([]event.Event, error) {
	switch cmd := command.(type) {
	case Approve:
		return c.approve(cmd, now)
	case Reject:
		return c.reject(cmd)
	case Cancel:
		return c.cancel(cmd)
	case Freeze:
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
		if c.Phase != PhaseRollCall || c.Called() != nil {
			return nil, c.wrongPhase()
		}
		return one(cmd.Called)
	case AskWitness:
		if !c.unasked() {
			return nil, nil
		}
		return one(event.WitnessAsked{Gate: c.Gate()})
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
	case Request:
		return c.request(cmd, now)
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
	case Archive:
		return c.keep(cmd.Kept)
	case GiveUpArchive:
		return c.forgo(now), nil
	case Begin:
		// A one-time password waits as an offer until Vault is asked for an attempt.
		offer, offered := c.Offer()
		if c.Phase != PhaseApproved || !c.Plan.Operation.HasAttempt() || !c.mayBegin(now) || c.Pending != nil && !(offered && offer.Step == ceremony.StepOTP) {
			return nil, c.wrongPhase()
		}
		return one(event.Starting{Attempt: c.Attempt.Number + 1})
	case Began:
		return c.began(cmd)
	case NotBegun:
		return c.notBegun(cmd.Fault)
	case Announce:
		password := c.Phase == PhaseApproved && c.Plan.OTP != "" && cmd.Key.Step == ceremony.StepOTP
		if c.Phase != PhaseCollecting && c.Phase != PhaseHandingOut && c.Phase != PhaseVerifying && !password {
			return nil, c.wrongPhase()
		}
		return one(event.KeyAnnounced(cmd))
	case Decline:
		return c.decline(cmd)
	case Send:
		return c.send(cmd)
	case Lose:
		if c.Pending == nil || c.Pending.Asking {
			return nil, nil
		}
		return one(event.AnswerLost{})
	case Settle:
		return c.settle(cmd)
	case Look:
		return c.look(cmd, now)
	case Stop:
		if c.Ended() || c.Phase == PhaseFrozen && !stands(cmd.Why) || cmd.Why == event.PersonStopped && c.Stopping == nil {
			return nil, nil
		}
		return append(c.giveBack(ceremony.IsFrozen), event.Frozen{Why: cmd.Why, Want: cmd.Want, Got: cmd.Got}), nil
	case Tick:
		if c.awaitsWitness() && !now.Before(c.EndedAt().Add(lastReminder)) {
			return one(event.WitnessLeft{})
		}
		if c.Ended() || c.Closing != nil || now.Before(c.Plan.Closes) {
			return nil, nil
		}
		return c.close(event.Closing{Outcome: c.atClosing()})
	case Finish:
		if c.Ended() || c.Phase == PhaseFrozen || !c.done() {
			return nil, c.wrongPhase()
		}
		return one(event.Ended{Outcome: event.Completed, Vault: ending(c.Plan.Operation)})
	case Close:
		return c.closed(cmd), nil
	case Post:
		return one(event.Posted(cmd))
	case Undeliver:
		return one(event.Undeliverable(cmd))
	}
	return nil, fmt.Errorf("no rule for %T", command)
}

func one(e event.Event) ([]event.Event, error) { return []event.Event{e}, nil }

func (c State) approve(cmd Approve, now time.Time) ([]event.Event, error) {
	if c.Ended() || c.Closing != nil {
		return nil, ceremony.Closed
	}
	// The rule of two people comes first: it is worth its own words.
	if cmd.By == c.Plan.Initiator.Account {
		return nil, ceremony.OwnProposal
	}
	by, ok := ceremony.Find(c.Plan.Approvers, cmd.By)
	if !ok {
		return nil, ceremony.NotApprover
	}
	for _, a := range c.Approvals {
		if a.By.Account == cmd.By {
			return nil, ceremony.AlreadyApproved
		}
	}
	if c.Phase != PhaseProposed {
		return nil, ceremony.NotProposed
	}
	if !now.Before(c.Plan.Closes) {
		return nil, ceremony.Closed
	}
	if c.Plan.SignedApprovals && cmd.Signed == "" {
		return nil, ceremony.NeedsSignature
	}
	if len(cmd.PlanHash) < shortestHash || !strings.HasPrefix(c.PlanHash, strings.ToLower(cmd.PlanHash)) {
		return nil, ceremony.PlanChanged
	}
	return one(event.Approved{By: by, PlanHash: c.PlanHash, Signed: cmd.Signed})
}

func (c State) reject(cmd Reject) ([]event.Event, error) {
	if c.Ended() || c.Closing != nil {
		return nil, ceremony.Closed
	}
	by, ok := ceremony.Find(c.Plan.Approvers, cmd.By)
	if !ok {
		return nil, ceremony.NotApprover
	}
	if c.Phase != PhaseProposed {
		return nil, ceremony.NotProposed
	}
	return []event.Event{event.Rejected{By: by, Why: cmd.Why, Signed: cmd.Signed}, event.Ended{Outcome: event.WasRejected, Vault: event.NothingToCancel}}, nil
}

func (c State) cancel(cmd Cancel) ([]event.Event, error) {
	if c.Ended() || c.Closing != nil {
		return nil, ceremony.Closed
	}
	if c.Plan.Operation == ceremony.Alarm {
		return nil, ceremony.IsAnAlarm
	}
	by, ok := c.decider(cmd.By)
	if !ok {
		return nil, ceremony.MayNotCancel
	}
	return c.close(event.Closing{Outcome: event.Cancelled, By: &by, Why: cmd.Why, Signed: cmd.Signed})
}

// close begins the end. When Vault was never asked for anything there is
// nothing to wait for.
func (c State) close(closing event.Closing) ([]event.Event, error) {
	events := []event.Event{closing}
	if c.Pending == nil && (c.Attempt.Nonce == "" || c.Plan.Operation == ceremony.Drill) {
		ending := c.nothingOpen()
		if c.Foreign() {
			ending = event.AttemptForeign
		}
		events = append(events, event.Ended{Outcome: closing.Outcome, Vault: ending})
	}
	return events, nil
}

// closed says how a ceremony ends, by what has become of its attempt.
func (c State) closed(cmd Close) []event.Event {
	if c.Closing == nil {
		return nil
	}
	ended := event.Ended{Outcome: c.Closing.Outcome, Vault: cmd.Vault}
	dropped := cmd.Vault == event.AttemptDropped && !cmd.Unconfirmed
	switch {
	case dropped, !c.Plan.Operation.HasAttempt():
		return []event.Event{ended}
	case c.Attempt.Nonce == "":
		if cmd.Vault == event.NothingToCancel {
			ended.Vault = c.nothingOpen()
		}
		return []event.Event{ended}
	}
	if events := c.carriedThrough(cmd.Seen); events != nil {
		return events
	}
	if c.Last(Is[event.TokenIssued]) > c.Last(Is[event.Started]) {
		if cmd.Vault != event.AttemptForeign {
			ended.Vault = event.AttemptUsed // it made a token, if not the plan's
		}
		return []event.Event{ended}
	}
	if !c.unproven(cmd.Seen) {
		return []event.Event{ended}
	}
	if cmd.Vault != event.AttemptForeign {
		ended.Vault = event.AttemptUnknown
	}
	return []event.Event{event.AttemptLost{Nonce: c.Attempt.Nonce, Unproven: true}, ended}
}

// nothingOpen is the ending of a ceremony that has nothing in Vault now. What it had
// there before may have been carried through, or done, all the same.
func (c State) nothingOpen() ceremony.VaultEnding {
	if c.Unproven || c.Result == nil && c.Last(Is[event.Acting]) > 0 {
		return event.AttemptUnknown
	}
	return event.NothingToCancel
}

// Foreign reports whether what stopped the start is still in Vault: it is not ours, or
// can't be told to be.
func (c State) Foreign() bool {
	return c.Attempt.Nonce == "" && c.FrozenFor(event.ForeignAttempt)
}

func (c State) resume(cmd Resume) ([]event.Event, error) {
	if c.Ended() || c.Closing != nil {
		return nil, ceremony.Closed
	}
	by, ok := c.decider(cmd.By)
	if !ok {
		return nil, ceremony.MayNotResume
	}
	if c.Phase != PhaseFrozen {
		return nil, ceremony.NotFrozen
	}
	initiator := by.Account == c.Plan.Initiator.Account
	if heard := initiator && c.Freeze.Initiator || !initiator && c.Freeze.Approver; heard && !(c.Freeze.Initiator && c.Freeze.Approver) {
		return nil, nil // said before
	}
	events := []event.Event{event.ResumeAsked{By: by, Signed: cmd.Signed}}
	if (initiator || c.Freeze.Initiator || c.Plan.Initiator == ceremony.SealWatch) && (!initiator || c.Freeze.Approver) {
		events = append(events, event.Resumed{})
	}
	return events, nil
}

// decider is somebody whose word ends or thaws a ceremony.
func (c State) decider(who ceremony.Account) (ceremony.Person, bool) {
	return ceremony.Find(c.Plan.Deciders(), who)
}

// receive is the third stop in the life of a share: may this person bring one
// now? Whatever the answer, it goes to the journal.
func (c State) receive(cmd Receive, now time.Time) ([]event.Event, error) {
	if c.seen(cmd.Message) {
		return nil, nil // Slack delivered it again
	}
	if own, passing := c.declined(cmd.By); own >= maxDeclined || passing >= maxPassing {
		return nil, ceremony.TooManyRefusals
	}
	step := c.Round.Step
	by, contributes := ceremony.Find(c.Plan.Contributors(step), cmd.By)
	if !contributes {
		by = ceremony.Person{Name: cmd.Name, Account: cmd.By}
	}
	if reason := c.refusalFor(cmd, contributes, now); reason != "" {
		return one(event.Declined{By: by, Step: step, Message: cmd.Message, Evidence: cmd.Evidence, Reason: reason})
	}
	return one(event.Offered{By: by, Step: step, Message: cmd.Message, Evidence: cmd.Evidence})
}

// refusalFor is why a person can't bring a share now, empty when they can (P2).
func (c State) refusalFor(cmd Receive, contributes bool, now time.Time) ceremony.Refusal {
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
	case c.knows(func(e ceremony.Evidence) bool { return e.SHA256 == cmd.Evidence.SHA256 }):
		return ceremony.Replayed
	}
	return ""
}

// seen reports whether this Slack message has been dealt with.
func (c State) seen(message ceremony.Ref) bool {
	for _, e := range c.History {
		switch ev := e.Event.(type) {
		case event.Offered:
			if ev.Message == message {
				return true
			}
		case event.Declined:
			if ev.Message == message {
				return true
			}
		}
	}
	return false
}

// knows reports whether an envelope that got as far as Vault matches.
func (c State) knows(match func(ceremony.Evidence) bool) bool {
	for _, e := range c.History {
		if s, ok := e.Event.(event.Submitting); ok && match(s.Evidence) {
			return true
		}
	}
	return false
}

// declined counts what was refused to somebody: by their own fault, and by
// nobody's.
func (c State) declined(who ceremony.Account) (own, passing int) {
	for _, e := range c.History {
		d, ok := e.Event.(event.Declined)
		switch {
		case !ok || d.By.Account != who:
		case d.Reason.Transient():
			passing++
		default:
			own++
		}
	}
	return own, passing
}

func (c State) decline(cmd Decline) ([]event.Event, error) {
	declined := event.Declined{Evidence: cmd.Evidence.WithoutProof(), Reason: cmd.Reason, ShareTag: cmd.Share, See: cmd.See}
	if c.Pending == nil {
		return nil, c.wrongPhase()
	}
	switch waiting := c.Pending.Event.(type) {
	case event.Offered:
		declined.By, declined.Step, declined.Message = waiting.By, waiting.Step, waiting.Message
	case event.Submitting:
		declined.By, declined.Step, declined.Message = waiting.By, waiting.Step, waiting.Message
	default:
		return nil, c.wrongPhase()
	}
	events := []event.Event{declined}
	if cmd.Reason == ceremony.PlainPassword && c.Attempt.Nonce == "" {
		// Whoever reads the direct messages would have both halves of the token.
		events = append(events, event.Closing{Outcome: event.Failed, Fault: ceremony.PlainPassword}, event.Ended{Outcome: event.Failed, Vault: c.nothingOpen()})
	}
	return events, nil
}

func (c State) send(cmd Send) ([]event.Event, error) {
	offer, ok := c.Offer()
	if !ok || c.Closing != nil || offer.Step == ceremony.StepDrill || offer.Step == ceremony.StepOTP {
		return nil, c.wrongPhase() // neither is a share that goes to Vault
	}
	// A message that was mangled on the way has other bytes and the same
	// signature: a replay is known by who signed and when.
	if c.knows(func(e ceremony.Evidence) bool {
		return e.Signer == cmd.Evidence.Signer && e.SignedAt.Equal(cmd.Evidence.SignedAt)
	}) {
		return c.decline(Decline{Evidence: cmd.Evidence, Reason: ceremony.Replayed})
	}
	if reason := c.Judge(offer, cmd.Evidence, cmd.Share, cmd.Standing); reason != "" {
		return c.decline(Decline{Evidence: cmd.Evidence, Reason: reason, Share: cmd.Share, See: cmd.Standing.See})
	}
	nodes := c.sealedFor(offer.By.Account)
	if offer.Step == ceremony.StepUnseal && len(nodes) == 0 {
		return c.decline(Decline{Evidence: cmd.Evidence, Reason: ceremony.NotCollecting}) // the last of them has just gone
	}
	return one(event.Submitting{
		By: offer.By, Step: offer.Step, Nonce: c.Round.Nonce, Before: cmd.Before, Nodes: nodes,
		Message: offer.Message, Evidence: cmd.Evidence, TagMatch: recognised(cmd.Share, cmd.Standing),
	})
}

// giveBack declines the envelope that waits to be opened, if there is one.
func (c State) giveBack(reason ceremony.Refusal) []event.Event {
	offer, ok := c.Offer()
	if !ok {
		return nil
	}
	events, _ := c.decline(Decline{Evidence: offer.Evidence, Reason: reason}) // an offer can always be declined
	return events
}

// mayBegin reports whether Vault may be asked for what people have agreed to: the time
// for it has come, and nobody has to be waited for.
func (c State) mayBegin(now time.Time) bool {
	return c.Gate() == "" && c.Stopping == nil && !now.Round(0).Before(c.NextStart(now))
}

// Offer is the envelope that waits to be opened.
func (c State) Offer() (event.Offered, bool) {
	if c.Pending == nil {
		return event.Offered{}, false
	}
	offer, ok := c.Pending.Event.(event.Offered)
	return offer, ok
}

// wrongPhase is the refusal that says where the ceremony stands instead.
func (c State) wrongPhase() ceremony.Refusal {
	switch {
	case c.Ended() || c.Closing != nil:
		return ceremony.Closed
	case c.Phase == PhaseFrozen:
		return ceremony.IsFrozen
	}
	return ceremony.NotCollecting
}

// CommandOf is what a signed word asks for.
func (c State) CommandOf(by ceremony.Account, said ceremony.Statement, signed string) (Command, error) {
	added := OneLine(c.Added(said))
	switch said.Verb {
	case ceremony.SayApprove:
		return Approve{By: by, PlanHash: said.Hash, Signed: signed}, nil
	case ceremony.SayReject:
		return Reject{By: by, Why: added, Signed: signed}, nil
	case ceremony.SayPresent:
		return AnswerRoll{By: by, Answer: added, Signed: signed}, nil
	case ceremony.SayProceed:
		return Proceed{By: by, Signed: signed}, nil
	case ceremony.SayFreeze:
		return Freeze{By: by, Why: added, Signed: signed}, nil
	case ceremony.SayResume:
		return Resume{By: by, Signed: signed}, nil
	case ceremony.SayCancel:
		return Cancel{By: by, Why: added, Signed: signed}, nil
	case ceremony.SayReset:
		return Reset{By: by, Signed: signed}, nil
	case ceremony.SayReverify:
		return Reverify{By: by, Signed: signed}, nil
	case ceremony.SayDelete:
		return Delete{By: by, Signed: signed}, nil
	case ceremony.SayRevoked:
		return Revoke{By: by, Signed: signed}, nil
	case ceremony.SayException:
		return Note{By: by, Text: added, Signed: signed}, nil
	case ceremony.SayAcknowledge:
		return Acknowledge{By: by, Why: added, Signed: signed}, nil
	case ceremony.SayAgree, ceremony.SayDisagree:
		return Testify{By: by, Agrees: said.Verb == ceremony.SayAgree, Why: added, Signed: signed}, nil
	}
	return nil, fmt.Errorf("no act for the word %q", said.Verb)
}
