package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// The shortest and the longest pause before an act that did not succeed is tried again. The
// longest is also that in which an actor looks at the clock: a timer stands still while the
// machine sleeps, and does not notice when its clock is set.
const (
	shortestWait = 200 * time.Millisecond
	longestWait  = 30 * time.Second
)

// actor decides and writes for one ceremony. It has one goroutine, see run.
type actor struct {
	e       *Engine
	id      ceremony.ID
	cluster ceremony.Cluster
	log     *slog.Logger

	inbox chan func(context.Context)
	done  chan struct{} // closed when nobody reads the inbox any more

	// The newest state, for the loops that deliver messages, redraw the status post and
	// archive transcripts. Each has one slot, in which the latest wins, so that a slow Slack
	// or archive never holds a ceremony back.
	toDeliver chan rules.State
	toRedraw  chan snapshot
	toArchive []chan rules.State // one for each of the engine's archives
	recovered bool               // messages that are due may have been posted before this start
	wake      chan struct{}      // has a token when what was learnt elsewhere may let it go on
	gate      chan struct{}      // closed when people may be told, and posts be edited

	// Only the goroutine of run touches the fields below.
	c       rules.State
	key     ceremony.Key
	session rules.Session
	live    rules.Live
	halted  error         // why the journal failed: nothing is done any more (P9)
	starts  int           // how often the current attempt was asked for in vain
	lost    time.Time     // when the wait for Vault's last answer was given up
	refused int           // sequence number of the Submitting that Vault refused explicitly
	unread  rules.Unread  // since when Vault's backup can't be read
	wait    time.Duration // the next pause after an act that did not succeed
	after   time.Time     // when the act may be tried again
	polled  time.Time     // when Vault was last polled
	telling bool          // gate is closed
}

func newActor(e *Engine, cluster ceremony.Cluster, c rules.State, recovered bool) *actor {
	a := &actor{
		e:         e,
		id:        c.ID(),
		cluster:   cluster,
		log:       e.config.Log.With("ceremony", string(c.ID())),
		inbox:     make(chan func(context.Context)),
		done:      make(chan struct{}),
		toDeliver: make(chan rules.State, 1),
		toRedraw:  make(chan snapshot, 1),
		recovered: recovered,
		wake:      make(chan struct{}, 1),
		gate:      make(chan struct{}),
		c:         c,
		session: rules.Session{
			Checked: !recovered, Since: time.Now(), Other: e.config.OpenPGP.Identity() != c.Plan.Identity,
			Observe: e.config.Conditions != nil && c.Plan.Operation != ceremony.Alarm,
		},
		wait: shortestWait,
	}
	for range e.config.Archives {
		a.toArchive = append(a.toArchive, make(chan rules.State, 1))
	}
	if c.Key != nil {
		a.key = e.config.Keys.Take(a.id, *c.Key)
		a.session.HasKey = a.key != nil
	}
	return a
}

// run serves until ctx ends, or until everything is done and every message is delivered.
// It finishes the act in hand first: what was sent to Vault gets its line in the journal.
func (a *actor) run(ctx context.Context) {
	telling, stop := context.WithCancel(ctx)
	var tellers sync.WaitGroup
	tellers.Go(func() { a.deliverLoop(telling) })
	tellers.Go(func() { a.redrawLoop(telling) })
	for i, archive := range a.e.config.Archives {
		tellers.Go(func() { a.archiveLoop(telling, archive, a.toArchive[i]) })
	}
	defer tellers.Wait()
	defer stop()
	defer close(a.done)
	defer a.layKey()

	acting := context.WithoutCancel(ctx)
	a.publish()
	for ctx.Err() == nil && !a.c.Settled() {
		pause := a.step(acting)
		if pause == 0 {
			continue
		}
		timer := time.NewTimer(min(pause, longestWait))
		select {
		case f := <-a.inbox:
			f(acting)
		case <-timer.C:
		case <-a.wake:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// step does what is to be done now. It returns how long run must wait for a request
// before the next step, 0 when the next step is due at once.
func (a *actor) step(ctx context.Context) time.Duration {
	if !a.telling && (!a.recovered || a.e.mayTell(a.c)) {
		a.telling = true
		close(a.gate)
	}
	if a.halted != nil || a.e.StandsStill(a.c) {
		return longestWait
	}
	a.session.Doubt = cmp.Or(a.e.isBehind(a.c), a.session.Doubt)
	now := time.Now()
	if act := a.c.Next(a.session, now); act != rules.ActNothing {
		if now.Before(a.after) {
			return a.after.Sub(now)
		}
		progress, err := a.do(ctx, act)
		if err != nil {
			a.logUndone(err)
		}
		if progress {
			a.wait, a.after = shortestWait, time.Time{}
			return 0
		}
		a.after = time.Now().Add(a.wait)
		a.wait = min(2*a.wait, longestWait)
		return max(time.Until(a.after), 1)
	}
	if a.c.Owes() {
		return a.followUp(ctx, now)
	}
	untilClose := max(time.Until(a.c.Plan.Closes), time.Millisecond)
	switch starts := a.c.NextStart(now); {
	case a.c.Ended():
		return longestWait
	case a.c.Attempt.Nonce == "" && now.Round(0).Before(starts):
		return min(starts.Sub(now.Round(0)), untilClose)
	case a.c.Attempt.Nonce == "" || a.c.Phase == rules.PhaseFrozen:
		return untilClose
	}
	if due := a.polled.Add(a.cluster.Poll); now.Before(due) {
		return min(due.Sub(now), untilClose)
	}
	a.polled = now
	if err := a.poll(ctx, false); err != nil {
		a.logUndone(err)
	}
	return min(a.cluster.Poll, untilClose)
}

// ownFault is an error of this program or of its keys. An operator must look into it,
// while Vault is only asked again.
type ownFault struct{ error }

// Unwrap returns the error itself.
func (f ownFault) Unwrap() error { return f.error }

// logUndone logs why an act came to nothing. An error of the journal is logged by halt.
func (a *actor) logUndone(err error) {
	level := slog.LevelWarn
	if errors.As(err, new(ownFault)) {
		level = slog.LevelError
	}
	if a.halted == nil {
		a.log.Log(context.Background(), level, "not done yet", "error", err)
	}
}

// ask has the actor's goroutine call f, and returns what f returns. After the end of ctx
// f is called all the same once the goroutine has taken it; taken reports whether it has.
func ask[T any](ctx context.Context, a *actor, f func(context.Context) (T, error)) (got T, taken bool, err error) {
	type answer struct {
		got T
		err error
	}
	answers := make(chan answer, 1)
	select {
	case a.inbox <- func(ctx context.Context) { got, err := f(ctx); answers <- answer{got, err} }:
	case <-a.done:
		return got, false, a.gone()
	case <-ctx.Done():
		return got, false, ctx.Err()
	}
	select {
	case answered := <-answers:
		return answered.got, true, answered.err
	case <-ctx.Done():
		return got, true, ctx.Err()
	}
}

// gone returns why nobody reads the inbox any more: Closed or ErrNotRunning.
func (a *actor) gone() error {
	if c, _, err := a.e.Ceremony(a.id); err == nil && c.Ended() {
		return ceremony.Closed
	}
	return ceremony.ErrNotRunning
}

// command has the actor's goroutine record a command. It returns the ceremony afterwards.
func (a *actor) command(ctx context.Context, cmd command.Command) (rules.State, error) {
	c, _, err := ask(ctx, a, func(ctx context.Context) (rules.State, error) {
		err := a.record(ctx, cmd)
		return a.c, err
	})
	return c, err
}

// record decides on a command, writes the events to the journal, and applies them only
// then (P3). A Refusal means that the rules do not allow the command. After an error of
// the journal nothing is recorded any more (P9).
func (a *actor) record(ctx context.Context, cmd command.Command) error {
	if a.halted != nil {
		return a.halted
	}
	now := time.Now()
	events, err := rules.Decide(a.c, cmd, now)
	if _, ok := cmd.(command.Resume); ok && err == nil && a.session.Doubt != nil {
		err = ceremony.StillInDoubt
	}
	if err != nil || len(events) == 0 {
		return err
	}
	if d := a.e.isBehind(a.c); d != nil && slices.ContainsFunc(events, event.Intends) {
		// A mark has come to light since the last step.
		return cmp.Or(a.record(ctx, d.Stop()), error(ceremony.IsFrozen))
	}
	if err := a.c.Takes(events, now); err != nil {
		a.log.Error("what was decided can't be written: no later start could read it", "error", err)
		return err
	}
	entries, err := a.e.config.Journal.Append(ctx, a.c.ID(), a.c.Seq(), events...)
	switch {
	case errors.Is(err, ceremony.ErrNoLine): // nothing was written, and the journal is as it was
		a.log.Error("what was decided can't be written", "error", err)
		return err
	case err != nil:
		return a.halt(err)
	}
	for _, e := range entries {
		next, err := rules.Apply(a.c, e)
		if err != nil {
			return a.halt(err)
		}
		a.c = next
		switch ev := e.Event.(type) {
		case event.Resumed:
			a.session.Checked = false
		case event.Frozen:
			if ev.Why == event.TakenOver {
				a.session.Doubt = nil // people may let it go on
			}
		}
		a.log.Info("recorded", "seq", e.Seq, "event", event.TypeOf(e.Event), "state", string(a.c.Phase))
	}
	if a.c.Key == nil {
		a.dropKey()
	}
	a.publish()
	return nil
}

// advance records a command. It reports progress unless it returns an error.
func (a *actor) advance(ctx context.Context, cmd command.Command) (progress bool, err error) {
	if err := a.record(ctx, cmd); err != nil {
		return false, fmt.Errorf("record %T: %w", cmd, err)
	}
	return true, nil
}

// halt stops the ceremony until the program is started again: its journal can't be
// written. It returns err joined with ErrJournal.
func (a *actor) halt(err error) error {
	if !errors.Is(err, ceremony.ErrJournal) {
		err = errors.Join(ceremony.ErrJournal, err)
	}
	a.halted = err
	a.dropKey()
	a.live = rules.Live{Vault: ceremony.ErrJournal, Since: time.Now()}
	a.log.Error("the ceremony stands still: its journal can't be written", "error", err)
	a.publish()
	return err
}

// dropKey destroys the ceremony key, if there is one.
func (a *actor) dropKey() {
	if a.key != nil {
		a.key.Destroy()
	}
	a.key, a.session.HasKey = nil, false
}

// layKey leaves the ceremony key to the next engine, if there is a key and an engine follows.
func (a *actor) layKey() {
	if a.key != nil {
		a.e.config.Keys.Lay(a.id, a.key)
	}
	a.key, a.session.HasKey = nil, false
}

// publish gives the newest state to readers and to the loops.
func (a *actor) publish() {
	k := snapshot{c: a.c, live: a.live}
	if a.key != nil {
		k.fits = a.key.Fits
	}
	a.e.publish(k)
	latest(a.toDeliver, a.c)
	latest(a.toRedraw, k)
	for _, slot := range a.toArchive {
		latest(slot, a.c)
	}
}

// latest puts v into a channel of one slot. A value that nobody has taken is thrown out.
// Only one goroutine may call it for a channel.
func latest[T any](slot chan T, v T) {
	select {
	case <-slot:
	default:
	}
	slot <- v
}
