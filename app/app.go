// Package app puts the program together: it makes keys, Vault clients, archives, the
// engine and the bot from the configuration. It is the one room that knows all of them.
// Nothing that it makes has sent anything when it is returned.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"conclave/bot"
	"conclave/ceremony"
	"conclave/ceremony/engine"
	"conclave/ceremony/event"
	"conclave/ceremony/handover"
	"conclave/ceremony/index"
	"conclave/ceremony/journal"
	"conclave/ceremony/mark"
	"conclave/ceremony/openpgp"
	"conclave/ceremony/rules"
	"conclave/ceremony/transcript/page"
	"conclave/ceremony/wording"
	"conclave/config"
	"conclave/host"
)

// Conclave is the whole bot, ready to run. The caller closes it.
type Conclave struct {
	*Backend
	Identity ceremony.Fingerprint // that holders pin

	bot   *bot.Bot
	id    *openpgp.Identity
	sign  *signer
	relay *relay
	log   *slog.Logger

	mu      sync.Mutex
	config  *config.Config // as it was read last
	keys    Keyring
	running Running
}

// Assemble makes every part from the configuration. It takes the journal's lock
// and sends nothing anywhere.
func Assemble(c *config.Config, log *slog.Logger) (*Conclave, error) {
	keys, err := ReadKeys(c)
	if err != nil {
		return nil, err
	}
	all := &Conclave{config: c, keys: keys, log: log, sign: &signer{}, relay: &relay{}, running: running(c)}
	if all.id, err = LoadIdentity(c.Identity); err != nil {
		return nil, err
	}
	pgp := openpgp.New(all.id, slices.Collect(maps.Values(keys)))
	all.Identity = pgp.Identity()
	all.sign.Store(pgp)
	if all.bot, err = NewBot(c, pgp, all.sign, all.due, log); err != nil {
		return nil, err
	}
	all.Backend, err = NewBackend(c, keys, engine.Config{OpenPGP: pgp, Notifier: all.bot.Notifier(), Log: log})
	if err != nil {
		return nil, err
	}
	all.relay.current.Store(all.Engine)
	return all, nil
}

// Run serves until ctx ends or a part fails, and returns the first error. Intake stops
// first: the engine still does what the bot has acknowledged, and stops after it. A signal
// from hangups has the configuration reloaded.
func (c *Conclave) Run(ctx context.Context, hangups <-chan os.Signal) error {
	parts, ctx := errgroup.WithContext(ctx)
	acting, stop := context.WithCancel(context.WithoutCancel(ctx))
	parts.Go(func() error { return c.supervise(acting, hangups) })
	parts.Go(func() error { return c.tellExpiring(ctx) })
	parts.Go(func() error {
		defer stop()
		return c.bot.Run(ctx, c.relay)
	})
	return parts.Wait()
}

// signer signs for the bot with the certificates that were read last.
type signer struct {
	atomic.Pointer[openpgp.OpenPGP]
}

// SignDelivery implements [wording.Signer].
func (s *signer) SignDelivery(p ceremony.Parcel) (ceremony.SignedParcel, error) {
	return s.Load().SignDelivery(p)
}

// SignInstruction implements [wording.Signer].
func (s *signer) SignInstruction(i ceremony.Instruction) (ceremony.SignedInstruction, error) {
	return s.Load().SignInstruction(i)
}

// indexName is the name of the index's file in the journal's folder. No ceremony's file has
// such a name.
const indexName = ".index"

// Backend is a conclave without its way to people: the engine, the journal and the
// Vault clients. Slack and the terminal are two such ways.
type Backend struct {
	Engine  *engine.Engine
	Marks   *mark.Keeper
	journal *journal.Journal
	vaults  map[string]*connection // cluster →
	made    engine.Config          // what the engine was made of
}

// NewBackend makes sure that the journal is this account's alone, takes its lock, reads the
// marks of how far it was, and logs how secrets are protected. It completes with, which names the way to people, by
// everything that the configuration says. It sends nothing anywhere.
func NewBackend(c *config.Config, keys Keyring, with engine.Config) (_ *Backend, err error) {
	all := &Backend{}
	if err := host.TrustedJournal(c.Journal.Directory); err != nil {
		return nil, fmt.Errorf("journal.directory: %w", err)
	}
	if err := host.TrustedMarks(c.Journal.MarksFile()); err != nil {
		return nil, fmt.Errorf("journal.marks: %w", err)
	}
	if all.journal, err = journal.OpenJournal(string(c.Journal.Directory), with.OpenPGP.JournalKey()); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, all.Close())
		}
	}()
	with.Journal, with.Forget, with.Signatures = all.journal, host.CollectGarbage, openpgp.Signatures{}
	with.Keys = &handover.Keys{}
	host.ForgoPrivileges()
	host.LogProtections(with.Log, host.Protections())
	if all.vaults, err = connect(c, nil); err != nil {
		return nil, err
	}
	archives, err := NewArchives(c)
	if err != nil {
		return nil, err
	}
	for _, a := range archives {
		with.Archives = append(with.Archives, a)
	}
	with.Files = transcriptFiles
	all.made = with
	all.renew(c, keys)
	return all, nil
}

// renew makes an engine of the configuration. One that was there before must have stopped.
func (b *Backend) renew(c *config.Config, keys Keyring) {
	with := b.made
	b.Marks = mark.NewKeeper(string(c.Journal.MarksFile()), with.OpenPGP.JournalKey(), with.Log)
	with.Marks = b.Marks
	with.Index = index.NewFile(filepath.Join(string(c.Journal.Directory), indexName), with.OpenPGP.JournalKey())
	with.Conditions = func() event.Conditions { return conditions(c) }
	with.Clusters = nil
	for _, name := range slices.Sorted(maps.Keys(c.Clusters)) {
		with.Clusters = append(with.Clusters, cluster(c, name, keys, b.vaults[name].Client))
	}
	b.Engine = engine.NewEngine(with)
}

// Close closes the Vault clients, which gives their tokens back, and the journal, which
// gives its lock back. Run must have returned.
func (b *Backend) Close() error {
	for _, v := range b.vaults {
		v.Close()
	}
	return b.journal.Close()
}

// NewBot makes the Slack side, without sending anything. sign signs what people get. due
// returns the files that were changed since the configuration was read, and may be nil.
func NewBot(
	c *config.Config, pgp ceremony.OpenPGP, sign wording.Signer, due func() []string, log *slog.Logger,
) (*bot.Bot, error) {
	app, err := host.ReadSecret(c.Slack.AppTokenFile)
	if err != nil {
		return nil, fmt.Errorf("read slack.app_token_file: %w", err)
	}
	token, err := host.ReadSecret(c.Slack.BotTokenFile)
	if err != nil {
		return nil, fmt.Errorf("read slack.bot_token_file: %w", err)
	}
	return bot.New(bot.Config{
		AppToken: string(app),
		BotToken: string(token),
		APIURL:   c.Slack.APIURL,
		Pace:     c.Slack.Pace,
		Team:     c.Slack.Team,
		Channel:  c.Slack.Channel,
		Channels: channels(c),
		Sign:     sign,
		Due:      due,
		Mark:     func(s rules.State) string { return mark.Token(pgp.JournalKey(), mark.Of(s)) },
		Files:    transcriptFiles,
		Log:      log,
	})
}

// channels returns the clusters that have a channel of their own: cluster → channel id.
func channels(c *config.Config) map[string]string {
	own := map[string]string{}
	for name, cluster := range c.Clusters {
		if cluster.Channel != "" {
			own[name] = cluster.Channel
		}
	}
	return own
}

// transcriptFiles returns the files of a transcript that people and archives get.
func transcriptFiles(c rules.State, signed event.TranscriptSigned) ([]ceremony.File, error) {
	return page.Files(c, signed, openpgp.Signatures{}, wording.Tell)
}

// NewLog returns a log that writes to w, in the configured format and from the
// configured level on.
func NewLog(l config.Log, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		panic(err) // the configuration was checked
	}
	options := &slog.HandlerOptions{Level: level}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
