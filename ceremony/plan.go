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

// Acknowledgers are the people who may end an alarm.
func (p Plan) Acknowledgers() []Person { return slices.Concat(p.Owners, p.Initiators, p.Approvers) }

// Approval is one approver's consent.
type Approval struct {
	By Person
	At time.Time
}

// ID names one ceremony so that it can be read aloud: prod-rekey-k7m2.
type ID string

// Plan is what is proposed, approved and then held to: nothing in it changes
// after the proposal (P4).
type Plan struct {
	Ceremony  ID        `json:"ceremony"`
	Operation Operation `json:"operation"`
	Cluster   string    `json:"cluster"`    // its name in the configuration
	ClusterID string    `json:"cluster_id"` // Vault's own id, so that the name can't be pointed elsewhere afterwards

	Reason    string   `json:"reason"`
	Initiator Person   `json:"initiator"`
	Approvers []Person `json:"approvers"` // who may approve
	Approvals int      `json:"approvals"` // how many of them must
	// What the policy asks for besides: approvals from classes of people, a PGP
	// signature under each, somebody who watches, time to think, hours to keep.
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
	Verification bool     `json:"verification,omitempty"` // the old key stays until the new shares have been proven (P7)
	Backup       bool     `json:"backup,omitempty"`       // Vault keeps the encrypted new shares until they are deleted

	// Who has to show before anything begins that they can read what is encrypted to
	// them, and how many of them that takes.
	RollCall []Person `json:"roll_call,omitempty"`
	Present  int      `json:"present,omitempty"`

	// For init and what issues a token: whose PGP key it is encrypted to, or who has
	// the one-time password with this commitment, its SHA-256.
	Requester *Person `json:"requester,omitempty"`
	OTP       string  `json:"otp,omitempty"`

	// For rotate and rotate-config: what was there when they were proposed, and what
	// is wanted.
	KeyTerm   int             `json:"key_term,omitempty"`
	OldPolicy *RotationPolicy `json:"old_policy,omitempty"`
	NewPolicy *RotationPolicy `json:"new_policy,omitempty"`

	// For an alarm: who is told of it, and who may acknowledge it besides them and the
	// approvers.
	Owners     []Person `json:"owners,omitempty"`
	Initiators []Person `json:"initiators,omitempty"`

	// TokenExpires is when the bot's own token ends, if that is before Closes and
	// nobody is known to renew it.
	TokenExpires time.Time `json:"token_expires,omitzero"`

	Identity Fingerprint `json:"identity"` // of the bot
	Proposed time.Time   `json:"proposed"`
	Closes   time.Time   `json:"closes"` // no share is taken from then on
}

// planVersion is the first line of a plan's text. A change of the text's form
// needs another one, since holders and auditors compare hashes of it.
const planVersion = "conclave-plan1"

// Text is the plan as approvers read it and as its hash is taken over: one
// "key: value" a line, in fixed order, with a line feed at the end of each.
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

// Hash is the SHA-256 of the plan's text, in lower-case hexadecimal digits.
func (p Plan) Hash() string {
	sum := sha256.Sum256([]byte(p.Text()))
	return hex.EncodeToString(sum[:])
}

// Recipients are the PGP keys that Vault is given, in the order in which it
// answers.
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

// Contributors are the people who may bring a share in a step.
func (p Plan) Contributors(step Step) []Person {
	switch {
	case step == StepVerify:
		return p.Receivers
	case step == StepOTP && p.Requester != nil:
		return []Person{*p.Requester}
	}
	return p.Holders
}

// Deciders are the people whose word ends or thaws a ceremony.
func (p Plan) Deciders() []Person { return slices.Concat([]Person{p.Initiator}, p.Approvers) }

// TokenSpeakers are the people who may say what has become of the token that the
// plan's operation issues.
func (p Plan) TokenSpeakers() []Person { return append(slices.Clip(p.Approvers), *p.Requester) }

// Needed is how many shares Vault asks for in a step.
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

func YesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// Find is the person with this account among list.
func Find(list []Person, who Account) (Person, bool) {
	for _, p := range list {
		if p.Account == who {
			return p, true
		}
	}
	return Person{}, false
}

// EnoughApprovers makes sure that the approvals that are asked for can come, from
// people who are not the initiator.
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
			return fmt.Errorf("%d of class %s can approve, %d are asked for: %w", classes[q.Class], q.Class, q.Count, TooFewApprovers)
		}
	}
	return nil
}

// KeyOf is the PGP key that the plan pins for somebody, if it pins one.
func (p Plan) KeyOf(who Account) (Fingerprint, bool) {
	for _, has := range p.Everybody() {
		if has.Account == who && has.Key != "" {
			return has.Key, true
		}
	}
	return "", false
}

// Keys are the fingerprints whose certificates belong into the transcript, sorted.
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

// Everybody is who has a part in the ceremony, each once for each key.
func (p Plan) Everybody() []Person {
	all := slices.Concat([]Person{p.Initiator}, p.Approvers, p.Holders, p.Receivers, p.Witnesses, p.Owners, p.Initiators)
	if p.Requester != nil {
		all = append(all, *p.Requester)
	}
	return Unique(all)
}

// HasPart reports whether somebody is named in the plan.
func (p Plan) HasPart(who Account) bool {
	_, named := Find(p.Everybody(), who)
	return named
}

func Unique(people []Person) []Person {
	var once []Person
	for _, p := range people {
		if !slices.Contains(once, p) {
			once = append(once, p)
		}
	}
	return once
}

// Having are the people who have a key by the plan.
func (p Plan) Having(f Fingerprint) []Person {
	return slices.DeleteFunc(p.Everybody(), func(who Person) bool { return who.Key != f })
}

// Owner is who has a key by the plan.
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

// NodesOf are the plan's nodes, in its order. The configuration may have changed
// since: a node that it has gained gets no share, of which no holder was told (P4),
// and one that it has lost can't be asked.
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
