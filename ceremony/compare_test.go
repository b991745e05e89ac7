package ceremony_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"conclave/ceremony"
)

// Every way in which Vault can come to differ from the plan freezes the
// ceremony, whether a share comes first or the poll.
func TestP4AnyDifferenceFreezes(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(v *fakeVault)
		want   ceremony.FreezeReason
	}{
		{"cancelled behind the bot's back", func(v *fakeVault) { v.attempt = nil }, ceremony.AttemptGone},
		{"restarted by somebody else", func(v *fakeVault) { v.attempt.nonce = "theirs" }, ceremony.ForeignAttempt},
		{"more shares asked for", func(v *fakeVault) { v.attempt.asks = 4 }, ceremony.VaultDiffers},
		{"fewer shares asked for", func(v *fakeVault) { v.attempt.asks = 2 }, ceremony.VaultDiffers},
		{"new shares that nobody here has made", func(v *fakeVault) { v.attempt.verify = "theirs" }, ceremony.KeysLost},
		{"other keys", func(v *fakeVault) { v.attempt.keys[2] = fpr("mallory") }, ceremony.VaultDiffers},
		{"other order of keys", func(v *fakeVault) { k := v.attempt.keys; k[0], k[1] = k[1], k[0] }, ceremony.VaultDiffers},
		{"other threshold", func(v *fakeVault) { v.attempt.order.Threshold = 2 }, ceremony.VaultDiffers},
		{"other number of shares", func(v *fakeVault) { v.attempt.order.Shares = 6 }, ceremony.VaultDiffers},
		{"no verification", func(v *fakeVault) { v.attempt.order.Verification = false }, ceremony.VaultDiffers},
		{"no backup", func(v *fakeVault) { v.attempt.order.Backup = false }, ceremony.VaultDiffers},
		{"another cluster", func(v *fakeVault) { v.clusterID = "cluster-2" }, ceremony.VaultDiffers},
		{"a share from elsewhere", func(v *fakeVault) { v.attempt.progress = append(v.attempt.progress, "old-9") }, ceremony.ForeignShare},
		{"progress taken away", func(v *fakeVault) { v.attempt.progress = nil }, ceremony.ForeignShare},
		{"sealed", func(v *fakeVault) { v.sealed = true; v.attempt = nil }, ceremony.SealedMidway},
	} {
		for _, by := range []string{"share", "poll"} {
			t.Run(row.name+" seen by "+by, func(t *testing.T) {
				play(t, func(t *testing.T, s *stage) {
					id := s.begin(s.rekey)
					s.share(id, "alice", "old-1")
					s.vault.do(func() { row.change(s.vault) })
					before := len(s.vault.submitted())
					if by == "share" {
						if err := s.send("bob", s.envelope(id, "bob", "old-2")); err == nil {
							t.Error("the share was taken")
						}
					} else {
						s.settle(16 * time.Second)
					}
					c := s.now(id)
					if c.State != ceremony.StateFrozen || c.Freeze.Why != row.want {
						t.Fatalf("state %s, %+v, want %s", c.State, c.Freeze, row.want)
					}
					if len(s.vault.submitted()) != before {
						t.Error("the share reached Vault")
					}
					if err := s.send("carol", fmt.Appendf(nil, "%040x|%s|1|%s|update|nonce-1|old-3", 1, string(fpr("carol")), id)); !errors.Is(err, ceremony.IsFrozen) {
						t.Errorf("a share while frozen: %v", err)
					}
				})
			})
		}
	}
}

// The same while the new shares are proven: what the attempt will make is still
// compared, and so is the verification itself.
func TestP4AnyDifferenceFreezesTheProofOfNewShares(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(v *fakeVault)
		want   ceremony.FreezeReason
	}{
		{"cancelled behind the bot's back", func(v *fakeVault) { v.attempt = nil }, ceremony.AttemptGone},
		{"an attempt of somebody else", func(v *fakeVault) { v.attempt.nonce = "theirs" }, ceremony.ForeignAttempt},
		{"no verification any more", func(v *fakeVault) { v.attempt.verify = "" }, ceremony.AttemptGone},
		{"a verification of somebody else", func(v *fakeVault) { v.attempt.verify = "theirs" }, ceremony.ForeignShare},
		{"more new shares asked for", func(v *fakeVault) { v.attempt.proof = 4 }, ceremony.VaultDiffers},
		{"fewer new shares asked for", func(v *fakeVault) { v.attempt.proof = 2 }, ceremony.VaultDiffers},
		{"a proof from elsewhere", func(v *fakeVault) { v.attempt.proven = append(v.attempt.proven, "new-5") }, ceremony.ForeignShare},
		{"a proof taken away", func(v *fakeVault) { v.attempt.proven = nil }, ceremony.ForeignShare},
		{"other keys", func(v *fakeVault) { v.attempt.keys[2] = fpr("mallory") }, ceremony.VaultDiffers},
		{"more shares asked for in the attempt", func(v *fakeVault) { v.attempt.asks = 4 }, ceremony.VaultDiffers},
		{"another cluster", func(v *fakeVault) { v.clusterID = "cluster-2" }, ceremony.VaultDiffers},
		{"sealed", func(v *fakeVault) { v.sealed = true; v.attempt = nil }, ceremony.SealedMidway},
	} {
		for _, by := range []string{"share", "poll"} {
			t.Run(row.name+" seen by "+by, func(t *testing.T) {
				play(t, func(t *testing.T, s *stage) {
					id := s.begin(s.rekey)
					s.contribute(id, ceremony.Update, 3)
					s.settle(time.Second)
					s.share(id, "alice", "new-1")
					s.vault.do(func() { row.change(s.vault) })
					before := len(s.vault.submitted())
					if by == "share" {
						if err := s.send("bob", s.envelope(id, "bob", "new-2")); err == nil {
							t.Error("the share was taken")
						}
					} else {
						s.settle(16 * time.Second)
					}
					if c := s.now(id); c.State != ceremony.StateFrozen || c.Freeze.Why != row.want {
						t.Fatalf("state %s, %+v, want %s", c.State, c.Freeze, row.want)
					}
					if len(s.vault.submitted()) != before {
						t.Error("the share reached Vault")
					}
				})
			})
		}
	}
}

// What Vault has begun is compared before anybody is asked for a share.
func TestP4AttemptThatIsNotThePlansAsksNobody(t *testing.T) {
	for name, change := range map[string]func(*fakeAttempt){
		"more shares asked for":   func(a *fakeAttempt) { a.asks = 4 },
		"fewer shares asked for":  func(a *fakeAttempt) { a.asks = 2 },
		"other keys":              func(a *fakeAttempt) { a.keys[2] = fpr("mallory") },
		"other number of shares":  func(a *fakeAttempt) { a.order.Shares = 6 },
		"other threshold":         func(a *fakeAttempt) { a.order.Threshold = 2 },
		"no verification":         func(a *fakeAttempt) { a.order.Verification = false },
		"no backup":               func(a *fakeAttempt) { a.order.Backup = false },
		"a share counted already": func(a *fakeAttempt) { a.progress = append(a.progress, "old-9") },
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(t *testing.T, s *stage) {
				s.vault.begins = change
				id := s.begin(s.rekey)
				s.settle(time.Minute)
				c := s.now(id)
				if c.State != ceremony.StateFrozen {
					t.Errorf("state %s", c.State)
				}
				if slices.ContainsFunc(c.History, func(e ceremony.Entry) bool { _, asked := e.Event.(ceremony.KeyAnnounced); return asked }) {
					t.Error("people were asked for shares")
				}
			})
		})
	}
}
