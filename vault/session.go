package vault

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"conclave/ceremony"
)

// session keeps a token of the client's own: it logs in when a token is needed,
// renews the token in time, and logs in again when it can't be renewed any longer.
type session struct {
	client *Client
	login  Login
	turn   sync.Mutex // whose turn it is to renew or to log in; the holder may hold up others
	failed failure    // the last login, if it failed; of whose turn it is

	mu    sync.Mutex
	now   lease
	retry time.Time // no earlier renewal, after one that failed
}

// lease is a token and how long Vault gave it.
type lease struct {
	token     string
	since     time.Time     // when this was asked for, so that its end is never told too late
	ttl       time.Duration // from then on; 0 means for ever
	full      time.Duration // the ttl that the login brought
	renewable bool
	doubted   bool // Vault has denied it, and it is replaced if there is another
}

// nearItsEnd reports whether the token can't be renewed much longer.
func (l lease) nearItsEnd() bool {
	return l.ttl != 0 && float64(l.ttl) < enoughAgain*float64(l.full)
}

// failure is a login that brought no token.
type failure struct {
	at    time.Time
	err   error
	with  [sha256.Size]byte // of what was sent, when Vault has refused it
	pause time.Duration     // until it may be sent again; 0 when Vault has not refused it
}

// Vault locks an AppRole out for a quarter of an hour after five wrong secrets,
// each less than that after the one before, and whoever has the right one with it.
// What was refused is sent again after pauses that stay below.
const (
	refusedPause = 2 * time.Minute // at first; it doubles each time
	longestPause = 16 * time.Minute
)

// A token is renewed after two thirds of its time. One that gets less than half of
// what it had at first is near its last end, and is replaced while it lives.
const (
	renewAfter  = 2.0 / 3
	enoughAgain = 1.0 / 2
	renewPause  = 15 * time.Second // after a failure, while the token lives
)

func (l lease) alive(now time.Time) bool {
	return l.token != "" && (l.ttl == 0 || now.Before(l.since.Add(l.ttl)))
}

// due is when the token is to be renewed.
func (l lease) due() time.Time {
	return l.since.Add(time.Duration(float64(l.ttl) * renewAfter))
}

func (l lease) isDue(now time.Time) bool { return l.ttl != 0 && !now.Before(l.due()) }

// token returns one that is alive. While it is renewed, others go on with it; for
// one to take its place when Vault has denied it they wait.
func (s *session) token(ctx context.Context) (string, error) {
	asked := time.Now()
	held, ready := s.current()
	switch {
	case ready:
		return held.token, nil
	case held.alive(asked) && !held.doubted:
		if !s.turn.TryLock() {
			return held.token, nil
		}
	default:
		s.turn.Lock()
	}
	defer s.turn.Unlock()
	if held, ready = s.current(); ready { // somebody has been faster
		return held.token, nil
	}
	if s.failed.at.After(asked) { // or has failed, and nobody waits for a second time
		return "", s.failed.err
	}
	next, err := s.extend(ctx, held)
	if err != nil {
		if held.alive(time.Now()) {
			s.pause()
			return held.token, nil
		}
		return "", err
	}
	s.set(next)
	return next.token, nil
}

// current is the lease that is held, and whether there is nothing to do about it.
func (s *session) current() (held lease, ready bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	return s.now, s.now.alive(now) && (!s.now.doubted && !s.now.isDue(now) || now.Before(s.retry))
}

func (s *session) set(l lease) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now, s.retry = l, time.Time{}
}

func (s *session) pause() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retry = time.Now().Add(renewPause)
}

// doubt has a token replaced that Vault does not accept any more. It is kept until
// there is another: a secret may have been for one login, and the denial may be
// somebody's between.
func (s *session) doubt(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now.token == token {
		s.now.doubted = true
	}
}

// extend returns a lease with more time: the same token's, or that of a new one.
func (s *session) extend(ctx context.Context, held lease) (lease, error) {
	var renewed lease
	if held.renewable && held.alive(time.Now()) { // if it is doubted, this settles it
		var err error
		renewed, err = s.renew(ctx, held)
		if err == nil && !renewed.nearItsEnd() {
			return renewed, nil
		}
	}
	fresh, err := s.logIn(ctx)
	if err != nil && renewed.alive(time.Now()) {
		return renewed, nil
	}
	return fresh, err
}

// logIn brings a new token. That Vault does not let the client in is ErrForbidden.
func (s *session) logIn(ctx context.Context) (lease, error) {
	body, err := s.login.request()
	if err != nil {
		return lease{}, fmt.Errorf("log in: %w: %w", ceremony.ErrNotSent, err)
	}
	defer clear(body)
	with := sha256.Sum256(body)
	again := s.failed.pause > 0 && s.failed.with == with
	if again && time.Since(s.failed.at) < s.failed.pause {
		return lease{}, s.failed.err
	}
	got, err := s.ask(ctx, request{method: http.MethodPost, path: "auth/" + s.login.mount() + "/login", body: body, auth: public})
	switch {
	case errors.Is(err, ceremony.ErrRefused), errors.Is(err, ceremony.ErrForbidden), errors.Is(err, ceremony.ErrUnsupported):
		err = fmt.Errorf("log in: %w: %s", ceremony.ErrForbidden, err)
		pause := refusedPause
		if again {
			pause = min(2*s.failed.pause, longestPause)
		}
		s.failed = failure{at: time.Now(), err: err, with: with, pause: pause}
		return lease{}, err
	case err != nil:
		err = fmt.Errorf("log in: %w", beforeWriting(err))
		if ctx.Err() == nil { // whoever was cancelled speaks for nobody else
			s.failed.at, s.failed.err = time.Now(), err
		}
		return lease{}, err
	}
	got.full, s.failed = got.ttl, failure{}
	return got, nil
}

func (s *session) renew(ctx context.Context, held lease) (lease, error) {
	got, err := s.ask(ctx, request{method: http.MethodPost, path: "auth/token/renew-self", body: []byte("{}"), auth: needed, token: held.token})
	got.full = held.full
	return got, err
}

// ask makes a request that is answered with a token.
func (s *session) ask(ctx context.Context, r request) (lease, error) {
	since := time.Now()
	reply, err := s.client.do(ctx, r)
	if err != nil {
		return lease{}, err
	}
	defer clear(reply)
	answer, err := decode[struct {
		Auth struct {
			Token     string `json:"client_token"`
			Seconds   int64  `json:"lease_duration"`
			Renewable bool   `json:"renewable"`
		} `json:"auth"`
	}](reply, "auth")
	if err != nil {
		return lease{}, err
	}
	if answer.Auth.Token == "" || answer.Auth.Seconds < 0 {
		return lease{}, malformed("it brings no token")
	}
	return lease{
		token:     answer.Auth.Token,
		since:     since,
		ttl:       time.Duration(answer.Auth.Seconds) * time.Second,
		renewable: answer.Auth.Renewable,
	}, nil
}

// Run keeps the client's own token alive until ctx ends. Without it a token that
// nobody asks for ends, and the next request logs in again. A client without
// [Config.Login] has nothing to keep.
func (c *Client) Run(ctx context.Context) error {
	if c.session == nil {
		return nil
	}
	for ctx.Err() == nil {
		c.session.token(ctx) // the next request that needs it tells why there is none
		select {
		case <-ctx.Done():
		case <-time.After(c.session.rest()):
		}
	}
	return nil
}

// farewell is how long is waited for Vault to take a token back.
const farewell = 2 * time.Second

// end revokes the token, so that none is left behind by each run of the program. It
// ends by itself where that fails.
func (s *session) end() {
	held, _ := s.current()
	n := s.client.active.Load()
	if n == nil || !held.alive(time.Now()) {
		return
	}
	s.set(lease{})
	n.send(context.Background(), request{method: http.MethodPost, path: "auth/token/revoke-self", body: []byte("{}"), auth: needed, token: held.token, limit: farewell})
}

// lasts reports whether there will be a token for as long as one is needed, as far as
// that can be known: this one is no last one that nothing could replace.
func (s *session) lasts() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.now.doubted && !s.now.nearItsEnd() && s.retry.IsZero()
}

// rest is how long nothing has to be done.
func (s *session) rest() time.Duration {
	s.mu.Lock()
	held, retry := s.now, s.retry
	s.mu.Unlock()
	if now := time.Now(); !held.alive(now) || held.ttl == 0 || now.Before(retry) {
		return renewPause
	}
	return min(max(time.Until(held.due()), 100*time.Millisecond), renewPause)
}
