package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"
	"golang.org/x/sync/errgroup"

	"conclave/bot/transport"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/ledger"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// Config is what a bot needs.
type Config struct {
	AppToken string // xapp-…, with connections:write; opens the socket
	BotToken string // xoxb-…
	// APIURL is where Slack's Web API is, with a slash at the end. Empty means
	// Slack's own; another one is a proxy or a rehearsal.
	APIURL string
	// Pace is the least time between two posts in one channel. All other gaps between calls
	// shrink with it. Zero means what Slack takes. A rehearsal need not wait.
	Pace time.Duration
	// Team is the workspace's id (T…). People of every other one are turned away.
	Team string
	// Channel is the id of the channel in which ceremonies are shown.
	Channel string
	// Channels are the clusters that are shown elsewhere: cluster → channel id.
	Channels map[string]string
	// Sign signs what people get, and what they are told to run.
	Sign wording.Signer
	// Mark returns how far a ceremony's journal is, authenticated, as its posts carry it.
	Mark func(rules.State) string
	// Files returns the files of a signed transcript. It returns the same ones every time.
	Files func(rules.State, event.TranscriptSigned) ([]ceremony.File, error)
	// Due returns the files that were changed since the configuration was read. It may be nil.
	Due func() []string
	Log *slog.Logger
}

// channels returns the ids of all channels in which ceremonies are shown.
func (c Config) channels() []string {
	all := map[string]bool{c.Channel: true}
	for _, id := range c.Channels {
		all[id] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// Engine is what the bot asks of the ceremonies. The engine of package engine is one.
type Engine interface {
	Ready() <-chan struct{}
	Propose(context.Context, ceremony.Proposal) (rules.State, error)
	Approve(ctx context.Context, id ceremony.ID, by ceremony.Account, planHash string) (rules.State, error)
	Reject(ctx context.Context, id ceremony.ID, by ceremony.Account, why string) (rules.State, error)
	Cancel(ctx context.Context, id ceremony.ID, by ceremony.Account, why string) (rules.State, error)
	Resume(ctx context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error)
	Reset(ctx context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error)
	Reverify(ctx context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error)
	Delete(ctx context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error)
	NameToken(ctx context.Context, id ceremony.ID, by ceremony.Account, accessor string) (rules.State, error)
	TokenRevoked(ctx context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error)
	Acknowledge(ctx context.Context, id ceremony.ID, by ceremony.Account, why, signed string) (rules.State, error)
	KeyReport(ctx context.Context, cluster string) (ledger.KeyReport, error)
	Freeze(ctx context.Context, id ceremony.ID, by ceremony.Account, why string) (rules.State, error)
	Proceed(ctx context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error)
	Note(ctx context.Context, id ceremony.ID, by ceremony.Account, text string) (rules.State, error)
	Testify(ctx context.Context, id ceremony.ID, by ceremony.Account, agrees bool, why string) (rules.State, error)
	PeekStatement(pasted []byte) (line string, ok bool)
	SubmitStatement(ctx context.Context, by ceremony.Account, pasted []byte) (ceremony.ID, ceremony.Verb, error)
	Share(context.Context, ceremony.Envelope) (ceremony.ID, error)
	Exposed(ctx context.Context, by ceremony.Account, kind ceremony.Finding) ([]ceremony.ID, error)
	Ceremony(ceremony.ID) (rules.State, rules.Live, error)
	Current() []rules.State
	Past(cluster string, most int) (newest []rules.State, all int)
	Named(word string) (open, ended []ceremony.ID)
	Exposures(cluster string) []ledger.Exposure
	SetAside() []ceremony.Aside
	IsDigest(word string) bool
	Clusters() []ceremony.Cluster
}

// Bot is Conclave in one Slack workspace.
type Bot struct {
	config         Config
	rhythm         transport.Rhythm
	http           *http.Client
	api            *slack.Client
	log            *slog.Logger
	health         *transport.Monitor
	accounts       *transport.Accounts
	notifier       *notifier
	directMessages *transport.DirectMessages
	dedup          *transport.Dedup
	queue          *transport.Queue
	answers        *transport.Queue  // in direct messages, which wait for their turn
	helped         *transport.Pacer  // person → when help may be given unasked again
	leaksTold      *transport.Pacer  // person and kind of exposure → when an alarm may be raised again
	strangers      *transport.Budget // user id → how much of what they send is still searched
}

const (
	// actTimeout bounds everything that one command, click or message sets off.
	actTimeout = 2 * time.Minute
	// helpPace is the least time between two helps that a person did not ask for.
	helpPace = time.Minute
	// leakPace is the least time between two alarms about the same person and kind of secret.
	leakPace = 10 * time.Minute
	// How many characters of strangers are searched for secrets: a second, saved up to so
	// many, and of all strangers together so many times as many. A message has up to 40,000.
	strangerPace, strangerBurst, allStrangers = 20_000, 1_000_000, 8
	// lastWords is how long answers may still wait for their turn when the program is told to
	// stop. What people have sent is in the journal by then, or was refused.
	lastWords = 3 * time.Second
	// healthPace is how often the health is logged.
	healthPace = time.Minute
)

// New makes a bot that does nothing until Run. An error says which field of the
// configuration can't be right.
func New(config Config) (*Bot, error) {
	switch {
	case !strings.HasPrefix(config.AppToken, "xapp-"):
		return nil, errors.New("new bot: the app token is no app-level token (xapp-…)")
	case !strings.HasPrefix(config.BotToken, "xoxb-"):
		return nil, errors.New("new bot: the bot token is no bot token (xoxb-…)")
	case config.Team == "" || config.Channel == "":
		return nil, errors.New("new bot: team and channel are needed")
	case config.Sign == nil || config.Mark == nil || config.Files == nil || config.Log == nil:
		return nil, errors.New("new bot: Sign, Mark, Files and Log are needed")
	case config.APIURL != "" && !strings.HasSuffix(config.APIURL, "/"):
		return nil, errors.New("new bot: the API's URL has no slash at its end")
	}
	h := &transport.Monitor{}
	client := &http.Client{Timeout: transport.CallTimeout}
	pace := transport.NewPace(cmp.Or(config.Pace, transport.PostPace))
	options := []slack.Option{slack.OptionHTTPClient(transport.NewRateLimitedClient(client, pace, h))}
	if config.APIURL != "" {
		options = append(options, slack.OptionAPIURL(config.APIURL))
	}
	api := slack.New(config.BotToken, options...)
	directMessages, accounts := transport.NewDirectMessages(api), transport.NewAccounts(api, config.Team)
	return &Bot{
		config:         config,
		rhythm:         transport.NormalRhythm(),
		http:           client,
		api:            api,
		log:            config.Log,
		health:         h,
		accounts:       accounts,
		directMessages: directMessages,
		notifier:       newNotifier(api, directMessages, transport.NewChannels(api), accounts, pace, h, config),
		dedup:          transport.NewDedup(),
		queue:          transport.NewQueue(),
		answers:        transport.NewQueue(),
		helped:         transport.NewPacer(helpPace),
		leaksTold:      transport.NewPacer(leakPace),
		strangers:      transport.NewBudget(strangerPace, strangerBurst, allStrangers),
	}, nil
}

// Notifier returns what brings the engine's messages to people. It works without Run.
func (b *Bot) Notifier() *notifier { return b.notifier }

// Health returns the signs of how well the connection to Slack works.
func (b *Bot) Health() transport.Health { return b.health.Snapshot() }

// Run takes in what people do until ctx ends. Then it finishes what it has acknowledged.
// It takes nothing in before the engine is ready: until then Slack keeps it. An error
// wraps transport.ErrSocket or ErrWorkspace; waiting cures neither.
func (b *Bot) Run(ctx context.Context, engine Engine) error {
	if err := b.signIn(ctx); err != nil {
		return err
	}
	select {
	case <-engine.Ready():
	case <-ctx.Done():
		return nil
	}
	// What was acknowledged is done even when the program is told to stop.
	answering, hush := context.WithCancel(context.WithoutCancel(ctx))
	defer hush()
	inbox := &inbox{Bot: b, engine: engine, work: context.WithoutCancel(ctx), answering: answering}
	socket := &transport.Supervisor{
		AppToken: b.config.AppToken, BotToken: b.config.BotToken, APIURL: b.config.APIURL,
		HTTP: b.http, Rhythm: b.rhythm, Health: b.health, Log: b.log, Take: inbox.take,
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer func() {
			defer time.AfterFunc(lastWords, hush).Stop()
			b.queue.Drain()
			b.answers.Drain()
		}()
		return socket.Run(ctx)
	})
	group.Go(func() error {
		told := false
		for transport.Sleep(ctx, healthPace) == nil {
			h := b.Health()
			b.log.Debug("connection to Slack", "health", h)
			if deaf := h.DeafInChannels(time.Now()); deaf != told {
				told = deaf
				b.tellDeafness(deaf)
			}
		}
		return nil
	})
	return group.Wait()
}

// tellDeafness logs that Slack does not send what people write in channels, or that it does.
func (b *Bot) tellDeafness(deaf bool) {
	if !deaf {
		b.log.Info("Slack sends what is written in channels")
		return
	}
	b.log.Error("Slack does not send what is written in channels: secrets there are not seen. "+
		"Update the app from `conclave manifest` and install it again", "events", "message.channels, message.groups")
}

// ErrWorkspace means that the bot token is of another workspace, or not accepted.
var ErrWorkspace = errors.New("the bot token can't be used")

// signIn makes sure that the token is of the configured workspace. It tries again while
// Slack can't be reached.
func (b *Bot) signIn(ctx context.Context) error {
	for ctx.Err() == nil {
		me, err := b.api.AuthTestContext(ctx)
		switch said, refused := errors.AsType[slack.SlackErrorResponse](err); {
		case err == nil && me.TeamID != b.config.Team && me.EnterpriseID != b.config.Team:
			return fmt.Errorf("sign in to Slack: the token is of workspace %s, the configuration says %s: %w", me.TeamID, b.config.Team, ErrWorkspace)
		case err == nil:
			b.health.Note(func(h *transport.Health) { h.LastAuthTest = time.Now() })
			return nil
		case refused && !transport.ServerTrouble(said.Err):
			return fmt.Errorf("sign in to Slack: Slack says %s: %w", said.Err, ErrWorkspace)
		}
		b.log.Warn("Slack can't be reached", "error", err)
		_ = transport.Sleep(ctx, b.rhythm.LeastGap)
	}
	return nil
}
