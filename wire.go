package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"

	"conclave/bot"
	"conclave/ceremony"
	"conclave/ceremony/openpgp"
	"conclave/ceremony/page"
	"conclave/vault"
)

// keyring is the PGP certificate of everybody who has one.
type keyring map[string]*openpgp.Certificate // name → certificate

// readKeys reads every person's key. The error is of type [Problems].
func (c *Config) readKeys() (keyring, error) {
	keys := keyring{}
	owner := map[ceremony.Fingerprint]string{} // fingerprint → person
	var found []problem
	for _, name := range slices.Sorted(maps.Keys(c.People)) {
		if c.People[name].Key == "" {
			continue
		}
		path := "people." + name + ".key"
		certificate, err := readCertificate(c.People[name].Key)
		if err != nil {
			found = append(found, problem{path, c.lineOf(path), err.Error()})
			continue
		}
		if first, taken := owner[certificate.Fingerprint()]; taken {
			found = append(found, problem{path, c.lineOf(path), fmt.Sprintf("is the key of %s as well: who signed what could not be told", first)})
		}
		owner[certificate.Fingerprint()] = name
		keys[name] = certificate
	}
	if len(found) > 0 {
		return nil, c.problems(found)
	}
	return keys, nil
}

func readCertificate(path Path) (*openpgp.Certificate, error) {
	data, err := readTrusted(path)
	if err != nil {
		return nil, err
	}
	certificate, err := openpgp.ReadCertificate(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return certificate, nil
}

// people are the named ones as plans pin them.
func (c *Config) people(names []string, keys keyring) []ceremony.Person {
	list := make([]ceremony.Person, len(names))
	for i, name := range names {
		list[i] = ceremony.Person{Name: name, Account: c.account(c.People[name]), Class: c.People[name].Class}
		if key := keys[name]; key != nil {
			list[i].Key = key.Fingerprint()
		}
	}
	return list
}

// cluster is a cluster as the engine needs it.
func (c *Config) cluster(name string, keys keyring, v ceremony.Vault) ceremony.Cluster {
	from := c.Clusters[name]
	cluster := ceremony.Cluster{
		Name:         name,
		Vault:        v,
		Initiators:   c.people(from.Initiators, keys),
		Approvers:    c.people(from.Approvers, keys),
		Approvals:    from.Approvals,
		Holders:      c.people(from.Holders, keys),
		Receivers:    c.people(from.receivers(), keys),
		NewThreshold: from.Threshold,
		Verification: from.Verification,
		Backup:       from.Backup,
		Window:       from.Window,
		Poll:         from.Poll,
		Watch:        from.Watch && from.allows(ceremony.Unseal),
		Interference: from.Interference,
		Owners:       c.people(from.owners(c.People), keys),
	}
	cluster.Witnesses = c.people(from.Witnesses, keys)
	cluster.Policies = map[ceremony.Operation]ceremony.Policy{}
	for _, name := range from.Operations {
		op := ceremony.Operation(name)
		cluster.Operations = append(cluster.Operations, op)
		cluster.Policies[op] = from.policy(op)
	}
	return cluster
}

// newVault makes the client of one cluster, without sending anything.
func (c *ClusterConfig) newVault() (*vault.Client, error) {
	if c.CAFile != "" {
		if err := trusted(c.CAFile); err != nil { // a system's bundle is larger than maxFile
			return nil, fmt.Errorf("read authorities: %w", err)
		}
	}
	return vault.New(vault.Config{
		Addresses:  c.Addresses,
		CAFile:     string(c.CAFile),
		ServerName: c.ServerName,
		Namespace:  c.Namespace,
		TokenFile:  string(c.TokenFile),
		Login:      c.Auth.login(),
		Timeout:    c.Timeout,
	})
}

// login is the way to a token, nil without one.
func (a AuthConfig) login() vault.Login {
	switch a.Method {
	case "approle":
		return vault.AppRole{Mount: a.Mount, RoleIDFile: string(a.RoleIDFile), SecretIDFile: string(a.SecretIDFile)}
	case "kubernetes":
		return vault.Kubernetes{Mount: a.Mount, Role: a.Role, TokenFile: string(a.JWTFile)}
	}
	return nil
}

// newBot makes the Slack side, without sending anything.
func (c *Config) newBot(opener ceremony.Opener, log *slog.Logger) (*bot.Bot, error) {
	app, err := readSecret(c.Slack.AppTokenFile)
	if err != nil {
		return nil, fmt.Errorf("read slack.app_token_file: %w", err)
	}
	token, err := readSecret(c.Slack.BotTokenFile)
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
func transcriptFiles(c ceremony.Ceremony, signed ceremony.TranscriptSigned) ([]ceremony.File, error) {
	return page.Files(c, signed, openpgp.Signatures{}, bot.Tell)
}

// newLog writes to w as the configuration says.
func (l LogConfig) newLog(w io.Writer) *slog.Logger {
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
	engine  *ceremony.Engine
	journal *ceremony.FileJournal
	vaults  []*vault.Client
}

// newChamber makes sure that the journal is ours alone, takes its lock, tells the log how secrets are protected, and
// sends nothing anywhere.
func (c *Config) newChamber(keys keyring, config ceremony.Config) (_ *chamber, err error) {
	all := &chamber{}
	if err := trustedJournal(c.Journal.Directory); err != nil {
		return nil, fmt.Errorf("journal.directory: %w", err)
	}
	if all.journal, err = ceremony.OpenJournal(string(c.Journal.Directory)); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, all.Close())
		}
	}()
	config.Journal, config.Forget, config.Signatures = all.journal, collectGarbage, openpgp.Signatures{}
	forgoPrivileges()
	logProtections(config.Log, protections())
	for _, name := range slices.Sorted(maps.Keys(c.Clusters)) {
		client, err := c.Clusters[name].newVault()
		if err != nil {
			return nil, fmt.Errorf("clusters.%s: %w", name, err)
		}
		all.vaults = append(all.vaults, client)
		config.Clusters = append(config.Clusters, c.cluster(name, keys, client))
	}
	archives, err := c.newArchives()
	if err != nil {
		return nil, err
	}
	for _, a := range archives {
		config.Archives = append(config.Archives, a)
	}
	config.Files = transcriptFiles
	all.engine = ceremony.NewEngine(config)
	return all, nil
}

// Close gives everything back. Nothing may be running any more.
func (c *chamber) Close() error {
	for _, v := range c.vaults {
		v.Close()
	}
	return c.journal.Close()
}

// readOpener reads everybody's key and the bot's own.
func (c *Config) readOpener() (keyring, *openpgp.Opener, error) {
	keys, err := c.readKeys()
	if err != nil {
		return nil, nil, err
	}
	id, err := loadIdentity(c.Identity)
	if err != nil {
		return nil, nil, err
	}
	return keys, openpgp.NewOpener(id, slices.Collect(maps.Values(keys))), nil
}

// conclave is the whole bot, ready to run.
type conclave struct {
	*chamber
	bot      *bot.Bot
	identity ceremony.Fingerprint
}

// assemble makes every part from the configuration. It takes the journal's lock
// and sends nothing anywhere.
func (c *Config) assemble(log *slog.Logger) (*conclave, error) {
	keys, opener, err := c.readOpener()
	if err != nil {
		return nil, err
	}
	all := &conclave{identity: opener.Identity()}
	if all.bot, err = c.newBot(opener, log); err != nil {
		return nil, err
	}
	if all.chamber, err = c.newChamber(keys, ceremony.Config{Opener: opener, Courier: all.bot.Courier(), Log: log}); err != nil {
		return nil, err
	}
	return all, nil
}
