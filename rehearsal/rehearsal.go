package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"conclave/rehearsal/stage"
	"conclave/vault/vaulttest"
)

// rehearsal is one run of this program: the stage and what is around it.
type rehearsal struct {
	*show
	play     play
	stage    *stage.Stage
	emulator *vaulttest.Cluster // nil if a server was given on the command line
	workshop string             // folder of the program that was built; empty if it was given
	watcher  *watcher

	gates       []string // timestamps of the witness's questions that were answered
	transcripts []string // files, taken from the threads
}

// open builds the bot and sets up the stage.
func open(ctx context.Context, o options, t terminal) (_ *rehearsal, err error) {
	h := &rehearsal{show: newShow(t, o.speed), play: o.play}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.close())
		}
	}()
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "conclave-rehearsal-"); err != nil {
			return nil, err
		}
	} else if err := mustBeNew(o.dir); err != nil {
		return nil, err
	}
	if o.conclave == "" {
		h.say("building the bot …")
		if h.workshop, err = os.MkdirTemp("", "conclave-built-"); err != nil {
			return nil, err
		}
		if o.conclave, err = stage.Build(ctx, h.workshop, false); err != nil {
			return nil, err
		}
	}
	server := stage.Server{Addrs: []string{o.vault}, CA: o.ca, Shares: o.shares, Token: o.token}
	if o.vault == "" {
		if h.emulator, err = vaulttest.New(h.play.vault); err != nil {
			return nil, err
		}
		server.Addrs, server.Uninitialised = h.emulator.Addrs(), h.play.fresh
	}
	h.stage, err = stage.Set(ctx, stage.Options{Dir: o.dir, Conclave: o.conclave, Vault: server, Configure: h.play.set(o)})
	if err != nil {
		return nil, err
	}
	if h.emulator != nil && !h.play.fresh {
		if err := h.stage.GiveLeastToken(ctx); err != nil {
			return nil, err
		}
	}
	if h.emulator != nil && h.play.damaged {
		h.emulator.Node(1).RestartInRecoveryMode()
	}
	h.watcher = newWatcher(h.stage, h.show)
	return h, h.keepKeys(ctx)
}

// mustBeNew refuses a folder that holds something: a second rehearsal in it would find the journal of other people.
func mustBeNew(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("--dir: %w", err)
	case len(entries) > 0:
		return fmt.Errorf("--dir: %s is not empty", dir)
	}
	return nil
}

func (h *rehearsal) close() error {
	var err error
	if h.stage != nil {
		err = h.stage.Close()
	}
	if h.emulator != nil {
		err = errors.Join(err, h.emulator.Close())
	}
	if h.workshop != "" {
		err = errors.Join(err, os.RemoveAll(h.workshop))
	}
	return err
}

func (h *rehearsal) introduce() {
	h.scene("The cast")
	h.cast(stage.Olga, "is on call: she proposes, and root tokens are made for her")
	h.cast(stage.Paul, "of security approves")
	for _, name := range stage.Holders() {
		words := "will get a key share"
		if slices.Contains(h.stage.Settings().Holders, name) && !h.play.fresh {
			words = "holds a key share, encrypted with PGP"
		}
		h.cast(name, words)
	}
	if len(h.stage.Settings().Witnesses) > 0 {
		h.cast(stage.Wendy, "of the auditors watches: the gated steps wait for her")
	}
	h.cast(stage.Mallory, "reads the ops channel and has no part")
	where := "an emulated Vault"
	if h.emulator == nil {
		where = "the Vault server"
	}
	h.say("")
	h.say("Vault     %s at %s", where, strings.Join(h.stage.Addrs(), " "))
	h.say("Slack     an emulated workspace at %s", h.stage.Slack.URL())
	h.say("Conclave  the real bot. Everybody has pinned its fingerprint:")
	h.line("identity %s", h.stage.Identity)
}

func (h *rehearsal) farewell() {
	h.say("")
	if h.emulator == nil {
		h.say("Your server's unseal keys are in %s", filepath.Join(h.keysFolder(), stage.ShareFile))
	}
	h.say("Everything is kept in %s. To check the journal again:", h.stage.Dir())
	h.say("  go run . verify %s", h.stage.JournalDir())
	for _, file := range h.transcripts {
		h.say("  go run . verify %s --identity %s", file, h.stage.Identity)
	}
	h.line("journal %s", h.stage.JournalDir())
}
