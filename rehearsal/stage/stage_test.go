package stage_test

import (
	"context"
	"os"
	"testing"

	"conclave/needs"
	"conclave/rehearsal/stage"
	"conclave/vault/vaulttest"
	"conclave/vault/vaulttest/realvault"
)

// program is the bot, built once for all tests of this package.
var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "conclave")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		if program, err = stage.Build(context.Background(), dir, false); err != nil {
			panic(err)
		}
		return m.Run()
	}())
}

// set sets up a stage with the bot running, and closes it at the test's end. It fails the test for a leak or a broken
// rule of Slack's.
func set(t *testing.T, o stage.Options) *stage.Stage {
	t.Helper()
	o.Dir, o.Conclave = t.TempDir(), program
	s, err := stage.Set(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		leaks, err := s.Leaks()
		if err != nil || len(leaks) > 0 {
			t.Errorf("leaks: %v, %v", leaks, err)
		}
		if broken := s.Slack.Violations(); len(broken) > 0 {
			t.Errorf("Slack's rules broken: %v", broken)
		}
		if t.Failed() {
			log, _ := os.ReadFile(s.LogFile())
			t.Logf("the bot's log:\n%s", log)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.StartBot(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// play plays a rekey and then a generate-root with the new shares.
func play(t *testing.T, s *stage.Stage) {
	t.Helper()
	ctx := t.Context()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	id, err := s.Rekey(ctx)
	check(err)
	old, err := s.Shares(ctx, "", "alice", "carol", "erin")
	check(err)
	fresh, err := s.Shares(ctx, id, "bob", "dave", "erin")
	check(err)
	check(s.Adopt(id))
	root, token, err := s.GenerateRoot(ctx)
	check(err)

	if is, err := s.Vault.IsRootToken(ctx, token); err != nil || !is {
		t.Errorf("the token of %s is a root token: %t, %v", root, is, err)
	}
	for _, row := range []struct {
		name   string
		shares []string
		want   bool
	}{{"old", old, false}, {"new", fresh, true}} {
		if got, err := s.Proves(ctx, row.shares...); err != nil || got != row.want {
			t.Errorf("%s shares prove the key: %t, %v", row.name, got, err)
		}
	}
	check(s.StopBot(ctx))
	report, err := s.Verify(ctx)
	check(err)
	t.Log(report)
}

func TestCeremoniesOnTheEmulatorWithSoftwareKeys(t *testing.T) {
	cluster := vaulttest.Start(t, vaulttest.Options{})
	play(t, set(t, stage.Options{Vault: stage.Server{Addrs: cluster.Addrs()}}))
}

func TestCeremoniesOnARealVaultWithRealGPG(t *testing.T) {
	needs.Programs(t, stage.GPGPrograms()...)
	authority, err := vaulttest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	server := realvault.StartReal(t, realvault.RealOptions{TLS: authority})
	play(t, set(t, stage.Options{
		Vault:   stage.Server{Addrs: []string{server.Addr()}, CA: server.CA()},
		Keyring: stage.GPG,
	}))
}
