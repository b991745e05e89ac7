package rules

import (
	"fmt"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
)

const (
	// maxDeclined is how many envelopes of one person may be refused by their own fault
	// in one ceremony. Then no more are looked at: the journal must not grow by what an
	// intruder types.
	maxDeclined = 20
	// maxTransient is the same of refusals that are no fault of the sender's.
	maxTransient = 3 * maxDeclined
	// shortestHash is how many digits of the plan's hash an approver has to name.
	shortestHash = 8
)

// rulebook has the rule of each command, by who says it.
var rulebook = []rule{
	// People who agree, decide and watch.
	timed(State.approve), always(State.reject), always(State.cancel), always(State.freeze), always(State.resume),
	always(State.answer), always(State.proceed), always(State.note), always(State.testify),
	// Holders and requesters.
	timed(State.receive), always(State.reverify), always(State.reset), always(State.delete),
	always(State.name), always(State.revoke), always(State.acknowledge),
	// The engine, of what it asks Vault for.
	timed(State.begin), always(State.began), always(State.notBegun), timed(State.begunHere), timed(State.request),
	always(State.concluded), always(State.fail), timed(State.look), always(State.closed),
	// The engine, of a share.
	always(State.announce), always(State.decline), always(State.prove), always(State.send), always(State.lose),
	always(State.settle),
	// The engine, of everything else.
	always(State.observe), always(State.callRoll), always(State.askWitness), always(State.stop), timed(State.tick), always(State.finish),
	timed(State.remind), always(State.gone), timed(State.alert), timed(State.attested), always(State.archived),
	timed(State.giveUpArchive),
	always(func(_ State, cmd command.Post) ([]event.Event, error) { return one(event.Posted(cmd)) }),
	always(func(_ State, cmd command.Undeliver) ([]event.Event, error) { return one(event.Undeliverable(cmd)) }),
}

// rule returns the events that follow from a command. It returns known false for a command of another kind than its
// own.
type rule func(c State, cmd command.Command, now time.Time) (_ []event.Event, known bool, _ error)

// timed makes a rule of what judges one kind of command by the time.
func timed[C command.Command](judge func(State, C, time.Time) ([]event.Event, error)) rule {
	return func(c State, cmd command.Command, now time.Time) ([]event.Event, bool, error) {
		own, known := cmd.(C)
		if !known {
			return nil, false, nil
		}
		events, err := judge(c, own, now)
		return events, true, err
	}
}

// always makes a rule of what judges one kind of command at any time alike.
func always[C command.Command](judge func(State, C) ([]event.Event, error)) rule {
	return timed(func(c State, cmd C, _ time.Time) ([]event.Event, error) { return judge(c, cmd) })
}

// Decide returns the events that follow from a command, or a [ceremony.Refusal]. It
// changes nothing.
func Decide(c State, cmd command.Command, now time.Time) ([]event.Event, error) {
	for _, judge := range rulebook {
		if events, known, err := judge(c, cmd, now); known {
			return events, err
		}
	}
	return nil, fmt.Errorf("no rule for %T", cmd)
}

func one(e event.Event) ([]event.Event, error) { return []event.Event{e}, nil }

// mayBegin reports whether Vault may be asked for what people have agreed to: its time
// has come, no witness is waited for, and nobody wants it frozen.
func (c State) mayBegin(now time.Time) bool {
	return c.Gate() == "" && c.Stopping == nil && !now.Round(0).Before(c.NextStart(now))
}

// wrongPhase returns the refusal of a command for which it is the wrong moment.
func (c State) wrongPhase() ceremony.Refusal {
	switch {
	case c.Ended() || c.Closing != nil:
		return ceremony.Closed
	case c.Phase == PhaseFrozen:
		return ceremony.IsFrozen
	}
	return ceremony.NotCollecting
}
