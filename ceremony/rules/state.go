package rules

import (
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
)

// Phase is where a ceremony stands.
type Phase string

// Phases, in the order in which a ceremony passes them.
const (
	PhaseProposed   Phase = "proposed"    // waits for approval
	PhaseRollCall   Phase = "roll call"   // people show that they can read what they will get
	PhaseApproved   Phase = "approved"    // Vault is being started
	PhaseCollecting Phase = "collecting"  // shares of the key in force are wanted
	PhaseHandingOut Phase = "handing out" // new shares are on their way to their holders
	PhaseVerifying  Phase = "verifying"   // new shares are wanted, as proof
	PhaseFrozen     Phase = "frozen"      // people have to decide
	PhaseEnded      Phase = "ended"       // see Outcome

	PhaseRaised Phase = "raised" // an alarm waits to be acknowledged
)

// State is everything that the journal tells about one ceremony: a value that [Apply] makes
// and that nobody changes. Its slices are shared between values and must not be written to.
type State struct {
	Plan     ceremony.Plan
	PlanHash string
	Phase    Phase
	Outcome  event.Outcome // when Phase is PhaseEnded
	Ending   ceremony.VaultEnding

	Approvals []ceremony.Approval
	Present   []Contribution      // who has answered the roll call
	Attempt   Attempt             // the current one in Vault
	Key       *ceremony.Announced // nil until shares are wanted
	Round     Round
	NewShares []event.NewShare       // of a rekey, once they are made
	Token     string                 // that was issued, encrypted: standard base64
	Encoded   string                 // that was issued, combined with a one-time password
	Keys      []ceremony.Fingerprint // that Vault says it encrypted the new shares, or the token, to
	Verified  *event.Verified
	Unproven  bool // an attempt was lost that others may have carried through

	Nodes    []Sealing         // of an unseal, in the plan's order
	AskAgain bool              // a node came back sealed: those who have sent their share are needed once more
	Result   event.Event       // of an act that takes no shares: Initialized, Rotated, RotationSet or BackupDeleted
	Backup   *event.BackupRead // nil until it is read
	Deletion *ceremony.Person  // who wants the backup deleted

	Accessor  string // of the root token that was issued, once it was named
	Revoked   *event.TokenRevoked
	Reminders int  // of what the ceremony has left behind
	Left      bool // people are no longer reminded of it

	Acknowledged *event.Acknowledged // of an alarm

	Pending     *Pending           // an outside write whose outcome is not in the journal yet
	Closing     *event.Closing     // the ceremony is being ended
	Freeze      *FreezeState       // when Phase is PhaseFrozen
	Thawed      bool               // people want to go on; Vault has not been compared since
	WitnessLeft bool               // no witness is waited for any more
	Stopping    *event.FreezeAsked // a person wants it frozen, and Vault has not answered yet

	KeyFacts []KeyFact // what it has shown about the cluster's shares

	History []event.Entry // everything, in order
}

// Attempt is one start of the operation in Vault.
type Attempt struct {
	Number int    // counted from 1, 0 before the first
	Nonce  string // empty while Vault has no attempt of ours
}

// Round collects shares until Vault has enough of them.
type Round struct {
	Number   int // counted from 1 within a step
	Step     ceremony.Step
	Nonce    string // that shares of this round are sent under
	Required int
	Counted  []Contribution
}

// Contribution is a share that Vault has counted, or an answer to the roll call.
type Contribution struct {
	By ceremony.Person
	At time.Time
}

// Pending is an intent in the journal that has no outcome there yet.
type Pending struct {
	Event  event.Event // Starting, Offered, Submitting, Dropping or Acting
	At     time.Time
	Asking bool // the answer was lost, Vault is being asked
}

// FreezeState tells why a ceremony stands still, and who wants it to go on.
type FreezeState struct {
	event.Frozen
	At        time.Time
	Was       Phase // in which it goes on
	Initiator bool  // has asked to resume
	Approver  bool  // has asked to resume
}

// Seq returns the sequence number of the last event, 0 before the first.
func (c State) Seq() int { return len(c.History) }

// ID returns the ceremony's id.
func (c State) ID() ceremony.ID { return c.Plan.Ceremony }

// Ended reports whether the ceremony has ended. Afterwards nothing changes but what people
// are told, what witnesses say, and what the ceremony has left behind.
func (c State) Ended() bool { return c.Phase == PhaseEnded }

// Wants reports whether shares, or a one-time password, are wanted now.
func (c State) Wants() bool {
	collecting := c.Phase == PhaseCollecting || c.Phase == PhaseVerifying ||
		c.Phase == PhaseApproved && c.Round.Step == ceremony.StepOTP
	return collecting && c.Key != nil && c.Closing == nil && (c.Plan.Operation != ceremony.Unseal || c.anySealed())
}

// HasCounted reports whether a share of this account is in the current round: in an
// unseal, in that of every sealed node.
func (c State) HasCounted(who ceremony.Account) bool {
	if c.Plan.Operation == ceremony.Unseal {
		return len(c.sealedFor(who)) == 0
	}
	return slices.ContainsFunc(c.Round.Counted, func(s Contribution) bool { return s.By.Account == who })
}

// Missing returns the people who may still bring a share in the current round.
func (c State) Missing() []ceremony.Person {
	var missing []ceremony.Person
	for _, p := range c.Plan.Contributors(c.Round.Step) {
		if !c.HasCounted(p.Account) {
			missing = append(missing, p)
		}
	}
	return missing
}

// hasApproved reports whether a person has approved the plan.
func (c State) hasApproved(who ceremony.Account) bool {
	return slices.ContainsFunc(c.Approvals, func(a ceremony.Approval) bool { return a.By.Account == who })
}

// approvedAt returns when the last approval that was needed came, the zero time before.
func (c State) approvedAt() time.Time {
	switch {
	case c.Plan.Approvals == 0:
		return c.Plan.Proposed
	case !c.Plan.Agreed(c.Approvals):
		return time.Time{}
	}
	return c.Approvals[len(c.Approvals)-1].At
}

// EndedAt returns when the ceremony ended, the zero time before.
func (c State) EndedAt() time.Time {
	if seq := c.Last(Is[event.Ended]); seq > 0 {
		return c.History[seq-1].At
	}
	return time.Time{}
}

// Contributes reports whether a person may bring a share in the current step.
func (c State) Contributes(who ceremony.Account) bool {
	_, ok := ceremony.Find(c.Plan.Contributors(c.Round.Step), who)
	return ok
}

// StartsAt returns when the ceremony may begin, the zero time while approvals are missing.
// It is in the past when nothing but Vault or people is waited for.
func (c State) StartsAt() time.Time {
	return c.NextStart(c.History[len(c.History)-1].At)
}

// NextStart returns the first moment from now on at which the ceremony may begin: the
// cooling-off is over, and it is no quiet hour, whatever else was waited for meanwhile.
// It returns the zero time while approvals are missing. It goes by the wall clock alone,
// as a replay of the journal does: a clock that was set back is waited for.
func (c State) NextStart(now time.Time) time.Time {
	agreed := c.approvedAt().Round(0)
	if agreed.IsZero() || c.Attempt.Number > 0 {
		return agreed // what has begun goes on at any hour
	}
	earliest := agreed.Add(time.Duration(c.Plan.Cooling))
	if now := now.Round(0); now.After(earliest) {
		earliest = now
	}
	return c.Plan.Begins(earliest)
}

// Live is what is true now and stands in no journal: how Vault answers.
type Live struct {
	Vault error     // nil when Vault answered the last question
	Since time.Time // of this answer
}
