// Package engine runs ceremonies: it takes proposals, commands and shares, talks to Vault,
// and keeps people informed.
//
// Each open ceremony has an actor with one goroutine, which alone decides and writes for
// it. Package rules decides what may happen and what is to be done next. The actor writes
// each decision to the journal before it acts (P3), and settles what it does not know by
// asking Vault (P5). Messages, the status post and archives have goroutines of their own,
// so that they hold no ceremony back.
package engine

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/handover"
	"conclave/ceremony/index"
	"conclave/ceremony/interference"
	"conclave/ceremony/ledger"
	"conclave/ceremony/mark"
	"conclave/ceremony/rules"
)

// Config is what an engine is made of. Every field is required but Index, Forget,
// Conditions, Archives, Marks and Keys; Files is required with Archives.
type Config struct {
	Clusters []ceremony.Cluster
	OpenPGP  ceremony.OpenPGP
	// Signatures verifies the signed statements of a journal again.
	Signatures ceremony.Signatures
	Notifier   Notifier
	Journal    event.Journal
	// Index keeps what is asked of settled ceremonies. Without one, each start reads every
	// journal.
	Index *index.File
	Log   *slog.Logger
	// Forget is called after each envelope that was opened, once its content is not needed
	// any more and the outcome is in the journal. It may collect garbage. It may be nil.
	Forget func()
	// Conditions returns what this program runs under, without Vault. It may be nil: then
	// ceremonies are recorded without conditions.
	Conditions func() event.Conditions
	// Archives keep each signed transcript.
	Archives []ceremony.Archive
	// Files makes what the archives keep: the transcript, followed by a page for people. It
	// must make the same files of the same event.
	Files func(c rules.State, signed event.TranscriptSigned) ([]ceremony.File, error)
	// Marks remember how far the journal was. Without them an older copy is not noticed.
	Marks *mark.Keeper
	// Keys are the ceremony keys that the engine before this one has left. They may be nil.
	Keys *handover.Keys
}

// Engine runs ceremonies. Each open ceremony has an actor, whose goroutine alone decides
// and writes for it, so that a Vault that hangs delays no other cluster.
type Engine struct {
	config   Config
	clusters map[string]ceremony.Cluster
	people   map[ceremony.Account]string // account → name in the configuration
	ready    chan struct{}
	alarming sync.Mutex // held while a finding is added to an alarm or opens one

	asideMu   sync.Mutex // may be taken with mu held
	aside     []ceremony.Aside
	asideNews chan struct{} // has a token when aside has changed

	mu        sync.Mutex
	snapshots map[ceremony.ID]snapshot
	order     []ceremony.ID // of the snapshots, newest first
	actors    map[ceremony.ID]*actor
	taken     map[string]bool // cluster → a proposal for it is being prepared
	// first is the hash of the newest ceremony's first line.
	first string

	rollback rollback

	// snapshots and actors leave out the settled ceremonies that are not recent any more.
	past   *index.Past
	ledger *ledger.Ledger // nil until the start has read what there is
	// run starts an actor. It is nil when the engine is not running.
	run func(*actor)
}

// snapshot is a ceremony as readers see it.
type snapshot struct {
	c    rules.State
	live rules.Live
	fits func(envelope []byte) bool // reports whether it is encrypted to the announced key; nil without one
}

// NewEngine makes an engine. It does nothing until Run.
func NewEngine(config Config) *Engine {
	if config.Forget == nil {
		config.Forget = func() {}
	}
	e := &Engine{
		config:    config,
		clusters:  map[string]ceremony.Cluster{},
		people:    map[ceremony.Account]string{},
		ready:     make(chan struct{}),
		snapshots: map[ceremony.ID]snapshot{},
		actors:    map[ceremony.ID]*actor{},
		taken:     map[string]bool{},
		asideNews: make(chan struct{}, 1),
		rollback:  rollback{behind: map[ceremony.ID][]mark.Mark{}, compared: map[string]chan struct{}{}},
		past:      index.NewPast(),
	}
	for _, c := range config.Clusters {
		e.clusters[c.Name] = c
		e.rollback.compared[c.Name] = make(chan struct{})
		for _, p := range slices.Concat(c.Initiators, c.Approvers, c.Holders, c.Receivers, c.Owners, c.Witnesses) {
			e.people[p.Account] = p.Name
		}
	}
	return e
}

// Ready is closed when the journal has been read and commands are taken.
func (e *Engine) Ready() <-chan struct{} { return e.ready }

// Clusters returns the configured clusters.
func (e *Engine) Clusters() []ceremony.Cluster { return slices.Clone(e.config.Clusters) }

// Run learns what has happened from the index and the journal, resumes the open ceremonies,
// and serves until ctx ends. It returns when every actor has finished the act in hand. An error means that the journal could
// not be read, or that an open ceremony's cluster is not configured: nothing was done. A
// ceremony whose journal is not obeyed is set aside, see [ceremony.Aside].
func (e *Engine) Run(ctx context.Context) error {
	found, err := e.recover(ctx)
	if err != nil {
		return err
	}
	e.recallFile(ctx, found)
	silent := e.resolve(ctx, found.open)
	var watchers []*interference.Watcher
	for _, c := range e.config.Clusters {
		if c.Interference {
			log := e.config.Log.With("cluster", c.Name)
			watchers = append(watchers, interference.NewWatcher(e, c, found.past[c.Name], log))
		}
	}
	open := found.open
	found = nil // what was read of the past is not needed any more
	var owners sync.WaitGroup
	start := func(a *actor) {
		owners.Go(func() {
			a.run(ctx)
			e.retire(a)
		})
	}
	e.mu.Lock()
	e.run = start
	for _, a := range open {
		e.actors[a.id] = a
		start(a)
	}
	e.mu.Unlock()
	close(e.ready)

	keeping, stopKeeping := context.WithCancel(context.WithoutCancel(ctx))
	var keeper sync.WaitGroup
	keeper.Go(func() { e.config.Marks.Run(keeping) })
	var watches sync.WaitGroup
	watches.Go(func() { e.watchMarks(ctx, silent) })
	watches.Go(func() { e.tellAside(ctx) })
	for _, c := range e.config.Clusters {
		if c.Watch {
			watches.Go(func() { e.watchSeals(ctx, c) })
		}
	}
	for _, w := range watchers {
		watches.Go(func() { w.Run(ctx) })
	}
	<-ctx.Done()
	watches.Wait()
	e.mu.Lock()
	e.run = nil
	e.mu.Unlock()
	owners.Wait()
	stopKeeping() // nothing changes any more
	keeper.Wait()
	return nil
}

// resolve compares the open ceremonies with everything that may speak against them. It
// returns the clusters whose posts are still to be compared.
func (e *Engine) resolve(ctx context.Context, open []*actor) []ceremony.Cluster {
	silent := e.config.Clusters
	if _, ok := e.config.Notifier.(Recaller); len(open) > 0 || !ok {
		recalling, cancel := context.WithTimeout(ctx, recallTimeout)
		defer cancel()
		silent = e.recallPosts(recalling)
	}
	for _, a := range open {
		// This needs all journals: others show who need not be called in a roll call.
		if a.session.Doubt = e.doubt(a.c, a.cluster); a.session.Doubt != nil {
			d := a.session.Doubt
			a.log.Error("an open ceremony is not gone on with as its journal has it", "why", string(d.Why),
				"plan", d.Want, "found", d.Got)
		}
	}
	return silent
}

// publish gives a ceremony's newest snapshot to readers.
func (e *Engine) publish(k snapshot) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.publishLocked(k)
}

// publishLocked is publish for a caller that holds the lock.
func (e *Engine) publishLocked(k snapshot) {
	id := k.c.ID()
	before, again := e.snapshots[id]
	if !again {
		at, _ := slices.BinarySearchFunc(e.order, k.c, func(id ceremony.ID, c rules.State) int {
			return cmp.Or(c.Plan.Proposed.Compare(e.snapshots[id].c.Plan.Proposed), cmp.Compare(id, c.ID()))
		})
		e.order = slices.Insert(e.order, at, id)
	}
	e.past.Digests.Add(index.Digests(before.c, k.c)...)
	if e.ledger != nil {
		e.ledger.Learn(before.c, k.c)
	}
	e.snapshots[id] = k
	e.noteLocked(before.c, k.c)
}

// Ceremony returns a ceremony's state and how its Vault answers. It reads one that is settled
// for long from its journal. The error is ErrUnknownCeremony when no ceremony has the id. For
// one that was set aside it wraps the reason.
func (e *Engine) Ceremony(id ceremony.ID) (rules.State, rules.Live, error) {
	e.mu.Lock()
	k, ok := e.snapshots[id]
	e.mu.Unlock()
	if ok {
		return k.c, k.live, nil
	}
	c, err := e.loadSettled(context.Background(), id)
	if found := (*event.AsideError)(nil); errors.As(err, &found) {
		e.lose(id, found)
	}
	return c, rules.Live{}, err
}

// Current returns the states of the ceremonies that are not settled, of those that have
// ended within a day or whose window is still open, and of each cluster's newest unseal. They
// come newest first.
func (e *Engine) Current() []rules.State {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]rules.State, len(e.order))
	for i, id := range e.order {
		all[i] = e.snapshots[id].c
	}
	return all
}

// IsDigest reports whether a word is a digest that people were shown, in lower-case
// hexadecimal digits: the hash of a plan or of a line of a journal, or the commitment to a
// one-time password. Its cost does not grow with what has happened so far.
func (e *Engine) IsDigest(word string) bool { return e.past.Digests.Has(word) }

// newNonce returns a nonce for a round that Vault has no nonce for.
func newNonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails
	return hex.EncodeToString(b[:])
}

// Begun reports whether a ceremony, however long ago, has begun the attempt with this nonce.
func (e *Engine) Begun(nonce string) bool {
	_, ok := e.begun(nonce)
	return ok
}

// begun returns the ceremony that has begun the attempt with this nonce. It reports whether
// one has.
func (e *Engine) begun(nonce string) (ceremony.ID, bool) {
	for _, c := range e.Current() {
		for _, entry := range c.History {
			if s, ok := entry.Event.(event.Started); ok && s.Nonce == nonce {
				return c.ID(), true
			}
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.past.Begun(nonce)
}

// madeUnder returns the ceremony whose attempt had this nonce, and its outcome. unknown
// reports whether that ceremony did not see the new shares come into force.
func (e *Engine) madeUnder(nonce string) (id ceremony.ID, outcome event.Outcome, unknown bool) {
	id, ok := e.begun(nonce)
	if !ok {
		return "", "", false
	}
	c, _, err := e.Ceremony(id)
	if err != nil {
		e.config.Log.Error("what became of an attempt can't be read", "ceremony", string(id), "error", err)
		return id, "", true
	}
	// Without the new shares in its journal, others have carried the rekey through.
	seen := c.BackedUpUnder() == nonce && !c.Unproven && !c.MadeElsewhere()
	return id, c.Outcome, c.Outcome != event.Completed && !seen
}

// actor returns the actor of an open ceremony.
func (e *Engine) actor(id ceremony.ID) (*actor, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if a := e.actors[id]; a != nil {
		return a, nil
	}
	_, ok := e.snapshots[id]
	_, settled := e.past.Ends(id)
	switch {
	case e.run == nil:
		return nil, ceremony.ErrNotRunning
	case !ok && !settled:
		return nil, e.unknown(id)
	}
	return nil, fmt.Errorf("%s: %w", id, ceremony.Closed)
}
