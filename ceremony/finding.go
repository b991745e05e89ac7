package ceremony

// Alarm tells people that a cluster is interfered with, or that a secret of one was seen
// in the open. The program opens it by itself. It asks for no share, does nothing, and
// ends when it is acknowledged. A cluster has at most one open alarm, to which everything
// else that is noticed is added. It stands in the way of no other ceremony.
const Alarm Operation = "alarm"

// InterferenceWatch raises alarms. No Slack account looks like this one, so that nobody can
// speak for it.
var InterferenceWatch = Person{Name: "watch", Account: Account{Team: "conclave", User: "watch"}}

// Finding is what an alarm is about.
type Finding string

const (
	// ForeignStart means that an attempt is in progress that no ceremony here has begun.
	ForeignStart Finding = "foreign-start"
	// ForeignCancel means that an attempt is gone, and not by a ceremony's doing. It was
	// cancelled, or it was lost when Vault was sealed, was started again or changed its
	// leader. An attempt that no ceremony has begun may have come to its end.
	ForeignCancel Finding = "foreign-cancel"
	// ForeignProgress means that Vault has counted or dropped shares that did not come
	// through Conclave.
	ForeignProgress Finding = "foreign-progress"
	// TermChanged means that neither a ceremony here nor Vault's own policy has installed
	// the encryption key in use.
	TermChanged Finding = "key-term"
	// SealChanged means that a node was sealed, or was unsealed with shares that did not
	// come through Conclave.
	SealChanged Finding = "seal"
	// ClusterChanged means that another cluster answers at the cluster's addresses.
	ClusterChanged Finding = "cluster"
	// KeyChanged means that the key in force has other shares than any ceremony here has
	// made.
	KeyChanged Finding = "key-changed"
	// RolledBack means that the journal of a ceremony is older than a mark of it, or is not
	// there any more.
	RolledBack Finding = "rolled-back"
	// TakenOver means that an operator has adopted the journal of a ceremony that is ending, or
	// has ended, and has something left to do.
	TakenOver Finding = "adopted"
)

// What a start finds in the journal. They hold the cluster up: see [JournalAside].
const (
	// NotAdopted means that journals were written before their lines were authenticated, or
	// under another identity.
	NotAdopted Finding = "journal-not-adopted"
	// JournalBroken means that a journal was changed, or that something else is in its place.
	JournalBroken Finding = "journal-broken"
)

// Journal reports whether the finding is about what Conclave keeps itself.
func (f Finding) Journal() bool { return f == NotAdopted || f == JournalBroken }

// What the tripwire finds in what people send.
const (
	// ExposedShare is a share in the open.
	ExposedShare Finding = "exposed-share"
	// ExposedToken is a Vault token in the open.
	ExposedToken Finding = "exposed-token"
	// ExposedKey is a person's private PGP key.
	ExposedKey Finding = "exposed-key"
	// ExposedEnvelope is a share that was signed and not encrypted.
	ExposedEnvelope Finding = "exposed-envelope"
)

// ManyProposals means that a person has opened as many ceremonies within a day as the
// cluster allows, and wanted to open another one.
const ManyProposals Finding = "many-proposals"

// Exposure reports whether the finding is a secret that was seen in the open.
func (f Finding) Exposure() bool {
	switch f {
	case ExposedShare, ExposedToken, ExposedKey, ExposedEnvelope:
		return true
	}
	return false
}

// Share reports whether the finding is a share that was seen in the open.
func (f Finding) Share() bool { return f == ExposedShare || f == ExposedEnvelope }
