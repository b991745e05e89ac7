package ceremony

// Alarm tells people that somebody interferes with a cluster, or that a secret of
// one was seen in the open. Nobody proposes it: the program opens it by itself, it
// asks for no share and does nothing, and it ends when somebody acknowledges it. A
// cluster has one open alarm at most, to which whatever else is noticed is added;
// it stands in the way of no other ceremony.
const Alarm Operation = "alarm"

// InterferenceWatch raises alarms. No Slack account looks like its own, so that
// nobody can speak for it.
var InterferenceWatch = Person{Name: "watch", Account: Account{Team: "conclave", User: "watch"}}

// Finding is what an alarm is about.
type Finding string

const (
	// ForeignStart: an attempt is in progress that no ceremony here has begun.
	ForeignStart Finding = "foreign-start"
	// ForeignCancel: an attempt is gone, and not by a ceremony's doing. It was
	// cancelled; or it was lost when Vault was sealed, was started again or changed
	// its leader; or, of somebody else's, it has come to its end.
	ForeignCancel Finding = "foreign-cancel"
	// ForeignProgress: Vault has counted or dropped shares that did not go through
	// here.
	ForeignProgress Finding = "foreign-progress"
	// TermChanged: another encryption key is in use than any ceremony here, or Vault's
	// own policy, has installed.
	TermChanged Finding = "key-term"
	// SealChanged: a node was sealed, or was unsealed with shares that did not go
	// through here.
	SealChanged Finding = "seal"
	// ClusterChanged: at the cluster's addresses another cluster answers.
	ClusterChanged Finding = "cluster"
	// KeyChanged: the key in force has other shares than any ceremony here has made.
	KeyChanged Finding = "key-changed"
)

// What the tripwire finds in what people send.
const (
	// ExposedShare: a share in the open.
	ExposedShare Finding = "exposed-share"
	// ExposedToken: a Vault token in the open.
	ExposedToken Finding = "exposed-token"
	// ExposedKey: a person's private PGP key.
	ExposedKey Finding = "exposed-key"
	// ExposedEnvelope: a share that was signed and not encrypted.
	ExposedEnvelope Finding = "exposed-envelope"
)

// Exposure reports whether it is about a secret that was seen in the open.
func (f Finding) Exposure() bool {
	switch f {
	case ExposedShare, ExposedToken, ExposedKey, ExposedEnvelope:
		return true
	}
	return false
}

// Share reports whether it is a share that was seen.
func (f Finding) Share() bool { return f == ExposedShare || f == ExposedEnvelope }
