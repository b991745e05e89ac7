package engine

import (
	"context"
	"fmt"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// do carries out an act. It reports progress when the next act can be worked out anew at
// once, and an error when the act could not be done. Without either, what was sent may
// still be on its way. In all but the first case the same act is tried again later.
func (a *actor) do(ctx context.Context, act rules.Act) (progress bool, err error) {
	switch act {
	case rules.ActSettle:
		return a.settle(ctx)
	case rules.ActFinish:
		return a.advance(ctx, command.Finish{})
	case rules.ActClose:
		return a.close(ctx)
	case rules.ActExpire:
		return a.advance(ctx, command.Tick{})
	case rules.ActStart:
		return a.start(ctx)
	case rules.ActReconcile:
		err := a.poll(ctx, true)
		a.session.Checked = err == nil
		return a.session.Checked, err
	case rules.ActObserve:
		return a.observe(ctx)
	case rules.ActCallRoll:
		return a.callRoll(ctx)
	case rules.ActAskWitness:
		return a.advance(ctx, command.AskWitness{})
	case rules.ActDoubt:
		return a.advance(ctx, a.session.Doubt.Stop())
	case rules.ActFreeze:
		froze := rules.FrozenBy(*a.c.Stopping)
		return a.advance(ctx, command.Stop{Why: froze.Why, Want: froze.Want, Got: froze.Got})
	case rules.ActAnnounce:
		return a.announce(ctx)
	case rules.ActRemind:
		return a.remind(ctx)
	case rules.ActAttest:
		return a.attest(ctx)
	case rules.ActForgo:
		return a.advance(ctx, command.GiveUpArchive{})
	}
	return false, nil
}

// settle finds out what came of an intent that has no outcome in the journal (P5).
func (a *actor) settle(ctx context.Context) (progress bool, err error) {
	switch sent := a.c.Pending.Event.(type) {
	case event.Offered:
		return a.advance(ctx, command.Decline{Evidence: sent.Evidence, Reason: ceremony.Interrupted})
	case event.Starting:
		v, err := a.view(ctx)
		switch {
		case err != nil:
			return false, fmt.Errorf("ask Vault what came of the start: %w", err)
		case v.Update.Started:
			return a.advance(ctx, command.Began{Seen: v.Update})
		case (a.c.Closing != nil || a.c.Plan.OTP != "" || a.session.Doubt != nil) && a.mayArrive():
			return false, nil // and it can't be sent again
		case a.c.Closing != nil || a.c.Plan.OTP != "":
			return a.advance(ctx, command.NotBegun{})
		case a.starts >= maxStarts && a.mayArrive():
			return false, nil // and it is not sent again
		case a.starts >= maxStarts:
			return a.advance(ctx, command.NotBegun{Fault: ceremony.VaultRefused})
		case a.session.Doubt != nil:
			return a.do(ctx, rules.ActDoubt)
		}
		return a.begin(ctx, false, nil)
	case event.Acting:
		if sent.Act == event.Initializing {
			return a.initialized(ctx, "")
		}
		return a.acted(ctx, false)
	case event.Dropping:
		return a.drop(ctx, sent)
	case event.Submitting:
		return a.settleShare(ctx, sent, nil, a.refused == a.c.Submitted())
	}
	return false, nil
}

// conditionsPatience is how long Vault's nodes are asked what they are. A node that does
// not answer holds no ceremony up for longer; what it is stays not known.
const conditionsPatience = 5 * time.Second

// observe records what the ceremony runs under, once for each start of the program.
func (a *actor) observe(ctx context.Context) (progress bool, err error) {
	a.session.Observe = false
	seen := a.e.config.Conditions()
	asking, cancel := context.WithTimeout(ctx, conditionsPatience)
	defer cancel()
	seen.Vault = a.cluster.Vault.Servers(asking)
	return a.advance(ctx, command.Observe{Seen: seen})
}
