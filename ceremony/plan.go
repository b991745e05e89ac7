package ceremony

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Approval is one approver's consent.
type Approval struct {
	By Person
	At time.Time
}

// ID names one ceremony in a form that can be read aloud: prod-rekey-k7m2.
type ID string

// Cluster returns the name of the cluster in an id, which ends with an operation and a word.
// It returns "" for an id of another form.
func (id ID) Cluster() string {
	rest := string(id)[:max(0, strings.LastIndexByte(string(id), '-'))]
	for _, op := range append(Operations(), Alarm) {
		if name, ok := strings.CutSuffix(rest, "-"+string(op)); ok && IsName(name) {
			return name
		}
	}
	return ""
}

// Plan is what is proposed, approved and then kept to. Nothing in it changes after the
// proposal (P4).
type Plan struct {
	Ceremony  ID        `json:"ceremony"`
	Operation Operation `json:"operation"`
	Cluster   string    `json:"cluster"`    // its name in the configuration
	ClusterID string    `json:"cluster_id"` // Vault's own id, so that the name can't be pointed elsewhere afterwards

	Reason    string   `json:"reason"`
	Initiator Person   `json:"initiator"`
	Approvers []Person `json:"approvers"` // who may approve
	Approvals int      `json:"approvals"` // how many of them must
	// What the policy asks for besides: approvals from classes of people, a PGP signature
	// under each, a witness, a time to think, quiet hours.
	ApprovalsFrom   []ClassQuota `json:"approvals_from,omitempty"`
	SignedApprovals bool         `json:"signed_approvals,omitempty"`
	Witnesses       []Person     `json:"witnesses,omitempty"` // any one of them; the gated steps wait for them
	Cooling         Span         `json:"cooling,omitempty"`   // from the last approval until anything begins
	Quiet           *Quiet       `json:"quiet,omitempty"`     // hours of each day in which nothing begins
	Ways            []Intake     `json:"ways,omitempty"`      // how an envelope may come; every way when empty

	Holders   []Person `json:"holders,omitempty"`   // who may bring a share of the key in force
	Shares    int      `json:"shares,omitempty"`    // how many shares of it exist, as Vault says
	Threshold int      `json:"threshold,omitempty"` // how many of them Vault asks for

	// For unseal: the addresses of the cluster's nodes. For init: the seal's type.
	Nodes []string `json:"nodes,omitempty"`
	Seal  string   `json:"seal,omitempty"`

	// For init and a rekey: who gets the new shares, one each and in this order.
	Receivers    []Person `json:"receivers,omitempty"`
	NewThreshold int      `json:"new_threshold,omitempty"`
	Verification bool     `json:"verification,omitempty"` // the old key stays until the new shares are proven (P7)
	Backup       bool     `json:"backup,omitempty"`       // Vault keeps the encrypted new shares until they are deleted

	// The people who are called to show, before anything begins, that they can read what is
	// encrypted to them, and how many of them have to.
	RollCall []Person `json:"roll_call,omitempty"`
	Present  int      `json:"present,omitempty"`

	// For init and what issues a token: whose PGP key the token is encrypted to, or who has
	// the one-time password with this commitment, its SHA-256.
	Requester *Person `json:"requester,omitempty"`
	OTP       string  `json:"otp,omitempty"`

	// For rotate and rotate-config: what was there when they were proposed, and what
	// is wanted.
	KeyTerm   int             `json:"key_term,omitempty"`
	OldPolicy *RotationPolicy `json:"old_policy,omitempty"`
	NewPolicy *RotationPolicy `json:"new_policy,omitempty"`

	// For an alarm: who is told of it, and who may acknowledge it, besides the owners and
	// the approvers.
	Owners     []Person `json:"owners,omitempty"`
	Initiators []Person `json:"initiators,omitempty"`

	// TokenExpires is when the bot's own token ends, if that is before Closes and
	// nobody is known to renew it.
	TokenExpires time.Time `json:"token_expires,omitzero"`

	Identity Fingerprint `json:"identity"` // of the bot
	Proposed time.Time   `json:"proposed"`
	Closes   time.Time   `json:"closes"` // no share is taken from then on
}

// planVersion is the first line of a plan's text. A change of the text's form needs another
// one, since holders and auditors compare hashes of the text.
const planVersion = "conclave-plan1"

// Text returns the plan as approvers read it. Its hash is taken over this text: lines of
// "key: value" in a fixed order, each with a line feed at its end.
func (p Plan) Text() string {
	var b strings.Builder
	line := func(key, value string) { fmt.Fprintf(&b, "%s: %s\n", key, value) }
	number := func(key string, n int) { line(key, strconv.Itoa(n)) }
	people := func(key string, list []Person) {
		for i, p := range list {
			line(key+" "+strconv.Itoa(i+1), Describe(p))
		}
	}

	b.WriteString(planVersion + "\n")
	line("ceremony", string(p.Ceremony))
	line("operation", string(p.Operation))
	line("cluster", p.Cluster)
	line("cluster id", p.ClusterID)
	line("reason", p.Reason)
	line("initiator", Describe(p.Initiator))
	people("approver", p.Approvers)
	number("approvals needed", p.Approvals)
	for _, q := range p.ApprovalsFrom {
		number("approvals needed from "+q.Class, q.Count)
	}
	if p.SignedApprovals {
		line("approvals", "signed")
	}
	people("witness", p.Witnesses)
	if p.Cooling != 0 {
		line("cooling-off", p.Cooling.String())
	}
	if p.Quiet != nil {
		line("quiet hours", p.Quiet.String())
	}
	for i, w := range p.Ways {
		line("way in "+strconv.Itoa(i+1), string(w))
	}
	if p.Operation.TakesShares() {
		people("holder", p.Holders)
		number("shares", p.Shares)
		number("threshold", p.Threshold)
	}
	for i, address := range p.Nodes {
		line("node "+strconv.Itoa(i+1), address)
	}
	if p.Seal != "" {
		line("seal", p.Seal)
	}
	if len(p.Receivers) > 0 {
		people("receiver", p.Receivers)
	}
	if p.Operation.MakesShares() {
		number("new shares", len(p.Receivers))
		number("new threshold", p.NewThreshold)
	}
	if p.Operation.Rekeys() {
		line("verification", YesNo(p.Verification))
		line("backup in vault", YesNo(p.Backup))
	}
	if len(p.RollCall) > 0 {
		people("roll call", p.RollCall)
		number("present needed", p.Present)
	}
	if p.Requester != nil {
		line("requester", Describe(*p.Requester))
	}
	if p.OTP != "" {
		line("one-time password sha256", p.OTP)
	}
	if p.KeyTerm != 0 {
		number("key term", p.KeyTerm)
	}
	if p.OldPolicy != nil && p.NewPolicy != nil {
		line("rotation now", p.OldPolicy.String())
		line("rotation wanted", p.NewPolicy.String())
	}
	people("owner", p.Owners)
	people("may propose", p.Initiators)
	if !p.TokenExpires.IsZero() {
		line("conclave's vault token expires", p.TokenExpires.UTC().Format(time.RFC3339))
	}
	line("identity", p.Identity.String())
	line("proposed", p.Proposed.UTC().Format(time.RFC3339))
	line("closes", p.Closes.UTC().Format(time.RFC3339))
	return b.String()
}

// Hash returns the SHA-256 of the plan's text, in lower-case hexadecimal digits.
func (p Plan) Hash() string {
	sum := sha256.Sum256([]byte(p.Text()))
	return hex.EncodeToString(sum[:])
}

// Recipients returns the PGP keys that Vault is given, in the order of its answer.
func (p Plan) Recipients() []Fingerprint {
	switch {
	case p.OTP != "":
		return nil
	case p.Operation.IssuesToken() && p.Requester != nil:
		return []Fingerprint{p.Requester.Key}
	}
	keys := make([]Fingerprint, len(p.Receivers))
	for i, r := range p.Receivers {
		keys[i] = r.Key
	}
	return keys
}

// Contributors returns the people who may bring a share in a step.
func (p Plan) Contributors(step Step) []Person {
	switch {
	case step == StepVerify:
		return p.Receivers
	case step == StepOTP && p.Requester != nil:
		return []Person{*p.Requester}
	}
	return p.Holders
}

// Acknowledgers returns the people who may end an alarm.
func (p Plan) Acknowledgers() []Person { return slices.Concat(p.Owners, p.Initiators, p.Approvers) }

// Deciders returns the people who may end or thaw a ceremony.
func (p Plan) Deciders() []Person { return slices.Concat([]Person{p.Initiator}, p.Approvers) }

// TokenSpeakers returns the people who may say what has become of the token that the plan's
// operation issues. The plan must have a requester.
func (p Plan) TokenSpeakers() []Person { return append(slices.Clip(p.Approvers), *p.Requester) }

// Needed returns how many shares, or one-time passwords, a step takes.
func (p Plan) Needed(step Step) int {
	switch step {
	case StepVerify:
		return p.NewThreshold
	case StepOTP:
		return 1
	case StepDrill:
		return len(p.Holders)
	}
	return p.Threshold
}

// Describe returns a person as a plan's text has them.
func Describe(p Person) string {
	words := []string{p.Name, p.Account.String()}
	if p.Key != "" {
		words = append(words, p.Key.String())
	}
	if p.Class != "" {
		words = append(words, "("+p.Class+")")
	}
	return strings.Join(words, " ")
}

// YesNo returns "yes" or "no".
func YesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// Find returns the first person with this account in list.
func Find(list []Person, who Account) (Person, bool) {
	for _, p := range list {
		if p.Account == who {
			return p, true
		}
	}
	return Person{}, false
}

// EnoughApprovers returns an error that wraps TooFewApprovers unless people other than the
// initiator can give the approvals that are asked for.
func (p Plan) EnoughApprovers() error {
	classes := map[string]int{}
	n := 0
	for _, a := range p.Approvers {
		if a.Account != p.Initiator.Account {
			n++
			classes[a.Class]++
		}
	}
	if n < p.Approvals {
		return fmt.Errorf("%d can approve, %d approvals are asked for: %w", n, p.Approvals, TooFewApprovers)
	}
	for _, q := range p.ApprovalsFrom {
		if classes[q.Class] < q.Count {
			return fmt.Errorf("%d of class %s can approve, %d are asked for: %w",
				classes[q.Class], q.Class, q.Count, TooFewApprovers)
		}
	}
	return nil
}

// KeyOf returns the PGP key that the plan pins for a person, if it pins one.
func (p Plan) KeyOf(who Account) (Fingerprint, bool) {
	for _, has := range p.Everybody() {
		if has.Account == who && has.Key != "" {
			return has.Key, true
		}
	}
	return "", false
}

// Keys returns the fingerprints whose certificates belong into the transcript, sorted.
func (p Plan) Keys() []Fingerprint {
	all := []Fingerprint{p.Identity}
	for _, who := range p.Everybody() {
		if who.Key != "" {
			all = append(all, who.Key)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Everybody returns the people with a part in the ceremony, each once for each key.
func (p Plan) Everybody() []Person {
	all := slices.Concat([]Person{p.Initiator}, p.Approvers, p.Holders, p.Receivers,
		p.Witnesses, p.Owners, p.Initiators)
	if p.Requester != nil {
		all = append(all, *p.Requester)
	}
	return Unique(all)
}

// HasPart reports whether a person is named in the plan.
func (p Plan) HasPart(who Account) bool {
	_, named := Find(p.Everybody(), who)
	return named
}

// Unique returns each person once, in the order of their first place.
func Unique(people []Person) []Person {
	var once []Person
	for _, p := range people {
		if !slices.Contains(once, p) {
			once = append(once, p)
		}
	}
	return once
}

// Having returns the people who have a key by the plan.
func (p Plan) Having(f Fingerprint) []Person {
	return slices.DeleteFunc(p.Everybody(), func(who Person) bool { return who.Key != f })
}

// Owner returns the name of who has a key by the plan, or its fingerprint.
func (p Plan) Owner(f Fingerprint) string {
	if f == p.Identity {
		return "the bot's identity"
	}
	for _, who := range p.Everybody() {
		if who.Key == f {
			return who.Name
		}
	}
	return f.String()
}

// NodesOf returns the plan's nodes, in its order. The configuration may have changed since.
// A node that it has gained gets no share, since no holder was told of it (P4). One that it
// has lost can't be asked.
func (p Plan) NodesOf(configured []Node) []Node {
	nodes := make([]Node, len(p.Nodes))
	for i, address := range p.Nodes {
		nodes[i] = Node{Address: address, Err: ErrNotSent}
		if at := slices.IndexFunc(configured, func(n Node) bool { return n.Address == address }); at >= 0 {
			nodes[i] = configured[at]
		}
	}
	return nodes
}
