package stage

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"conclave/bot/slacktest"
	"conclave/ceremony"
	"conclave/vault/vaulttest/operator"
)

// Options describe what to set up. Dir, Conclave and Vault.Addrs are required.
type Options struct {
	// Dir is the folder for everything that is written. It is made if it doesn't exist.
	Dir string
	// Conclave is the program's path, as Build returns it.
	Conclave string
	// Vault is the server.
	Vault Server
	// Keyring makes the keyring of each person of the cast. Nil means Software.
	Keyring func(ctx context.Context, dir, name string) (Keyring, error)
	// Configure may change the settings before they are first written.
	Configure func(*Settings)
	// Slack is the configuration of the workspace. Without its Timing, the bot may be slower than Slack allows.
	Slack slacktest.Config
	// Environment is the bot's environment beside HOME.
	Environment []string
	// Patience is how long a wait lasts before it is an error. Zero means two minutes.
	Patience time.Duration
}

// Stage is a bot and everything around it. Its methods may be called from any
// goroutine.
type Stage struct {
	// Slack is the workspace, and Ops its channel in which ceremonies are shown.
	Slack *slacktest.Workspace
	Ops   *slacktest.Channel
	// Vault is an operator with a root token and a terminal.
	Vault *operator.Operator
	// Identity is the bot's fingerprint. All people have pinned it.
	Identity ceremony.Fingerprint

	dir      string
	conclave string
	server   Server
	settings Settings
	patience time.Duration
	extra    []string // of the environment
	printed  string   // by "conclave identity"
	people   []*Person

	mu      sync.Mutex
	process *process                 // nil before the first start
	known   map[string]string        // secret's name → value, which must be found nowhere
	private struct{ of, key string } // the identity's file, and its private key
}

// Set sets up a stage: people, keys, an initialised and unsealed Vault, shares with their holders, the bot's identity,
// the configuration. The bot is not started. Close it, also after an error of any method.
func Set(ctx context.Context, o Options) (_ *Stage, err error) {
	if o.Keyring == nil {
		o.Keyring = Software
	}
	s := &Stage{
		dir: o.Dir, conclave: o.Conclave, server: o.Vault, settings: defaultSettings(),
		patience: o.Patience, extra: o.Environment, known: map[string]string{},
	}
	if s.patience == 0 {
		s.patience = 2 * time.Minute
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("set the stage: %w", err), s.Close())
		}
	}()
	if s.dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, err
	}
	if s.conclave, err = filepath.Abs(o.Conclave); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	if o.Slack.Timing.Ack == 0 {
		o.Slack.Timing.Grace = time.Minute
	}
	if s.Slack, err = slacktest.Start(o.Slack); err != nil {
		return nil, err
	}
	if err := s.invite(ctx, o.Keyring); err != nil {
		return nil, err
	}
	if err := s.prepareVault(ctx); err != nil {
		return nil, err
	}
	if err := s.makeIdentity(ctx); err != nil {
		return nil, err
	}
	if err := errors.Join(
		s.writeSecret("slack-app-token", s.Slack.AppToken()),
		s.writeSecret("slack-bot-token", s.Slack.BotToken()),
	); err != nil {
		return nil, err
	}
	if s.HasToken() {
		if err := s.writeSecret("vault-token", s.botToken()); err != nil {
			return nil, err
		}
	}
	return s, s.Configure(o.Configure)
}

// Close ends everything that was started. What was written stays.
func (s *Stage) Close() error {
	err := s.KillBot()
	for _, p := range s.people {
		err = errors.Join(err, p.Keys.Close())
	}
	if s.Slack != nil {
		s.Slack.Close()
	}
	return err
}

// Dir returns the folder of everything that was written.
func (s *Stage) Dir() string { return s.dir }

// makeIdentity makes the bot's key as an operator does, and lets all people pin it.
func (s *Stage) makeIdentity(ctx context.Context) error {
	passphrase := rand.Text()
	if err := s.writeSecret("identity-passphrase", passphrase); err != nil {
		return err
	}
	s.Know("the identity's passphrase", passphrase)
	out, err := s.Run(ctx, "identity", "new", "--name", "Conclave on stage",
		"--key", filepath.Join(s.dir, secret("identity.asc")),
		"--passphrase-file", filepath.Join(s.dir, secret("identity-passphrase")))
	if err != nil {
		return err
	}
	if s.Identity, err = parseIdentity(out); err != nil {
		return err
	}
	s.printed = out
	for _, p := range s.people {
		if err := p.Keys.Pin(ctx, out, s.Identity); err != nil {
			return fmt.Errorf("%s pins the identity: %w", p.Name, err)
		}
	}
	return nil
}

// Know registers a secret: from now on Leaks looks for it everywhere.
func (s *Stage) Know(name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[name] = value
}
