package ceremony

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"
)

// Challenge is what one person has to decrypt in a roll call, with the very key that
// Vault will be given.
type Challenge struct {
	For        Person `json:"for"`
	Ciphertext string `json:"ciphertext"` // armored
	Digest     string `json:"digest"`     // of the right answer, by RollCallDigest
	Notice     string `json:"notice"`     // the plan and this digest, signed by the identity
}

// RollCallAnswer is what somebody sends back of what they have decrypted: its SHA-256
// in lower-case hexadecimal digits. Were it sent as it is, whoever puts an encrypted
// share in the challenge's place would have it sent in the open.
func RollCallAnswer(decrypted []byte) string {
	sum := sha256.Sum256(decrypted)
	return hex.EncodeToString(sum[:])
}

// RollCallDigest is what tells a right answer without giving it away: its SHA-256 in
// lower-case hexadecimal digits. The answer may be in upper-case ones, which is how gpg
// prints a hash.
func RollCallDigest(answer string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(answer)))
	return hex.EncodeToString(sum[:])
}

// callRoll writes into a plan who has to show that they can read what will be
// encrypted to them: everybody who gets something, but for those whose key has shown
// it lately.
func (e *Engine) callRoll(plan *Plan, policy RollCall) {
	if !policy.On {
		return
	}
	called := slices.Clone(plan.Receivers)
	if plan.Operation == ReadBackup {
		called = nil // what Vault has was encrypted long ago
	}
	if plan.Requester != nil && plan.OTP == "" {
		if _, known := find(called, plan.Requester.Account); !known {
			called = append(called, *plan.Requester)
		}
	}
	all := len(called)
	called = slices.DeleteFunc(called, func(p Person) bool {
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

// provenSince says whether somebody has used their key since: decrypted a challenge,
// or a new share that Vault had encrypted to it.
func (e *Engine) provenSince(who Person, since time.Time) bool {
	return slices.ContainsFunc(e.Ceremonies(), func(c Ceremony) bool {
		return slices.ContainsFunc(c.History, func(entry Entry) bool {
			if entry.At.Before(since) {
				return false
			}
			switch ev := entry.Event.(type) {
			case Present:
				return ev.By.Account == who.Account && ev.By.Key == who.Key
			case Counted:
				return ev.By.Account == who.Account && ev.By.Key == who.Key && ev.Step == Verify
			}
			return false
		})
	})
}

// Called is the roll call, nil before it.
func (c Ceremony) Called() *RollCalled {
	for _, e := range slices.Backward(c.History) {
		if called, ok := e.Event.(RollCalled); ok {
			return &called
		}
	}
	return nil
}

// IsPresent says whether somebody has answered the roll call.
func (c Ceremony) IsPresent(who Account) bool {
	return slices.ContainsFunc(c.Present, func(p Contribution) bool { return p.By.Account == who })
}

// answer judges what somebody has decrypted and sent back.
func (c Ceremony) answer(cmd AnswerRoll) ([]Event, error) {
	by, called := find(c.Plan.RollCall, cmd.By)
	roll := c.Called()
	switch {
	case c.Ended() || c.Closing != nil:
		return nil, Closed
	case !called:
		return nil, NotCalled
	case c.IsPresent(cmd.By):
		return nil, AlreadyPresent
	case c.State == StateFrozen || c.Stopping != nil:
		return nil, IsFrozen
	case c.State != StateRollCall || roll == nil:
		return nil, NotWaiting
	case cmd.Signed == "":
		return nil, NeedsSignature // an account alone shows nothing of a key
	}
	i := slices.IndexFunc(roll.Challenges, func(ch Challenge) bool { return ch.For == by })
	if i < 0 || roll.Challenges[i].Digest != RollCallDigest(cmd.Answer) {
		return nil, WrongAnswer
	}
	return one(Present{By: by, Signed: cmd.Signed})
}

// callRoll makes everybody's challenge. What is in it is forgotten at once: its
// digest tells a right answer.
func (o *owner) callRoll(ctx context.Context) bool {
	opener, plan, now := o.e.config.Opener, o.c.Plan, time.Now()
	if bot := opener.Identity(); bot != plan.Identity {
		return o.record(ctx, otherBot(plan, bot).stop()) == nil
	}
	certificate, err := opener.PublicKey(plan.Identity)
	if err != nil {
		o.log.Error("the identity's own key can't be shown", "error", err)
		return false
	}
	called := RollCalled{Certificate: certificate}
	for _, p := range plan.RollCall {
		ciphertext, response, err := opener.Challenge(p.Key, now)
		if err != nil {
			o.log.Error("a challenge could not be made", "for", p.Name, "error", err)
			if errors.Is(err, HolderKeyInvalid) {
				// Vault could be given it no more than this; people wait for nothing.
				return o.record(ctx, Fail{Fault: HolderKeyInvalid}) == nil
			}
			return false
		}
		challenge := Challenge{For: p, Ciphertext: ciphertext, Digest: RollCallDigest(RollCallAnswer([]byte(response)))}
		challenge.Notice, err = opener.SignRollCall(RollCallNotice{Plan: plan, Digest: challenge.Digest, At: now})
		if err != nil {
			o.log.Error("a roll call could not be signed", "error", err)
			return false
		}
		called.Challenges = append(called.Challenges, challenge)
	}
	return o.record(ctx, CallRoll{Called: called}) == nil
}
