package engine

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// How long an act that did not succeed waits before it is tried again.
const (
	shortestWait = 200 * time.Millisecond
	longestWait  = 30 * time.Second
)

// actor is the one goroutine that decides and writes for a ceremony.
type actor struct {
	e       *Engine
	id      ceremony.ID
	cluster ceremony.Cluster
	log     *slog.Logger

	inbox chan func(context.Context)
	done  chan struct{} // closed when nobody reads the inbox any more

	// News for the herald, the board and the keepers: one slot each, the latest wins, so
	// that a slow Slack or archive never holds a ceremony back.
	forHerald chan rules.State
	forBoard  chan snapshot
	forKeeper []chan rules.State // of each of the engine's archives
	recovered bool               // messages that are due may have been posted before the start

	// All below belongs to the goroutine.
	c       rules.State
	key     ceremony.Key
	session rules.Session
	live    rules.Live
	halted  error         // the journal failed: nothing is done any more (P9)
	starts  int           // of the current attempt that ended in nothing
	lost    time.Time     // when the answer to what was sent last was given up
	refused int           // sequence number of the Submitting that Vault declined in so many words
	unread  rules.Unread  // of Vault's backup
	wait    time.Duration // before the act that did not succeed is tried again
	after   time.Time     // when it may be tried again
	polled  time.Time
}

func newActor(e *Engine, cluster ceremony.Cluster, c rules.State, recovered bool) *actor {
	o := &actor{
		e:         e,
		id:        c.ID(),
		cluster:   cluster,
		log:       e.config.Log.With("ceremony", string(c.ID())),
		inbox:     make(chan func(context.Context)),
		done:      make(chan struct{}),
		forHerald: make(chan rules.State, 1),
		forBoard:  make(chan snapshot, 1),
		recovered: recovered,
		c:         c,
		session:   rules.Session{Checked: !recovered, Since: time.Now(), Other: e.config.Opener.Identity() != c.Plan.Identity},
		wait:      shortestWait,
	}
	for range e.config.Archives {
		o.forKeeper = append(o.forKeeper, make(chan rules.State, 1))
	}
	return o
}

// run serves until ctx ends or until everything is done and told. An act in
// hand is finished first: what was sent to Vault gets its line in the journal.
func (o *actor) run(ctx context.Context) {
	telling, stop := context.WithCancel(ctx)
	var tellers sync.WaitGroup
	tellers.Go(func() { o.deliverLoop(telling) })
	tellers.Go(func() { o.board(telling) })
	for i, a := range o.e.config.Archives {
		tellers.Go(func() { o.archiveLoop(telling, a, o.forKeeper[i]) })
	}
	defer tellers.Wait()
	defer stop()
	defer close(o.done)
	defer o.dropKey()

	acting := context.WithoutCancel(ctx)
	o.publish()
	for ctx.Err() == nil && !o.c.Settled() {
		pause := o.step(acting)
		if pause == 0 {
			continue
		}
		timer := time.NewTimer(pause)
		select {
		case f := <-o.inbox:
			f(acting)
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// step does what is to be done now and answers how long to wait for somebody to
// ask for more.
func (o *actor) step(ctx context.Context) time.Duration {
	if o.halted != nil {
		return longestWait
	}
	now := time.Now()
	if a := o.c.Next(o.session, now); a != rules.ActNothing {
		if now.Before(o.after) {
			return o.after.Sub(now)
		}
		if o.do(ctx, a) {
			o.wait, o.after = shortestWait, time.Time{}
			return 0
		}
		o.after = time.Now().Add(o.wait)
		o.wait = min(2*o.wait, longestWait)
		return max(time.Until(o.after), 1)
	}
	if o.c.Owes() {
		return o.followUp(ctx, now)
	}
	untilClose := max(time.Until(o.c.Plan.Closes), time.Millisecond)
	switch starts := o.c.NextStart(now); {
	case o.c.Ended():
		return longestWait
	case o.c.Attempt.Nonce == "" && now.Round(0).Before(starts):
		return min(starts.Sub(now.Round(0)), untilClose)
	case o.c.Attempt.Nonce == "" || o.c.Phase == rules.PhaseFrozen:
		return untilClose
	}
	if due := o.polled.Add(o.cluster.Poll); now.Before(due) {
		return min(due.Sub(now), untilClose)
	}
	o.polled = now
	o.poll(ctx, false)
	return min(o.cluster.Poll, untilClose)
}

// ask has the goroutine do something. When the asker leaves, it is done all the
// same: taken reports whether it is.
func ask[T any](ctx context.Context, o *actor, f func(context.Context) (T, error)) (got T, taken bool, err error) {
	type answer struct {
		got T
		err error
	}
	answers := make(chan answer, 1)
	select {
	case o.inbox <- func(ctx context.Context) { got, err := f(ctx); answers <- answer{got, err} }:
	case <-o.done:
		return got, false, o.gone()
	case <-ctx.Done():
		return got, false, ctx.Err()
	}
	select {
	case a := <-answers:
		return a.got, true, a.err
	case <-ctx.Done():
		return got, true, ctx.Err()
	}
}

// gone says why nobody reads the inbox any more.
func (o *actor) gone() error {
	if c, _, err := o.e.Ceremony(o.id); err == nil && c.Ended() {
		return ceremony.Closed
	}
	return ceremony.ErrNotRunning
}

func (o *actor) command(ctx context.Context, cmd rules.Command) (rules.State, error) {
	c, _, err := ask(ctx, o, func(ctx context.Context) (rules.State, error) {
		err := o.record(ctx, cmd)
		return o.c, err
	})
	return c, err
}

// record decides, writes, and only then believes (P3). After an error of the
// journal nothing is recorded any more (P9).
func (o *actor) record(ctx context.Context, cmd rules.Command) error {
	if o.halted != nil {
		return o.halted
	}
	now := time.Now()
	events, err := rules.Decide(o.c, cmd, now)
	if _, ok := cmd.(rules.Resume); ok && err == nil && o.session.Doubt != nil {
		err = ceremony.StillInDoubt
	}
	if err != nil || len(events) == 0 {
		return err
	}
	if err := o.c.Takes(events, now); err != nil {
		o.log.Error("what was decided can't be written: no later start could read it", "error", err)
		return err
	}
	entries, err := o.e.config.Journal.Append(ctx, o.c.ID(), o.c.Seq(), events...)
	if err != nil {
		return o.halt(err)
	}
	for _, e := range entries {
		next, err := rules.Apply(o.c, e)
		if err != nil {
			return o.halt(err)
		}
		o.c = next
		if _, ok := e.Event.(event.Resumed); ok {
			o.session.Checked = false
		}
		o.log.Info("recorded", "seq", e.Seq, "event", event.TypeOf(e.Event), "state", string(o.c.Phase))
	}
	if o.c.Key == nil {
		o.dropKey()
	}
	o.publish()
	return nil
}

// halt stops the ceremony for good: evidence can't be written.
func (o *actor) halt(err error) error {
	if !errors.Is(err, ceremony.ErrJournal) {
		err = errors.Join(ceremony.ErrJournal, err)
	}
	o.halted = err
	o.dropKey()
	o.live = rules.Live{Vault: ceremony.ErrJournal, Since: time.Now()}
	o.log.Error("the ceremony stands still: its journal can't be written", "error", err)
	o.publish()
	return err
}

func (o *actor) dropKey() {
	if o.key != nil {
		o.key.Destroy()
	}
	o.key, o.session.HasKey = nil, false
}

func (o *actor) publish() {
	k := snapshot{c: o.c, live: o.live}
	if o.key != nil {
		k.fits = o.key.Fits
	}
	o.e.publish(k)
	latest(o.forHerald, o.c)
	latest(o.forBoard, k)
	for _, slot := range o.forKeeper {
		latest(slot, o.c)
	}
}

// latest puts v into a channel of one slot and throws out what nobody took. It
// has one caller a channel.
func latest[T any](slot chan T, v T) {
	select {
	case <-slot:
	default:
	}
	slot <- v
}
