package ceremony

import (
	"context"
	"fmt"
	"time"

	"conclave/ceremony/secret"
)

// Vault is one cluster's ceremony endpoints. Every method has its own time limit, repeats
// nothing, and returns the errors of this package.
type Vault interface {
	Nodes
	Barrier
	Tokens
	// Seal reads sys/seal-status of the active node.
	Seal(ctx context.Context) (Seal, error)
	// Progress reads where an operation's step stands. Asked for StepVerify before there is
	// anything to verify, it returns a Progress that is not started.
	Progress(ctx context.Context, op Operation, step Step) (Progress, error)
	// Start begins an attempt.
	Start(ctx context.Context, order Order) (Progress, error)
	// Submit sends one share and wipes it, whatever happens.
	Submit(ctx context.Context, share Submission) (Answer, error)
	// Cancel drops the attempt with this nonce, and with it new shares that have not been
	// verified. generate-root takes no nonce: the caller must have made sure by Progress
	// that the attempt is its own.
	Cancel(ctx context.Context, op Operation, nonce string) error
	// CancelVerification drops the progress of the verification alone. It returns the new
	// verification nonce.
	CancelVerification(ctx context.Context, op Operation, nonce string) (Progress, error)
	// Backup reads the encrypted new shares that Vault keeps when an attempt was started
	// with Order.Backup, or returns ErrNoBackup.
	Backup(ctx context.Context, op Operation) (Backup, error)
}

// Seal is a cluster's seal status.
type Seal struct {
	Initialized bool
	Sealed      bool
	Type        string // "shamir", or the auto-unseal mechanism
	Shares      int    // of the key in force: the recovery key's of a cluster that unseals itself
	Threshold   int
	Version     string
	ClusterID   string // empty while sealed
	ClusterName string
}

// UnsealsItself reports whether the cluster needs no share to unseal. Its shares, and the
// numbers in its seal status, are then those of the recovery key.
func (s Seal) UnsealsItself() bool { return s.Type != "shamir" }

// Rekey returns the rekey that suits the seal. Vault keeps the backup under it.
func (s Seal) Rekey() Operation {
	if s.UnsealsItself() {
		return RekeyRecovery
	}
	return Rekey
}

// Progress is what Vault says about an operation's step.
type Progress struct {
	Started  bool
	Nonce    string // of the step asked for
	Progress int    // shares counted in this round
	Required int    // shares needed

	// What the attempt will make; for StepUpdate only.
	Shares               int
	Threshold            int
	Fingerprints         []Fingerprint // of the PGP keys given, in their order
	Backup               bool
	VerificationRequired bool
	VerificationNonce    string // set when the new shares are made and wait for proof

	// OTPLength is how many characters a one-time password for a token needs. An operation
	// that issues a token tells it.
	OTPLength int
}

// Order is what an attempt is started with.
type Order struct {
	Operation    Operation
	Shares       int      // rekey: number of new shares
	Threshold    int      // rekey: new threshold
	Keys         [][]byte // binary OpenPGP certificates; one for generate-root
	Verification bool
	Backup       bool
	// OTP is the one-time password that a token is combined with, where its requester has
	// no PGP key. Start wipes it. It is nil when Keys has the key that the token is
	// encrypted to.
	OTP *secret.Secret
}

// Submission is one share on its way to Vault.
type Submission struct {
	Operation Operation
	Step      Step
	Nonce     string
	Share     *secret.Secret
}

// Answer is what Vault says to a share.
type Answer struct {
	Complete bool // the step is done
	// Ciphertexts are the PGP messages that a completing share brings, binary, in
	// standard base64: the new shares in the order of Order.Keys, or the token as the
	// only one.
	Ciphertexts []string
	// Encoded is the token combined with the one-time password that the attempt was
	// started with, as Vault encodes it.
	Encoded           string
	Fingerprints      []Fingerprint // of the key that each is encrypted to
	VerificationNonce string        // rekey with verification: what the new shares are verified under
}

// Backup is what Vault keeps of the new shares. Within one fingerprint the
// order is kept, across fingerprints it is not known.
type Backup struct {
	Nonce       string                   // of the attempt that made them
	Ciphertexts map[Fingerprint][]string // fingerprint → PGP messages in standard base64
}

// Nodes asks the nodes of one cluster, each by itself. Sealed or not is a node's own state,
// and a share that unseals goes to each of them.
type Nodes interface {
	// Nodes reads sys/seal-status of every configured node, in the order of the
	// configuration. A node that can't be asked has Node.Err. Nodes itself fails only when
	// ctx ends.
	Nodes(ctx context.Context) ([]Node, error)
	// Servers asks every configured node what it is, in the order of the configuration. A
	// server that can't be asked has its address alone.
	Servers(ctx context.Context) []Server
	// Unseal sends one share to each of the nodes and wipes it, whatever happens. It returns
	// an error for each address that did not confirm. What a node has counted, Nodes tells
	// afterwards: a node does not tell whether a share was a duplicate.
	Unseal(ctx context.Context, addresses []string, share *secret.Secret) map[string]error
	// ResetUnseal has one node forget the shares that it has counted.
	ResetUnseal(ctx context.Context, address string) error
	// Initialize makes the key of a new cluster: sys/init at the first node that answers.
	// The caller must have made sure by Nodes that none is initialised.
	Initialize(ctx context.Context, order InitOrder) (Initial, error)
}

// Node is one configured address and its seal status.
type Node struct {
	Address  string
	Seal     Seal
	Progress int    // shares counted since the last reset, of a sealed node
	Nonce    string // of this progress; empty when there is none
	Err      error  // an error of this package when the node could not be asked
}

// Server is what one node says of itself. A field is empty when it could not be learnt.
type Server struct {
	Address string `json:"address"`
	Product string `json:"product"` // Vault or OpenBao
	Version string `json:"version"`
	Seal    string `json:"seal"` // "shamir", or the auto-unseal mechanism
}

// NodeState is what a node shows while its cluster is being unsealed.
type NodeState struct {
	Address  string `json:"address"`
	Reached  bool   `json:"reached"` // it answered; what is below is from its last answer
	Sealed   bool   `json:"sealed"`
	Progress int    `json:"progress,omitempty"`
}

// InitOrder is what a new cluster is initialised with. Keys become recovery keys
// when the cluster unseals itself.
type InitOrder struct {
	UnsealsItself bool
	Threshold     int
	Keys          [][]byte // binary OpenPGP certificates, one a share
	RootKey       []byte   // the certificate that the first root token is encrypted to
}

// Initial is what a new cluster hands out, once.
type Initial struct {
	Ciphertexts []string // PGP messages in standard base64, in the order of InitOrder.Keys
	Token       string   // the first root token: a PGP message in standard base64
}

// Barrier is the encryption key behind everything that a cluster stores.
type Barrier interface {
	// KeyStatus reads sys/key-status.
	KeyStatus(ctx context.Context) (KeyStatus, error)
	// Rotate installs a new encryption key: sys/rotate.
	Rotate(ctx context.Context) error
	// RotationPolicy reads sys/rotate/config.
	RotationPolicy(ctx context.Context) (RotationPolicy, error)
	// SetRotationPolicy changes it.
	SetRotationPolicy(ctx context.Context, p RotationPolicy) error
	// DeleteBackup has Vault forget the encrypted new shares of a rekey. Deleting
	// what is not there succeeds.
	DeleteBackup(ctx context.Context, op Operation) error
}

// KeyStatus is the encryption key in use.
type KeyStatus struct {
	Term        int       `json:"term"` // counted from 1; each rotation adds one
	Installed   time.Time `json:"installed"`
	Encryptions int64     `json:"encryptions"` // estimated by Vault, since the key was installed
}

// RotationPolicy tells when Vault rotates the encryption key by itself.
type RotationPolicy struct {
	Enabled       bool          `json:"enabled"`
	MaxOperations int64         `json:"max_operations"` // encryptions; 1,000,000 to 3,865,470,566
	Interval      time.Duration `json:"interval"`       // at least 24 h; 0 means by encryptions alone
}

// String returns the policy as a plan's text has it.
func (p RotationPolicy) String() string {
	if !p.Enabled {
		return "by hand only"
	}
	after := fmt.Sprintf("after %d encryptions", p.MaxOperations)
	if p.Interval > 0 {
		after += " or " + p.Interval.String()
	}
	return after
}

// Tokens asks Vault about tokens.
type Tokens interface {
	// Accessor returns the state of the token with this accessor:
	// auth/token/lookup-accessor. For a token that is gone it returns a TokenState that does
	// not exist, and no error.
	Accessor(ctx context.Context, accessor string) (TokenState, error)
	// OwnToken returns the state of the bot's own token. Without a token it returns a
	// TokenState that does not exist.
	OwnToken(ctx context.Context) (TokenState, error)
}

// TokenState is what Vault says of a token.
type TokenState struct {
	Exists  bool
	Root    bool // a root token, and one that Vault made of key shares: no other token's child
	Created time.Time
	Expires time.Time // zero when it never does
	Renewed bool      // it is being renewed, so that its end is no cause for alarm
}

// TermWords names an encryption key by its term.
func TermWords(term int) string { return fmt.Sprintf("key term %d", term) }

// VaultEnding is what became of the attempt in Vault.
type VaultEnding string
