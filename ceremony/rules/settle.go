package rules

import (
	"fmt"
	"slices"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
)

func (c State) lose(command.Lose) ([]event.Event, error) {
	if c.Pending == nil || c.Pending.Asking {
		return nil, nil
	}
	return one(event.AnswerLost{})
}

// settle judges what came of the share that was sent, or of what was to be dropped.
// Vault's status afterwards counts: a status code alone does not tell whether a share was
// counted, and a lost answer tells nothing (P5).
func (c State) settle(cmd command.Settle) ([]event.Event, error) {
	if c.Pending == nil {
		return nil, c.wrongPhase()
	}
	switch sent := c.Pending.Event.(type) {
	case event.Dropping:
		return c.settleDrop(sent, cmd)
	case event.Submitting:
		switch {
		case sent.Step == ceremony.StepUnseal:
			return c.settleEntered(sent, cmd), nil
		case cmd.Answer != nil && cmd.Answer.Complete:
			return c.completed(sent, *cmd.Answer)
		case sent.Step == ceremony.StepVerify:
			return c.settleVerify(sent, cmd)
		}
		return c.settleUpdate(sent, cmd)
	}
	return nil, c.wrongPhase()
}

// completed returns what follows from the answer that ends a step.
func (c State) completed(sent event.Submitting, a ceremony.Answer) ([]event.Event, error) {
	done := event.Ended{Outcome: event.Completed, Vault: event.AttemptUsed}
	switch {
	case sent.Step == ceremony.StepVerify:
		return []event.Event{event.Verified{By: &sent.By}, done}, nil
	case c.Plan.OTP != "":
		if a.Encoded == "" {
			return failed(ceremony.TokenLost, event.AttemptUsed)
		}
		return []event.Event{event.TokenIssued{By: sent.By, Encoded: a.Encoded}, done}, nil
	case c.Plan.Operation.IssuesToken():
		if len(a.Ciphertexts) != 1 {
			return failed(ceremony.TokenLost, event.AttemptUsed)
		}
		issued := event.TokenIssued{By: sent.By, Ciphertext: a.Ciphertexts[0], Keys: a.Fingerprints}
		if want := c.Plan.Recipients(); !slices.Equal(a.Fingerprints, want) {
			d := Difference{event.VaultDiffers, "a token for " + List(want), List(a.Fingerprints)}
			return []event.Event{issued, d.freeze()}, nil
		}
		return []event.Event{issued, done}, nil
	}
	return c.rekeyed(sent.By, a, false)
}

// rekeyed records the new shares first (P7), and judges them afterwards.
func (c State) rekeyed(by ceremony.Person, a ceremony.Answer, backup bool) ([]event.Event, error) {
	made, wrong := c.madeShares(by, a, backup)
	switch {
	case wrong != nil:
		return []event.Event{made, *wrong}, nil
	case c.Plan.Verification && a.VerificationNonce == "":
		d := Difference{event.VaultDiffers, "a verification of the new shares", "none: the new key is in force"}
		return []event.Event{made, d.freeze()}, nil
	case !c.Plan.Verification:
		return []event.Event{made, event.Ended{Outcome: event.Completed, Vault: event.AttemptUsed}}, nil
	}
	return one(made)
}

// madeShares returns the new shares of an answer, and what is wrong with them: nil when
// they are the plan's.
func (c State) madeShares(
	by ceremony.Person, a ceremony.Answer, backup bool,
) (made event.Rekeyed, wrong *event.Frozen) {
	made = event.Rekeyed{By: by, Keys: a.Fingerprints, VerificationNonce: a.VerificationNonce, FromBackup: backup}
	if c.Plan.Verification {
		made.Required = c.Plan.NewThreshold
	}
	for i, ciphertext := range a.Ciphertexts {
		if r, ok := c.receiver(a, i); ok {
			made.Shares = append(made.Shares, event.NewShare{For: r, Ciphertext: ciphertext})
		}
	}
	want := c.Plan.Recipients()
	switch {
	case len(a.Ciphertexts) != len(want):
		return made, &event.Frozen{
			Why: event.VaultDiffers, Want: fmt.Sprintf("%d new shares", len(want)), Got: fmt.Sprint(len(a.Ciphertexts)),
		}
	case !slices.Equal(a.Fingerprints, want):
		return made, &event.Frozen{
			Why: event.VaultDiffers, Want: "new shares for " + List(want), Got: List(a.Fingerprints),
		}
	}
	return made, nil
}

// receiver returns the person to whose key a share of an answer is encrypted. A share for
// a key that no receiver has goes by its position, if everybody has got a share.
func (c State) receiver(a ceremony.Answer, i int) (ceremony.Person, bool) {
	all := c.Plan.Receivers
	has := func(p ceremony.Person) bool { return i < len(a.Fingerprints) && p.Key == a.Fingerprints[i] }
	if at := slices.IndexFunc(all, has); at >= 0 {
		return all[at], true
	}
	if len(a.Ciphertexts) != len(all) {
		return ceremony.Person{}, false
	}
	return all[i], true
}

// settleUpdate judges a share of the key in force by the status of the attempt.
func (c State) settleUpdate(sent event.Submitting, cmd command.Settle) ([]event.Event, error) {
	seen := cmd.Seen.Update
	last := sent.Before+1 == c.Round.Required
	ours := last && !cmd.Refused // the attempt may have ended by this share
	if !ours || c.Plan.Verification {
		if events := c.fromBackup(cmd.Seen); events != nil {
			return events, nil
		}
	}
	switch {
	case seen.Started && seen.Nonce != sent.Nonce:
		return one(event.Frozen{
			Why: event.ForeignAttempt, Want: "attempt " + sent.Nonce, Got: "attempt " + seen.Nonce,
			Remains: c.remains(cmd.Seen),
		})
	case seen.Started && cmd.Seen.Made():
		return c.unseen(sent, cmd.Seen)
	case seen.Started:
		return c.settleRound(sent, cmd, seen.Progress, last)
	case ours && c.Plan.Operation.IssuesToken():
		// The token may have been made. Nobody holds it, and nobody can read it.
		return failed(ceremony.TokenLost, event.AttemptUsed)
	case ours && c.Plan.Operation.Rekeys() && !c.Plan.Verification:
		return c.unseen(sent, cmd.Seen)
	}
	return one(event.Frozen{
		Why: event.AttemptGone, Want: "attempt " + sent.Nonce, Got: "no attempt in progress",
		Remains: c.remains(cmd.Seen),
	})
}

// unseen judges a rekey that has made its new shares and whose answer was lost. The
// backup has them, or they are given up: with verification the old key is still in force.
func (c State) unseen(sent event.Submitting, v command.View) ([]event.Event, error) {
	if v.Backup != nil && v.Backup.Nonce == sent.Nonce {
		return c.rekeyed(sent.By, c.backedUp(v), true)
	}
	if c.Plan.Verification {
		return one(event.Frozen{Why: event.KeysLost, Want: "the new shares", Got: "an answer that was lost"})
	}
	return failed(ceremony.SharesLost, event.AttemptUsed)
}

// backedUp returns the answer that was lost, as far as Vault's backup has it.
func (c State) backedUp(v command.View) ceremony.Answer {
	a := ceremony.Answer{Complete: true}
	if !c.Lacks(v) {
		a.VerificationNonce = v.Update.VerificationNonce
	}
	for _, f := range c.Plan.Recipients() {
		// Each receiver has a key of their own, so that a fingerprint names one share.
		if of := v.Backup.Ciphertexts[f]; len(of) == 1 {
			a.Ciphertexts = append(a.Ciphertexts, of[0])
			a.Fingerprints = append(a.Fingerprints, f)
		}
	}
	return a
}

// settleVerify judges a new share by the status of the verification.
func (c State) settleVerify(sent event.Submitting, cmd command.Settle) ([]event.Event, error) {
	seen := cmd.Seen.Verify
	last := sent.Before+1 == c.Round.Required
	switch {
	case seen.Started && seen.Nonce == sent.Nonce:
		return c.settleRound(sent, cmd, seen.Progress, last)
	case seen.Started && last && seen.Progress == 0:
		// Vault gives a refused verification another nonce.
		return one(c.roundRefused(sent, seen.Nonce))
	case seen.Started:
		return one(event.Frozen{
			Why: event.ForeignShare, Want: "verification " + sent.Nonce, Got: "verification " + seen.Nonce,
		})
	case last && !cmd.Seen.Update.Started && !cmd.Refused && !c.refutedBy(cmd.Seen.Seal):
		return []event.Event{
			event.Verified{By: &sent.By, Unconfirmed: !c.confirmedBy(cmd.Seen.Seal)},
			event.Ended{Outcome: event.Completed, Vault: event.AttemptUsed},
		}, nil
	}
	return one(event.Frozen{
		Why: event.AttemptGone, Want: "verification " + sent.Nonce, Got: "no verification in progress",
	})
}

// confirmedBy reports whether the seal's numbers show that the new key is in
// force. They can't when the old key has the same numbers.
func (c State) confirmedBy(s ceremony.Seal) bool {
	p := c.Plan
	return c.changesNumbers() && s.ClusterID == p.ClusterID &&
		s.Shares == len(p.Receivers) && s.Threshold == p.NewThreshold
}

// changesNumbers reports whether the new key has other numbers than the old one: of
// shares, or of those that Vault asks for.
func (c State) changesNumbers() bool {
	return c.Plan.Shares != len(c.Plan.Receivers) || c.Plan.Threshold != c.Plan.NewThreshold
}

// refutedBy reports whether the seal's numbers show that the old key is in force:
// the rekey was cancelled, or died with its leader.
func (c State) refutedBy(s ceremony.Seal) bool {
	return s.ClusterID != c.Plan.ClusterID || c.changesNumbers() && !c.confirmedBy(s)
}

// settleRound judges by the number of shares that Vault has counted under the
// right nonce.
func (c State) settleRound(sent event.Submitting, cmd command.Settle, progress int, last bool) ([]event.Event, error) {
	foreign := func(counted int) ([]event.Event, error) {
		want := fmt.Sprintf("%d shares counted", counted)
		return one(event.Frozen{Why: event.ForeignShare, Want: want, Got: fmt.Sprint(progress)})
	}
	switch {
	case cmd.Refused && progress > sent.Before:
		return foreign(sent.Before)
	case progress == sent.Before+1 && !last:
		return one(event.Counted{By: sent.By, Step: sent.Step, Progress: progress, Asked: cmd.Answer == nil})
	case progress == 0 && last && sent.Before > 0:
		return one(c.roundRefused(sent, ""))
	case progress == sent.Before:
		reason := ceremony.NotCounted
		if cmd.Refused {
			reason = ceremony.VaultRefused
		}
		return one(notTaken(sent, reason))
	}
	return foreign(sent.Before + 1)
}

// notTaken returns the refusal of a share that was sent and that Vault has not counted.
func notTaken(sent event.Submitting, reason ceremony.Refusal) event.Declined {
	return event.Declined{
		By: sent.By, Step: sent.Step, Message: sent.Message, Evidence: sent.Evidence, Reason: reason,
	}
}

// roundRefused returns the end of a round whose shares did not fit.
func (c State) roundRefused(sent event.Submitting, nonce string) event.RoundRefused {
	refused := event.RoundRefused{Step: sent.Step, Round: c.Round.Number, Nonce: nonce}
	for _, s := range c.Round.Counted {
		refused.With = append(refused.With, s.By)
	}
	refused.With = append(refused.With, sent.By)
	refused.Suspects = c.suspects(refused.With)
	return refused
}

// settleDrop judges what came of dropping what Vault had.
func (c State) settleDrop(sent event.Dropping, cmd command.Settle) ([]event.Event, error) {
	v := cmd.Seen
	switch {
	case sent.Step == ceremony.StepUnseal:
		return c.settleReset(sent, v), nil
	case !v.Update.Started && cmd.Dropped:
		if events := c.shownInForce(v); events != nil {
			return events, nil
		}
		return one(event.AttemptLost{Nonce: c.Attempt.Nonce})
	case !v.Update.Started:
		return c.goneUnasked(v), nil
	case v.Update.Nonce != c.Attempt.Nonce:
		return one(event.Frozen{
			Why: event.ForeignAttempt, Want: "no attempt in progress", Got: "attempt " + v.Update.Nonce,
			Remains: c.remains(v),
		})
	case sent.Step == ceremony.StepVerify && v.Verify.Started && v.Verify.Progress == 0:
		return one(event.RoundReset{Step: ceremony.StepVerify, Nonce: v.Verify.Nonce})
	}
	return nil, nil // not dropped yet: the engine asks again
}
