package transport

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// PostPace is the least time between two posts in one channel. Slack takes one a
	// second, and counts when they arrive: some of them travel faster than others.
	// Source: docs.slack.dev "Rate limits", chat.postMessage.
	PostPace = 1100 * time.Millisecond
	// redrawPace is the least time between two edits of one post.
	redrawPace = 1500 * time.Millisecond
	// afterwards is how long calls go one by one after Slack has asked to slow down.
	afterwards = time.Minute
	// forgetful is the number of keys from which on those that are idle are dropped.
	forgetful = 256
)

// How often a method may be called in a minute, by everybody in the workspace together.
// Source: docs.slack.dev "Rate limits", and the tier of each method in its reference. Of
// chat.postMessage it says "several hundred".
var perMinute = map[string]int{
	postMethod: 300, updateMethod: 50,
	"conversations.open": 50, "conversations.info": 50, "conversations.history": 50, "conversations.replies": 50,
	"auth.test": 100, "users.info": 100, "views.open": 100, "views.update": 100, "chat.getPermalink": 100,
	"files.getUploadURLExternal": 100, "files.completeUploadExternal": 100, "files.info": 100,
}

const (
	postMethod   = "chat.postMessage"
	updateMethod = "chat.update"
)

// Rank says which of two calls that wait goes first: the one with the higher rank.
type Rank int

// The ranks. People come before pictures.
const (
	RankClock   Rank = iota // only the time that is left has changed in a drawing
	RankDrawing             // of a status post
	RankLast                // the drawing that stays
	RankLine                // of a thread
	RankBoard               // a status post
	RankReceipt             // what became of a person's message
	RankRequest             // what a person has to act upon
	RankAnswer              // a person has just asked, and waits
)

// Pace spaces out the calls of Slack's API: of each method, of the posts in each channel,
// and of the edits of each post. What waits longest goes first, among equals.
type Pace struct {
	// Gap is the least time between two posts in one channel. All other gaps shrink with
	// it; with none nobody waits.
	Gap time.Duration

	mu      sync.Mutex
	limits  map[string]*limit // by key
	waiting []*turn           // in the order of their coming
	timer   *time.Timer       // of the next that may go; nil when nobody waits
}

// limit is what is known about one key.
type limit struct {
	rate  *rate.Limiter
	until time.Time // not before; Slack has said so
}

// turn is a call that waits.
type turn struct {
	keys []string
	rank func() Rank
	came chan struct{} // closed when it may go
}

// NewPace returns a pace with so much time between two posts in one channel.
func NewPace(gap time.Duration) *Pace { return &Pace{Gap: gap, limits: map[string]*limit{}} }

// Posts returns the keys of a post in a channel, which may be a person's id.
func Posts(channel string) []string { return []string{postMethod, Files(channel)} }

// Files returns the key of a post with files in a channel.
func Files(channel string) string { return postMethod + " " + channel }

// Edits returns the keys of an edit of a post.
func Edits(channel, ts string) []string {
	return []string{updateMethod, updateMethod + " " + channel + "/" + ts}
}

// Wait returns when it is this caller's turn under all keys. rank is asked whenever somebody
// may go: it must be quick and not wait for this pace. An error means that the caller's
// context ended before that, and that no turn was used up.
func (p *Pace) Wait(ctx context.Context, rank func() Rank, keys ...string) error {
	t := &turn{keys: keys, rank: rank, came: make(chan struct{})}
	p.mu.Lock()
	p.waiting = append(p.waiting, t)
	p.letLocked()
	p.mu.Unlock()
	select {
	case <-t.came:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.waiting, t); i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
		p.letLocked()
		return context.Cause(ctx)
	}
	return nil
}

// Hold notes that Slack has asked to wait under a key. Those who wait are let go one by one
// afterwards, and not all at once.
func (p *Pace) Hold(key string, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.limitLocked(key)
	if until := time.Now().Add(wait); until.After(l.until) {
		l.until = until
	}
	each := l.rate.Limit()
	if each == rate.Inf {
		each = 1
	}
	l.rate = rate.NewLimiter(each, 1)
	p.letLocked()
}

// let lets everybody go whose turn has come.
func (p *Pace) let() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.letLocked()
}

func (p *Pace) letLocked() {
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	now := time.Now()
	order, ranks := slices.Clone(p.waiting), map[*turn]Rank{}
	for _, t := range order {
		ranks[t] = t.rank()
	}
	slices.SortStableFunc(order, func(a, b *turn) int { return int(ranks[b] - ranks[a]) })
	gone := map[*turn]bool{}
	next := time.Duration(-1)
	for _, t := range order {
		if d := p.delayLocked(t, now); d > 0 {
			if next < 0 || d < next {
				next = d
			}
			continue
		}
		for _, k := range t.keys {
			p.limitLocked(k).rate.AllowN(now, 1)
		}
		gone[t] = true
		close(t.came)
	}
	p.waiting = slices.DeleteFunc(p.waiting, func(t *turn) bool { return gone[t] })
	if next >= 0 {
		p.timer = time.AfterFunc(next, p.let)
	}
}

// delayLocked returns how long a turn has to wait at least.
func (p *Pace) delayLocked(t *turn, now time.Time) time.Duration {
	var most time.Duration
	for _, k := range t.keys {
		l := p.limitLocked(k)
		r := l.rate.ReserveN(now, 1)
		most = max(most, r.DelayFrom(now), l.until.Sub(now))
		r.CancelAt(now)
	}
	return most
}

// limitLocked returns the limit of a key.
func (p *Pace) limitLocked(key string) *limit {
	now := time.Now()
	l, known := p.limits[key]
	if known && (l.until.IsZero() || now.Before(l.until.Add(afterwards))) {
		return l
	}
	if len(p.limits) > forgetful {
		for k, l := range p.limits {
			if l.rate.TokensAt(now) >= float64(l.rate.Burst()) && now.After(l.until.Add(afterwards)) {
				delete(p.limits, k)
			}
		}
	}
	l = &limit{rate: p.fresh(key)}
	p.limits[key] = l
	return l
}

// fresh returns the limiter of a key under which nothing was done for a while. A fifth of
// what a minute allows may go at once: the rest of it is spread over the minute.
func (p *Pace) fresh(key string) *rate.Limiter {
	method, one, each := strings.Cut(key, " ")
	most := perMinute[method]
	switch {
	case p.Gap == 0, !each && most == 0:
		return rate.NewLimiter(rate.Inf, 1)
	case method == updateMethod && each && one != "":
		return rate.NewLimiter(rate.Every(p.scaled(redrawPace)), 1)
	case each:
		return rate.NewLimiter(rate.Every(p.Gap), 1)
	}
	burst := most / 5
	return rate.NewLimiter(rate.Every(p.scaled(time.Minute/time.Duration(most-burst))), burst)
}

// scaled returns a gap of Slack's as it is at this pace.
func (p *Pace) scaled(gap time.Duration) time.Duration {
	return time.Duration(float64(gap) * float64(p.Gap) / float64(PostPace))
}

// ranked is what a context says about the calls that are made with it.
type ranked struct {
	rank  func() Rank
	taken bool // its turn has come already
}

type rankKey struct{}

// Ranked returns a context whose calls wait with this rank. Without one a call has
// [RankAnswer].
func Ranked(ctx context.Context, rank Rank) context.Context {
	return context.WithValue(ctx, rankKey{}, ranked{rank: func() Rank { return rank }})
}

// Taken returns a context for one call whose turn has come. It is not repeated when Slack
// asks to slow down: what it says may not be true any more by then.
func Taken(ctx context.Context) context.Context {
	r := rankOf(ctx)
	r.taken = true
	return context.WithValue(ctx, rankKey{}, r)
}

// RankOf returns the rank of the calls that are made with a context.
func RankOf(ctx context.Context) Rank { return rankOf(ctx).rank() }

func rankOf(ctx context.Context) ranked {
	if r, ok := ctx.Value(rankKey{}).(ranked); ok {
		return r
	}
	return ranked{rank: func() Rank { return RankAnswer }}
}
