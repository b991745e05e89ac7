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

// session keeps the client's own token. It logs in when a token is needed, renews the
// token in time, and logs in again when the token can't be renewed any longer.
type session struct {
	client *Client
	login  Login
	turn   sync.Mutex // held while renewing or logging in, for as long as Vault takes
	failed failure    // the last login, if it failed; guarded by turn

	mu    sync.Mutex // guards what follows
	now   lease
	retry time.Time // after a renewal that failed, the next one is not before
}

// lease is a token, and the time for which Vault has given it.
type lease struct {
	token     string
	since     time.Time     // when the request was sent: its end is never expected too late
	ttl       time.Duration // from since on; 0 means for ever
	full      time.Duration // the ttl that the login has brought
	renewable bool
	doubted   bool // Vault has denied it; it is replaced as soon as there is another
}

// nearItsEnd reports whether the token can't be renewed much longer.
func (l lease) nearItsEnd() bool {
	return l.ttl != 0 && float64(l.ttl) < enoughAgain*float64(l.full)
}

// failure is a login that has brought no token.
type failure struct {
	at    time.Time
	err   error
	with  [sha256.Size]byte // the hash of what was sent, when Vault has refused it
	pause time.Duration     // until the same may be sent again; 0 when Vault has not refused it
}

// Vault locks an AppRole for a quarter of an hour after five wrong secrets, each of them
// less than a quarter of an hour after the one before. Then it refuses the right secret
// as well. What was refused is sent again after pauses that avoid that.
const (
	refusedPause = 2 * time.Minute // at first; it doubles each time
	longestPause = 16 * time.Minute
)

// A token is renewed after two thirds of its time. When a renewal brings less than half
// of the time that the login brought, the token can't be renewed much longer, and is
// replaced while it lives.
const (
	renewAfter  = 2.0 / 3
	enoughAgain = 1.0 / 2
	renewPause  = 15 * time.Second // after a failure, while the token lives
)

// alive reports whether there is a token and its time is not over.
func (l lease) alive(now time.Time) bool {
	return l.token != "" && (l.ttl == 0 || l.age(now) < l.ttl)
}

// age returns how long ago the token was asked for. The two clocks differ when this machine has slept, while Vault has
// not, or when its clock was set: the one by which more time has passed is believed.
func (l lease) age(now time.Time) time.Duration {
	return max(now.Sub(l.since), now.Round(0).Sub(l.since.Round(0)))
}

// untilDue returns how long it is until the token is to be renewed.
func (l lease) untilDue(now time.Time) time.Duration {
	return time.Duration(float64(l.ttl)*renewAfter) - l.age(now)
}

func (l lease) isDue(now time.Time) bool { return l.ttl != 0 && l.untilDue(now) <= 0 }

// token returns a token that is alive, and renews it or logs in for it when that is due.
// While one caller renews a token, the others go on with it. When Vault has denied it or
// its time is over, they wait for the next.
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
	if held, ready = s.current(); ready { // another caller has been faster
		return held.token, nil
	}
	if s.failed.at.After(asked) { // another caller has failed; nobody waits a second time
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

// current returns the lease that is held. It is ready when it needs no renewal and no
// replacement now.
func (s *session) current() (held lease, ready bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	return s.now, s.now.alive(now) && (!s.now.doubted && !s.now.isDue(now) || now.Before(s.retry))
}

// set puts a lease in the place of the one that is held.
func (s *session) set(l lease) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now, s.retry = l, time.Time{}
}

// pause puts the next renewal off.
func (s *session) pause() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retry = time.Now().Add(renewPause)
}

// doubt marks a token that Vault has denied, so that it is replaced. The token is kept
// until there is another: the secret id may have been for a single login, and the denial
// may come from an intermediary.
func (s *session) doubt(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now.token == token {
		s.now.doubted = true
	}
}

// extend returns a lease with more time: of the same token, or of a new one.
func (s *session) extend(ctx context.Context, held lease) (lease, error) {
	var renewed lease
	if held.renewable && held.alive(time.Now()) { // of a doubted token this shows whether it still works
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

// logIn returns the lease of a new token. The error is ErrForbidden when Vault refuses
// the login.
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
	got, err := s.ask(ctx, request{
		method: http.MethodPost, path: "auth/" + s.login.mount() + "/login", body: body, auth: public,
	})
	switch {
	case errors.Is(err, ceremony.ErrRefused), errors.Is(err, ceremony.ErrForbidden),
		errors.Is(err, ceremony.ErrUnsupported):
		err = fmt.Errorf("log in: %w: %s", ceremony.ErrForbidden, err)
		pause := refusedPause
		if again {
			pause = min(2*s.failed.pause, longestPause)
		}
		s.failed = failure{at: time.Now(), err: err, with: with, pause: pause}
		return lease{}, err
	case err != nil:
		err = fmt.Errorf("log in: %w", beforeWriting(err))
		if ctx.Err() == nil { // a cancelled caller's failure is not that of the others
			s.failed.at, s.failed.err = time.Now(), err
		}
		return lease{}, err
	}
	got.full, s.failed = got.ttl, failure{}
	return got, nil
}

// renew asks for more time for the token.
func (s *session) renew(ctx context.Context, held lease) (lease, error) {
	got, err := s.ask(ctx, request{
		method: http.MethodPost, path: "auth/token/renew-self", body: []byte("{}"), auth: needed, token: held.token,
	})
	got.full = held.full
	return got, err
}

// ask sends a request whose answer is a token, and returns its lease.
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

// Run keeps the client's own token alive until ctx ends. Without Run a token ends when no
// request needs it for long, and the next request logs in again. Run returns at once for
// a client without [Config.Login].
func (c *Client) Run(ctx context.Context) error {
	if c.session == nil {
		return nil
	}
	for ctx.Err() == nil {
		c.session.token(ctx) // the next request that needs the token returns the error
		select {
		case <-ctx.Done():
		case <-time.After(c.session.rest()):
		}
	}
	return nil
}

// farewell limits the request that revokes the token.
const farewell = 2 * time.Second

// end revokes the token, so that no run of the program leaves one behind. When that fails
// the token ends by itself.
func (s *session) end() {
	held, _ := s.current()
	n := s.client.active.Load()
	if n == nil || !held.alive(time.Now()) {
		return
	}
	s.set(lease{})
	n.send(context.Background(), request{
		method: http.MethodPost, path: "auth/token/revoke-self", body: []byte("{}"), auth: needed, token: held.token,
		limit: farewell,
	})
}

// renewable reports whether the token can be renewed or replaced, as far as that can be
// known.
func (s *session) renewable() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.now.doubted && !s.now.nearItsEnd() && s.retry.IsZero()
}

// rest returns how long nothing has to be done.
func (s *session) rest() time.Duration {
	s.mu.Lock()
	held, retry := s.now, s.retry
	s.mu.Unlock()
	now := time.Now()
	if !held.alive(now) || held.ttl == 0 || now.Before(retry) {
		return renewPause
	}
	return min(max(held.untilDue(now), 100*time.Millisecond), renewPause)
}
