package ceremony

import (
	"errors"
	"slices"
	"time"
)

// Alarm tells people that somebody interferes with a cluster, or that a secret of
// one was seen in the open. Nobody proposes it: the program opens it by itself, it
// asks for no share and does nothing, and it ends when somebody acknowledges it. A
// cluster has one open alarm at most, to which whatever else is noticed is added;
// it stands in the way of no other ceremony.
const Alarm Operation = "alarm"

// InterferenceWatch raises alarms. No Slack account looks like its own, so that
// nobody can speak for it.
var InterferenceWatch = Person{Name: "watch", Account: Account{Team: "conclave", User: "watch"}}

// StateRaised is an alarm's until somebody acknowledges it.
const StateRaised State = "raised"

// alarmWindow is how long an alarm waits for somebody to acknowledge it.
const alarmWindow = 7 * 24 * time.Hour

// Finding is what an alarm is about.
type Finding string

// What the interference watch finds in Vault.
const (
	// ForeignStart: an attempt is in progress that no ceremony here has begun.
	ForeignStart Finding = "foreign-start"
	// ForeignCancel: an attempt is gone, and not by a ceremony's doing. It was
	// cancelled; or it was lost when Vault was sealed, was started again or changed
	// its leader; or, of somebody else's, it has come to its end.
	ForeignCancel Finding = "foreign-cancel"
	// ForeignEnd: the rekey of a ceremony was carried through with shares that did not
	// go through here.
	ForeignEnd Finding = "foreign-end"
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

// Exposure says whether it is about a secret that was seen in the open.
func (f Finding) Exposure() bool {
	switch f {
	case ExposedShare, ExposedToken, ExposedKey, ExposedEnvelope:
		return true
	}
	return false
}

type (
	// Noticed says what an alarm is about. It can't hold the secret that was exposed:
	// only whose it was, as far as that is known.
	Noticed struct {
		Kind Finding `json:"kind"`
		// Operation is the one whose attempt it is about; of a share that was exposed,
		// the one that replaces it.
		Operation Operation `json:"operation,omitempty"`
		// Subject is an attempt's nonce or a node's address.
		Subject string `json:"subject,omitempty"`
		Want    string `json:"want,omitempty"` // as it was, or should be
		Got     string `json:"got,omitempty"`  // as it is
		Term    int    `json:"term,omitempty"` // of the encryption key in use, when it is about that
		// By is who has shown a secret; nil when the configuration does not know them.
		By *Person `json:"by,omitempty"`
		// Of is the ceremony here whose attempt it was.
		Of ID `json:"of,omitempty"`
		// Perhaps: it may have been Vault's own rotation policy.
		Perhaps bool `json:"perhaps,omitempty"`
	}
	// Acknowledged says that somebody looks after what an alarm is about. It ends it.
	Acknowledged struct {
		By     Person `json:"by"`
		Why    string `json:"why,omitempty"`
		Signed string `json:"signed,omitempty"` // their armored word, where they have signed it
	}
)

type (
	// Alert adds to an alarm what was found.
	Alert struct{ Found Noticed }
	// Acknowledge ends an alarm: somebody looks after what it is about.
	Acknowledge struct {
		By     Account
		Why    string
		Signed string
	}
)

func (Alert) command()       {}
func (Acknowledge) command() {}

// same says whether two findings are the same news.
func (n Noticed) same(m Noticed) bool {
	if n.Kind.Exposure() {
		// Whoever pastes a thousand shares has shown their share once.
		return n.Kind == m.Kind && n.whose() == m.whose()
	}
	return n.Kind == m.Kind && n.Operation == m.Operation && n.Subject == m.Subject && n.Want == m.Want && n.Got == m.Got
}

// sameMatter says whether two findings are about the same thing, which may have moved
// on from one to the other.
func (n Noticed) sameMatter(m Noticed) bool {
	return n.Kind == m.Kind && n.Operation == m.Operation && n.Subject == m.Subject
}

func (n Noticed) whose() Account {
	if n.By == nil {
		return Account{}
	}
	return n.By.Account
}

// What flaps, and whoever begins and cancels attempts all day, is written down so
// often of each kind, and from then on once in so long.
const (
	manyFindings = 20
	findingPause = time.Hour
)

// alert adds a finding unless it is in the alarm already.
func (c Ceremony) alert(cmd Alert, now time.Time) ([]Event, error) {
	switch {
	case c.Plan.Operation != Alarm:
		return nil, NotAnAlarm
	case c.Ended() || c.Closing != nil || !now.Before(c.Plan.Closes):
		return nil, Closed
	}
	number := 0
	var last time.Time
	for _, e := range c.History {
		n, ok := e.Event.(Noticed)
		switch {
		case !ok || n.Kind != cmd.Found.Kind:
		case n.same(cmd.Found):
			return nil, nil
		default:
			number, last = number+1, e.At
		}
	}
	if number >= manyFindings && now.Sub(last) < findingPause {
		return nil, nil
	}
	return one(cmd.Found)
}

func (c Ceremony) acknowledge(cmd Acknowledge) ([]Event, error) {
	switch {
	case c.Plan.Operation != Alarm:
		return nil, NotAnAlarm
	case c.Ended() || c.Closing != nil:
		return nil, Closed
	}
	by, ok := find(c.Plan.acknowledgers(), cmd.By)
	if !ok {
		return nil, MayNotAcknowledge
	}
	return []Event{Acknowledged{By: by, Why: cmd.Why, Signed: cmd.Signed}, Ended{Outcome: Completed, Vault: NothingToCancel}}, nil
}

// acknowledgers are the people who may end an alarm.
func (p Plan) acknowledgers() []Person { return slices.Concat(p.Owners, p.Initiators, p.Approvers) }

// Findings are what an alarm is about, in the order in which it was noticed.
func (c Ceremony) Findings() []Entry {
	return slices.DeleteFunc(slices.Clone(c.History), func(e Entry) bool { return !is[Noticed](e.Event) })
}

var (
	errNoAlarm   = errors.New("it belongs to an alarm")
	errWatchOnly = errors.New("nobody but the interference watch raises an alarm, and it does nothing else")
)

// allowsAlarm holds what belongs to an alarm to the promises that a journal shows
// by itself.
func (c Ceremony) allowsAlarm(e Event) error {
	switch ev := e.(type) {
	case Proposed:
		if (ev.Plan.Operation == Alarm) != (ev.Plan.Initiator == InterferenceWatch) {
			return errWatchOnly
		}
	case Noticed:
		if c.Plan.Operation != Alarm {
			return errNoAlarm
		}
	case Acknowledged:
		if c.Plan.Operation != Alarm {
			return errNoAlarm
		}
		if p, ok := find(c.Plan.acknowledgers(), ev.By.Account); !ok || p != ev.By {
			return errors.New("they may not acknowledge it")
		}
	}
	return nil
}

// alarm tells people what was noticed: everybody in the thread, and the owners
// directly when it is the first of its kind, or of its person.
func (o *outbox) alarm(p Plan, e Entry, n Noticed) {
	o.history(e)
	about := string(n.Kind) + " " + n.whose().String()
	if o.noticed == nil {
		o.noticed = map[string]bool{}
	}
	if o.noticed[about] {
		return
	}
	o.noticed[about] = true
	for _, owner := range p.Owners {
		o.toPerson(AlarmMessage, owner, e)
	}
}
