package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
	"conclave/ceremony/index"
	"conclave/ceremony/rules"
)

// callRoll writes into a plan who must show that they can decrypt what they will be given:
// everybody who receives something, without those whose key has been used lately.
func (e *Engine) callRoll(plan *ceremony.Plan, policy ceremony.RollCall) {
	if !policy.On {
		return
	}
	called := slices.Clone(plan.Receivers)
	if plan.Operation == ceremony.ReadBackup {
		called = nil // the backup was encrypted long ago
	}
	if plan.Requester != nil && plan.OTP == "" {
		if _, there := ceremony.Find(called, plan.Requester.Account); !there {
			called = append(called, *plan.Requester)
		}
	}
	all := len(called)
	called = slices.DeleteFunc(called, func(p ceremony.Person) bool {
		return policy.Fresh > 0 && e.provenSince(p, plan.Proposed.Add(-policy.Fresh))
	})
	needed := all
	if policy.Needed > 0 {
		needed = min(all, policy.Needed)
	}
	if plan.Present = max(0, needed-(all-len(called))); plan.Present > 0 {
		plan.RollCall = called
	}
}

// provenSince reports whether a person has used their key since a moment, see
// [index.Proves].
func (e *Engine) provenSince(who ceremony.Person, since time.Time) bool {
	e.mu.Lock()
	last := e.past.Proven(who.Account, who.Key)
	e.mu.Unlock()
	return !last.IsZero() && !last.Before(since) || slices.ContainsFunc(e.Current(), func(c rules.State) bool {
		return slices.ContainsFunc(c.History, func(entry event.Entry) bool {
			by, ok := index.Proves(entry.Event)
			return ok && by.Account == who.Account && by.Key == who.Key && !entry.At.Before(since)
		})
	})
}

// callRoll makes the challenges of the roll call. Their contents are not kept: a right
// answer is told by its digest.
func (a *actor) callRoll(ctx context.Context) (progress bool, err error) {
	pgp, plan, now := a.e.config.OpenPGP, a.c.Plan, time.Now()
	if bot := pgp.Identity(); bot != plan.Identity {
		return a.advance(ctx, rules.OtherBot(plan, bot).Stop())
	}
	certificate, err := pgp.PublicKey(plan.Identity)
	if err != nil {
		return false, ownFault{fmt.Errorf("show the identity's own key: %w", err)}
	}
	called := event.RollCalled{Certificate: certificate}
	for _, p := range plan.RollCall {
		ciphertext, response, err := pgp.Challenge(p.Key, now)
		switch {
		case errors.Is(err, ceremony.HolderKeyInvalid):
			// Vault could not be given the key either; people must not wait for nothing.
			a.log.Error("a challenge can't be made", "for", p.Name, "error", err)
			return a.advance(ctx, command.Fail{Fault: ceremony.HolderKeyInvalid})
		case err != nil:
			return false, ownFault{fmt.Errorf("make the challenge for %s: %w", p.Name, err)}
		}
		challenge := ceremony.Challenge{
			For: p, Ciphertext: ciphertext, Digest: ceremony.RollCallDigest(ceremony.RollCallAnswer([]byte(response))),
		}
		challenge.Notice, err = pgp.SignRollCall(ceremony.RollCallNotice{
			Plan: plan, Digest: challenge.Digest, At: now,
		})
		if err != nil {
			return false, ownFault{fmt.Errorf("sign the roll call: %w", err)}
		}
		called.Challenges = append(called.Challenges, challenge)
	}
	return a.advance(ctx, command.CallRoll{Called: called})
}
