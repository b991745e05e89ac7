package transport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"path"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// Rhythm holds the durations of the supervisor.
type Rhythm struct {
	LeastGap  time.Duration // between two openings of a connection
	MostGap   time.Duration // the longest pause after failures
	Abrupt    time.Duration // a connection that lived shorter was refused
	Healthy   time.Duration // a connection that lived as long as this was a good one
	Hello     time.Duration // how long Slack may take to say hello
	Ping      time.Duration // how long Slack may be silent
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
		LeastGap: time.Second, MostGap: time.Minute, Abrupt: 10 * time.Second, Healthy: time.Minute,
		Hello: 15 * time.Second, Ping: 30 * time.Second, ack: 2 * time.Second,
		Refusals: 12, loudAfter: 5,
		Accounts: 15, AccountGap: 2500 * time.Millisecond,
	}
}

// readLimit is the largest frame that is read. Slack's are far smaller.
const readLimit = 1 << 20

// ErrSocket means that the bot gave up, since waiting would change nothing. The errors
// that wrap it say what to do.
var ErrSocket = errors.New("the connection to Slack can't work")

// What is wrong with connections that opened and were of no use.
var (
	ErrStorm   = errors.New("every connection to Slack is ended at once")
	ErrNoHello = errors.New("no greeting came from Slack")
	errReopen  = errors.New("the connection ended") // what the client under supervision gets for a second opening
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

// Supervisor keeps one Socket Mode connection open. The client of slack-go
// reconnects by itself, at once and for ever; so it is given a single opening,
// and everything about the next one is decided here.
type Supervisor struct {
	AppToken, BotToken string
	APIURL             string
	HTTP               *http.Client
	Rhythm             Rhythm
	Health             *Monitor
	Log                *slog.Logger
	// Take is called for every envelope, and must not block. It reports whether to
	// acknowledge it, and returns with what.
	Take func(socketmode.Event) (reply any, ack bool)
}

// Run returns when ctx ends, or with an error that wraps ErrSocket.
func (s *Supervisor) Run(ctx context.Context) error {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval, pause.Multiplier = s.Rhythm.LeastGap, s.Rhythm.MostGap, 2
	failures, refusals := 0, 0
	for ctx.Err() == nil {
		opened := time.Now()
		stood, err := s.Connect(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if code, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
			if advice, ok := Fatal(code.Err); ok {
				return fmt.Errorf("open a socket: Slack says %s: %s: %w", code.Err, advice, ErrSocket)
			}
		}
		if status, ok := errors.AsType[slack.StatusCodeError](err); ok && status.Code == http.StatusNotFound {
			return fmt.Errorf("open a socket: no Slack answers at the configured address: %w", ErrSocket)
		}

		lived := time.Since(opened)
		if stood && lived >= s.Rhythm.Healthy {
			pause.Reset()
			failures, refusals = 0, 0
			s.Log.Info("connection to Slack ended, opening the next", "lived", lived.Round(time.Second))
			continue
		}
		failures++
		// Why a connection ends, the client keeps to itself. What tells a Socket Mode
		// that is switched off from a bad network is that it goes on for minutes.
		if refusals++; !stood || lived >= s.Rhythm.Abrupt {
			refusals = 0
		}
		if refusals == s.Rhythm.Refusals {
			return fmt.Errorf("%w: make sure that Socket Mode is switched on in the app's settings, and that no more than ten programs use its token: %w", ErrStorm, ErrSocket)
		}
		wait := max(pause.NextBackOff(), s.Rhythm.LeastGap-lived)
		if limited, ok := errors.AsType[*slack.RateLimitedError](err); ok {
			wait = max(wait, limited.RetryAfter)
		}
		wait = max(wait, s.Rhythm.LeastGap)
		s.Health.Note(func(h *Health) { h.Failures = failures })
		level := slog.LevelWarn
		if failures >= s.Rhythm.loudAfter {
			level = slog.LevelError
		}
		s.Log.Log(ctx, level, "no connection to Slack",
			"failures", failures, "retry_in", wait.Round(time.Millisecond), "error", err)
		_ = Sleep(ctx, wait)
	}
	return nil
}

// Connect opens one connection and serves it until it ends. It reports whether the
// connection was open at any time, and returns why it ended, as far as is known: Slack's
// own reason stays in the client.
func (s *Supervisor) Connect(ctx context.Context) (stood bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client := s.newClient()
	ended := make(chan error, 1)
	go func() { ended <- client.RunContext(ctx) }()
	defer s.Health.Note(func(h *Health) { h.Connected = false })
	healthy := time.AfterFunc(s.Rhythm.Healthy, func() { s.Health.Note(func(h *Health) { h.Failures = 0 }) })
	defer healthy.Stop()

	hello := time.NewTimer(s.Rhythm.Hello)
	defer hello.Stop()
	for {
		select {
		case ev := <-client.Events:
			switch ev.Type {
			case socketmode.EventTypeConnected:
				stood = true
			case socketmode.EventTypeHello:
				hello.Stop()
				s.Health.Note(func(h *Health) { h.Connected, h.LastHello = true, time.Now() })
				s.Log.Info("connected to Slack")
			case socketmode.EventTypeConnectionError:
				// Of two openings the second never leaves the process; its error says only
				// that the first connection is over.
				cancel()
				if failed, ok := ev.Data.(*slack.ConnectionErrorEvent); ok && !errors.Is(failed.ErrorObj, errReopen) {
					err = failed.ErrorObj
				}
			default:
				s.serve(ctx, client, ev)
			}
		case runErr := <-ended:
			s.rest(client)
			if err == nil && !errors.Is(runErr, context.Canceled) {
				err = runErr
			}
			return stood, err
		case <-hello.C:
			err = ErrNoHello
			cancel()
		}
	}
}

// rest takes the envelopes that were received before the connection ended. They can't
// be acknowledged any more. Slack delivers them again, and then they are known.
func (s *Supervisor) rest(client *socketmode.Client) {
	for {
		select {
		case ev := <-client.Events:
			if ev.Request != nil && ev.Type != socketmode.EventTypeHello {
				s.Take(ev)
			}
		default:
			return
		}
	}
}

// serve has an envelope queued, and acknowledges it at once. What it sets off is done
// elsewhere.
func (s *Supervisor) serve(ctx context.Context, client *socketmode.Client, ev socketmode.Event) {
	began := time.Now()
	switch ev.Type {
	case socketmode.EventTypeEventsAPI, socketmode.EventTypeInteractive, socketmode.EventTypeSlashCommand:
		s.Health.Note(func(h *Health) { h.LastEnvelope = began })
		if reply, ack := s.Take(ev); ack {
			s.ack(ctx, client, ev.Request.EnvelopeID, reply, began)
		}
	case socketmode.EventTypeErrorBadMessage:
		// The client can't read it; its text may hold anything and is not looked at.
		// Acknowledged, Slack does not send it again.
		if bad, ok := ev.Data.(*socketmode.ErrorBadMessage); ok {
			var envelope struct {
				ID string `json:"envelope_id"`
			}
			if json.Unmarshal(bad.Message, &envelope) == nil && envelope.ID != "" {
				s.ack(ctx, client, envelope.ID, nil, began)
			}
			s.Log.Debug("envelope of an unknown kind")
		}
	}
}

// ack acknowledges an envelope, and counts how often that was late.
func (s *Supervisor) ack(ctx context.Context, client *socketmode.Client, envelope string, reply any, began time.Time) {
	ctx, cancel := context.WithTimeout(ctx, s.Rhythm.ack)
	defer cancel()
	if err := client.AckCtx(ctx, envelope, reply); err != nil {
		s.Log.Warn("acknowledgement not written", "envelope", envelope, "error", err)
	}
	if time.Since(began) > LateAck {
		s.Health.Note(func(h *Health) { h.LateAcks++ })
	}
}

// newClient makes the client of one connection. It is never told to debug: that
// would log whole messages.
func (s *Supervisor) newClient() *socketmode.Client {
	s.Health.Note(func(h *Health) { h.Opens++ })
	silent := log.New(io.Discard, "", 0)
	options := []slack.Option{
		slack.OptionAppLevelToken(s.AppToken),
		slack.OptionHTTPClient(&singleOpening{client: s.HTTP}),
		slack.OptionLog(silent),
	}
	if s.APIURL != "" {
		options = append(options, slack.OptionAPIURL(s.APIURL))
	}
	return socketmode.New(slack.New(s.BotToken, options...),
		socketmode.OptionLog(silent),
		socketmode.OptionReadLimit(readLimit),
		socketmode.OptionPingInterval(s.Rhythm.Ping),
		socketmode.OptionDialer(&websocket.Dialer{
			Proxy:            http.ProxyFromEnvironment,
			HandshakeTimeout: s.HTTP.Timeout,
			// Slack does not put fragmented frames together.
			WriteBufferSize: 32 << 10,
		}),
	)
}

// singleOpening lets a client ask for one socket URL and no more.
type singleOpening struct {
	client *http.Client
	opened atomic.Bool
}

// Do makes the call, unless it would be a second opening.
func (o *singleOpening) Do(req *http.Request) (*http.Response, error) {
	if path.Base(req.URL.Path) == "apps.connections.open" && o.opened.Swap(true) {
		return nil, errReopen
	}
	return o.client.Do(req)
}
