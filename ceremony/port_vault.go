package ceremony

import (
	"context"
	"fmt"
	"time"

	"conclave/ceremony/secret"
)

// Vault is one cluster's ceremony endpoints. Every method has its own time
// limit, repeats nothing, and answers with the errors of this package.
type Vault interface {
	Nodes
	Barrier
	Tokens
	// Seal reads sys/seal-status of the active node.
	Seal(ctx context.Context) (Seal, error)
	// Progress reads where an operation's step stands. Asking for Verify before
	// there is anything to verify answers a Progress that is not started.
	Progress(ctx context.Context, op Operation, step Step) (Progress, error)
	// Start begins an attempt.
	Start(ctx context.Context, order Order) (Progress, error)
	// Submit sends one share and wipes it, whatever happens.
	Submit(ctx context.Context, share Submission) (Answer, error)
	// Cancel drops the attempt with this nonce, and with it new shares that have
	// not been verified. generate-root takes no nonce: whoever calls it has made
	// sure by Progress that the attempt is theirs.
	Cancel(ctx context.Context, op Operation, nonce string) error
	// CancelVerification drops the progress of the verification alone and answers
	// the new verification nonce.
	CancelVerification(ctx context.Context, op Operation, nonce string) (Progress, error)
	// Backup reads the encrypted new shares that Vault keeps when an attempt was
	// started with Order.Backup, or answers ErrNoBackup.
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

// UnsealsItself reports whether the cluster needs nobody's share to unseal. Its
// shares are those of the recovery key, and so are the numbers of its seal status.
func (s Seal) UnsealsItself() bool { return s.Type != "shamir" }

// Rekey is the rekey that suits the seal, and keeps the backup.
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

	// What the attempt will make; for the step Update only.
	Shares               int
	Threshold            int
	Fingerprints         []Fingerprint // of the PGP keys given, in their order
	Backup               bool
	VerificationRequired bool
	VerificationNonce    string // set when the new shares are made and wait for proof

	// OTPLength is how many characters a one-time password for a token needs, told
	// by an operation that issues one.
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
	// OTP is the one-time password that a token is combined with where its
	// requester has no PGP key; Start wipes it. Nil when Keys has the one that the
	// token is encrypted to.
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

// Nodes is what the nodes of one cluster answer by themselves: sealed or not is a
// node's own state, and a share that unseals goes to each of them.
type Nodes interface {
	// Nodes reads sys/seal-status of every configured node, in the order of the
	// configuration. A node that can't be asked has Node.Err; Nodes itself fails
	// only when ctx ends.
	Nodes(ctx context.Context) ([]Node, error)
	// Unseal sends one share to each of the nodes and wipes it, whatever happens.
	// It answers an error for each address that did not confirm; what a node
	// counted is learnt from Nodes afterwards, since a node does not report whether a
	// share was a duplicate.
	Unseal(ctx context.Context, addresses []string, share *secret.Secret) map[string]error
	// ResetUnseal has one node forget the shares that it has counted.
	ResetUnseal(ctx context.Context, address string) error
	// Initialize makes the key of a new cluster: sys/init at the first node that
	// answers. Whoever calls it has made sure by Nodes that none is initialised.
	Initialize(ctx context.Context, order InitOrder) (Initial, error)
}

// Node is one configured address and the seal status that it tells.
type Node struct {
	Address  string
	Seal     Seal
	Progress int    // shares counted since the last reset, of a sealed node
	Nonce    string // of this progress; empty when there is none
	Err      error  // an error of this package when the node could not be asked
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

// RotationPolicy says when Vault rotates the encryption key by itself.
type RotationPolicy struct {
	Enabled       bool          `json:"enabled"`
	MaxOperations int64         `json:"max_operations"` // encryptions; 1,000,000 to 3,865,470,566
	Interval      time.Duration `json:"interval"`       // 0: by encryptions alone; otherwise at least 24 h
}

// String is the policy as a plan has it.
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

// Tokens is what Vault knows of tokens.
type Tokens interface {
	// Accessor reports whether the token with this accessor still exists, and until
	// when: sys auth/token/lookup-accessor. A token that is gone answers a
	// TokenState that does not exist, and no error.
	Accessor(ctx context.Context, accessor string) (TokenState, error)
	// OwnToken says until when the bot's own token lives. Without a token it
	// answers a TokenState that does not exist.
	OwnToken(ctx context.Context) (TokenState, error)
}

// TokenState is what Vault says of a token.
type TokenState struct {
	Exists  bool
	Root    bool // a root token, and one that Vault made of key shares: no other token's child
	Created time.Time
	Expires time.Time // zero: never
	Renewed bool      // somebody keeps renewing it: its end is no cause for alarm
}

func TermWords(term int) string { return fmt.Sprintf("key term %d", term) }
