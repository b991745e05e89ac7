package app

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"conclave/bot"
	"conclave/ceremony"
	"conclave/ceremony/engine"
	"conclave/ceremony/ledger"
	"conclave/ceremony/rules"
)

// relay is the engine as the bot sees it, whichever engine that is. While a reload puts
// another one in its place, what people do waits, and what they look at is as it was.
type relay struct {
	acting  sync.RWMutex // held for reading by each act
	current atomic.Pointer[engine.Engine]
}

var _ bot.Engine = (*relay)(nil)

// hold waits until no act is under way, and has the next ones wait until the caller calls
// release. It reports whether that came about within the patience. Meanwhile acts begin as
// ever.
func (r *relay) hold(ctx context.Context, patience time.Duration) (release func(), ok bool) {
	const pause = 20 * time.Millisecond
	for until := time.Now().Add(patience); time.Now().Before(until) && ctx.Err() == nil; time.Sleep(pause) {
		if r.acting.TryLock() {
			return r.acting.Unlock, true
		}
	}
	return nil, false
}

// act calls f with the engine that is there once nothing holds acts back.
func act[T any](r *relay, f func(*engine.Engine) (T, error)) (T, error) {
	r.acting.RLock()
	defer r.acting.RUnlock()
	return f(r.current.Load())
}

// on is [act] for what a person does to a ceremony.
func (r *relay) on(f func(*engine.Engine) (rules.State, error)) (rules.State, error) {
	return act(r, f)
}

func (r *relay) Ready() <-chan struct{}       { return r.current.Load().Ready() }
func (r *relay) Current() []rules.State       { return r.current.Load().Current() }
func (r *relay) Clusters() []ceremony.Cluster { return r.current.Load().Clusters() }
func (r *relay) SetAside() []ceremony.Aside   { return r.current.Load().SetAside() }
func (r *relay) IsDigest(word string) bool    { return r.current.Load().IsDigest(word) }
func (r *relay) Exposures(cluster string) []ledger.Exposure {
	return r.current.Load().Exposures(cluster)
}
func (r *relay) Named(word string) (open, ended []ceremony.ID) { return r.current.Load().Named(word) }
func (r *relay) PeekStatement(pasted []byte) (line string, ok bool) {
	return r.current.Load().PeekStatement(pasted)
}

func (r *relay) Ceremony(id ceremony.ID) (rules.State, rules.Live, error) {
	return r.current.Load().Ceremony(id)
}

func (r *relay) Past(cluster string, most int) (newest []rules.State, all int) {
	return r.current.Load().Past(cluster, most)
}

func (r *relay) KeyReport(ctx context.Context, cluster string) (ledger.KeyReport, error) {
	return r.current.Load().KeyReport(ctx, cluster)
}

func (r *relay) Propose(ctx context.Context, p ceremony.Proposal) (rules.State, error) {
	return r.on(func(e *engine.Engine) (rules.State, error) { return e.Propose(ctx, p) })
}

func (r *relay) Approve(
	ctx context.Context, id ceremony.ID, by ceremony.Account, planHash string,
) (rules.State, error) {
	return r.on(func(e *engine.Engine) (rules.State, error) { return e.Approve(ctx, id, by, planHash) })
}

func (r *relay) Reject(ctx context.Context, id ceremony.ID, by ceremony.Account, why string) (rules.State, error) {
	return r.on(func(e *engine.Engine) (rules.State, error) { return e.Reject(ctx, id, by, why) })
}

func (r *relay) Cancel(ctx context.Context, id ceremony.ID, by ceremony.Account, why string) (rules.State, error) {
	return r.on(func(e *engine.Engine) (rules.State, error) { return e.Cancel(ctx, id, by, why) })
}

func (r *relay) Resume(ctx context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error) {
	return r.on(func(e *engine.Engine) (rules.State, error) { return e.Resume(ctx, id, by) })
}

func (r *relay) Reset(ctx context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error) {
	return r.on(func(e *engine.Engine) (rules.State, error) { return e.Reset(ctx, id, by) })
}

func (r *relay) Reverify(ctx context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error) {
	return r.on(func(e *engine.Engine) (rules.State, error) { return e.Reverify(ctx, id, by) })
}

func (r *relay) Delete(ctx context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error) {
	return r.on(func(e *engine.Engine) (rules.State, error) { return e.Delete(ctx, id, by) })
}

func (r *relay) NameToken(
	ctx context.Context, id ceremony.ID, by ceremony.Account, accessor string,
) (rules.State, error) {
	return r.on(func(e *engine.Engine) (rules.State, error) { return e.NameToken(ctx, id, by, accessor) })
}

func (r *relay) TokenRevoked(ctx context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error) {
	return r.on(func(e *engine.Engine) (rules.State, error) { return e.TokenRevoked(ctx, id, by) })
}

func (r *relay) Acknowledge(
	ctx context.Context, id ceremony.ID, by ceremony.Account, why, signed string,
) (rules.State, error) {
	return r.on(func(e *engine.Engine) (rules.State, error) { return e.Acknowledge(ctx, id, by, why, signed) })
}

func (r *relay) Freeze(ctx context.Context, id ceremony.ID, by ceremony.Account, why string) (rules.State, error) {
	return r.on(func(e *engine.Engine) (rules.State, error) { return e.Freeze(ctx, id, by, why) })
}

func (r *relay) Proceed(ctx context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error) {
	return r.on(func(e *engine.Engine) (rules.State, error) { return e.Proceed(ctx, id, by) })
}

func (r *relay) Note(ctx context.Context, id ceremony.ID, by ceremony.Account, text string) (rules.State, error) {
	return r.on(func(e *engine.Engine) (rules.State, error) { return e.Note(ctx, id, by, text) })
}

func (r *relay) Testify(
	ctx context.Context, id ceremony.ID, by ceremony.Account, agrees bool, why string,
) (rules.State, error) {
	return r.on(func(e *engine.Engine) (rules.State, error) { return e.Testify(ctx, id, by, agrees, why) })
}

func (r *relay) SubmitStatement(
	ctx context.Context, by ceremony.Account, pasted []byte,
) (id ceremony.ID, verb ceremony.Verb, err error) {
	_, err = r.on(func(e *engine.Engine) (_ rules.State, err error) {
		id, verb, err = e.SubmitStatement(ctx, by, pasted)
		return rules.State{}, err
	})
	return id, verb, err
}

func (r *relay) Share(ctx context.Context, envelope ceremony.Envelope) (ceremony.ID, error) {
	return act(r, func(e *engine.Engine) (ceremony.ID, error) { return e.Share(ctx, envelope) })
}

func (r *relay) Exposed(ctx context.Context, by ceremony.Account, kind ceremony.Finding) ([]ceremony.ID, error) {
	return act(r, func(e *engine.Engine) ([]ceremony.ID, error) { return e.Exposed(ctx, by, kind) })
}
