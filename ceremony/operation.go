package ceremony

import "fmt"

// Operation is what a ceremony does to a cluster.
type Operation string

// The operations, by Vault's own names for them.
const (
	// Rekey replaces the unseal key shares: sys/rekey.
	Rekey Operation = "rekey"
	// RekeyRecovery replaces the recovery key shares of a cluster that unseals
	// itself: sys/rekey-recovery-key.
	RekeyRecovery Operation = "rekey-recovery"
	// GenerateRoot makes a root token: sys/generate-root.
	GenerateRoot Operation = "generate-root"
	// RecoveryToken makes a token for a server in recovery mode:
	// sys/generate-recovery-token.
	RecoveryToken Operation = "recovery-token"
	// DRToken makes an operation token for the secondary of a disaster recovery
	// pair: sys/replication/dr/secondary/generate-operation-token.
	DRToken Operation = "dr-token"
	// Init makes the key of a new cluster: sys/init.
	Init Operation = "init"
	// Unseal brings sealed nodes back: sys/unseal of each of them.
	Unseal Operation = "unseal"
	// Rotate installs a new encryption key: sys/rotate.
	Rotate Operation = "rotate"
	// RotateConfig changes when Vault rotates by itself: sys/rotate/config.
	RotateConfig Operation = "rotate-config"
	// ReadBackup hands out the encrypted new shares that Vault kept, and has Vault forget
	// them: sys/rekey/backup.
	ReadBackup Operation = "backup"
	// Drill has every holder prove that they can still decrypt and sign. Nothing
	// goes to Vault.
	Drill Operation = "drill"
)

// Operations returns every operation, in the order in which people read them.
func Operations() []Operation {
	return []Operation{
		Init, Unseal, Rekey, RekeyRecovery, GenerateRoot, RecoveryToken, DRToken,
		Rotate, RotateConfig, ReadBackup, Drill,
	}
}

// HasAttempt reports whether Vault keeps an attempt of the operation, under a nonce
// of its own, until enough shares have come.
func (op Operation) HasAttempt() bool { return op.Rekeys() || op.IssuesToken() }

// TakesShares reports whether holders are asked for their shares.
func (op Operation) TakesShares() bool { return op.HasAttempt() || op == Unseal || op == Drill }

// MakesShares reports whether the operation makes shares for receivers.
func (op Operation) MakesShares() bool { return op.Rekeys() || op == Init }

// NeedsApproval reports whether others than the initiator have to agree before anything is
// done. An unseal needs no approval: it changes nothing but that the cluster answers again,
// and each of the holders who sign for it could do the same by hand. An alarm does nothing.
func (op Operation) NeedsApproval() bool { return op != Unseal && op != Alarm }

// FirstStep returns the step for which the operation's first round collects shares.
func (op Operation) FirstStep() Step {
	switch op {
	case Unseal:
		return StepUnseal
	case Drill:
		return StepDrill
	}
	return StepUpdate
}

// IssuesToken reports whether the operation ends with a token for the requester.
func (op Operation) IssuesToken() bool {
	return op == GenerateRoot || op == RecoveryToken || op == DRToken
}

// Rekeys reports whether the operation makes new key shares, encrypted to
// receivers, which can be verified and backed up.
func (op Operation) Rekeys() bool { return op == Rekey || op == RekeyRecovery }

// CheckSeal returns an error when the operation makes no sense with the cluster's kind of
// seal. It wraps WrongSealType, NoRecoveryKey or SelfUnsealing.
//
// Vault has a rekey for a cluster that unseals itself, too: without PGP keys it takes
// recovery key shares, renews the root key behind them, and hands out nothing. New shares
// of such a cluster are the recovery key's.
func (op Operation) CheckSeal(s Seal) error {
	switch {
	case op == Rekey && s.UnsealsItself():
		return fmt.Errorf("seal type %q: %w", s.Type, WrongSealType)
	case op == RekeyRecovery && !s.UnsealsItself():
		return fmt.Errorf("seal type %q: %w", s.Type, NoRecoveryKey)
	case op == Unseal && s.UnsealsItself():
		return fmt.Errorf("seal type %q: %w", s.Type, SelfUnsealing)
	}
	return nil
}

// Step is the part of an operation for which a share is meant. It is part of what a holder
// signs, so that a share for one step is worthless in another.
type Step string

// The steps that take shares.
const (
	// StepUpdate collects shares of the key in force.
	StepUpdate Step = "update"
	// StepVerify collects the new shares of a rekey, as proof that their holders can
	// use them; until then the old key stays in force (P7).
	StepVerify Step = "verify"
	// StepUnseal collects shares that unseal: one share goes to every sealed node.
	StepUnseal Step = "unseal"
	// StepDrill is a drill's. The share is looked at and thrown away.
	StepDrill Step = "drill"
	// StepOTP collects the one-time password of a requester without a PGP key,
	// before Vault is asked for an attempt.
	StepOTP Step = "otp"
)

// Options returns the names of what an operation takes besides its cluster.
func (op Operation) Options() []string {
	switch {
	case op.IssuesToken():
		return []string{"otp"}
	case op == RotateConfig:
		return []string{"enabled", "interval", "max-operations"}
	}
	return nil
}
