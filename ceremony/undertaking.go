package ceremony

import "time"

// undertakes says which act an operation without shares is for, in order: reading
// a backup is no act, deleting it is.
func (op Operation) undertakes() Act {
	switch op {
	case Init:
		return Initializing
	case Rotate:
		return Rotating
	case RotateConfig:
		return SettingPolicy
	case ReadBackup:
		return DeletingBackup
	}
	return ""
}

// undertake announces the act that the plan is for.
func (c Ceremony) undertake(cmd Undertake, now time.Time) ([]Event, error) {
	switch {
	case c.Ended() || c.State == StateFrozen || c.Closing != nil || c.Pending != nil || cmd.Act != c.Plan.Operation.undertakes():
		return nil, c.notNow()
	case cmd.Act == DeletingBackup && (c.Backup == nil || c.Deletion == nil):
		return nil, c.notNow()
	case cmd.Act != DeletingBackup && c.State != StateApproved, !c.mayBegin(now):
		return nil, c.notNow()
	}
	return one(Acting(cmd))
}

// concludes says whether an event is what comes of the act in hand.
func (c Ceremony) concludes(result Event) bool {
	act, ok := c.Pending.acting()
	switch result.(type) {
	case Initialized:
		return ok && act == Initializing
	case Rotated:
		return ok && act == Rotating
	case RotationSet:
		return ok && act == SettingPolicy
	case BackupDeleted:
		return ok && act == DeletingBackup
	case BackupRead:
		return c.Pending == nil && c.Plan.Operation == ReadBackup && c.State == StateApproved
	}
	return false
}

func (c Ceremony) concluded(cmd Done) ([]Event, error) {
	if c.Ended() || !c.concludes(cmd.Result) {
		return nil, c.notNow()
	}
	return one(cmd.Result)
}

// fail ends a ceremony whose act Vault declined, or whose result can't be had.
func (c Ceremony) fail(fault Refusal) ([]Event, error) {
	if c.Ended() || c.State == StateFrozen {
		return nil, c.notNow()
	}
	ending := NothingToCancel
	if fault == InitLost {
		ending = AttemptUsed
	}
	return []Event{Closing{Outcome: Failed, Fault: fault}, Ended{Outcome: Failed, Vault: ending}}, nil
}

// delete is an approver's word that the backup may go. It is the last step, and
// one that the person who proposed it can't take.
func (c Ceremony) delete(cmd Delete) ([]Event, error) {
	if c.Ended() || c.Closing != nil {
		return nil, Closed
	}
	if cmd.By == c.Plan.Initiator.Account {
		return nil, OwnProposal
	}
	by, ok := find(c.Plan.Approvers, cmd.By)
	switch {
	case !ok:
		return nil, NotApprover
	case c.State == StateFrozen:
		return nil, IsFrozen
	case c.Backup == nil || !c.handedOut():
		return nil, NotWaiting
	case c.Deletion != nil:
		return nil, AlreadyApproved
	case c.undelivered():
		return nil, NotDelivered
	}
	return one(DeletionAsked{By: by})
}

// acting is the act that was announced and has no outcome.
func (p *Pending) acting() (Act, bool) {
	if p == nil {
		return "", false
	}
	a, ok := p.Event.(Acting)
	return a.Act, ok
}
