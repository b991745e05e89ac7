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
	"conclave/ceremony/interference"
	"conclave/ceremony/mark"
	"conclave/ceremony/rules"
)

// Config is what an engine is made of. Every field is required but Forget, Conditions,
// Archives and Marks; Files is required with Archives.
type Config struct {
	Clusters []ceremony.Cluster
	OpenPGP  ceremony.OpenPGP
	// Signatures verifies the signed statements of a journal again.
	Signatures ceremony.Signatures
	Notifier   Notifier
	Journal    event.Journal
	Log        *slog.Logger
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
}

// Engine runs ceremonies. Each open ceremony has an actor, whose goroutine alone decides
// and writes for it, so that a Vault that hangs delays no other cluster.
type Engine struct {
	config   Config
	clusters map[string]ceremony.Cluster
	people   map[ceremony.Account]string // account → name in the configuration
	ready    chan struct{}
	alarming sync.Mutex // held while a finding is added to an alarm or opens one

	mu        sync.Mutex
	snapshots map[ceremony.ID]snapshot
	order     []ceremony.ID // of the snapshots, newest first
	actors    map[ceremony.ID]*actor
	taken     map[string]bool  // cluster → a proposal for it is being prepared
	aside     []ceremony.Aside // set by recover and never changed
	// first is the hash of the newest ceremony's first line.
	first string

	digests  digests
	rollback rollback
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
		rollback:  rollback{behind: map[ceremony.ID][]mark.Mark{}, compared: map[string]chan struct{}{}},
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

// Run reads the journal, resumes the open ceremonies, and serves until ctx ends. It returns
// when every actor has finished the act in hand. An error means that the journal could
// not be read, or that an open ceremony's cluster is not configured: nothing was done. A
// ceremony whose journal is not obeyed is set aside, see [ceremony.Aside].
func (e *Engine) Run(ctx context.Context) error {
	open, err := e.recover(ctx)
	if err != nil {
		return err
	}
	silent := e.resolve(ctx, open)
	var owners sync.WaitGroup
	start := func(a *actor) {
		owners.Go(func() {
			a.run(ctx)
			e.forget(a)
		})
	}
	e.mu.Lock()
	e.run = start
	for _, a := range open {
		e.actors[a.id] = a
		start(a)
	}
	e.mu.Unlock()
	_ = e.tellBehind(ctx) // watchMarks tries it again
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
		if c.Interference {
			log := e.config.Log.With("cluster", c.Name)
			watches.Go(func() { interference.NewWatcher(e, c, log).Run(ctx) })
		}
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

// recover replays every ceremony. It returns an actor for each that is not settled.
func (e *Engine) recover(ctx context.Context) ([]*actor, error) {
	ids, err := e.config.Journal.List(ctx)
	if err != nil {
		return nil, err
	}
	var open []*actor
	var firsts []string
	named := map[string]bool{}
	for _, id := range ids {
		c, err := e.load(ctx, id)
		if aside := (*event.AsideError)(nil); errors.As(err, &aside) {
			e.setAside(id, aside)
			continue // no later ceremony names one that may have been made up
		}
		if err != nil {
			return nil, err
		}
		first := c.History[0]
		firsts = append(firsts, first.Hash)
		named[first.Event.(event.Proposed).Previous] = true // Replay has made sure of its type
		e.publish(snapshot{c: c})
		if c.Settled() {
			continue
		}
		cluster, ok := e.clusters[c.Plan.Cluster]
		if !ok && (c.Ended() && !c.OwesNews() || c.Plan.Operation == ceremony.Alarm) {
			e.config.Log.Warn("an alarm, or what a ceremony has left behind, is not looked after: its cluster is not configured any more",
				"ceremony", string(id))
			continue
		}
		if !ok {
			return nil, fmt.Errorf("%s is open, and its cluster %q is not configured any more: %w", id, c.Plan.Cluster,
				ceremony.UnknownCluster)
		}
		open = append(open, newActor(e, cluster, c, true))
		e.config.Log.Info("ceremony taken up", "ceremony", id, "state", string(c.Phase), "events", c.Seq())
	}
	e.recallFile()
	// The newest ceremony is the one that no other names. The order of the list goes by the
	// clock, which may have been set back.
	for _, first := range firsts {
		if !named[first] {
			e.first = first
		}
	}
	return open, nil
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

// load replays a ceremony. An error that is an [event.AsideError] is about this ceremony
// alone.
func (e *Engine) load(ctx context.Context, id ceremony.ID) (rules.State, error) {
	entries, err := e.config.Journal.Load(ctx, id)
	if err != nil {
		return rules.State{}, err
	}
	c, err := rules.Replay(entries)
	if err == nil && c.ID() != id {
		err = fmt.Errorf("its plan is of %s", c.ID())
	}
	if err != nil {
		proposed, _ := entries[0].Event.(event.Proposed)
		return c, &event.AsideError{
			Why: fmt.Errorf("replay: %w: %w", ceremony.ErrChain, err), Proposed: proposed,
		}
	}
	return c, nil
}

// forget removes an actor whose goroutine has ended.
func (e *Engine) forget(a *actor) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.actors, a.id)
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
	e.digests.learn(before.c, k.c)
	e.snapshots[id] = k
	e.noteLocked(before.c, k.c)
}

// Ceremony returns a ceremony's state and how its Vault answers. The error is
// ErrUnknownCeremony when no ceremony has the id. For one that was set aside it wraps the
// reason.
func (e *Engine) Ceremony(id ceremony.ID) (rules.State, rules.Live, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	k, ok := e.snapshots[id]
	if !ok {
		return rules.State{}, rules.Live{}, e.unknown(id)
	}
	return k.c, k.live, nil
}

// Ceremonies returns the states of all ceremonies, newest first.
func (e *Engine) Ceremonies() []rules.State {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]rules.State, len(e.order))
	for i, id := range e.order {
		all[i] = e.snapshots[id].c
	}
	return all
}

// newNonce returns a nonce for a round that Vault has no nonce for.
func newNonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails
	return hex.EncodeToString(b[:])
}

// madeUnder returns the ceremony whose attempt had this nonce, and its outcome. unknown
// reports whether that ceremony did not see the new shares come into force.
func (e *Engine) madeUnder(nonce string) (id ceremony.ID, outcome event.Outcome, unknown bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, k := range e.snapshots {
		for _, entry := range k.c.History {
			if s, ok := entry.Event.(event.Started); ok && s.Nonce == nonce {
				// Without the new shares in its journal, others have carried the rekey through.
				seen := k.c.BackedUpUnder() == nonce && !k.c.Unproven && !k.c.MadeElsewhere()
				return id, k.c.Outcome, k.c.Outcome != event.Completed && !seen
			}
		}
	}
	return "", "", false
}

// actor returns the actor of an open ceremony.
func (e *Engine) actor(id ceremony.ID) (*actor, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if a := e.actors[id]; a != nil {
		return a, nil
	}
	switch _, ok := e.snapshots[id]; {
	case e.run == nil:
		return nil, ceremony.ErrNotRunning
	case !ok:
		return nil, e.unknown(id)
	}
	return nil, fmt.Errorf("%s: %w", id, ceremony.Closed)
}
