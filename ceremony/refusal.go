package ceremony

import (
	"errors"
	"slices"
)

// Refusal is a reason for which a command or a share was not accepted. Refusals are a
// closed set. The journal has the code; the sentences that people read are elsewhere.
type Refusal string

// Error returns the code itself.
func (r Refusal) Error() string { return string(r) }

// Refusals of an envelope, in the order of the checks.
const (
	TooBig         Refusal = "too-big"         // larger than any share's envelope can be
	NoArmor        Refusal = "no-armor"        // no PGP message in it
	BadArmor       Refusal = "bad-armor"       // the armor can't be read
	Truncated      Refusal = "truncated"       // the armor has no end line
	Altered        Refusal = "altered"         // the armor's checksum does not match
	NotEncrypted   Refusal = "not-encrypted"   // signed only: the share stands in the open and counts as exposed
	PasswordSealed Refusal = "password"        // encrypted with a password (as well)
	OtherKey       Refusal = "other-key"       // encrypted to another key than this ceremony's
	BadMessage     Refusal = "bad-message"     // damaged, not integrity-protected, or not decryptable
	WeakCipher     Refusal = "weak-cipher"     // a cipher other than AES
	Unsigned       Refusal = "unsigned"        // no signature
	ManySignatures Refusal = "many-signatures" // more than one signature
	WrongSigner    Refusal = "wrong-signer"    // signed by another key than the one the plan pins
	BadSignature   Refusal = "bad-signature"   // the signature does not verify, or its hash is not acceptable
	SignerInvalid  Refusal = "signer-invalid"  // the holder's key is expired or revoked now
	Stale          Refusal = "stale"           // signed before this ceremony's key was announced
	FromTheFuture  Refusal = "future"          // signed later than now
	NoPrefix       Refusal = "no-prefix"       // the content does not begin with conclave1
	OtherCeremony  Refusal = "other-ceremony"  // meant for another ceremony
	OtherStep      Refusal = "other-step"      // meant for the other step
	OtherNonce     Refusal = "other-nonce"     // meant for another attempt
	OtherIdentity  Refusal = "other-identity"  // meant for another bot
	BadShare       Refusal = "bad-share"       // not a share: wrong length or alphabet
	BadPassword    Refusal = "bad-otp"         // not a one-time password: wrong length or alphabet
	OtherPassword  Refusal = "other-otp"       // not the one-time password whose hash the plan has
	Replayed       Refusal = "replayed"        // this very message was sent before
	DuplicateShare Refusal = "duplicate-share" // this share is in this round already
	// The ledger knows that the share is most likely the wrong one. Insisting overrides
	// the first four.
	OutdatedShare     Refusal = "outdated-share"      // of a key that is not in force any more
	OtherClusterShare Refusal = "other-cluster-share" // of another cluster's key
	MistypedShare     Refusal = "mistyped-share"      // numbered like this person's share in force, and not it
	UnfamiliarShare   Refusal = "unfamiliar-share"    // not this person's share in force, which is known
	InsistedInVain    Refusal = "insisted-in-vain"    // their insisting has spoilt enough rounds
	PlainShare        Refusal = "plain-share"         // a share in the open, in no envelope at all
	PlainPassword     Refusal = "plain-otp"           // the one-time password in the open
	PrivateMaterial   Refusal = "private-material"    // a private key or a Vault token in the open
)

// Refusals that depend on where the ceremony stands and on who asks.
const (
	NotAHolder         Refusal = "not-a-holder"        // the plan does not ask this person for a share in this step
	AlreadyCounted     Refusal = "already-counted"     // this person's share is in this round
	NotCollecting      Refusal = "not-collecting"      // no shares are wanted at the moment
	Closed             Refusal = "closed"              // the ceremony has ended
	IsFrozen           Refusal = "frozen"              // frozen, people have to decide first
	NotFrozen          Refusal = "not-frozen"          // nothing to resume
	Busy               Refusal = "busy"                // an earlier act has no answer yet
	Interrupted        Refusal = "interrupted"         // the bot stopped before the share was sent to Vault
	TooManyRefusals    Refusal = "too-many-refusals"   // this person's messages are not looked at any more
	NotInitiator       Refusal = "not-initiator"       // may not start this operation on this cluster
	NotApprover        Refusal = "not-approver"        // may not approve
	OwnProposal        Refusal = "own-proposal"        // the initiator may not approve
	AlreadyApproved    Refusal = "already-approved"    // this person approved before
	NeedsSignature     Refusal = "needs-signature"     // the policy asks for approvals that are signed
	TooFewApprovers    Refusal = "too-few-approvers"   // fewer people can approve than the policy asks for
	UnableToSign       Refusal = "unable-to-sign"      // with those whose PGP key can't be used, too few approvers sign
	NoWitness          Refusal = "no-witness"          // the policy asks for a witness, and everybody has another part
	NoTime             Refusal = "no-time"             // cooling-off and quiet hours leave nothing of the window
	NoPart             Refusal = "no-part"             // the plan does not have this person
	NoWord             Refusal = "no-word"             // what was signed is no statement about a ceremony
	OldWord            Refusal = "old-word"            // what was signed was about another moment of this ceremony
	NotCalled          Refusal = "not-called"          // the roll call does not ask this person
	AlreadyPresent     Refusal = "already-present"     // this person has answered the roll call
	WrongAnswer        Refusal = "wrong-answer"        // it is not what was in this person's challenge
	NotWitness         Refusal = "not-witness"         // the plan does not have this person as a witness
	WitnessAwaited     Refusal = "witness-awaited"     // a witness has to let the next step happen first
	NotEnded           Refusal = "not-ended"           // a witness speaks of the whole ceremony when it is over
	AlreadyStated      Refusal = "already-stated"      // this witness has spoken before
	WayForbidden       Refusal = "way-forbidden"       // the policy does not let envelopes come this way
	StillInDoubt       Refusal = "still-in-doubt"      // what has frozen it lasts until the program starts with another configuration or journal
	NotProposed        Refusal = "not-proposed"        // no longer waiting for approval
	MayNotCancel       Refusal = "may-not-cancel"      // neither initiator nor approver
	MayNotResume       Refusal = "may-not-resume"      // neither initiator nor approver
	PlanChanged        Refusal = "plan-changed"        // the approved hash is not this plan's
	ClusterBusy        Refusal = "cluster-busy"        // another ceremony is open on this cluster
	TooManyProposals   Refusal = "too-many-proposals"  // this person has opened as many within a day as the cluster allows
	JournalLost        Refusal = "journal-lost"        // the journal has lost a ceremony of this cluster
	JournalAside       Refusal = "journal-aside"       // a journal of this cluster is not obeyed, and the ceremony in it may be open
	UnknownCluster     Refusal = "unknown-cluster"     // not in the configuration
	UnknownOperation   Refusal = "unknown-operation"   // not an operation, or not one that this cluster allows
	AlreadyStarted     Refusal = "already-started"     // Vault has an attempt in progress that is not ours
	NotInitialized     Refusal = "not-initialized"     // the cluster has no key yet
	WrongSealType      Refusal = "wrong-seal-type"     // the cluster unseals itself, and has no unseal key shares
	NoRecoveryKey      Refusal = "no-recovery-key"     // the cluster is unsealed with shares: it has no recovery key
	SelfUnsealing      Refusal = "self-unsealing"      // the cluster unseals itself: shares don't
	AlreadyInitialized Refusal = "already-initialized" // the cluster has a key: it is left alone
	NotSealed          Refusal = "not-sealed"          // every node that answers is unsealed
	NoBackupKept       Refusal = "no-backup"           // Vault keeps no backup of new shares
	NotWaiting         Refusal = "not-waiting"         // the ceremony does not wait for this
	NotDelivered       Refusal = "not-delivered"       // a share could not be delivered: the backup has its only copy
	NotRequester       Refusal = "not-requester"       // neither the token's requester nor an approver
	UnknownAccessor    Refusal = "unknown-accessor"    // Vault has no token with this accessor
	OtherToken         Refusal = "other-token"         // the accessor is of another token than this ceremony's
	NeedsPassword      Refusal = "needs-otp"           // the requester has neither a PGP key nor a one-time password
	UsedPassword       Refusal = "used-otp"            // the one-time password was another ceremony's
	WrongOption        Refusal = "wrong-option"        // the operation does not have this option, or not with this value
	EnabledAlone       Refusal = "enabled-alone"       // Vault forgets a rotation policy that changes only enabled
	SamePolicy         Refusal = "same-policy"         // Vault rotates by this policy already
	NotAnAlarm         Refusal = "not-an-alarm"        // only an alarm is acknowledged
	IsAnAlarm          Refusal = "is-an-alarm"         // an alarm is acknowledged, and nothing else
	MayNotAcknowledge  Refusal = "may-not-acknowledge" // neither owner nor initiator nor approver
	TooFewHolders      Refusal = "too-few-holders"     // fewer holders than the threshold
	BadReason          Refusal = "bad-reason"          // the reason has control characters or is too long
	VaultUnreachable   Refusal = "vault-unreachable"   // nothing was sent
	VaultSealed        Refusal = "vault-sealed"        // nothing was sent
	VaultThrottled     Refusal = "vault-throttled"     // nothing was sent
	VaultForbids       Refusal = "vault-forbids"       // the bot's token lacks a right
	VaultRefused       Refusal = "vault-refused"       // Vault declined, and the share was not counted
	NotCounted         Refusal = "not-counted"         // the answer was lost, and Vault has not counted the share
	HolderKeyInvalid   Refusal = "holder-key-invalid"  // a holder's PGP key can't be used until the window ends
)

// Faults that end a ceremony by themselves. HolderKeyInvalid, VaultForbids and
// VaultRefused can do so, too.
const (
	// TokenLost means that Vault has made the root token, or may have made it, and that its
	// answer was lost. Nobody can read the token. It is valid until it is revoked.
	TokenLost Refusal = "token-lost"
	// SharesLost means that a rekey without verification has made the new shares, or may
	// have made them, and that the answer was lost.
	SharesLost Refusal = "shares-lost"
	// InitLost means that the cluster is initialised, and that the answer with its shares
	// was lost or went to another client.
	InitLost Refusal = "init-lost"
)

// Doubts reports whether a refusal comes from the ledger. The share is most likely the
// wrong one, but its holder may know better: the key may have been changed outside of
// Conclave, or have been restored from a snapshot.
func (r Refusal) Doubts() bool {
	return slices.Contains([]Refusal{OutdatedShare, OtherClusterShare, MistypedShare, UnfamiliarShare}, r)
}

// Transient reports whether a refusal is no fault of the sender's.
func (r Refusal) Transient() bool {
	switch r {
	case Busy, IsFrozen, NotCollecting, WitnessAwaited, Interrupted, NotCounted,
		VaultUnreachable, VaultSealed, VaultThrottled, VaultForbids:
		return true
	}
	return false
}

// RefusalOf returns the refusal that err is or wraps.
func RefusalOf(err error) (Refusal, bool) {
	return errors.AsType[Refusal](err)
}
