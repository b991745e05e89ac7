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
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"conclave/bot"
	"conclave/ceremony"
	"conclave/ceremony/engine"
	"conclave/ceremony/event"
	"conclave/ceremony/index"
	"conclave/ceremony/journal"
	"conclave/ceremony/mark"
	"conclave/ceremony/openpgp"
	"conclave/ceremony/rules"
	"conclave/ceremony/transcript/page"
	"conclave/ceremony/wording"
	"conclave/config"
	"conclave/host"
	"conclave/vault"
)

// Conclave is the whole bot, ready to run. The caller closes it.
type Conclave struct {
	*Backend
	bot      *bot.Bot
	Identity ceremony.Fingerprint // that holders pin
}

// Assemble makes every part from the configuration. It takes the journal's lock
// and sends nothing anywhere.
func Assemble(c *config.Config, log *slog.Logger) (*Conclave, error) {
	keys, pgp, err := ReadOpenPGP(c)
	if err != nil {
		return nil, err
	}
	all := &Conclave{Identity: pgp.Identity()}
	if all.bot, err = NewBot(c, pgp, log); err != nil {
		return nil, err
	}
	all.Backend, err = NewBackend(c, keys, engine.Config{OpenPGP: pgp, Notifier: all.bot.Notifier(), Log: log})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Run serves until ctx ends or a part fails, and returns the first error. Intake stops
// first: the engine still does what the bot has acknowledged, and stops after it.
func (c *Conclave) Run(ctx context.Context) error {
	parts, ctx := errgroup.WithContext(ctx)
	acting, stop := context.WithCancel(context.WithoutCancel(ctx))
	parts.Go(func() error { return c.Engine.Run(acting) })
	for _, v := range c.vaults {
		parts.Go(func() error { return v.Run(acting) })
	}
	parts.Go(func() error {
		defer stop()
		return c.bot.Run(ctx, c.Engine)
	})
	return parts.Wait()
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
	vaults  []*vault.Client
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
	all.Marks = mark.NewKeeper(string(c.Journal.MarksFile()), with.OpenPGP.JournalKey(), with.Log)
	with.Marks = all.Marks
	with.Index = index.NewFile(filepath.Join(string(c.Journal.Directory), indexName), with.OpenPGP.JournalKey())
	with.Conditions = func() event.Conditions { return conditions(c) }
	host.ForgoPrivileges()
	host.LogProtections(with.Log, host.Protections())
	for _, name := range slices.Sorted(maps.Keys(c.Clusters)) {
		client, err := NewVault(c.Clusters[name])
		if err != nil {
			return nil, fmt.Errorf("clusters.%s: %w", name, err)
		}
		all.vaults = append(all.vaults, client)
		with.Clusters = append(with.Clusters, cluster(c, name, keys, client))
	}
	archives, err := NewArchives(c)
	if err != nil {
		return nil, err
	}
	for _, a := range archives {
		with.Archives = append(with.Archives, a)
	}
	with.Files = transcriptFiles
	all.Engine = engine.NewEngine(with)
	return all, nil
}

// Close closes the Vault clients, which gives their tokens back, and the journal, which
// gives its lock back. Run must have returned.
func (b *Backend) Close() error {
	for _, v := range b.vaults {
		v.Close()
	}
	return b.journal.Close()
}

// NewBot makes the Slack side, without sending anything. pgp signs deliveries.
func NewBot(c *config.Config, pgp ceremony.OpenPGP, log *slog.Logger) (*bot.Bot, error) {
	app, err := host.ReadToken(c.Slack.AppTokenFile)
	if err != nil {
		return nil, fmt.Errorf("read slack.app_token_file: %w", err)
	}
	token, err := host.ReadToken(c.Slack.BotTokenFile)
	if err != nil {
		return nil, fmt.Errorf("read slack.bot_token_file: %w", err)
	}
	channels := map[string]string{}
	for name, cluster := range c.Clusters {
		if cluster.Channel != "" {
			channels[name] = cluster.Channel
		}
	}
	return bot.New(bot.Config{
		AppToken: string(app),
		BotToken: string(token),
		APIURL:   c.Slack.APIURL,
		Pace:     c.Slack.Pace,
		Team:     c.Slack.Team,
		Channel:  c.Slack.Channel,
		Channels: channels,
		Sign:     pgp,
		Mark:     func(s rules.State) string { return mark.Token(pgp.JournalKey(), mark.Of(s)) },
		Files:    transcriptFiles,
		Log:      log,
	})
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
