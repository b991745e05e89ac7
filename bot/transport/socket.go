package transport

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Rhythm holds the durations of the supervisor.
type Rhythm struct {
	Sockets   int           // connections that are held at the same time
	LeastGap  time.Duration // between two openings of a connection
	MostGap   time.Duration // the longest pause after failures
	Outage    time.Duration // the longest pause while nothing answers
	Abrupt    time.Duration // a connection that lived shorter was refused; one that stood longer was a good one
	Linger    time.Duration // how long a connection of which Slack has warned stays beside the next one
	Hello     time.Duration // how long Slack may take to say hello
	Ping      time.Duration // how long a connection may be silent. It is pinged three times as often
	Renew     time.Duration // after so long without a greeting a connection is replaced, to hear the count in one
	Ghost     time.Duration // how long Slack may count a connection that was cut
	ack       time.Duration // how long an acknowledgement may wait to be written
	Refusals  int           // connections in a row that are ended at once before the bot gives up
	loudAfter int           // failures in a row from which on the log calls them errors

	Accounts   int           // that a check asks for at once
	AccountGap time.Duration // before each further one
}

// NormalRhythm is what Slack's own limits ask for: few openings, since each is
// counted, a ping at least every 30 seconds, and direct messages with 50 people a
// minute at most, some of which are left to a bot that runs beside the check.
func NormalRhythm() Rhythm {
	return Rhythm{
		Sockets: 2, LeastGap: time.Second, MostGap: time.Minute, Outage: 4 * time.Second, Abrupt: 10 * time.Second,
		Linger: 15 * time.Second, Hello: 15 * time.Second, Ping: 30 * time.Second, Renew: 15 * time.Minute, Ghost: 3 * time.Minute, ack: 2 * time.Second,
		Refusals: 12, loudAfter: 5,
		Accounts: 15, AccountGap: 2500 * time.Millisecond,
	}
}

// ErrSocket means that the bot gave up, since waiting would change nothing. The errors
// that wrap it say what to do.
var ErrSocket = errors.New("the connection to Slack can't work")

// What is wrong with connections that opened and were of no use.
var (
	ErrStorm   = errors.New("every connection to Slack is ended at once")
	ErrNoHello = errors.New("no greeting came from Slack")
	ErrQuiet   = errors.New("nothing came from Slack for too long, no ping either")
)

// Fatal reports whether an error of Slack's is one that time does not cure, and returns
// what to do about it.
// The client itself gives up on four of them and repeats the others for ever.
// Source: docs.slack.dev reference of apps.connections.open.
func Fatal(code string) (advice string, ok bool) {
	switch code {
	case "invalid_auth", "not_authed", "token_revoked", "token_expired":
		return "make a new app-level token (xapp-…) in the app's settings and put it into the configured file", true
	case "account_inactive", "app_uninstalled":
		return "install the app in the workspace again", true
	case "missing_scope":
		return "give the app-level token the scope connections:write", true
	case "not_allowed_token_type":
		return "put the app-level token (xapp-…) where it belongs; another token is there", true
	case "team_access_not_granted", "forbidden_team", "access_denied", "org_login_required", "ekm_access_denied":
		return "an administrator of the workspace has to allow the app", true
	}
	return "", false
}

// errTold means that Slack has told a connection to go.
type errTold struct{ reason string }

func (e errTold) Error() string { return "Slack says " + e.reason }

// reasonOf returns Slack's reason for the end of a connection, for the log.
func reasonOf(said string) string {
	switch said {
	case "warning", "refresh_requested", "too_many_websockets", "link_disabled":
		return said
	}
	return "a reason that is not known"
}

// Supervisor keeps Socket Mode connections open: several, so that one that is refreshed or
// cut leaves no gap. Slack sends each envelope through any one of them.
type Supervisor struct {
	AppToken, BotToken string
	APIURL             string
	HTTP               *http.Client
	Rhythm             Rhythm
	Health             *Monitor
	Log                *slog.Logger
	// Take is called for every envelope, never twice at the same time, and must not block.
	// It reports whether to acknowledge it, and returns with what.
	Take func(Envelope) (reply any, ack bool)
	// Tell is called when something is wrong with the connections that people have to know
	// of, and when it is over. It must not block. Nil tells nobody.
	Tell func(Condition)

	taking sync.Mutex // held while Take runs
}

// Run returns when ctx ends, or with an error that wraps ErrSocket. It returns no error
// once a connection was good: the program's end would cost every open request, and what is
// wrong can be put right while it runs.
func (s *Supervisor) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	p := &pool{Supervisor: s, links: map[*link]bool{}, pause: backoff.NewExponentialBackOff()}
	p.pause.InitialInterval, p.pause.MaxInterval, p.pause.Multiplier = s.Rhythm.LeastGap, s.Rhythm.MostGap, 2
	arrived := make(chan news)
	tell := func(n news) {
		select {
		case arrived <- n:
		case <-ctx.Done():
		}
	}
	defer s.Health.Note(func(h *Health) { h.Connected, h.Connections = false, 0 })
	for ctx.Err() == nil {
		if p.wants(time.Now()) {
			l := p.add(time.Now())
			running.Go(func() { s.run(ctx, l, tell) })
		}
		timer := time.NewTimer(p.wake(time.Now()))
		select {
		case n := <-arrived:
			if err := p.hear(ctx, n, time.Now()); err != nil {
				return err
			}
		case <-timer.C:
			p.settle(time.Now())
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return nil
}
