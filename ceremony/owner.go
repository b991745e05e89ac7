package ceremony

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

const (
	// settleGrace is how long a share whose answer was lost may still be on its
	// way before "not counted" is believed.
	settleGrace = 5 * time.Second
	// maxStarts is how often Vault may answer a start with a server error and
	// begin nothing before it is believed: it answers a bad order with 500.
	maxStarts = 3

	shortestWait = 200 * time.Millisecond
	longestWait  = 30 * time.Second
)

// owner is the one goroutine that decides and writes for a ceremony.
type owner struct {
	e       *Engine
	id      ID
	cluster Cluster
	log     *slog.Logger

	inbox chan func(context.Context)
	done  chan struct{} // closed when nobody reads the inbox any more

	// News for the herald and the board: one slot each, the latest wins, so that a
	// slow Slack never holds a ceremony back.
	forHerald chan Ceremony
	forBoard  chan known
	recovered bool // messages that are due may have been posted before the start

	// All below belongs to the goroutine.
	c       Ceremony
	key     Key
	session session
	live    Live
	halted  error // the journal failed: nothing is done any more (P9)
	starts  int   // of the current attempt that ended in nothing
	refused int   // sequence number of the Submitting that Vault declined in so many words
	tags    tags
	wait    time.Duration // before the act that did not succeed is tried again
	after   time.Time     // when it may be tried again
	polled  time.Time
}

// tags are the HMACs of the shares that Vault has counted in a round. They name
// a duplicate without keeping a share.
type tags struct {
	key   [sha256.Size]byte
	round string
	seen  map[[sha256.Size]byte]bool
}

func newOwner(e *Engine, cluster Cluster, c Ceremony, recovered bool) *owner {
	o := &owner{
		e:         e,
		id:        c.ID(),
		cluster:   cluster,
		log:       e.config.Log.With("ceremony", string(c.ID())),
		inbox:     make(chan func(context.Context)),
		done:      make(chan struct{}),
		forHerald: make(chan Ceremony, 1),
		forBoard:  make(chan known, 1),
		recovered: recovered,
		c:         c,
		session:   session{checked: !recovered},
		wait:      shortestWait,
	}
	_, _ = rand.Read(o.tags.key[:]) // crypto/rand never fails
	return o
}

// run serves until ctx ends or until everything is done and told. An act in
// hand is finished first: what was sent to Vault gets its line in the journal.
func (o *owner) run(ctx context.Context) {
	telling, stop := context.WithCancel(ctx)
	var tellers sync.WaitGroup
	tellers.Go(func() { o.herald(telling) })
	tellers.Go(func() { o.board(telling) })
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
func (o *owner) step(ctx context.Context) time.Duration {
	if o.halted != nil {
		return longestWait
	}
	now := time.Now()
	if a := o.c.next(o.session, now); a != actNothing {
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
	untilClose := max(time.Until(o.c.Plan.Closes), time.Millisecond)
	if o.c.Ended() || o.c.Attempt.Nonce == "" || o.c.State == StateFrozen {
		if o.c.Ended() {
			return longestWait
		}
		return untilClose
	}
	if due := o.polled.Add(o.cluster.Poll); now.Before(due) {
		return min(due.Sub(now), untilClose)
	}
	o.polled = now
	o.look(ctx, false)
	return min(o.cluster.Poll, untilClose)
}

// do carries an act out and says whether there is anything new.
func (o *owner) do(ctx context.Context, a act) bool {
	switch a {
	case actSettle:
		return o.settle(ctx)
	case actFinish:
		return o.record(ctx, Finish{}) == nil
	case actClose:
		return o.close(ctx)
	case actExpire:
		return o.record(ctx, Tick{}) == nil
	case actStart:
		return o.start(ctx)
	case actReconcile:
		o.session.checked = o.look(ctx, true)
		return o.session.checked
	case actAnnounce:
		return o.announce(ctx)
	}
	return false
}

// ask has the goroutine do something. When the asker leaves, it is done all the
// same: taken says whether it is.
func ask[T any](ctx context.Context, o *owner, f func(context.Context) (T, error)) (got T, taken bool, err error) {
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
func (o *owner) gone() error {
	if c, _, err := o.e.Ceremony(o.id); err == nil && c.Ended() {
		return Closed
	}
	return ErrNotRunning
}

func (o *owner) command(ctx context.Context, cmd Command) (Ceremony, error) {
	c, _, err := ask(ctx, o, func(ctx context.Context) (Ceremony, error) {
		err := o.record(ctx, cmd)
		return o.c, err
	})
	return c, err
}

// record decides, writes, and only then believes (P3). After an error of the
// journal nothing is recorded any more (P9).
func (o *owner) record(ctx context.Context, cmd Command) error {
	if o.halted != nil {
		return o.halted
	}
	events, err := Decide(o.c, cmd, time.Now())
	if err != nil || len(events) == 0 {
		return err
	}
	entries, err := o.e.config.Journal.Append(ctx, o.c.ID(), o.c.Seq(), events...)
	if err != nil {
		return o.halt(err)
	}
	for _, e := range entries {
		next, err := Apply(o.c, e)
		if err != nil {
			return o.halt(err)
		}
		o.c = next
		if _, ok := e.Event.(Resumed); ok {
			o.session.checked = false
		}
		o.log.Info("recorded", "seq", e.Seq, "event", TypeOf(e.Event), "state", string(o.c.State))
	}
	if o.c.Key == nil {
		o.dropKey()
	}
	o.publish()
	return nil
}

// halt stops the ceremony for good: evidence can't be written.
func (o *owner) halt(err error) error {
	if !errors.Is(err, ErrJournal) {
		err = errors.Join(ErrJournal, err)
	}
	o.halted = err
	o.dropKey()
	o.live = Live{Vault: ErrJournal, Since: time.Now()}
	o.log.Error("the ceremony stands still: its journal can't be written", "error", err)
	o.publish()
	return err
}

func (o *owner) dropKey() {
	if o.key != nil {
		o.key.Destroy()
	}
	o.key, o.session.hasKey = nil, false
}

func (o *owner) publish() {
	k := known{c: o.c, live: o.live}
	if o.key != nil {
		k.fits = o.key.Fits
	}
	o.e.publish(k)
	latest(o.forHerald, o.c)
	latest(o.forBoard, k)
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

// view asks Vault for everything that is compared.
func (o *owner) view(ctx context.Context) (v View, err error) {
	defer func() { o.heard(err) }()
	for range 2 {
		if v.Update, err = o.cluster.Vault.Progress(ctx, o.c.Plan.Operation, Update); err != nil {
			return v, err
		}
		if o.c.Round.Step == Verify || v.Update.VerificationNonce != "" {
			if v.Verify, err = o.cluster.Vault.Progress(ctx, o.c.Plan.Operation, Verify); err != nil {
				return v, err
			}
		}
		// A rekey that ends between the two questions is asked about again.
		if o.c.Round.Step != Verify || !v.Update.Started || v.Verify.Started {
			break
		}
	}
	// The seal comes last: its numbers are read as those after the rekey.
	if v.Seal, err = o.cluster.Vault.Seal(ctx); err == nil && v.Seal.Sealed {
		err = ErrSealed
	}
	return v, err
}

// heard keeps how Vault answers, for the status post.
func (o *owner) heard(err error) {
	if o.live.Since.IsZero() || kindOf(err) != kindOf(o.live.Vault) {
		o.live = Live{Vault: err, Since: time.Now()}
		o.publish()
	}
}

// kindOf is the sentinel in an adapter's error, which is a new value each time.
func kindOf(err error) error {
	for _, kind := range []error{ErrNotSent, ErrUncertain, ErrRefused, ErrForbidden, ErrSealed, ErrThrottled, ErrNoLeader, ErrUnsupported} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return err
}

// look compares Vault with the plan and freezes on a difference (P4). It answers
// whether Vault could be asked.
func (o *owner) look(ctx context.Context, reconcile bool) bool {
	v, err := o.view(ctx)
	switch {
	case errors.Is(err, ErrSealed):
		err = o.record(ctx, Stop{Why: SealedMidway})
	case err == nil:
		err = o.record(ctx, Look{Seen: v, Reconcile: reconcile})
	}
	if err != nil {
		o.log.Warn("Vault could not be compared with the plan", "error", err)
	}
	return err == nil
}

// start begins an attempt.
func (o *owner) start(ctx context.Context) bool {
	v, err := o.view(ctx)
	if err != nil {
		o.log.Warn("Vault could not be asked before the start", "error", err)
		return false
	}
	if v.Update.Started {
		return o.record(ctx, Stop{Why: ForeignAttempt, Want: "no attempt in progress", Got: "attempt " + v.Update.Nonce}) == nil
	}
	if v.Seal.ClusterID != o.c.Plan.ClusterID {
		return o.record(ctx, Stop{Why: VaultDiffers, Want: "cluster id " + o.c.Plan.ClusterID, Got: v.Seal.ClusterID}) == nil
	}
	if err := o.record(ctx, Begin{}); err != nil {
		return false
	}
	return o.begin(ctx, true)
}

// begin sends the order that the journal has announced.
func (o *owner) begin(ctx context.Context, first bool) bool {
	order, err := o.order()
	if err != nil {
		o.log.Error("a PGP key of the plan can't be given to Vault", "error", err)
		return o.record(ctx, NotBegun{Fault: HolderKeyInvalid}) == nil
	}
	seen, err := o.cluster.Vault.Start(ctx, order)
	if err == nil {
		o.starts = 0
		return o.record(ctx, Began{Seen: seen}) == nil
	}
	o.log.Warn("Vault did not confirm the start", "error", err)
	o.starts++
	// Of a first request that Vault did not carry out, nothing can be there.
	if first && !errors.Is(err, ErrUncertain) {
		if v, err := o.view(ctx); err == nil && v.Update.Started {
			return o.record(ctx, Stop{Why: ForeignAttempt, Want: "no attempt in progress", Got: "attempt " + v.Update.Nonce}) == nil
		}
	}
	switch {
	case errors.Is(err, ErrForbidden):
		return o.begun(ctx, VaultForbids)
	case errors.Is(err, ErrRefused), errors.Is(err, ErrUnsupported),
		errors.Is(err, ErrUncertain) && o.starts >= maxStarts:
		return o.begun(ctx, VaultRefused)
	}
	return o.begun(ctx, "")
}

// begun settles a start by asking (P5).
func (o *owner) begun(ctx context.Context, fault Refusal) bool {
	v, err := o.view(ctx)
	switch {
	case err != nil:
		return false
	case v.Update.Started:
		o.starts = 0
		return o.record(ctx, Began{Seen: v.Update}) == nil
	case fault != "" || o.c.Closing != nil:
		return o.record(ctx, NotBegun{Fault: fault}) == nil
	}
	return false
}

func (o *owner) order() (Order, error) {
	p := o.c.Plan
	order := Order{
		Operation:    p.Operation,
		Shares:       len(p.Receivers),
		Threshold:    p.NewThreshold,
		Verification: p.Verification,
		Backup:       p.Backup,
	}
	for _, f := range p.Recipients() {
		// The key is checked again: it was good at the proposal, which may be hours ago.
		if err := o.e.config.Opener.CheckKey(f, time.Now(), p.Closes); err != nil {
			return order, err
		}
		key, err := o.e.config.Opener.Certificate(f)
		if err != nil {
			return order, err
		}
		order.Keys = append(order.Keys, key)
	}
	return order, nil
}

// announce makes the key that shares of this round are encrypted to.
func (o *owner) announce(ctx context.Context) bool {
	o.dropKey()
	if bot := o.e.config.Opener.Identity(); bot != o.c.Plan.Identity {
		// Holders have approved and pinned another one.
		return o.record(ctx, Stop{Why: OtherBot, Want: "identity " + o.c.Plan.Identity.String(), Got: bot.String()}) == nil
	}
	key, err := o.e.config.Opener.NewKey(Notice{
		Plan: o.c.Plan, Step: o.c.Round.Step, Nonce: o.c.Round.Nonce, At: time.Now(), Expires: o.c.Plan.Closes,
	})
	if err != nil {
		o.log.Error("no ceremony key could be made", "error", err)
		return false
	}
	if err := o.record(ctx, Announce{Key: key.Announced()}); err != nil {
		key.Destroy()
		return false
	}
	o.key, o.session.hasKey = key, true
	o.publish()
	return true
}

// settle finds out what came of an intent that has no outcome.
func (o *owner) settle(ctx context.Context) bool {
	switch sent := o.c.Pending.Event.(type) {
	case Offered:
		return o.record(ctx, Decline{Evidence: sent.Evidence, Reason: Interrupted}) == nil
	case Starting:
		v, err := o.view(ctx)
		switch {
		case err != nil:
			return false
		case v.Update.Started:
			return o.record(ctx, Began{Seen: v.Update}) == nil
		case o.c.Closing != nil:
			return o.record(ctx, NotBegun{}) == nil
		}
		return o.begin(ctx, false)
	case Dropping:
		return o.drop(ctx, sent)
	case Submitting:
		return o.settleShare(ctx, sent, nil, o.refused == o.c.submitted())
	}
	return false
}

// drop has Vault forget what can't be used, and only what is ours.
func (o *owner) drop(ctx context.Context, sent Dropping) bool {
	v, err := o.view(ctx)
	if err != nil {
		return false
	}
	if v.Update.Started && v.Update.Nonce == o.c.Attempt.Nonce {
		if sent.Step == Verify {
			_, err = o.cluster.Vault.CancelVerification(ctx, o.c.Plan.Operation, sent.Nonce)
		} else {
			err = o.cluster.Vault.Cancel(ctx, o.c.Plan.Operation, sent.Nonce)
		}
		if err != nil {
			o.log.Warn("Vault did not confirm that it dropped the attempt", "error", err)
		}
		if v, err = o.view(ctx); err != nil {
			return false
		}
	}
	seq := o.c.Seq()
	return o.record(ctx, Settle{Seen: v}) == nil && o.c.Seq() > seq
}

// close ends the attempt in Vault, if there is one and it is ours.
func (o *owner) close(ctx context.Context) bool {
	if o.c.Attempt.Nonce == "" {
		return o.record(ctx, Close{Vault: NothingToCancel}) == nil
	}
	v, err := o.view(ctx)
	if err != nil {
		return false
	}
	ending := AttemptDropped
	switch {
	case !v.Update.Started:
		ending = NothingToCancel
	case v.Update.Nonce != o.c.Attempt.Nonce:
		ending = AttemptForeign
	default:
		if err := o.cluster.Vault.Cancel(ctx, o.c.Plan.Operation, o.c.Attempt.Nonce); err != nil {
			o.log.Warn("Vault did not confirm the cancellation", "error", err)
		}
		if v, err = o.view(ctx); err != nil || v.Update.Started && v.Update.Nonce == o.c.Attempt.Nonce {
			return false
		}
	}
	return o.record(ctx, Close{Vault: ending}) == nil
}

// resetTags forgets the shares of a round that is over.
func (o *owner) resetTags() {
	round := fmt.Sprintf("%s/%s/%d", o.c.Attempt.Nonce, o.c.Round.Nonce, o.c.Round.Number)
	if o.tags.round != round {
		o.tags.round = round
		o.tags.seen = map[[sha256.Size]byte]bool{}
	}
}

// contributes says whether somebody may bring a share in the current step.
func (c Ceremony) contributes(who Account) bool {
	return slices.ContainsFunc(c.Plan.Contributors(c.Round.Step), func(p Person) bool { return p.Account == who })
}
