package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"conclave/bot"
	"conclave/ceremony"
	"conclave/ceremony/engine"
	"conclave/ceremony/event"
	"conclave/ceremony/journal"
	"conclave/ceremony/openpgp"
	"conclave/ceremony/rules"
	"conclave/ceremony/transcript/page"
	"conclave/ceremony/wording"
	"conclave/config"
	"conclave/host"
	"conclave/vault"
)

func LoadIdentity(c config.IdentityConfig) (*openpgp.Identity, error) {
	passphrase, err := host.ReadSecret(c.PassphraseFile)
	if err != nil {
		return nil, fmt.Errorf("read passphrase: %w", err)
	}
	defer clear(passphrase)
	// A passphrase protects the key, but a file that everybody may copy can be
	// tried against every passphrase.
	if _, err := host.ReadFile(c.KeyFile, true); err != nil {
		return nil, fmt.Errorf("read identity: %w", err)
	}
	return openpgp.Load(string(c.KeyFile), passphrase)
}

// Run serves until ctx ends or a part gives up. Intake stops first: what the bot
// has acknowledged is still done by the engine, which stops after it.
func (c *conclave) Run(ctx context.Context) error {
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

// keyring is the PGP certificate of everybody who has one.
type keyring map[string]*openpgp.Certificate // name → certificate

// ReadKeys reads every person's key. The error is of type [config.Problems].
func ReadKeys(c *config.Config) (keyring, error) {
	keys := keyring{}
	owner := map[ceremony.Fingerprint]string{} // fingerprint → person
	var found []config.Problem
	for _, name := range slices.Sorted(maps.Keys(c.People)) {
		if c.People[name].Key == "" {
			continue
		}
		path := "people." + name + ".key"
		certificate, err := readCertificate(c.People[name].Key)
		if err != nil {
			found = append(found, config.Problem{Path: path, Line: c.LineOf(path), What: err.Error()})
			continue
		}
		if first, taken := owner[certificate.Fingerprint()]; taken {
			found = append(found, config.Problem{Path: path, Line: c.LineOf(path), What: fmt.Sprintf("is the key of %s as well: who signed what could not be told", first)})
		}
		owner[certificate.Fingerprint()] = name
		keys[name] = certificate
	}
	if len(found) > 0 {
		return nil, c.Problems(found)
	}
	return keys, nil
}

func readCertificate(path host.Path) (*openpgp.Certificate, error) {
	data, err := host.ReadTrusted(path)
	if err != nil {
		return nil, err
	}
	certificate, err := openpgp.ReadCertificate(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return certificate, nil
}

// People are the named ones as plans pin them.
func People(c *config.Config, names []string, keys keyring) []ceremony.Person {
	list := make([]ceremony.Person, len(names))
	for i, name := range names {
		list[i] = ceremony.Person{Name: name, Account: c.Account(c.People[name]), Class: c.People[name].Class}
		if key := keys[name]; key != nil {
			list[i].Key = key.Fingerprint()
		}
	}
	return list
}

// cluster is a cluster as the engine needs it.
func cluster(c *config.Config, name string, keys keyring, v ceremony.Vault) ceremony.Cluster {
	from := c.Clusters[name]
	cluster := ceremony.Cluster{
		Name:         name,
		Vault:        v,
		Initiators:   People(c, from.Initiators, keys),
		Approvers:    People(c, from.Approvers, keys),
		Approvals:    from.Approvals,
		Holders:      People(c, from.Holders, keys),
		Receivers:    People(c, from.KeyReceivers(), keys),
		NewThreshold: from.Threshold,
		Verification: from.Verification,
		Backup:       from.Backup,
		Window:       from.Window,
		Poll:         from.Poll,
		Watch:        from.Watch && from.Allows(ceremony.Unseal),
		Interference: from.Interference,
		Owners:       People(c, from.AlarmOwners(c.People), keys),
	}
	cluster.Witnesses = People(c, from.Witnesses, keys)
	cluster.Policies = map[ceremony.Operation]ceremony.Policy{}
	for _, name := range from.Operations {
		op := ceremony.Operation(name)
		cluster.Operations = append(cluster.Operations, op)
		cluster.Policies[op] = from.PolicyOf(op)
	}
	return cluster
}

// NewVault makes the client of one cluster, without sending anything.
func NewVault(c *config.ClusterConfig) (*vault.Client, error) {
	if c.CAFile != "" {
		if err := host.Trusted(c.CAFile); err != nil { // a system's bundle is larger than maxFile
			return nil, fmt.Errorf("read authorities: %w", err)
		}
	}
	return vault.New(vault.Config{
		Addresses:  c.Addresses,
		CAFile:     string(c.CAFile),
		ServerName: c.ServerName,
		Namespace:  c.Namespace,
		TokenFile:  string(c.TokenFile),
		Login:      login(c.Auth),
		Timeout:    c.Timeout,
	})
}

// login is the way to a token, nil without one.
func login(a config.AuthConfig) vault.Login {
	switch a.Method {
	case "approle":
		return vault.AppRole{Mount: a.Mount, RoleIDFile: string(a.RoleIDFile), SecretIDFile: string(a.SecretIDFile)}
	case "kubernetes":
		return vault.Kubernetes{Mount: a.Mount, Role: a.Role, TokenFile: string(a.JWTFile)}
	}
	return nil
}

// NewBot makes the Slack side, without sending anything.
func NewBot(c *config.Config, opener ceremony.OpenPGP, log *slog.Logger) (*bot.Bot, error) {
	app, err := host.ReadSecret(c.Slack.AppTokenFile)
	if err != nil {
		return nil, fmt.Errorf("read slack.app_token_file: %w", err)
	}
	token, err := host.ReadSecret(c.Slack.BotTokenFile)
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
		Sign:     opener.SignDelivery,
		Files:    transcriptFiles,
		Log:      log,
	})
}

// transcriptFiles are what people and archives get of a transcript.
func transcriptFiles(c rules.State, signed event.TranscriptSigned) ([]ceremony.File, error) {
	return page.Files(c, signed, openpgp.Signatures{}, wording.Tell)
}

// NewLog writes to w as the configuration says.
func NewLog(l config.LogConfig, w io.Writer) *slog.Logger {
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

// chamber is where ceremonies are held, with whatever courier: the rules, the
// journal and the Vault clients.
type chamber struct {
	Engine  *engine.Engine
	journal *journal.FileJournal
	vaults  []*vault.Client
}

// NewChamber makes sure that the journal is ours alone, takes its lock, tells the log how secrets are protected, and
// sends nothing anywhere.
func NewChamber(c *config.Config, keys keyring, config engine.Config) (_ *chamber, err error) {
	all := &chamber{}
	if err := host.TrustedJournal(c.Journal.Directory); err != nil {
		return nil, fmt.Errorf("journal.directory: %w", err)
	}
	if all.journal, err = journal.OpenJournal(string(c.Journal.Directory)); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, all.Close())
		}
	}()
	config.Journal, config.Forget, config.Signatures = all.journal, host.CollectGarbage, openpgp.Signatures{}
	host.ForgoPrivileges()
	host.LogProtections(config.Log, host.Protections())
	for _, name := range slices.Sorted(maps.Keys(c.Clusters)) {
		client, err := NewVault(c.Clusters[name])
		if err != nil {
			return nil, fmt.Errorf("clusters.%s: %w", name, err)
		}
		all.vaults = append(all.vaults, client)
		config.Clusters = append(config.Clusters, cluster(c, name, keys, client))
	}
	archives, err := NewArchives(c)
	if err != nil {
		return nil, err
	}
	for _, a := range archives {
		config.Archives = append(config.Archives, a)
	}
	config.Files = transcriptFiles
	all.Engine = engine.NewEngine(config)
	return all, nil
}

// Close gives everything back. Nothing may be running any more.
func (c *chamber) Close() error {
	for _, v := range c.vaults {
		v.Close()
	}
	return c.journal.Close()
}

// ReadOpener reads everybody's key and the bot's own.
func ReadOpener(c *config.Config) (keyring, *openpgp.OpenPGP, error) {
	keys, err := ReadKeys(c)
	if err != nil {
		return nil, nil, err
	}
	id, err := LoadIdentity(c.Identity)
	if err != nil {
		return nil, nil, err
	}
	return keys, openpgp.NewOpener(id, slices.Collect(maps.Values(keys))), nil
}

// conclave is the whole bot, ready to run.
type conclave struct {
	*chamber
	bot      *bot.Bot
	Identity ceremony.Fingerprint
}

// Assemble makes every part from the configuration. It takes the journal's lock
// and sends nothing anywhere.
func Assemble(c *config.Config, log *slog.Logger) (*conclave, error) {
	keys, opener, err := ReadOpener(c)
	if err != nil {
		return nil, err
	}
	all := &conclave{Identity: opener.Identity()}
	if all.bot, err = NewBot(c, opener, log); err != nil {
		return nil, err
	}
	if all.chamber, err = NewChamber(c, keys, engine.Config{OpenPGP: opener, Notifier: all.bot.Notifier(), Log: log}); err != nil {
		return nil, err
	}
	return all, nil
}
