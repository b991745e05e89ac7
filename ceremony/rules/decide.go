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
	// maxDeclined is how many envelopes of one person may be refused by their own fault
	// in one ceremony. Then no more are looked at: the journal must not grow by what an
	// intruder types.
	maxDeclined = 20
	// maxTransient is the same of refusals that are no fault of the sender's.
	maxTransient = 3 * maxDeclined
	// shortestHash is how many digits of the plan's hash an approver has to name.
	shortestHash = 8
)

// Decide returns the events that follow from a command, or a [ceremony.Refusal]. It
// changes nothing.
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
		return c.archived(cmd.Kept)
	case GiveUpArchive:
		return c.giveUpArchive(now), nil
	case Begin:
		// A one-time password waits as an offer until Vault is asked for an attempt.
		offer, offered := c.Offer()
		waits := c.Pending != nil && !(offered && offer.Step == ceremony.StepOTP)
		if c.Phase != PhaseApproved || !c.Plan.Operation.HasAttempt() || !c.mayBegin(now) || waits {
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
			return nil, c.wrongPhase() // no share is wanted, and no one-time password
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
		unasked := cmd.Why == event.PersonStopped && c.Stopping == nil
		if c.Ended() || unasked || c.Phase == PhaseFrozen && !stands(cmd.Why) {
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
	// The rule of two people comes first, and has a refusal of its own.
	if cmd.By == c.Plan.Initiator.Account {
		return nil, ceremony.OwnProposal
	}
	by, ok := ceremony.Find(c.Plan.Approvers, cmd.By)
	if !ok {
		return nil, ceremony.NotApprover
	}
	if c.hasApproved(cmd.By) {
		return nil, ceremony.AlreadyApproved
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
	return []event.Event{
		event.Rejected{By: by, Why: cmd.Why, Signed: cmd.Signed},
		event.Ended{Outcome: event.WasRejected, Vault: event.NothingToCancel},
	}, nil
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

// close begins the end. A ceremony that has no attempt in Vault, and waits for none, ends
// at once.
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

// closed returns the end of a ceremony, by what has become of its attempt.
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

// nothingOpen returns the ending of a ceremony that has nothing in Vault now. What it had
// there before may have been carried through, or done, all the same.
func (c State) nothingOpen() ceremony.VaultEnding {
	if c.Unproven || c.Result == nil && c.Last(Is[event.Acting]) > 0 {
		return event.AttemptUnknown
	}
	return event.NothingToCancel
}

// Foreign reports whether the attempt that stopped the start is still in Vault. It is not
// ours, or can't be told to be.
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
	heard := initiator && c.Freeze.Initiator || !initiator && c.Freeze.Approver
	if heard && !(c.Freeze.Initiator && c.Freeze.Approver) {
		return nil, nil // said before
	}
	events := []event.Event{event.ResumeAsked{By: by, Signed: cmd.Signed}}
	initiatorAgrees := initiator || c.Freeze.Initiator || c.Plan.Initiator == ceremony.SealWatch
	if approverAgrees := !initiator || c.Freeze.Approver; initiatorAgrees && approverAgrees {
		events = append(events, event.Resumed{})
	}
	return events, nil
}

// decider returns the initiator or the approver with this account.
func (c State) decider(who ceremony.Account) (ceremony.Person, bool) {
	return ceremony.Find(c.Plan.Deciders(), who)
}

// receive judges whether a person may bring a share now: the third stop in the life of a
// share. Either way the envelope goes to the journal, up to [maxDeclined] refusals.
func (c State) receive(cmd Receive, now time.Time) ([]event.Event, error) {
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

// seen reports whether the envelope in this message has been judged before.
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

// knows reports whether an envelope whose share was sent to Vault matches.
func (c State) knows(match func(ceremony.Evidence) bool) bool {
	for _, e := range c.History {
		if s, ok := e.Event.(event.Submitting); ok && match(s.Evidence) {
			return true
		}
	}
	return false
}

// declined returns how many of a person's envelopes were refused by their own fault, and
// how many by nobody's.
func (c State) declined(who ceremony.Account) (own, transient int) {
	for _, e := range c.History {
		d, ok := e.Event.(event.Declined)
		switch {
		case !ok || d.By.Account != who:
		case d.Reason.Transient():
			transient++
		default:
			own++
		}
	}
	return own, transient
}

// decline refuses the envelope that is opened, or whose share Vault has not taken.
func (c State) decline(cmd Decline) ([]event.Event, error) {
	declined := event.Declined{
		Evidence: cmd.Evidence.WithoutProof(), Reason: cmd.Reason, ShareTag: cmd.Share, See: cmd.See,
	}
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
		// A reader of the direct messages would have both halves of the token.
		events = append(events, failed(ceremony.PlainPassword, c.nothingOpen())...)
	}
	return events, nil
}

// failed ends a ceremony that a fault has made impossible.
func failed(fault ceremony.Refusal, vault ceremony.VaultEnding) []event.Event {
	return []event.Event{
		event.Closing{Outcome: event.Failed, Fault: fault},
		event.Ended{Outcome: event.Failed, Vault: vault},
	}
}

// send judges an opened share before it goes to Vault.
func (c State) send(cmd Send) ([]event.Event, error) {
	offer, ok := c.Offer()
	if !ok || c.Closing != nil || offer.Step == ceremony.StepDrill || offer.Step == ceremony.StepOTP {
		return nil, c.wrongPhase() // neither is a share that goes to Vault
	}
	// A message that was mangled on the way has other bytes and the same signature. So a
	// replay is known by who signed and when.
	if c.knows(func(e ceremony.Evidence) bool {
		return e.Signer == cmd.Evidence.Signer && e.SignedAt.Equal(cmd.Evidence.SignedAt)
	}) {
		return c.decline(Decline{Evidence: cmd.Evidence, Reason: ceremony.Replayed})
	}
	if reason := c.Judge(offer, cmd.Evidence, cmd.Share, cmd.Verdict); reason != "" {
		return c.decline(Decline{Evidence: cmd.Evidence, Reason: reason, Share: cmd.Share, See: cmd.Verdict.See})
	}
	nodes := c.sealedFor(offer.By.Account)
	if offer.Step == ceremony.StepUnseal && len(nodes) == 0 {
		// The last of them has just gone.
		return c.decline(Decline{Evidence: cmd.Evidence, Reason: ceremony.NotCollecting})
	}
	return one(event.Submitting{
		By: offer.By, Step: offer.Step, Nonce: c.Round.Nonce, Before: cmd.Before, Nodes: nodes,
		Message: offer.Message, Evidence: cmd.Evidence, TagMatch: tagMatch(cmd.Share, cmd.Verdict),
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

// mayBegin reports whether Vault may be asked for what people have agreed to: its time
// has come, no witness is waited for, and nobody wants it frozen.
func (c State) mayBegin(now time.Time) bool {
	return c.Gate() == "" && c.Stopping == nil && !now.Round(0).Before(c.NextStart(now))
}

// Offer returns the envelope that waits to be opened.
func (c State) Offer() (event.Offered, bool) {
	if c.Pending == nil {
		return event.Offered{}, false
	}
	offer, ok := c.Pending.Event.(event.Offered)
	return offer, ok
}

// wrongPhase returns the refusal of a command for which it is the wrong moment.
func (c State) wrongPhase() ceremony.Refusal {
	switch {
	case c.Ended() || c.Closing != nil:
		return ceremony.Closed
	case c.Phase == PhaseFrozen:
		return ceremony.IsFrozen
	}
	return ceremony.NotCollecting
}

// CommandOf returns the command that a signed statement asks for.
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
	return nil, fmt.Errorf("no command for the verb %q", said.Verb)
}
