package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/slack-go/slack"
)

// Condition is something wrong with the connections that people have to know of.
type Condition struct {
	Kind ConditionKind
	Over bool // it was told before, and is over
	// Counted is how many connections Slack counts, Held how many of them are ours or were
	// a moment ago.
	Counted, Held int
	Why           string // with Refused: what is wrong and what to do
}

// ConditionKind names what is wrong.
type ConditionKind string

const (
	// Foreign means that Slack counts more connections of this app than are ours. Each of
	// them takes its share of what people do.
	Foreign ConditionKind = "other connections"
	// Refused means that Slack opens no connection any more, and that time does not cure it.
	Refused ConditionKind = "no connection"
)

// pool holds the connections of a supervisor. One goroutine owns it.
type pool struct {
	*Supervisor
	links map[*link]bool // every one that has not ended
	lost  []time.Time    // when others ended, lately

	pause              *backoff.ExponentialBackOff
	opened             time.Time // the last opening began
	notBefore          time.Time // the next opening
	failures, refusals int
	welcome            bool // a connection was greeted
	proven             bool // a connection was good
	refused            bool // was told

	heard   time.Time // the last greeting
	suspect time.Time // since when Slack counts others; zero when it does not
	foreign bool      // was told
}

// in returns the connections in a state, the oldest first.
func (p *pool) in(state linkState) []*link {
	var all []*link
	for l := range p.links {
		if l.state == state {
			all = append(all, l)
		}
	}
	slices.SortFunc(all, func(a, b *link) int { return a.since.Compare(b.since) })
	return all
}

// wants reports whether a connection is to be opened now. One is opened at a time, so that
// one that is refused costs Slack no second one.
func (p *pool) wants(now time.Time) bool {
	return len(p.in(opening)) == 0 && !now.Before(p.next())
}

// next returns when the next connection is to be opened, if none is opened now.
func (p *pool) next() time.Time {
	next := later(p.notBefore, p.opened.Add(p.Rhythm.LeastGap))
	if len(p.in(serving)) < p.Rhythm.Sockets {
		return next
	}
	renew := p.Rhythm.Renew
	if !p.suspect.IsZero() {
		renew = p.Rhythm.Ghost
	}
	return later(next, p.heard.Add(renew))
}

// wake returns how long nothing is due, if nothing happens.
func (p *pool) wake(now time.Time) time.Duration {
	wait := time.Hour
	if len(p.in(opening)) == 0 {
		wait = p.next().Sub(now)
	}
	for _, l := range p.in(serving) {
		if !l.good {
			wait = min(wait, l.since.Add(p.Rhythm.Abrupt).Sub(now))
		}
	}
	return max(wait, 0)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// add returns a connection that is to be opened.
func (p *pool) add(now time.Time) *link {
	l := &link{since: now}
	p.links[l] = true
	p.opened = now
	return l
}

// settle notes which connections have stood long enough. After them the next one is opened
// without a pause, however often one ends: boxes on the way end some of them early.
func (p *pool) settle(now time.Time) {
	for _, l := range p.in(serving) {
		if l.good || now.Sub(l.since) < p.Rhythm.Abrupt {
			continue
		}
		l.good, p.proven = true, true
		p.pause.Reset()
		p.failures, p.refusals = 0, 0
		p.Health.Note(func(h *Health) { h.Failures = 0 })
		if p.refused {
			p.refused = false
			p.tell(Condition{Kind: Refused, Over: true})
		}
	}
}

// hear takes news of a connection. An error ends the supervisor.
func (p *pool) hear(ctx context.Context, n news, now time.Time) error {
	defer p.note()
	p.settle(now)
	l := n.link
	switch n.kind {
	case greeted:
		p.greeted(n, now)
	case told:
		before := l.state
		l.state = leaving
		if n.reason == "warning" {
			l.warned = true // what still comes through it is taken
		} else {
			p.retire(l) // nothing does
		}
		if before != leaving && !l.good {
			return p.useless(ctx, l, errTold{reasonOf(n.reason)}, now)
		}
		p.Log.Info("Slack ends a connection, opening the next", "reason", reasonOf(n.reason))
	case ended:
		delete(p.links, l)
		if l.closing != nil {
			l.closing.Stop()
		}
		p.lost = append(p.lost, now)
		switch {
		case l.state == leaving:
		case l.good:
			p.Log.Info("connection to Slack ended, opening the next", "lived", now.Sub(l.since).Round(time.Second), "error", n.err)
		default:
			return p.useless(ctx, l, n.err, now)
		}
	}
	return nil
}

// greeted notes that a connection works, and closes those whose place it takes.
func (p *pool) greeted(n news, now time.Time) {
	n.link.state, p.welcome, p.heard = serving, true, now
	p.Health.Note(func(h *Health) { h.LastHello = now })
	p.Log.Info("connected to Slack", "counted", n.connections)
	p.count(n.connections, now)
	if all := p.in(serving); len(all) > p.Rhythm.Sockets {
		all[0].state = leaving
	}
	if len(p.in(serving)) < p.Rhythm.Sockets {
		return
	}
	for _, l := range p.in(leaving) {
		switch {
		case l.closing != nil:
			continue
		case !l.warned:
			p.retire(l)
			continue
		}
		// Slack ends it by itself. Until then it may send something through it, whose
		// acknowledgement would find it closed.
		l.closing = time.AfterFunc(p.Rhythm.Linger, func() { p.retire(l) })
	}
}

// useless notes a connection that was of no use, and decides how long to wait before the
// next one.
func (p *pool) useless(ctx context.Context, l *link, err error, now time.Time) error {
	p.failures++
	lived := now.Sub(l.since)
	// What tells a Socket Mode that is switched off from a bad network is that it goes on
	// for minutes.
	if p.refusals++; l.conn == nil || lived >= p.Rhythm.Abrupt {
		p.refusals = 0
	}
	if why, storm := p.verdict(err); why != "" {
		switch {
		case storm && !p.proven:
			return fmt.Errorf("%w (%w): %s: %w", ErrStorm, err, why, ErrSocket)
		case !p.welcome:
			return fmt.Errorf("open a socket: %s: %w", why, ErrSocket)
		case !p.refused && len(p.in(serving)) == 0:
			p.refused = true
			p.tell(Condition{Kind: Refused, Why: why})
		}
	}
	wait := max(p.pause.NextBackOff(), p.Rhythm.LeastGap-lived)
	if _, answered := errors.AsType[slack.SlackErrorResponse](err); l.conn == nil && !answered {
		wait = min(wait, p.Rhythm.Outage) // Slack is out of reach: nobody counts how often it is tried
	}
	if limited, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		wait = max(wait, limited.RetryAfter)
	}
	wait = max(wait, p.Rhythm.LeastGap)
	p.notBefore = now.Add(wait)
	p.Health.Note(func(h *Health) { h.Failures = p.failures })
	level := slog.LevelWarn
	if p.failures >= p.Rhythm.loudAfter && len(p.in(serving)) == 0 {
		level = slog.LevelError
	}
	p.Log.Log(ctx, level, "no connection to Slack",
		"failures", p.failures, "others", len(p.in(serving)), "retry_in", wait.Round(time.Millisecond), "error", err)
	return nil
}

// verdict returns what is wrong and what to do, when a connection failed for what time does
// not cure. storm means that it was one of many that were ended at once.
func (p *pool) verdict(err error) (why string, storm bool) {
	if code, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		if advice, ok := Fatal(code.Err); ok {
			return fmt.Sprintf("Slack says %s: %s", code.Err, advice), false
		}
	}
	if status, ok := errors.AsType[slack.StatusCodeError](err); ok && status.Code == http.StatusNotFound {
		return "no Slack answers at the configured address", false
	}
	if most := p.Rhythm.Refusals; most > 0 && p.refusals >= most {
		return "make sure that Socket Mode is switched on in the app's settings, and that no more than ten programs use its token", true
	}
	return "", false
}

// count compares how many connections Slack counts with ours. Those that were cut are
// counted for a while, also those of a program that was killed: so others are believed in
// when they are there the second time.
func (p *pool) count(counted int, now time.Time) {
	p.lost = slices.DeleteFunc(p.lost, func(t time.Time) bool { return now.Sub(t) > p.Rhythm.Ghost })
	held := len(p.links) + len(p.lost)
	switch {
	case counted <= held:
		p.suspect = time.Time{}
		p.Health.Note(func(h *Health) { h.Foreign = 0 })
		if p.foreign {
			p.foreign = false
			p.Log.Info("Slack counts no other connections of this app any more")
			p.tell(Condition{Kind: Foreign, Over: true})
		}
	case p.suspect.IsZero():
		p.suspect = now
		p.Log.Warn("Slack counts more connections of this app than are ours; it may be one that was cut, and is looked at again",
			"counted", counted, "held", held, "again_in", p.Rhythm.Ghost)
	case now.Sub(p.suspect) >= p.Rhythm.Ghost:
		p.Health.Note(func(h *Health) { h.Foreign = counted - held })
		p.Log.Error("Slack counts more connections of this app than are ours: another program takes a part of what people do. "+
			"End it, or make new tokens", "counted", counted, "held", held)
		if !p.foreign {
			p.foreign = true
			p.tell(Condition{Kind: Foreign, Counted: counted, Held: held})
		}
	}
}

// note brings the health up to date.
func (p *pool) note() {
	n := len(p.in(serving))
	p.Health.Note(func(h *Health) { h.Connected, h.Connections = n > 0, n })
}

func (p *pool) tell(c Condition) {
	if p.Tell != nil {
		p.Tell(c)
	}
}
