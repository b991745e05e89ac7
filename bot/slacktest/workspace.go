package slacktest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"conclave/bot/slacktest/record"
	"conclave/bot/slacktest/socketmode"
)

// Config describes the workspace to start. With the zero value a ceremony bot has all that it asks for.
type Config struct {
	// Addr is where to listen. Empty means any free port on 127.0.0.1.
	Addr string
	// Team is the workspace's id. Empty means "T0CONCLAVE".
	Team string
	// Scopes are the bot token's scopes. Nil means [DefaultScopes].
	Scopes []string
	// Events are the bot events that the app subscribes to, in the manifest's words ("message.im"). Nil means
	// [DefaultEvents].
	Events []string
	// Commands are the app's slash commands. Nil means "/ceremony" alone.
	Commands []string
	// MessagesTab is the state of the tab in which people write to the app, HomeTab that of its home.
	MessagesTab, HomeTab Tab
	// Timing holds Slack's durations. A field that is zero takes the value of [SlackTiming].
	Timing Timing
	// Now is the clock behind timestamps and the expiry of triggers, tickets and response URLs. Nil means time.Now.
	Now func() time.Time
	// EditWindow is how long a message can be edited. Zero means without end.
	EditWindow time.Duration
	// RateLimits makes the workspace answer 429 above Slack's rates. Without it rates are not watched,
	// except that a client must always wait for what Retry-After said.
	RateLimits bool
	// FreshEnvelopes gives an event a new envelope_id each time it is sent again. Whether Slack does so is not
	// documented. The event_id stays.
	FreshEnvelopes bool
	// Seed makes the choice of sockets and the probability of faults repeatable.
	Seed uint64
}

// Tab is the state of a tab of the app's home.
type Tab int

// The states of a tab. A read-only messages tab shows what the app writes and takes nothing.
const (
	TabOn Tab = iota
	TabReadOnly
	TabOff
)

// Timing holds the durations that Slack decides.
type Timing struct {
	// Ack is how long a person's command, click or form waits for the acknowledgement.
	Ack time.Duration
	// Redelivery are the pauses before an unacknowledged event is sent again.
	Redelivery []time.Duration
	// Ping is the pause between the server's pings.
	Ping time.Duration
	// Ticket is how long a socket URL can be used.
	Ticket time.Duration
	// Trigger is how long a trigger_id can be used.
	Trigger time.Duration
	// ResponseURL is how long a response_url can be used.
	ResponseURL time.Duration
	// Share is how long after files.completeUploadExternal its message is posted. Zero means at once; Slack's own varies.
	Share time.Duration
	// Linger is how long a socket that was told to go may stay.
	Linger time.Duration
	// Grace is how much later than Ack and Trigger the app may be. Slack grants none. It is for tests in which nothing
	// depends on how fast the app is, on a machine that is busy with others. It ends early when no acknowledgement can
	// come any more.
	Grace time.Duration
}

// SlackTiming returns Slack's own durations.
// Source: docs.slack.dev "Using Socket Mode", "The Events API", "Handling user interaction".
func SlackTiming() Timing {
	return Timing{
		Ack:         3 * time.Second,
		Redelivery:  []time.Duration{3 * time.Second, time.Minute, 5 * time.Minute},
		Ping:        10 * time.Second,
		Ticket:      30 * time.Second,
		Trigger:     3 * time.Second,
		ResponseURL: 30 * time.Minute,
		Linger:      10 * time.Second,
	}
}

func (t Timing) orSlack() Timing {
	slack := SlackTiming()
	for _, d := range []struct {
		mine  *time.Duration
		slack time.Duration
	}{
		{&t.Ack, slack.Ack}, {&t.Ping, slack.Ping}, {&t.Ticket, slack.Ticket},
		{&t.Trigger, slack.Trigger}, {&t.ResponseURL, slack.ResponseURL}, {&t.Linger, slack.Linger},
	} {
		if *d.mine == 0 {
			*d.mine = d.slack
		}
	}
	if t.Redelivery == nil {
		t.Redelivery = slack.Redelivery
	}
	return t
}

// DefaultScopes returns the bot scopes of an app that runs ceremonies in channels and direct messages.
func DefaultScopes() []string {
	return []string{
		"commands", "chat:write", "users:read", "channels:read", "groups:read", "im:read", "im:write", "im:history",
		"groups:history", "channels:history", "files:read", "files:write", "pins:read", "pins:write", "reactions:write",
	}
}

// DefaultEvents returns the bot events of an app that runs ceremonies in channels and direct messages.
func DefaultEvents() []string {
	return []string{
		"app_home_opened", "message.im", "message.channels", "message.groups", "file_shared", "user_change", "app_uninstalled", "tokens_revoked",
		"channel_archive", "group_archive", "channel_left", "group_left",
	}
}

// Workspace is one Slack workspace with one app installed. Its methods may be called from any goroutine.
type Workspace struct {
	cfg      Config
	listener net.Listener
	server   *http.Server
	routes   *http.ServeMux
	methods  map[string]method
	running  sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	changed  chan struct{} // closed and replaced at every change
	lastTS   time.Time
	ids      map[string]int // prefix → how many were given
	random   *rand.Rand
	tokens   map[string]*token // secret → token
	scopes   []string
	people   []*Person
	channels []*Channel
	files    []*file
	triggers map[string]*trigger     // trigger id → trigger
	replies  map[string]*responseURL // path → response URL
	views    []*view
	bot      *Person
	hub      *socketmode.Hub
	rates    rates
	faults   []*Injected
	journal  []record.Entry
	broken   []record.Violation
}

// Start starts a workspace. Its only people are the app's bot user and Slackbot.
func Start(cfg Config) (*Workspace, error) {
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	if cfg.Team == "" {
		cfg.Team = "T0CONCLAVE"
	}
	if cfg.Scopes == nil {
		cfg.Scopes = DefaultScopes()
	}
	if cfg.Events == nil {
		cfg.Events = DefaultEvents()
	}
	if cfg.Commands == nil {
		cfg.Commands = []string{"/ceremony"}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.Timing = cfg.Timing.orSlack()

	listener, err := net.Listen("tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	w := &Workspace{
		cfg:      cfg,
		listener: listener,
		routes:   http.NewServeMux(),
		methods:  methods(),
		changed:  make(chan struct{}),
		ids:      map[string]int{},
		random:   rand.New(rand.NewPCG(cfg.Seed, 1)),
		tokens:   map[string]*token{},
		scopes:   slices.Clone(cfg.Scopes),
		triggers: map[string]*trigger{},
		replies:  map[string]*responseURL{},
		rates:    newRates(),
	}
	w.hub = w.newHub()
	w.tokens["xoxb-0-conclave-bot"] = &token{kind: botToken}
	w.tokens["xapp-1-conclave-app"] = &token{kind: appToken}
	w.addSlackbotLocked()
	w.bot = w.addPersonLocked("ceremony", []Trait{Machine})
	w.server = &http.Server{Handler: w.handler(), ReadHeaderTimeout: 10 * time.Second}
	w.running.Go(func() { _ = w.server.Serve(listener) })
	return w, nil
}

// Close cuts every connection and waits until all goroutines of the workspace have ended.
func (w *Workspace) Close() {
	w.mu.Lock()
	w.closed = true
	w.hub.Stop()
	w.changeLocked()
	w.mu.Unlock()
	_ = w.server.Close()
	w.running.Wait()
}

// URL returns the address that stands for https://slack.com: "http://127.0.0.1:PORT". The Web API is at URL()+"/api/".
func (w *Workspace) URL() string { return "http://" + w.listener.Addr().String() }

// BotToken returns the app's bot token (xoxb-…).
func (w *Workspace) BotToken() string { return "xoxb-0-conclave-bot" }

// AppToken returns the app-level token (xapp-…) that opens sockets.
func (w *Workspace) AppToken() string { return "xapp-1-conclave-app" }

// TeamID returns the workspace's id.
func (w *Workspace) TeamID() string { return w.cfg.Team }

// AppID returns the app's id.
func (w *Workspace) AppID() string { return "A0CEREMONY" }

// BotID returns the id of the app's bot, as in a message's bot_id.
func (w *Workspace) BotID() string { return "B0CEREMONY" }

// Bot returns the app's bot user. It is a member like others, but acts only through the Web API.
func (w *Workspace) Bot() *Person { return w.bot }

// WaitFor returns when holds reports true. holds is called again after every change in the workspace. If the context
// ends first, the error wraps its cause.
func (w *Workspace) WaitFor(ctx context.Context, holds func() bool) error {
	for {
		w.mu.Lock()
		changed, closed := w.changed, w.closed
		w.mu.Unlock()
		if holds() {
			return nil
		}
		if closed {
			return fmt.Errorf("wait in workspace: %w", ErrClosed)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait in workspace: %w", context.Cause(ctx))
		}
	}
}

func (w *Workspace) changeLocked() {
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *Workspace) idLocked(prefix string) string {
	w.ids[prefix]++
	return fmt.Sprintf("%s0%07d", prefix, w.ids[prefix])
}

// uuidLocked returns a new id in the form of a UUID, as envelopes and typed messages have.
func (w *Workspace) uuidLocked() string {
	var id strings.Builder
	for i, group := range []int{8, 4, 4, 4, 12} {
		if i > 0 {
			id.WriteByte('-')
		}
		for range group {
			id.WriteByte("0123456789abcdef"[w.random.IntN(16)])
		}
	}
	return id.String()
}

// tsLocked returns the next timestamp: "seconds.microseconds", unique and rising. Slack promises that for each channel.
func (w *Workspace) tsLocked() string {
	now := w.cfg.Now().Truncate(time.Microsecond)
	if !now.After(w.lastTS) {
		now = w.lastTS.Add(time.Microsecond)
	}
	w.lastTS = now
	return formatTS(now)
}

func formatTS(t time.Time) string {
	return fmt.Sprintf("%d.%06d", t.Unix(), t.Nanosecond()/int(time.Microsecond))
}

// after calls what when d has passed, with the workspace locked, unless the workspace is closed by then.
func (w *Workspace) after(d time.Duration, what func()) *time.Timer {
	return time.AfterFunc(d, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !w.closed {
			what()
		}
	})
}
