package ceremony

import "time"

// begunHere begins to collect shares for what has no attempt in Vault: the nonce
// that binds them is this program's own.
func (c Ceremony) begunHere(cmd Open, now time.Time) ([]Event, error) {
	op := c.Plan.Operation
	if c.State != StateApproved || c.Closing != nil || !c.mayBegin(now) || op.HasAttempt() || !op.TakesShares() {
		return nil, c.notNow()
	}
	events := []Event{Started{Nonce: cmd.Nonce, Required: c.Plan.Needed(op.firstStep())}}
	if op == Unseal {
		events = append(events, NodesSeen{Nodes: cmd.Nodes})
	}
	return events, nil
}

// prove records that a holder could decrypt and sign in a drill. A share that is
// most likely the wrong one proves nothing, unless its holder insists.
func (c Ceremony) prove(cmd Prove) ([]Event, error) {
	offer, ok := c.offer()
	if !ok || offer.Step != Practice {
		return nil, c.notNow()
	}
	if reason := c.judge(offer, cmd.Evidence, cmd.Share, cmd.Standing); reason != "" {
		return c.decline(Decline{Evidence: cmd.Evidence, Reason: reason, Share: cmd.Share, See: cmd.Standing.See})
	}
	return one(Proven{By: offer.By, Message: offer.Message, Evidence: cmd.Evidence, Recognition: recognised(cmd.Share, cmd.Standing)})
}

// reverify has Vault forget the new shares that were proven so far; what it made
// stays, and everybody proves theirs again.
func (c Ceremony) reverify(cmd Reverify) ([]Event, error) {
	by, err := c.mayDrop(cmd.By, c.State == StateVerifying)
	if err != nil {
		return nil, err
	}
	return []Event{VerificationDropped{By: by, Signed: cmd.Signed}, Dropping{Step: Verify, Nonce: c.Round.Nonce}}, nil
}

// reset has sealed nodes forget what they have counted, whoever entered it: a share
// that came past Conclave and does not fit would spoil the round. Everybody is
// asked anew.
func (c Ceremony) reset(cmd Reset) ([]Event, error) {
	by, err := c.mayDrop(cmd.By, c.Plan.Operation == Unseal && c.State == StateCollecting)
	if err != nil {
		return nil, err
	}
	return []Event{ResetAsked{By: by, Signed: cmd.Signed}, Dropping{Step: Enter, Nonce: c.Round.Nonce}}, nil
}

// mayDrop says whether somebody may have what was counted forgotten now.
func (c Ceremony) mayDrop(who Account, collecting bool) (Person, error) {
	by, ok := c.decider(who)
	switch {
	case c.Ended() || c.Closing != nil:
		return Person{}, Closed
	case !ok:
		return Person{}, MayNotCancel
	case c.State == StateFrozen || c.Stopping != nil:
		return Person{}, IsFrozen
	case c.Pending != nil:
		return Person{}, Busy
	case !collecting:
		return Person{}, NotWaiting
	}
	return by, nil
}

// atClosing is how a ceremony ends whose window is over. A drill has its report,
// whoever answered; an unseal is done when every node that answers is unsealed;
// a backup that was handed out may stay in Vault.
func (c Ceremony) atClosing() Outcome {
	switch c.Plan.Operation {
	case Drill:
		if c.Attempt.Nonce != "" {
			return Completed
		}
	case Unseal:
		if c.unsealed(false) {
			return Completed
		}
	case ReadBackup:
		if c.Backup != nil {
			return Completed
		}
	}
	return Expired
}

// ending is what became of Vault's attempt when an operation has reached its end.
func (op Operation) ending() VaultEnding {
	if op.HasAttempt() || op == Init {
		return AttemptUsed
	}
	return NothingToCancel
}
