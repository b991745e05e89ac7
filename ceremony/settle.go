package ceremony

import (
	"fmt"
	"slices"
)

// settle says what came of the share that was sent. Vault's status afterwards is
// what counts: a status code alone does not say whether a share was counted, and
// a lost answer says nothing (P5).
func (c Ceremony) settle(cmd Settle) ([]Event, error) {
	if c.Pending == nil {
		return nil, c.notNow()
	}
	switch sent := c.Pending.Event.(type) {
	case Dropping:
		return c.settleDrop(sent, cmd)
	case Submitting:
		switch {
		case sent.Step == Enter:
			return c.settleEntered(sent, cmd), nil
		case cmd.Answer != nil && cmd.Answer.Complete:
			return c.completed(sent, *cmd.Answer)
		case sent.Step == Verify:
			return c.settleVerify(sent, cmd)
		}
		return c.settleUpdate(sent, cmd)
	}
	return nil, c.notNow()
}

// completed is what follows from the answer that ends a step.
func (c Ceremony) completed(sent Submitting, a Answer) ([]Event, error) {
	done := Ended{Outcome: Completed, Vault: AttemptUsed}
	switch {
	case sent.Step == Verify:
		return []Event{Verified{By: &sent.By}, done}, nil
	case c.Plan.OTP != "":
		if a.Encoded == "" {
			return c.lost(TokenLost)
		}
		return []Event{TokenIssued{By: sent.By, Encoded: a.Encoded}, done}, nil
	case c.Plan.Operation.IssuesToken():
		if len(a.Ciphertexts) != 1 {
			return c.lost(TokenLost)
		}
		issued := TokenIssued{By: sent.By, Ciphertext: a.Ciphertexts[0], Keys: a.Fingerprints}
		if want := c.Plan.Recipients(); !slices.Equal(a.Fingerprints, want) {
			return []Event{issued, Froze{Why: VaultDiffers, Want: "a token for " + list(want), Got: list(a.Fingerprints)}}, nil
		}
		return []Event{issued, done}, nil
	}
	return c.rekeyed(sent.By, a, false)
}

// rekeyed records the new shares first (P7), and judges them afterwards.
func (c Ceremony) rekeyed(by Person, a Answer, backup bool) ([]Event, error) {
	made, wrong := c.newShares(by, a, backup)
	switch {
	case wrong != nil:
		return []Event{made, *wrong}, nil
	case c.Plan.Verification && a.VerificationNonce == "":
		return []Event{made, Froze{Why: VaultDiffers, Want: "a verification of the new shares", Got: "none: the new key is in force"}}, nil
	case !c.Plan.Verification:
		return []Event{made, Ended{Outcome: Completed, Vault: AttemptUsed}}, nil
	}
	return one(made)
}

// newShares are those of an answer, and what is wrong with them, nil when they are the
// plan's.
func (c Ceremony) newShares(by Person, a Answer, backup bool) (Rekeyed, *Froze) {
	made := Rekeyed{By: by, Keys: a.Fingerprints, VerificationNonce: a.VerificationNonce, FromBackup: backup}
	if c.Plan.Verification {
		made.Required = c.Plan.NewThreshold
	}
	for i, r := range c.Plan.Receivers {
		if i < len(a.Ciphertexts) {
			made.Shares = append(made.Shares, NewShare{For: r, Ciphertext: a.Ciphertexts[i]})
		}
	}
	want := c.Plan.Recipients()
	switch {
	case len(a.Ciphertexts) != len(want):
		return made, &Froze{Why: VaultDiffers, Want: fmt.Sprintf("%d new shares", len(want)), Got: fmt.Sprint(len(a.Ciphertexts))}
	case !slices.Equal(a.Fingerprints, want):
		return made, &Froze{Why: VaultDiffers, Want: "new shares for " + list(want), Got: list(a.Fingerprints)}
	}
	return made, nil
}

// settleUpdate judges by the status of the operation itself.
func (c Ceremony) settleUpdate(sent Submitting, cmd Settle) ([]Event, error) {
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
		return one(Froze{Why: ForeignAttempt, Want: "attempt " + sent.Nonce, Got: "attempt " + seen.Nonce, Remains: c.remains(cmd.Seen)})
	case seen.Started && cmd.Seen.made():
		return c.unseen(sent, cmd.Seen)
	case seen.Started:
		return c.settleRound(sent, cmd, seen.Progress, last)
	case ours && c.Plan.Operation.IssuesToken():
		// The token may have been made: nobody holds it, nobody can read it.
		return c.lost(TokenLost)
	case ours && c.Plan.Operation.Rekeys() && !c.Plan.Verification:
		return c.unseen(sent, cmd.Seen)
	}
	return one(Froze{Why: AttemptGone, Want: "attempt " + sent.Nonce, Got: "no attempt in progress", Remains: c.remains(cmd.Seen)})
}

// unseen is a rekey whose new shares were made and whose answer was lost. The
// backup has them, or they are given up: with verification the old key is still
// in force.
func (c Ceremony) unseen(sent Submitting, v View) ([]Event, error) {
	if v.Backup != nil && v.Backup.Nonce == sent.Nonce {
		return c.rekeyed(sent.By, c.backedUp(v), true)
	}
	if c.Plan.Verification {
		return one(Froze{Why: KeysLost, Want: "the new shares", Got: "an answer that was lost"})
	}
	return c.lost(SharesLost)
}

// backedUp is the answer that was lost, as far as Vault's backup has it.
func (c Ceremony) backedUp(v View) Answer {
	a := Answer{Complete: true}
	if !c.lacks(v) {
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

// settleVerify judges by the status of the verification.
func (c Ceremony) settleVerify(sent Submitting, cmd Settle) ([]Event, error) {
	seen := cmd.Seen.Verify
	last := sent.Before+1 == c.Round.Required
	switch {
	case seen.Started && seen.Nonce == sent.Nonce:
		return c.settleRound(sent, cmd, seen.Progress, last)
	case seen.Started && last && seen.Progress == 0:
		// Vault gives a refused verification another nonce.
		return one(c.roundRefused(sent, seen.Nonce))
	case seen.Started:
		return one(Froze{Why: ForeignShare, Want: "verification " + sent.Nonce, Got: "verification " + seen.Nonce})
	case last && !cmd.Seen.Update.Started && !cmd.Refused && !c.refutedBy(cmd.Seen.Seal):
		return []Event{
			Verified{By: &sent.By, Unconfirmed: !c.confirmedBy(cmd.Seen.Seal)},
			Ended{Outcome: Completed, Vault: AttemptUsed},
		}, nil
	}
	return one(Froze{Why: AttemptGone, Want: "verification " + sent.Nonce, Got: "no verification in progress"})
}

// confirmedBy says whether the seal's numbers show that the new key is in
// force. They can't when they are the old key's numbers as well.
func (c Ceremony) confirmedBy(s Seal) bool {
	p := c.Plan
	return (p.Shares != len(p.Receivers) || p.Threshold != p.NewThreshold) &&
		s.ClusterID == p.ClusterID && s.Shares == len(p.Receivers) && s.Threshold == p.NewThreshold
}

// refutedBy says whether the seal's numbers show that the old key is in force:
// the rekey was cancelled, or died with its leader.
func (c Ceremony) refutedBy(s Seal) bool {
	p := c.Plan
	return s.ClusterID != p.ClusterID || (p.Shares != len(p.Receivers) || p.Threshold != p.NewThreshold) && !c.confirmedBy(s)
}

// settleRound judges by the number of shares that Vault has counted under the
// right nonce.
func (c Ceremony) settleRound(sent Submitting, cmd Settle, progress int, last bool) ([]Event, error) {
	switch {
	case cmd.Refused && progress > sent.Before:
		return one(Froze{Why: ForeignShare, Want: fmt.Sprintf("%d shares counted", sent.Before), Got: fmt.Sprint(progress)})
	case progress == sent.Before+1 && !last:
		return one(Counted{By: sent.By, Step: sent.Step, Progress: progress, Asked: cmd.Answer == nil})
	case progress == 0 && last && sent.Before > 0:
		return one(c.roundRefused(sent, ""))
	case progress == sent.Before:
		reason := NotCounted
		if cmd.Refused {
			reason = VaultRefused
		}
		return one(Declined{By: sent.By, Step: sent.Step, Message: sent.Message, Evidence: sent.Evidence, Reason: reason})
	}
	return one(Froze{Why: ForeignShare, Want: fmt.Sprintf("%d shares counted", sent.Before+1), Got: fmt.Sprint(progress)})
}

func (c Ceremony) roundRefused(sent Submitting, nonce string) RoundRefused {
	refused := RoundRefused{Step: sent.Step, Round: c.Round.Number, Nonce: nonce}
	for _, s := range c.Round.Counted {
		refused.With = append(refused.With, s.By)
	}
	refused.With = append(refused.With, sent.By)
	refused.Suspects = c.suspects(refused.With)
	return refused
}

// lost ends a ceremony whose result was made and can't be had.
func (c Ceremony) lost(fault Refusal) ([]Event, error) {
	return []Event{Closing{Outcome: Failed, Fault: fault}, Ended{Outcome: Failed, Vault: AttemptUsed}}, nil
}

// settleDrop says what came of dropping what Vault had.
func (c Ceremony) settleDrop(sent Dropping, cmd Settle) ([]Event, error) {
	v := cmd.Seen
	switch {
	case sent.Step == Enter:
		return c.settleReset(sent, v), nil
	case !v.Update.Started && cmd.Dropped:
		return one(AttemptLost{Nonce: c.Attempt.Nonce})
	case !v.Update.Started:
		return c.goneUnasked(v), nil
	case v.Update.Nonce != c.Attempt.Nonce:
		return one(Froze{Why: ForeignAttempt, Want: "no attempt in progress", Got: "attempt " + v.Update.Nonce, Remains: c.remains(v)})
	case sent.Step == Verify && v.Verify.Started && v.Verify.Progress == 0:
		return one(RoundReset{Step: Verify, Nonce: v.Verify.Nonce})
	}
	return nil, nil // not dropped yet: the engine asks again
}
