// Package index keeps what is still asked of ceremonies that are settled. By it a start does
// not read their journals, and memory does not grow with them. It is a copy: what is missing
// in it is read from the journals again.
package index

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/ledger"
	"conclave/ceremony/mark"
	"conclave/ceremony/rules"
)

// Record is what is asked of one settled ceremony. It is bound to the journal by the number
// of its lines, the hash of the last one, and the mark of the file.
type Record struct {
	ledger.Facts
	Mark     string `json:"mark"` // see [event.Journal]
	Lines    int    `json:"lines"`
	Head     string `json:"head"`     // hash of the last line
	First    string `json:"first"`    // hash of the first line
	Previous string `json:"previous"` // see [event.Proposed]

	Closes  time.Time     `json:"closes"`
	Ended   time.Time     `json:"ended"`
	Outcome event.Outcome `json:"outcome"`
	// Doubtful reports of a rekey that others may have carried through, see [ledger.Doubtful].
	Doubtful bool   `json:"doubtful,omitempty"`
	KeyTerm  int    `json:"key_term,omitempty"`
	OTP      string `json:"otp,omitempty"` // commitment to its one-time password

	Digests []byte       `json:"digests"`          // that people were shown, eight bytes of each
	Begun   []string     `json:"begun,omitempty"`  // nonces of its attempts
	Proven  []Proof      `json:"proven,omitempty"` // who has used their key, and when
	Shown   ledger.Shown `json:"shown"`
	// Entries are those that an interference watch goes by.
	Entries []kept `json:"entries,omitempty"`
}

// Proof is the last time at which a person has shown that they can decrypt with a key.
type Proof struct {
	Account ceremony.Account     `json:"account"`
	Key     ceremony.Fingerprint `json:"key"`
	At      time.Time            `json:"at"`
}

// kept is an entry in a record.
type kept struct {
	Seq   int             `json:"seq"`
	At    time.Time       `json:"at"`
	Type  string          `json:"type"`
	Event json.RawMessage `json:"event,omitempty"` // where neither the record nor the nodes suffice
	// Nodes are the addresses to which a share was sent, or that it has unsealed.
	Nodes []string `json:"nodes,omitempty"`
}

// NewRecord returns the record of a settled ceremony whose journal has this mark.
func NewRecord(c rules.State, mark string) (Record, error) {
	p, first, last := c.Plan, c.History[0], c.History[len(c.History)-1]
	r := Record{
		Facts: ledger.FactsOf(c), Mark: mark, Lines: c.Seq(), Head: last.Hash, First: first.Hash,
		Closes: p.Closes, Ended: c.EndedAt(), Outcome: c.Outcome, KeyTerm: p.KeyTerm, OTP: p.OTP,
		Doubtful: p.Operation.Rekeys() && ledger.Doubtful(c), Shown: ledger.ShownBy(c),
	}
	if proposed, ok := first.Event.(event.Proposed); ok {
		r.Previous = proposed.Previous
	}
	for _, word := range Digests(rules.State{}, c) {
		if digest, ok := shorten(word); ok {
			r.Digests = binary.BigEndian.AppendUint64(r.Digests, digest)
		}
	}
	for _, e := range c.History {
		if started, ok := e.Event.(event.Started); ok {
			r.Begun = append(r.Begun, started.Nonce)
		}
		if by, ok := Proves(e.Event); ok {
			r.Proven = append(r.Proven, Proof{Account: by.Account, Key: by.Key, At: e.At})
		}
		k, ok, err := keep(p.Operation, e)
		if err != nil {
			return r, fmt.Errorf("keep line %d of %s: %w", e.Seq, c.ID(), err)
		}
		if ok {
			r.Entries = append(r.Entries, k)
		}
	}
	return r, nil
}

// Proves returns the person who shows by an event that they can use their key: they have
// decrypted a challenge, or a new share that Vault had encrypted to it.
func Proves(e event.Event) (by ceremony.Person, ok bool) {
	switch ev := e.(type) {
	case event.Present:
		return ev.By, true
	case event.Counted:
		return ev.By, ev.Step == ceremony.StepVerify
	}
	return by, false
}

// keep returns an entry as far as an interference watch goes by it after its ceremony is
// settled. It reports whether it does.
func keep(op ceremony.Operation, e event.Entry) (k kept, ok bool, err error) {
	k = kept{Seq: e.Seq, At: e.At, Type: event.TypeOf(e.Event)}
	switch ev := e.Event.(type) {
	case event.Proposed, event.Initialized, event.Ended:
		return k, true, nil // the rest is in the record, or nobody asks for it
	case event.Acting:
		return k, op == ceremony.Rotate, nil
	case event.Submitting:
		k.Nodes = ev.Nodes
		return k, op == ceremony.Unseal, nil
	case event.Entered:
		for _, n := range ev.Nodes {
			if n.Reached && !n.Sealed && slices.Contains(ev.At, n.Address) {
				k.Nodes = append(k.Nodes, n.Address)
			}
		}
		return k, len(k.Nodes) > 0, nil
	case event.Noticed:
		if ev.Kind.Exposure() {
			return k, false, nil
		}
	case event.Rotated:
	default:
		return k, false, nil
	}
	k.Event, err = json.Marshal(e.Event)
	return k, err == nil, err
}

// entry returns an entry that was kept of a ceremony with this outcome.
func (k kept) entry(outcome event.Outcome) (event.Entry, error) {
	e := event.Entry{Seq: k.Seq, At: k.At}
	if k.Event != nil {
		var err error
		e.Event, err = event.DecodeEvent(k.Type, k.Event)
		return e, err
	}
	entered := event.Entered{At: k.Nodes}
	for _, address := range k.Nodes {
		entered.Nodes = append(entered.Nodes, ceremony.NodeState{Address: address, Reached: true})
	}
	for _, ev := range [...]event.Event{
		event.Proposed{}, event.Initialized{}, event.Ended{Outcome: outcome}, event.Acting{},
		event.Submitting{Nodes: k.Nodes}, entered,
	} {
		if event.TypeOf(ev) == k.Type {
			e.Event = ev
			return e, nil
		}
	}
	return e, fmt.Errorf("nothing is kept of a line of type %q", k.Type)
}

// Abridged returns the ceremony as far as the record has it: facts of the plan, key facts,
// and the entries that an interference watch goes by, each with its own number.
func (r Record) Abridged() (rules.State, error) {
	c := rules.State{
		Plan: ceremony.Plan{
			Ceremony: r.Ceremony, Operation: r.Operation, Cluster: r.Cluster, ClusterID: r.ClusterID,
			Proposed: r.Proposed, Closes: r.Closes, Shares: r.Shares, Threshold: r.Threshold,
			NewThreshold: r.NewThreshold, KeyTerm: r.KeyTerm, OTP: r.OTP,
			Receivers: make([]ceremony.Person, r.NewShares),
		},
		Phase: rules.PhaseEnded, Outcome: r.Outcome, KeyFacts: r.KeyFacts,
	}
	for _, k := range r.Entries {
		e, err := k.entry(r.Outcome)
		if err != nil {
			return c, fmt.Errorf("read what the index has of %s: %w", r.Ceremony, err)
		}
		c.History = append(c.History, e)
	}
	return c, nil
}

// Digests returns the digests that people were shown of the lines that a ceremony has gained
// since before: hashes of lines, and the first time, when before is the zero value, the
// plan's hash and the commitment to a one-time password.
func Digests(before, now rules.State) []string {
	var words []string
	if before.Seq() == 0 {
		words = append(words, now.PlanHash)
		if now.Plan.OTP != "" {
			words = append(words, now.Plan.OTP)
		}
	}
	for _, e := range now.History[before.Seq():] {
		words = append(words, e.Hash)
	}
	return words
}

// End returns the mark of the journal's end.
func (r Record) End() mark.Mark { return mark.Mark{Ceremony: r.Ceremony, Line: r.Lines, Hash: r.Head} }
