package rules

import (
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
)

// Undertakes returns the act of an operation that takes no shares, or "". Reading a backup
// is no act; deleting it is.
func Undertakes(op ceremony.Operation) event.Act {
	switch op {
	case ceremony.Init:
		return event.Initializing
	case ceremony.Rotate:
		return event.Rotating
	case ceremony.RotateConfig:
		return event.SettingPolicy
	case ceremony.ReadBackup:
		return event.DeletingBackup
	}
	return ""
}

// request announces the act of the plan's operation.
func (c State) request(cmd command.Request, now time.Time) ([]event.Event, error) {
	switch {
	case c.Ended() || c.Phase == PhaseFrozen || c.Closing != nil || c.Pending != nil:
		return nil, c.wrongPhase()
	case cmd.Act != Undertakes(c.Plan.Operation):
		return nil, c.wrongPhase()
	case cmd.Act == event.DeletingBackup && (c.Backup == nil || c.Deletion == nil):
		return nil, c.wrongPhase()
	case cmd.Act != event.DeletingBackup && c.Phase != PhaseApproved, !c.mayBegin(now):
		return nil, c.wrongPhase()
	}
	return one(event.Acting(cmd))
}

// concludes reports whether an event is the result of the pending act.
func (c State) concludes(result event.Event) bool {
	acting, ok := waiting[event.Acting](c.Pending)
	switch result.(type) {
	case event.Initialized:
		return ok && acting.Act == event.Initializing
	case event.Rotated:
		return ok && acting.Act == event.Rotating
	case event.RotationSet:
		return ok && acting.Act == event.SettingPolicy
	case event.BackupDeleted:
		return ok && acting.Act == event.DeletingBackup
	case event.BackupRead:
		return c.Pending == nil && c.Plan.Operation == ceremony.ReadBackup && c.Phase == PhaseApproved
	}
	return false
}

// concluded takes the result of an act.
func (c State) concluded(cmd command.Done) ([]event.Event, error) {
	if c.Ended() || !c.concludes(cmd.Result) {
		return nil, c.wrongPhase()
	}
	return one(cmd.Result)
}

// fail ends a ceremony whose act Vault declined, or whose result can't be had.
func (c State) fail(cmd command.Fail) ([]event.Event, error) {
	if c.Ended() || c.Phase == PhaseFrozen {
		return nil, c.wrongPhase()
	}
	ending := event.NothingToCancel
	if cmd.Fault == ceremony.InitLost {
		ending = event.AttemptUsed
	}
	return failed(cmd.Fault, ending)
}

// delete takes an approver's consent to the backup's deletion. It is the last step, and
// the initiator can't take it.
func (c State) delete(cmd command.Delete) ([]event.Event, error) {
	if c.Ended() || c.Closing != nil {
		return nil, ceremony.Closed
	}
	if cmd.By == c.Plan.Initiator.Account {
		return nil, ceremony.OwnProposal
	}
	by, ok := ceremony.Find(c.Plan.Approvers, cmd.By)
	switch {
	case !ok:
		return nil, ceremony.NotApprover
	case c.Phase == PhaseFrozen:
		return nil, ceremony.IsFrozen
	case c.Backup == nil || !c.handedOut():
		return nil, ceremony.NotWaiting
	case c.Deletion != nil:
		return nil, ceremony.AlreadyApproved
	case c.undelivered():
		return nil, ceremony.NotDelivered
	}
	return one(event.DeletionAsked{By: by, Signed: cmd.Signed})
}
