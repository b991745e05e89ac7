package whole_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/rehearsal/stage"
	"conclave/vault/vaulttest"
	"conclave/vault/vaulttest/operator"
	"conclave/vault/vaulttest/realvault"
)

// These tests play each operation from a slash command to a real Vault and back, and kill the bot at the worst moment.

// allowing returns settings in which these operations alone are allowed.
func allowing(all ...ceremony.Operation) settings {
	return func(s *stage.Settings) {
		s.Operations = nil
		for _, op := range all {
			s.Operations = append(s.Operations, string(op))
		}
	}
}

// completed plays a ceremony to its end. It has to be completed, and all people must be told.
func (s *scene) completed(id ceremony.ID) rules.State {
	s.t.Helper()
	c := s.goOn(id)
	if c.Outcome != event.Completed {
		s.t.Fatalf("%s: %s", c.Outcome, story(c))
	}
	s.everybodyWasTold(c)
	s.board(id, "*Completed*")
	return c
}

// reading returns Vault's answer to a GET, without its envelope if it has one.
func (s *scene) reading(path string) operator.Answer {
	s.t.Helper()
	answer, err := s.Vault.Do(s.ctx(), "GET", path, nil)
	s.check(err)
	if answer.Status != http.StatusOK {
		s.t.Fatalf("%s: status %d: %v", path, answer.Status, answer.Errors)
	}
	return answer.Data()
}

// Vault shows the shares of a new cluster once. Even if the bot is killed when it has them, it hands them out (P7).
func TestP7NewServerIsInitialisedAndUnsealedThoughTheBotDies(t *testing.T) {
	t.Parallel()
	s := onNewVault(t, allowing(ceremony.Init, ceremony.Unseal))
	killed := s.killAtFirst(event.Initialized{})
	id := s.begin(ceremony.Init)
	s.completed(id)
	killed()
	s.tap.took(t, "PUT sys/init", 1)
	s.check(s.Receive(s.ctx(), id))
	token, err := s.Person(stage.Olga).TakesToken(s.ctx(), id)
	s.check(err)
	s.check(s.Adopt(id))
	s.Vault.Token = token

	killed = s.killAtFirst(event.Entered{})
	unseal := s.begin(ceremony.Unseal)
	s.completed(unseal)
	killed()
	s.tap.took(t, "PUT sys/unseal", stage.Threshold)
	if is, err := s.Vault.IsRootToken(s.ctx(), token); err != nil || !is {
		t.Errorf("the first token is a root token: %t, %v", is, err)
	}
	seal, err := s.Seal(s.ctx())
	s.check(err)
	if seal.Shares != len(stage.Holders()) || seal.Threshold != stage.Threshold {
		t.Errorf("%d shares, of which %d are needed", seal.Shares, seal.Threshold)
	}

	s.tells("the answer", s.commands(stage.Olga, "start init "+stage.ClusterName), "left alone")
	s.tells("the answer", s.commands(stage.Olga, "start unseal "+stage.ClusterName), "unsealed")
	others, err := s.Shares(s.ctx(), "", "carol", "dave", "erin")
	s.check(err)
	if opens, err := s.Vault.UnsealWorks(s.ctx(), others...); err != nil || !opens {
		t.Errorf("the shares of the others open it: %t, %v", opens, err)
	}
}

// The bot dies before it has asked Vault about the token, and asks after its restart.
func TestRevokedRootTokenIsSeenToBeGone(t *testing.T) {
	t.Parallel()
	s := onVault(t, allowing(ceremony.GenerateRoot))
	id, token, err := s.GenerateRoot(s.ctx())
	s.check(err)
	s.board(id, "*Completed*", "not known to be revoked yet")
	_, other, err := s.Vault.NewToken(s.ctx(), `path "sys/health" { capabilities = ["read"] }`, nil)
	s.check(err)
	for _, accessor := range []string{other, strings.Repeat("A", len(other))} {
		said := s.commands(stage.Olga, "accessor "+string(id)+" "+accessor)
		if c := s.now(id); c.Accessor != "" {
			t.Errorf("%s was taken: %s", accessor, said)
		}
	}

	accessor, err := s.AccessorOf(s.ctx(), token)
	s.check(err)
	s.commands(stage.Olga, "accessor "+string(id)+" "+accessor)
	s.check(s.KillBot())
	s.check(s.Revoke(s.ctx(), token))
	s.start()
	s.board(id, "*The token is revoked*")
	var c rules.State
	s.until("nothing to be owed", func() bool { c = s.now(id); return c.Settled() })
	if c.Revoked == nil || c.Revoked.By != nil {
		t.Errorf("revoked: %+v", c.Revoked)
	}
	s.everybodyWasTold(c)
}

// The one-time password is in the bot's memory alone: when the bot dies with it,
// the requester is asked once more.
func TestRootTokenForSomebodyWithoutAKeyThoughTheBotDies(t *testing.T) {
	t.Parallel()
	s := onVault(t, func(to *stage.Settings) {
		allowing(ceremony.GenerateRoot)(to)
		to.Keyless = []string{stage.Olga}
	})
	olga := s.Person(stage.Olga)
	commitment, err := olga.MakesPassword(s.ctx())
	s.check(err)
	killed := s.killAtFirst(event.Offered{})
	id := s.begin(ceremony.GenerateRoot, "otp="+commitment)
	c := s.completed(id)
	killed()
	if c.Token != "" || c.Encoded == "" {
		t.Errorf("no encoded token: %s", story(c))
	}
	s.tokenIsRoot(id)
	s.tap.took(t, startRoot, 1)
	s.tap.took(t, updateRoot, stage.Threshold)
	s.tells("the answer", s.commands(stage.Olga, "start generate-root "+stage.ClusterName+" otp="+commitment),
		"one-time password")
	if all := s.journals(); len(all) != 1 {
		t.Errorf("a password was taken twice: %v", all)
	}
}

func TestTokenForAServerInRecoveryModeThoughTheBotDies(t *testing.T) {
	t.Parallel()
	s, server := preparedVault(t, realvault.RealOptions{}, allowing(ceremony.RecoveryToken))
	server.RestartInRecoveryMode(t)
	s.start()
	killed := s.killAtFirst(event.Counted{})
	id := s.begin(ceremony.RecoveryToken)
	s.completed(id)
	killed()
	token, err := s.Person(stage.Olga).TakesToken(s.ctx(), id)
	s.check(err)
	answer, err := s.Vault.As(token).Do(s.ctx(), "LIST", "sys/raw/core", nil)
	s.check(err)
	if answer.Status != http.StatusOK {
		t.Errorf("the token opens the storage: status %d: %v", answer.Status, answer.Errors)
	}
	s.tap.took(t, "PUT sys/generate-recovery-token/update", stage.Threshold)
}

// Only Vault Enterprise has replication, so that this runs on the emulator.
func TestTokenForADisasterRecoverySecondaryThoughTheBotDies(t *testing.T) {
	t.Parallel()
	s, _ := onEmulatorWith(t, vaulttest.Options{DRSecondary: true}, allowing(ceremony.DRToken))
	killed := s.killAtFirst(event.Counted{})
	id := s.begin(ceremony.DRToken)
	s.completed(id)
	killed()
	token, err := s.Person(stage.Olga).TakesToken(s.ctx(), id)
	s.check(err)
	if is, err := s.Vault.IsRootToken(s.ctx(), token); err != nil || is {
		t.Errorf("the token is a root token: %t, %v", is, err)
	}
}

// A rotation that was sent, or was not, is settled by asking (P5).
func TestP5EncryptionKeyIsRotatedOnceThoughTheBotDies(t *testing.T) {
	t.Parallel()
	s := onVault(t, allowing(ceremony.Rotate, ceremony.RotateConfig))
	before := s.reading("sys/key-status").Int("term")
	killed := s.killAtFirst(event.Acting{})
	id := s.begin(ceremony.Rotate)
	s.completed(id)
	killed()
	if after := s.reading("sys/key-status").Int("term"); after != before+1 {
		t.Errorf("term %d, and before it %d", after, before)
	}
	s.tap.took(t, "PUT sys/rotate", 1)
	s.tells("the answer", s.commands(stage.Olga, "key-status "+stage.ClusterName), "term 2")

	policy := s.begin(ceremony.RotateConfig, "interval=720h", "max-operations=2000000000")
	s.completed(policy)
	got := s.reading("sys/rotate/config")
	if got.Int("max_operations") != 2_000_000_000 || got.String("interval") != "720h0m0s" {
		t.Errorf("vault's policy: %v", got.Body)
	}
}

func TestBackupIsHandedOutAgainAndDeletedThoughTheBotDies(t *testing.T) {
	t.Parallel()
	s := onVault(t, allowing(ceremony.Rekey, ceremony.ReadBackup))
	rekey, err := s.Rekey(s.ctx())
	s.check(err)
	s.board(rekey, "*Completed*", "still keeps a backup", "start backup "+stage.ClusterName)
	want, err := s.Shares(s.ctx(), rekey, stage.Holders()...)
	s.check(err)

	read, deleted := s.killAtFirst(event.BackupRead{}), s.killAtFirst(event.DeletionAsked{})
	id := s.begin(ceremony.ReadBackup)
	s.completed(id)
	read()
	deleted()
	s.check(s.Receive(s.ctx(), id))
	got, err := s.Shares(s.ctx(), id, stage.Holders()...)
	s.check(err)
	if !slices.Equal(got, want) {
		t.Error("the shares from the backup are not those of the rekey")
	}
	answer, err := s.Vault.Do(s.ctx(), "GET", "sys/rekey/backup", nil)
	s.check(err)
	if answer.Status < http.StatusBadRequest {
		t.Errorf("vault still has a backup: status %d", answer.Status)
	}
	s.tap.took(t, "DELETE sys/rekey/backup", 1)
	s.tells("the answer", s.commands(stage.Olga, "start backup "+stage.ClusterName), "no backup")
}

func TestDrillTellsWhoCouldAndSendsVaultNothingThoughTheBotDies(t *testing.T) {
	t.Parallel()
	s := onVault(t, func(to *stage.Settings) {
		allowing(ceremony.Drill)(to)
		to.Window = time.Minute
	})
	s.away = []string{"dave", "erin"}
	killed := s.killAtFirst(event.Proven{})
	id := s.opened(ceremony.Drill)
	ask, err := s.Person("alice").Asked(s.ctx(), id, ceremony.StepDrill)
	s.check(err)
	envelope, err := s.Person("alice").Keys.Answer(s.ctx(), ask)
	s.check(err)
	receipt, err := s.Person("dave").Sends(s.ctx(), envelope)
	s.check(err)
	s.tells("dave's receipt", receipt.Text, "was not used")

	c := s.completed(id)
	killed()
	if len(c.Round.Counted) != 3 {
		t.Errorf("%d have proven their share: %s", len(c.Round.Counted), story(c))
	}
	s.board(id, "dave could not", "No answer from erin", "can't lose anybody")
	if wrote := s.tap.String(); wrote != "" {
		t.Errorf("vault was sent\n%s", wrote)
	}
}
