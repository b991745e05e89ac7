package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/engine"
	"conclave/ceremony/event"
	"conclave/ceremony/index"
	"conclave/ceremony/journal"
	"conclave/ceremony/mark"
	"conclave/ceremony/rules"
	"conclave/ceremony/story"
)

// stage is an engine with fakes of everything around it, in a bubble of its own time.
type stage struct {
	t        *testing.T
	dir      string
	vault    *ceremonytest.FakeVault
	openPGP  *ceremonytest.FakeOpenPGP
	notifier *ceremonytest.FakeNotifier
	journal  func(event.Journal) event.Journal       // wraps the journal of the next start
	keys     func(ceremony.OpenPGP) ceremony.OpenPGP // wraps the OpenPGP of the next start
	forget   func()                                  // the next start's Config.Forget
	verify   bool
	forged   bool      // the test itself writes lines that can't have come about
	watch    bool      // sealed nodes are looked for
	obliges  bool      // people do at once what a policy asks of them
	log      io.Writer // of the next start; nil for none
	marks    string    // the file of marks; empty for none
	recall   recall    // what the posts say; nil for a notifier that has none

	conditions func() event.Conditions // the next start's Config.Conditions

	archives []ceremony.Archive // that keep transcripts

	configure func(*ceremony.Cluster) // changes what the engine is made of
	rekey     ceremony.Operation      // the one that suits the cluster's seal

	engine *engine.Engine
	file   *ceremonytest.Journal
	cancel context.CancelFunc
	done   chan error
	serial int
}

// play plays a test on each kind of cluster.
func play(t *testing.T, f func(t *testing.T, s *stage)) {
	t.Helper()
	for _, op := range []ceremony.Operation{ceremony.Rekey, ceremony.RekeyRecovery} {
		t.Run("where it is "+string(op), func(t *testing.T) { playFor(t, op, f) })
	}
}

// playFor plays a test on a cluster that the operation suits. It starts and stops the engine
// in a bubble, and makes the checks that hold for every ceremony.
func playFor(t *testing.T, op ceremony.Operation, f func(t *testing.T, s *stage)) {
	t.Helper()
	rekey, seal := ceremony.Rekey, ceremonytest.Shamir
	if op == ceremony.RekeyRecovery {
		rekey, seal = op, ceremonytest.Transit
	}
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{
			t: t, dir: dir, vault: ceremonytest.NewFakeVault(), openPGP: &ceremonytest.FakeOpenPGP{},
			notifier: ceremonytest.NewFakeNotifier(), verify: true, rekey: rekey,
		}
		s.vault.SealType = seal
		s.prepare(op)
		s.start()
		defer s.check()
		f(t, s)
	})
}

// check stops the engine and looks at what it leaves behind.
func (s *stage) check() {
	s.stop()
	if twice := s.notifier.Twice(); len(twice) > 0 {
		s.t.Errorf("posted more than once: %q", twice)
	}
	if _, err := journal.VerifyDir(s.dir); err != nil {
		s.t.Errorf("the journal does not verify: %v", err)
	}
	s.couldHaveBeenTold()
	if s.openPGP.Open != 0 {
		s.t.Errorf("%d ceremony keys were left undestroyed", s.openPGP.Open)
	}
}

// couldHaveBeenTold holds every story that the engine has written to the rules and to its plan.
func (s *stage) couldHaveBeenTold() {
	s.t.Helper()
	if s.forged {
		return
	}
	paths, err := filepath.Glob(filepath.Join(s.dir, "*.jsonl"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, path := range paths {
		lines, err := os.ReadFile(path)
		if err != nil {
			s.t.Fatal(err)
		}
		chain, err := journal.ReadChain(bytes.NewReader(lines))
		if err != nil {
			continue // of a test that has broken it
		}
		for _, f := range append(story.Untold(chain.Entries), story.Unmet(chain.Entries)...) {
			s.t.Errorf("%s, line %d: %s", path, f.Entry.Seq, f.Why)
		}
	}
}

func (s *stage) start() {
	s.t.Helper()
	opened, err := journal.OpenJournal(s.dir, s.openPGP.JournalKey())
	if err != nil {
		s.t.Fatal(err)
	}
	s.file = &ceremonytest.Journal{Journal: opened, Dir: s.dir}
	var journal event.Journal = opened
	if s.journal != nil {
		journal = s.journal(opened)
	}
	var keys ceremony.OpenPGP = s.openPGP
	if s.keys != nil {
		keys = s.keys(keys)
	}
	cluster := ceremony.Cluster{
		Name: "prod", Vault: s.vault, Operations: ceremony.Operations(),
		Initiators: ceremonytest.People("olga", "alice"), Approvers: ceremonytest.People("paul", "olga", "quin"),
		Approvals:    1,
		Holders:      ceremonytest.People(ceremonytest.Holders...),
		Receivers:    ceremonytest.People(ceremonytest.Holders...),
		NewThreshold: 3,
		Verification: s.verify, Backup: true,
		Window: 4 * time.Hour, Poll: 15 * time.Second, Watch: s.watch,
	}
	if s.configure != nil {
		s.configure(&cluster)
	}
	log := s.log
	if log == nil {
		log = io.Discard
	}
	var notifier engine.Notifier = s.notifier
	if s.recall != nil {
		notifier = recalling{s.notifier, s.recall}
	}
	var marks *mark.Keeper
	if s.marks != "" {
		marks = mark.NewKeeper(s.marks, s.openPGP.JournalKey(), slog.New(slog.NewTextHandler(log, nil)))
	}
	s.engine = engine.NewEngine(engine.Config{
		Clusters: []ceremony.Cluster{cluster}, Marks: marks,
		OpenPGP: keys, Signatures: ceremonytest.SpokenSignatures{}, Notifier: notifier, Journal: journal,
		Index:  index.NewFile(filepath.Join(s.dir, ".index"), keys.JournalKey()),
		Forget: s.forget, Conditions: s.conditions,
		Log:      slog.New(slog.NewTextHandler(log, nil)),
		Archives: s.archives, Files: transcriptFile,
	})
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.done = make(chan error, 1)
	engine := s.engine
	go func() { s.done <- engine.Run(ctx) }()
	synctest.Wait()
}

func (s *stage) stop() {
	s.t.Helper()
	s.cancel()
	if err := <-s.done; err != nil {
		s.t.Errorf("the engine ended with %v", err)
	}
	if err := s.file.Close(); err != nil {
		s.t.Error(err)
	}
}

func (s *stage) restart() { s.stop(); s.start() }

// settle lets d pass, and waits until nothing more happens.
func (s *stage) settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (s *stage) propose(op ceremony.Operation) ceremony.ID {
	s.t.Helper()
	c, err := s.engine.Propose(context.Background(), ceremony.Proposal{
		Operation: op, Cluster: "prod", Reason: "a test", By: ceremonytest.Person("olga").Account, Options: options(op),
	})
	if err != nil {
		s.t.Fatalf("propose: %v", err)
	}
	return c.ID()
}

func (s *stage) begin(op ceremony.Operation) ceremony.ID {
	s.t.Helper()
	id := s.propose(op)
	s.agree(id, op)
	return id
}

// agree has paul approve a ceremony that needs it.
func (s *stage) agree(id ceremony.ID, op ceremony.Operation) {
	s.t.Helper()
	if op.NeedsApproval() {
		if _, err := s.engine.Approve(context.Background(), id, ceremonytest.Person("paul").Account, ""); err != nil {
			s.t.Fatalf("approve: %v", err)
		}
	}
	s.settle(time.Second)
}

// prepare brings the cluster into a state that needs the operation.
func (s *stage) prepare(op ceremony.Operation) {
	switch op {
	case ceremony.Unseal:
		for _, n := range s.vault.Members {
			n.Sealed = true
		}
	case ceremony.Init:
		for _, n := range s.vault.Members {
			n.Fresh = true
		}
	case ceremony.ReadBackup:
		s.vault.Saved = &ceremony.Backup{Nonce: "of-long-ago", Ciphertexts: map[ceremony.Fingerprint][]string{
			ceremonytest.Fpr("alice"):   {ceremonytest.Enc("new-1")},
			ceremonytest.Fpr("bob"):     {ceremonytest.Enc("new-2")},
			ceremonytest.Fpr("mallory"): {ceremonytest.Enc("new-3")},
		}}
	}
}

// options returns the options that a proposal of the operation needs.
func options(op ceremony.Operation) map[string]string {
	if op == ceremony.RotateConfig {
		return map[string]string{"interval": "720h"}
	}
	return nil
}

func (s *stage) now(id ceremony.ID) rules.State {
	s.t.Helper()
	c, _, err := s.engine.Ceremony(id)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// envelope returns what a person who follows the instructions sends.
func (s *stage) envelope(id ceremony.ID, name, share string) []byte {
	s.t.Helper()
	return s.signedBy(id, string(ceremonytest.Fpr(name)), share)
}

// signedBy returns an envelope with a person's signature, or without one.
func (s *stage) signedBy(id ceremony.ID, signer, share string) []byte {
	s.t.Helper()
	c := s.now(id)
	if c.Key == nil {
		s.t.Fatalf("no key is announced: the ceremony is %s", c.Phase)
	}
	time.Sleep(time.Second) // no two signatures in one second
	return fmt.Appendf(nil, "%s|%s|%d|%s|%s|%s|%s", c.Key.Subkey, signer, time.Now().Unix(), id, c.Key.Step,
		c.Key.Nonce, share)
}

func (s *stage) send(name string, envelope []byte) error {
	s.serial++
	_, err := s.engine.Share(context.Background(), ceremony.Envelope{
		By: ceremonytest.Person(name).Account, Message: ceremony.Ref{
			Channel: "D" + name, TS: strconv.Itoa(s.serial),
		}, Way: ceremony.ByText, Envelope: envelope,
	})
	s.settle(0)
	return err
}

// share sends a person's share as they should, and fails the test when it is not taken.
func (s *stage) share(id ceremony.ID, name, share string) {
	s.t.Helper()
	if err := s.send(name, s.envelope(id, name, share)); err != nil {
		s.t.Fatalf("%s's share: %v", name, err)
	}
}

// contribute makes the next n holders who are missing bring their shares.
func (s *stage) contribute(id ceremony.ID, step ceremony.Step, n int) {
	s.t.Helper()
	for range n {
		name := s.now(id).Missing()[0].Name
		s.share(id, name, own(step, name))
	}
}

// thaw resumes a ceremony, by the two people whom that takes.
func (s *stage) thaw(id ceremony.ID) {
	s.t.Helper()
	for _, name := range []string{"olga", "paul"} {
		if _, err := s.engine.Resume(context.Background(), id, ceremonytest.Person(name).Account); err != nil {
			s.t.Fatal(err)
		}
	}
}

// own returns the share that a holder has in a step.
func own(step ceremony.Step, name string) string {
	n := slices.Index(ceremonytest.Holders, name) + 1
	if step == ceremony.StepVerify {
		return fmt.Sprintf("new-%d", n)
	}
	return fmt.Sprintf("old-%d", n)
}

// finish brings all shares that are missing until the ceremony has ended or is frozen. Every
// holder answers every request once a round.
func (s *stage) finish(id ceremony.ID) rules.State {
	s.t.Helper()
	for range 40 {
		s.settle(10 * time.Second)
		c := s.now(id)
		if c.Ended() || c.Phase == rules.PhaseFrozen {
			return c
		}
		s.oblige(id)
		c = s.now(id)
		if c.Plan.Operation == ceremony.ReadBackup && c.Backup != nil && c.Deletion == nil {
			// not before everybody has theirs
			_, _ = s.engine.Delete(context.Background(), id, ceremonytest.Person("paul").Account)
		}
		if !c.Wants() || c.Pending != nil {
			continue
		}
		name := c.Missing()[0].Name
		_ = s.send(name, s.envelope(id, name, own(c.Round.Step, name)))
	}
	c := s.now(id)
	s.t.Fatalf("the ceremony does not come to an end: %s, pending %+v", c.Phase, c.Pending)
	return c
}
