package rules

import (
	"slices"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
)

func (c State) approve(cmd command.Approve, now time.Time) ([]event.Event, error) {
	by, ok := ceremony.Find(c.Plan.Approvers, cmd.By)
	switch {
	case c.Ended() || c.Closing != nil:
		return nil, ceremony.Closed
	case cmd.By == c.Plan.Initiator.Account:
		return nil, ceremony.OwnProposal // the rule of two people has a refusal of its own
	case !ok:
		return nil, ceremony.NotApprover
	case c.hasApproved(cmd.By):
		return nil, ceremony.AlreadyApproved
	case c.Phase != PhaseProposed:
		return nil, ceremony.NotProposed
	case !now.Before(c.Plan.Closes):
		return nil, ceremony.Closed
	case c.Plan.SignedApprovals && cmd.Signed == "":
		return nil, ceremony.NeedsSignature
	case len(cmd.PlanHash) < shortestHash || !strings.HasPrefix(c.PlanHash, strings.ToLower(cmd.PlanHash)):
		return nil, ceremony.PlanChanged
	}
	return one(event.Approved{By: by, PlanHash: c.PlanHash, Signed: cmd.Signed})
}

func (c State) reject(cmd command.Reject) ([]event.Event, error) {
	by, ok := ceremony.Find(c.Plan.Approvers, cmd.By)
	switch {
	case c.Ended() || c.Closing != nil:
		return nil, ceremony.Closed
	case !ok:
		return nil, ceremony.NotApprover
	case c.Phase != PhaseProposed:
		return nil, ceremony.NotProposed
	}
	return []event.Event{
		event.Rejected{By: by, Why: cmd.Why, Signed: cmd.Signed},
		event.Ended{Outcome: event.WasRejected, Vault: event.NothingToCancel},
	}, nil
}

func (c State) callRoll(cmd command.CallRoll) ([]event.Event, error) {
	if c.Phase != PhaseRollCall || c.Called() != nil {
		return nil, c.wrongPhase()
	}
	return one(cmd.Called)
}

// Called returns the roll call, or nil before it.
func (c State) Called() *event.RollCalled { return newest[event.RollCalled](c) }

// IsPresent reports whether a person has answered the roll call.
func (c State) IsPresent(who ceremony.Account) bool {
	return slices.ContainsFunc(c.Present, func(p Contribution) bool { return p.By.Account == who })
}

// answer judges what a person has decrypted and sent back.
func (c State) answer(cmd command.AnswerRoll) ([]event.Event, error) {
	by, called := ceremony.Find(c.Plan.RollCall, cmd.By)
	roll := c.Called()
	switch {
	case c.Ended() || c.Closing != nil:
		return nil, ceremony.Closed
	case !called:
		return nil, ceremony.NotCalled
	case c.IsPresent(cmd.By):
		return nil, ceremony.AlreadyPresent
	case c.Phase == PhaseFrozen || c.Stopping != nil:
		return nil, ceremony.IsFrozen
	case c.Phase != PhaseRollCall || roll == nil:
		return nil, ceremony.NotWaiting
	case cmd.Signed == "":
		return nil, ceremony.NeedsSignature // an account alone shows nothing of a key
	}
	i := slices.IndexFunc(roll.Challenges, func(ch ceremony.Challenge) bool { return ch.For == by })
	if i < 0 || roll.Challenges[i].Digest != ceremony.RollCallDigest(cmd.Answer) {
		return nil, ceremony.WrongAnswer
	}
	return one(event.Present{By: by, Signed: cmd.Signed})
}
