package ceremony

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
)

// Cluster is one configured cluster.
type Cluster struct {
	Name  string
	Vault Vault

	Operations []Operation // that may be run here
	Initiators []Person    // who may propose
	Approvers  []Person    // who may approve
	Approvals  int         // how many of them must; at least 1, and the initiator never counts
	Witnesses  []Person    // who may watch and let the gated steps happen
	Policies   map[Operation]Policy
	Holders    []Person // who holds the shares in force
	Receivers  []Person // who gets the new shares of a rekey

	NewThreshold int  // of a rekey
	Verification bool // a rekey waits for proof of the new shares (P7)
	Backup       bool // Vault keeps a rekey's encrypted new shares
	Watch        bool // sealed nodes are noticed, and an unseal is opened for them
	Interference bool // what happens in Vault that no ceremony has done raises an alarm

	Owners []Person // who is told of an alarm

	Window time.Duration // from the proposal until the ceremony closes
	Poll   time.Duration // how often Vault is compared with the plan while a ceremony is open
}

// Config is what an engine is made of; every field is needed but Archives, and Files
// where there are none.
type Config struct {
	Clusters []Cluster
	Opener   Opener
	// Signatures verifies again what people have signed in a journal.
	Signatures Signatures
	Courier    Courier
	Journal    Journal
	Log        *slog.Logger
	// Forget is called after each envelope that was opened, when nothing of its content
	// is needed any more and the outcome is in the journal: the time to collect garbage.
	// Nil means that nothing is done.
	Forget func()
	// Archives keep each signed transcript.
	Archives []Archive
	// Files makes what they keep: the transcript itself, and behind it a page for people.
	// The same event makes the same files.
	Files func(c Ceremony, signed TranscriptSigned) ([]File, error)
}

// Engine runs ceremonies. Each open one has an owner, a goroutine that alone
// decides and writes for it, so that a Vault that hangs delays no other cluster.
type Engine struct {
	config   Config
	clusters map[string]Cluster
	people   map[Account]string // account → name in the configuration
	ready    chan struct{}
	alarming sync.Mutex // one finding is added to its alarm, or opens one, at a time

	mu     sync.Mutex
	known  map[ID]known
	order  []ID // of known, newest first
	owners map[ID]*owner
	taken  map[string]bool // cluster → a proposal for it is being prepared
	// first is the hash of the newest ceremony's first line.
	first string

	digests digests
	// run starts an owner; nil when the engine is not running.
	run func(*owner)
}

// known is a ceremony as readers see it.
type known struct {
	c    Ceremony
	live Live
	fits func(envelope []byte) bool // is it encrypted to the key that is announced now? nil when there is none
}

// ErrNotRunning means that the engine has not started, or is stopping.
var ErrNotRunning = errors.New("the engine is not running")

// NewEngine makes an engine that does nothing until Run.
func NewEngine(config Config) *Engine {
	if config.Forget == nil {
		config.Forget = func() {}
	}
	e := &Engine{
		config:   config,
		clusters: map[string]Cluster{},
		people:   map[Account]string{},
		ready:    make(chan struct{}),
		known:    map[ID]known{},
		owners:   map[ID]*owner{},
		taken:    map[string]bool{},
	}
	for _, c := range config.Clusters {
		e.clusters[c.Name] = c
		for _, p := range slices.Concat(c.Initiators, c.Approvers, c.Holders, c.Receivers, c.Owners, c.Witnesses) {
			e.people[p.Account] = p.Name
		}
	}
	return e
}

// Ready is closed when the journal has been read and commands are taken.
func (e *Engine) Ready() <-chan struct{} { return e.ready }

// Clusters are the configured clusters.
func (e *Engine) Clusters() []Cluster { return slices.Clone(e.config.Clusters) }

// Run reads the journal, takes up what was open, and serves until ctx ends. It
// returns when every owner has finished the act in hand. An error means that
// the journal could not be read: nothing was done.
func (e *Engine) Run(ctx context.Context) error {
	open, err := e.recover(ctx)
	if err != nil {
		return err
	}
	var owners sync.WaitGroup
	start := func(o *owner) {
		owners.Go(func() {
			o.run(ctx)
			e.forget(o)
		})
	}
	e.mu.Lock()
	e.run = start
	for _, o := range open {
		e.owners[o.id] = o
		start(o)
	}
	e.mu.Unlock()
	close(e.ready)

	var watches sync.WaitGroup
	for _, c := range e.config.Clusters {
		if c.Watch {
			watches.Go(func() { e.watch(ctx, c) })
		}
		if c.Interference {
			watches.Go(func() { e.watchInterference(ctx, c) })
		}
	}
	<-ctx.Done()
	watches.Wait()
	e.mu.Lock()
	e.run = nil
	e.mu.Unlock()
	owners.Wait()
	return nil
}

// recover replays every ceremony and makes owners for those that are not
// settled.
func (e *Engine) recover(ctx context.Context) ([]*owner, error) {
	ids, err := e.config.Journal.List(ctx)
	if err != nil {
		return nil, err
	}
	var open []*owner
	var firsts []string
	named := map[string]bool{}
	for _, id := range ids {
		entries, err := e.config.Journal.Load(ctx, id)
		if err != nil {
			return nil, err
		}
		c, err := Replay(entries)
		if err != nil {
			return nil, fmt.Errorf("replay %s: %w: %w", id, ErrChain, err)
		}
		firsts = append(firsts, entries[0].Hash)
		named[entries[0].Event.(Proposed).Previous] = true // Replay has made sure of its type
		e.publish(known{c: c})
		if c.Settled() {
			continue
		}
		cluster, ok := e.clusters[c.Plan.Cluster]
		if !ok && (c.Ended() && !c.owesNews() || c.Plan.Operation == Alarm) {
			e.config.Log.Warn("an alarm, or what a ceremony has left behind, is not looked after: its cluster is not configured any more", "ceremony", string(id))
			continue
		}
		if !ok {
			return nil, fmt.Errorf("%s is open, and its cluster %q is not configured any more: %w", id, c.Plan.Cluster, UnknownCluster)
		}
		open = append(open, newOwner(e, cluster, c, true))
		e.config.Log.Info("ceremony taken up", "ceremony", id, "state", string(c.State), "events", c.Seq())
	}
	for _, o := range open {
		// All journals are read by now: others show who has no need to be called.
		if o.session.doubt = e.doubt(o.c, o.cluster); o.session.doubt != nil {
			d := o.session.doubt
			o.log.Error("an open ceremony is not gone on with as its journal has it", "why", string(d.why), "plan", d.want, "found", d.got)
		}
	}
	// The newest is the one that no other names: the list goes by the clock, which may
	// have been set back.
	for _, first := range firsts {
		if !named[first] {
			e.first = first
		}
	}
	return open, nil
}

func (e *Engine) forget(o *owner) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.owners, o.id)
}

// publish makes a ceremony's newest value visible to readers.
func (e *Engine) publish(k known) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.publishLocked(k)
}

func (e *Engine) publishLocked(k known) {
	id := k.c.ID()
	before, again := e.known[id]
	if !again {
		at, _ := slices.BinarySearchFunc(e.order, k.c, func(id ID, c Ceremony) int {
			return cmp.Or(c.Plan.Proposed.Compare(e.known[id].c.Plan.Proposed), cmp.Compare(id, c.ID()))
		})
		e.order = slices.Insert(e.order, at, id)
	}
	e.digests.learn(before.c, k.c)
	e.known[id] = k
}

// Ceremony answers where a ceremony stands and how its Vault answers.
func (e *Engine) Ceremony(id ID) (Ceremony, Live, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	k, ok := e.known[id]
	if !ok {
		return Ceremony{}, Live{}, fmt.Errorf("%s: %w", id, ErrUnknownCeremony)
	}
	return k.c, k.live, nil
}

// Ceremonies answers all of them, newest first.
func (e *Engine) Ceremonies() []Ceremony {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]Ceremony, len(e.order))
	for i, id := range e.order {
		all[i] = e.known[id].c
	}
	return all
}

// Proposal is what somebody wants to have done.
type Proposal struct {
	Operation Operation
	Cluster   string
	Reason    string // shown to everybody; one line of at most 300 characters
	By        Account
	Options   map[string]string // what the operation takes besides, by name
}

// Propose opens a ceremony. Before that it asks Vault, and checks every PGP key
// that Vault will be given: Vault itself notices a bad one after the last share.
// The refusals that it answers may wrap what is wrong.
func (e *Engine) Propose(ctx context.Context, p Proposal) (Ceremony, error) {
	cluster, ok := e.clusters[p.Cluster]
	if !ok {
		return Ceremony{}, fmt.Errorf("cluster %q: %w", p.Cluster, UnknownCluster)
	}
	initiator, ok := find(cluster.Initiators, p.By)
	if !ok {
		return Ceremony{}, NotInitiator
	}
	return e.propose(ctx, cluster, p, initiator)
}

func (e *Engine) propose(ctx context.Context, cluster Cluster, p Proposal, initiator Person) (Ceremony, error) {
	release, err := e.reserve(cluster.Name, p.Operation)
	if err != nil {
		return Ceremony{}, err
	}
	defer release()

	plan, err := e.plan(ctx, cluster, p, initiator)
	if err != nil {
		return Ceremony{}, err
	}
	return e.open(ctx, cluster, plan)
}

// reserve makes sure that a cluster has one ceremony at a time: shares of a key
// that another ceremony replaces would fail in this one. Only an unseal may run
// beside another, without which the other can't go on, and an alarm.
func (e *Engine) reserve(cluster string, op Operation) (release func(), err error) {
	slot := cluster + " " + op.slot()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.run == nil {
		return nil, ErrNotRunning
	}
	if e.taken[slot] {
		return nil, ClusterBusy
	}
	for id, k := range e.known {
		if k.c.Plan.Cluster == cluster && !k.c.Ended() && k.c.Plan.Operation.slot() == op.slot() {
			return nil, fmt.Errorf("%s is open: %w", id, ClusterBusy)
		}
	}
	e.taken[slot] = true
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.taken, slot)
	}, nil
}

// slot is shared by operations that must not meet.
func (op Operation) slot() string {
	if op == Unseal || op == Alarm {
		return string(op)
	}
	return ""
}

// open writes the first line, and what belongs to it, and starts the owner.
func (e *Engine) open(ctx context.Context, cluster Cluster, plan Plan, more ...Event) (Ceremony, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.run == nil {
		return Ceremony{}, ErrNotRunning
	}
	events := append([]Event{Proposed{Plan: plan, PlanHash: plan.Hash(), Previous: e.first}}, more...)
	if err := (Ceremony{}).takes(events, time.Now()); err != nil {
		return Ceremony{}, err
	}
	entries, err := e.config.Journal.Append(ctx, plan.Ceremony, 0, events...)
	if err != nil {
		return Ceremony{}, err
	}
	c, err := Replay(entries)
	if err != nil {
		return Ceremony{}, err
	}
	e.first = entries[0].Hash
	e.publishLocked(known{c: c})
	o := newOwner(e, cluster, c, false)
	e.owners[c.ID()] = o
	e.run(o)
	return c, nil
}

// idAlphabet has no letter or digit that is taken for another one when it is
// read aloud.
const idAlphabet = "abcdefghjkmnpqrstuvwxyz23456789"

// newNonce binds shares to a round of which Vault knows nothing.
func newNonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails
	return hex.EncodeToString(b[:])
}

func newID(cluster string, op Operation) ID {
	var word [4]byte
	_, _ = rand.Read(word[:]) // crypto/rand never fails
	for i, b := range word {
		word[i] = idAlphabet[int(b)%len(idAlphabet)]
	}
	return ID(cluster + "-" + string(op) + "-" + string(word[:]))
}

// Approve records one person's consent. planHash is what they have seen of the
// plan's hash, at least 8 digits; when it is empty they have named the ceremony
// alone, which stands for its plan since a plan never changes.
func (e *Engine) Approve(ctx context.Context, id ID, by Account, planHash string) (Ceremony, error) {
	if planHash == "" {
		c, _, err := e.Ceremony(id)
		if err != nil {
			return Ceremony{}, err
		}
		planHash = c.PlanHash
	}
	return e.command(ctx, id, Approve{By: by, PlanHash: planHash})
}

// Reject ends a proposal.
func (e *Engine) Reject(ctx context.Context, id ID, by Account, why string) (Ceremony, error) {
	return e.command(ctx, id, Reject{By: by, Why: oneLine(why)})
}

// Cancel ends a ceremony; its attempt in Vault is cancelled next.
func (e *Engine) Cancel(ctx context.Context, id ID, by Account, why string) (Ceremony, error) {
	return e.command(ctx, id, Cancel{By: by, Why: oneLine(why)})
}

// Resume is one of the two voices that thaw a frozen ceremony.
func (e *Engine) Resume(ctx context.Context, id ID, by Account) (Ceremony, error) {
	return e.command(ctx, id, Resume{By: by})
}

// Reverify has the new shares of a rekey proven again, from the beginning.
func (e *Engine) Reverify(ctx context.Context, id ID, by Account) (Ceremony, error) {
	return e.command(ctx, id, Reverify{By: by})
}

// Reset has the sealed nodes of an unseal forget the shares that they have counted.
func (e *Engine) Reset(ctx context.Context, id ID, by Account) (Ceremony, error) {
	return e.command(ctx, id, Reset{By: by})
}

// Delete is an approver's word that the backup which was handed out may go.
func (e *Engine) Delete(ctx context.Context, id ID, by Account) (Ceremony, error) {
	return e.command(ctx, id, Delete{By: by})
}

// madeUnder is the ceremony whose attempt had this nonce, and how it ended.
func (e *Engine) madeUnder(nonce string) (id ID, outcome Outcome, unknown bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, k := range e.known {
		for _, entry := range k.c.History {
			if s, ok := entry.Event.(Started); ok && s.Nonce == nonce {
				// A rekey in whose journal they are not was carried through without it.
				seen := k.c.backedUpUnder() == nonce && !k.c.Unproven && !k.c.MadeElsewhere()
				return id, k.c.Outcome, k.c.Outcome != Completed && !seen
			}
		}
	}
	return "", "", false
}

// oneLine makes a remark fit for a journal line that people read.
func oneLine(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	words := strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if r := []rune(words); len(r) > 300 {
		return string(r[:300])
	}
	return words
}

func (e *Engine) command(ctx context.Context, id ID, cmd Command) (Ceremony, error) {
	o, err := e.owner(id)
	if err != nil {
		return Ceremony{}, err
	}
	return o.command(ctx, cmd)
}

// owner finds who decides for an open ceremony.
func (e *Engine) owner(id ID) (*owner, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if o := e.owners[id]; o != nil {
		return o, nil
	}
	switch _, ok := e.known[id]; {
	case e.run == nil:
		return nil, ErrNotRunning
	case !ok:
		return nil, fmt.Errorf("%s: %w", id, ErrUnknownCeremony)
	}
	return nil, fmt.Errorf("%s: %w", id, Closed)
}
