package whole_test

import (
	"testing"

	"conclave/ceremony/rules"
	"conclave/rehearsal/stage"
	"conclave/vault/vaulttest"
)

// From a slash command to new recovery key shares, and with them to a root token,
// on a real Vault that unseals itself with the help of another one.
func TestRecoveryKeyFromSlackToVaultAndBack(t *testing.T) {
	t.Parallel()
	s := onAutoVault(t, nil)

	rekey, err := s.Rekey(s.ctx())
	s.check(err)
	s.board(rekey, "New recovery key shares", "*Completed*", "3 of 3")
	old, err := s.Shares(s.ctx(), "", "alice", "bob", "carol")
	s.check(err)
	fresh, err := s.Shares(s.ctx(), rekey, "alice", "dave", "erin")
	s.check(err)

	// If it is sealed by hand, it opens again with shares of the recovery key alone.
	if opens, err := s.Vault.UnsealWorks(s.ctx(), old...); err != nil || opens {
		t.Errorf("the old shares open the vault: %t, %v", opens, err)
	}
	s.check(s.Vault.Unseal(s.ctx(), fresh...))
	s.check(s.Adopt(rekey))

	root, token, err := s.GenerateRoot(s.ctx())
	s.check(err)
	s.board(root, "*Completed*")
	if is, err := s.Vault.IsRootToken(s.ctx(), token); err != nil || !is {
		t.Errorf("the token is a root token: %t, %v", is, err)
	}

	s.tap.took(t, startRecovery, 1)
	s.tap.took(t, updateRecovery, stage.Threshold)
	s.tap.took(t, verifyRecovery, stage.Threshold)
	s.tap.took(t, startRekey, 0)
	s.tap.took(t, updateRoot, stage.Threshold)

	var c rules.State
	s.until("everybody to be told", func() bool { c = s.now(rekey); return c.Told() })
	s.everybodyWasTold(c)
}

func TestRekeyOfAVaultThatUnsealsItselfIsRefusedAndTheRightOneNamed(t *testing.T) {
	t.Parallel()
	s, _ := onEmulatorWith(t, vaulttest.Options{Seal: "transit"}, nil)
	said := s.commands(stage.Olga, "start rekey "+stage.ClusterName)
	s.tells("the answer", said, "unseals itself", "rekey-recovery")
	if begun := s.journals(); len(begun) != 0 {
		t.Errorf("%v were proposed", begun)
	}
}
