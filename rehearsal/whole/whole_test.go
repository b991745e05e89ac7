// Package whole_test plays whole ceremonies with nothing left out: the conclave program as a process of its own, an
// emulated Slack workspace on loopback, a real Vault server, and people who run the commands in their messages with the
// real gpg.
//
// The emulated Vault replaces the real one only where an answer has to go wrong on demand.
package whole_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conclave/bot/slacktest"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/journal"
	"conclave/ceremony/rules"
	"conclave/needs"
	"conclave/rehearsal/stage"
	"conclave/vault/vaulttest"
	"conclave/vault/vaulttest/realvault"
)

// program is the bot, built once. Under the race detector, program is built with it too, and unwatched without it.
var program, unwatched string

func TestMain(m *testing.M) {
	if needs.LeftOut() {
		fmt.Println("whole ceremonies are played under make test alone")
		return
	}
	needs.Parallel(8)
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "conclave")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		for _, bot := range []struct {
			path *string
			race bool
		}{{&program, raced}, {&unwatched, false}} {
			folder := filepath.Join(dir, fmt.Sprintf("race-%t", bot.race))
			if *bot.path, err = stage.Build(context.Background(), folder, bot.race); err != nil {
				panic(err)
			}
		}
		return m.Run()
	}())
}

// scene is a stage with what a test needs beside it.
type scene struct {
	*stage.Stage
	t   testing.TB
	tap *tap // between the bot and Vault; nil on the emulator

	received map[string]bool // ceremony and name → has stored the new share
	away     []string        // people who answer nothing
	asFiles  bool            // people send their envelopes as files
	leaky    bool            // a secret was told on purpose
	restored bool            // the journal was put back from a copy
	alarmed  bool            // the log has errors on purpose

	// The states that now has read last. It is called often, and the journal seldom grows.
	read map[ceremony.ID]rules.State
	size map[ceremony.ID]int64 // of the file at that time
}

// settings are what a scene changes in the configuration.
type settings = func(*stage.Settings)

// onVault sets up a scene on a real Vault server with Raft storage and TLS, where people have the real gpg and the bot
// a token with the fewest rights. The bot runs.
func onVault(t testing.TB, configure settings) *scene {
	t.Helper()
	return onVaultWith(t, realvault.RealOptions{}, configure)
}

// onAutoVault is onVault with a server that unseals itself, with the help of
// another one.
func onAutoVault(t testing.TB, configure settings) *scene {
	t.Helper()
	return onVaultWith(t, realvault.RealOptions{UnsealsItself: true}, func(to *stage.Settings) {
		to.Operations = []string{string(ceremony.RekeyRecovery), string(ceremony.GenerateRoot)}
		if configure != nil {
			configure(to)
		}
	})
}

func onVaultWith(t testing.TB, o realvault.RealOptions, configure settings) *scene {
	t.Helper()
	s, _ := preparedVault(t, o, configure)
	s.start()
	return s
}

// preparedVault is onVaultWith before the bot runs, for tests that prepare the server.
func preparedVault(t testing.TB, o realvault.RealOptions, configure settings) (*scene, *realvault.Real) {
	t.Helper()
	needs.Programs(t, stage.GPGPrograms()...)
	authority, err := vaulttest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	o.TLS = authority
	server := realvault.StartReal(t, o)
	s := tapped(t, authority, server.Addr(), stage.Options{Keyring: stage.GPG, Configure: configure})
	s.check(s.GiveLeastToken(s.ctx()))
	s.tap.forget()
	return s, server
}

// onNewVault is onVault with a server that is not initialised.
func onNewVault(t testing.TB, configure settings) *scene {
	t.Helper()
	needs.Programs(t, stage.GPGPrograms()...)
	authority, err := vaulttest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	server := realvault.StartReal(t, realvault.RealOptions{TLS: authority})
	s := tapped(t, authority, server.Addr(), stage.Options{
		Keyring: stage.GPG, Configure: configure, Vault: stage.Server{Uninitialised: true},
	})
	s.start()
	return s
}

// onCluster sets up a scene on three real servers. The first leads. There is no tap, and the bot does not run yet.
func onCluster(t testing.TB, configure settings) (*scene, []*realvault.Real) {
	t.Helper()
	needs.Programs(t, stage.GPGPrograms()...)
	nodes, keys := realvault.StartRealCluster(t, 3, len(stage.Holders()), stage.Threshold)
	server := stage.Server{Shares: keys.Shares, Token: keys.RootToken}
	for _, n := range nodes {
		server.Addrs = append(server.Addrs, n.Addr())
	}
	s := set(t, stage.Options{Keyring: stage.GPG, Configure: configure, Vault: server})
	s.check(s.GiveLeastToken(s.ctx()))
	return s, nodes
}

// tapped sets up a scene whose bot reaches Vault through a tap. The operator reaches it directly.
func tapped(t testing.TB, authority *vaulttest.Authority, addr string, o stage.Options) *scene {
	t.Helper()
	tap := startTap(t, authority, addr)
	o.Vault.Addrs, o.Vault.CA = []string{tap.addr()}, authority.PEM
	s := set(t, o)
	s.tap, s.Vault.Addr = tap, addr
	return s
}

// onEmulator sets up a scene on an emulated Vault, where people have software keys. The bot runs.
func onEmulator(t testing.TB, configure settings) (*scene, *vaulttest.Cluster) {
	t.Helper()
	return onEmulatorWith(t, vaulttest.Options{}, configure)
}

func onEmulatorWith(t testing.TB, o vaulttest.Options, configure settings) (*scene, *vaulttest.Cluster) {
	t.Helper()
	cluster := vaulttest.Start(t, o)
	s := set(t, stage.Options{Vault: stage.Server{Addrs: cluster.Addrs()}, Configure: configure})
	s.start()
	return s, cluster
}

func set(t testing.TB, o stage.Options) *scene {
	t.Helper()
	return setProgram(t, botFor(t), o)
}

// botFor returns the program for a test: the one with the race detector, except in two of three cases of a table. With
// the detector a ceremony takes five times as long.
func botFor(t testing.TB) string {
	if strings.Contains(t.Name(), "/") && rand.IntN(3) > 0 {
		return unwatched
	}
	return program
}

func setProgram(t testing.TB, program string, o stage.Options) *scene {
	t.Helper()
	o.Dir, o.Conclave, o.Patience = t.TempDir(), program, longest
	if _, measures := t.(*testing.B); measures {
		o.Slack.Timing = slacktest.SlackTiming() // without a grace
	}
	st, err := stage.Set(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{Stage: st, t: t, received: map[string]bool{}, read: map[ceremony.ID]rules.State{},
		size: map[ceremony.ID]int64{}}
	t.Cleanup(s.strike)
	return s
}

// strike ends the scene and makes sure of what must hold after every test: no secret is anywhere (P1), no rule of
// Slack's was broken, no message was posted twice, and an auditor accepts the journal.
func (s *scene) strike() {
	ctx := context.Background() // the test's own has ended
	s.noLeaks()
	if err := s.StopBot(ctx); err != nil {
		s.t.Error(err)
	}
	s.noLeaks()
	if len(s.journals()) > 0 {
		if report, err := s.Verify(ctx); err != nil {
			s.t.Errorf("the journal is not accepted: %v\n%s", err, report)
		}
	}
	if broken := s.Slack.Violations(); len(broken) > 0 {
		s.t.Errorf("Slack's rules broken: %v", broken)
	}
	s.nothingTwice()
	log, err := os.ReadFile(s.LogFile())
	if err != nil {
		s.t.Error(err)
	}
	for _, trouble := range []string{"DATA RACE", "panic", "level=ERROR"} {
		if bytes.Contains(log, []byte(trouble)) && !(s.alarmed && trouble == "level=ERROR") {
			s.t.Errorf("%s in the bot's log", trouble)
		}
	}
	if s.t.Failed() {
		s.t.Logf("the bot's log:\n%s", log)
		if s.tap != nil {
			s.t.Logf("what Vault got:\n%s", s.tap)
		}
	}
	if err := s.Close(); err != nil {
		s.t.Error(err)
	}
	if s.t.Failed() {
		for _, id := range s.journals() {
			s.t.Logf("%s: %s", id, story(s.now(id)))
		}
	}
}

func (s *scene) noLeaks() {
	s.t.Helper()
	if s.leaky {
		return
	}
	if leaks, err := s.Leaks(); err != nil || len(leaks) > 0 {
		s.t.Errorf("leaks: %v, %v", leaks, err)
	}
}

// nothingTwice makes sure that no message of an outbox was posted twice.
func (s *scene) nothingTwice() {
	s.t.Helper()
	if s.restored {
		return // the lines behind the copy, and with them the keys of messages, are numbered again
	}
	seen := map[string]bool{}
	for _, ch := range s.Slack.Channels() {
		for _, m := range ch.Messages() {
			if m.Metadata == nil {
				continue
			}
			key := fmt.Sprint(m.Metadata.EventPayload["ceremony"], " ", m.Metadata.EventPayload["key"])
			if seen[key] {
				s.t.Errorf("%s was posted twice", key)
			}
			seen[key] = true
		}
	}
}

func (s *scene) ctx() context.Context { return s.t.Context() }

func (s *scene) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) start() {
	s.t.Helper()
	s.check(s.StartBot(s.ctx()))
}

// now returns the state of a ceremony from its journal on disk.
func (s *scene) now(id ceremony.ID) rules.State {
	s.t.Helper()
	name := string(id) + ".jsonl"
	file, err := os.Stat(filepath.Join(s.JournalDir(), name))
	s.check(err)
	if s.size[id] == file.Size() {
		return s.read[id]
	}
	lines, err := os.ReadFile(filepath.Join(s.JournalDir(), name))
	s.check(err)
	chain, err := journal.ReadChain(bytes.NewReader(lines))
	s.check(err)
	c, err := rules.Replay(chain.Entries)
	s.check(err)
	s.read[id], s.size[id] = c, int64(len(lines))
	return c
}

const (
	// pollPause is the pause between two looks at a file whose changes are not announced.
	pollPause = 20 * time.Millisecond
	// longest is longer than any ceremony in which the bot dies, on a machine that is busy with other tests.
	longest = 5 * time.Minute
)

// until waits for something that no message in Slack shows. It looks at the journal again and again.
func (s *scene) until(what string, holds func() bool) {
	s.t.Helper()
	tick := time.NewTicker(pollPause)
	defer tick.Stop()
	deadline := time.After(longest)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			s.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// reaches waits until a ceremony is in a state.
func (s *scene) reaches(id ceremony.ID, state rules.Phase) rules.State {
	s.t.Helper()
	var c rules.State
	s.until(fmt.Sprintf("%s to be %s", id, state), func() bool {
		c = s.now(id)
		return c.Phase == state
	})
	return c
}

// lines returns the number of whole lines of a file, or 0 if it doesn't exist.
func (s *scene) lines(path string) int {
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.t.Error(err)
	}
	return bytes.Count(content, []byte("\n"))
}

// story returns the types of a ceremony's events, without the posts.
func story(c rules.State) string {
	var words bytes.Buffer
	for _, e := range c.History {
		if _, post := e.Event.(event.Posted); !post {
			fmt.Fprintf(&words, "%d %s", e.Seq, event.TypeOf(e.Event))
			if declined, is := e.Event.(event.Declined); is {
				fmt.Fprintf(&words, " %s %s", declined.By.Name, declined.Reason)
			}
			words.WriteString(", ")
		}
	}
	return words.String()
}
