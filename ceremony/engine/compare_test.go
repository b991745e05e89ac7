package engine_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// Every way in which Vault can come to differ from the plan freezes the
// ceremony, whether a share comes first or the poll.
func TestP4AnyDifferenceFreezes(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(v *ceremonytest.FakeVault)
		want   event.FreezeReason
	}{
		{"cancelled behind the bot's back", func(v *ceremonytest.FakeVault) { v.Attempt = nil }, event.AttemptGone},
		{"restarted by somebody else", func(v *ceremonytest.FakeVault) {
			v.Attempt.Nonce = "theirs"
		}, event.ForeignAttempt},
		{"more shares asked for", func(v *ceremonytest.FakeVault) { v.Attempt.Asks = 4 }, event.VaultDiffers},
		{"fewer shares asked for", func(v *ceremonytest.FakeVault) { v.Attempt.Asks = 2 }, event.VaultDiffers},
		{"new shares that nobody here has made", func(v *ceremonytest.FakeVault) {
			v.Attempt.Verify = "theirs"
		}, event.KeysLost},
		{"other keys", func(v *ceremonytest.FakeVault) {
			v.Attempt.Keys[2] = ceremonytest.Fpr("mallory")
		}, event.VaultDiffers},
		{"other order of keys", func(v *ceremonytest.FakeVault) {
			k := v.Attempt.Keys
			k[0], k[1] = k[1], k[0]
		}, event.VaultDiffers},
		{"other threshold", func(v *ceremonytest.FakeVault) { v.Attempt.Order.Threshold = 2 }, event.VaultDiffers},
		{"other number of shares", func(v *ceremonytest.FakeVault) { v.Attempt.Order.Shares = 6 }, event.VaultDiffers},
		{"no verification", func(v *ceremonytest.FakeVault) {
			v.Attempt.Order.Verification = false
		}, event.VaultDiffers},
		{"no backup", func(v *ceremonytest.FakeVault) { v.Attempt.Order.Backup = false }, event.VaultDiffers},
		{"another cluster", func(v *ceremonytest.FakeVault) { v.ClusterID = "cluster-2" }, event.VaultDiffers},
		{"a share from elsewhere", func(v *ceremonytest.FakeVault) {
			v.Attempt.Progress = append(v.Attempt.Progress, "old-9")
		}, event.ForeignShare},
		{"progress taken away", func(v *ceremonytest.FakeVault) { v.Attempt.Progress = nil }, event.ForeignShare},
		{"sealed", func(v *ceremonytest.FakeVault) { v.Sealed = true; v.Attempt = nil }, event.SealedMidway},
	} {
		for _, by := range []string{"share", "poll"} {
			t.Run(row.name+" seen by "+by, func(t *testing.T) {
				play(t, func(t *testing.T, s *stage) {
					id := s.begin(s.rekey)
					s.share(id, "alice", "old-1")
					s.vault.Do(func() { row.change(s.vault) })
					before := len(s.vault.Submitted())
					if by == "share" {
						if err := s.send("bob", s.envelope(id, "bob", "old-2")); err == nil {
							t.Error("the share was taken")
						}
					} else {
						s.settle(16 * time.Second)
					}
					c := s.now(id)
					if c.Phase != rules.PhaseFrozen || c.Freeze.Why != row.want {
						t.Fatalf("state %s, %+v, want %s", c.Phase, c.Freeze, row.want)
					}
					if len(s.vault.Submitted()) != before {
						t.Error("the share reached Vault")
					}
					if err := s.send("carol", fmt.Appendf(nil, "%040x|%s|1|%s|update|nonce-1|old-3", 1,
						string(ceremonytest.Fpr("carol")), id)); !errors.Is(err, ceremony.IsFrozen) {
						t.Errorf("a share while frozen: %v", err)
					}
				})
			})
		}
	}
}

// The same holds while the new shares are proven. The attempt's terms are still compared,
// and so is the verification.
func TestP4AnyDifferenceFreezesTheProofOfNewShares(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(v *ceremonytest.FakeVault)
		want   event.FreezeReason
	}{
		{"cancelled behind the bot's back", func(v *ceremonytest.FakeVault) { v.Attempt = nil }, event.AttemptGone},
		{"an attempt of somebody else", func(v *ceremonytest.FakeVault) {
			v.Attempt.Nonce = "theirs"
		}, event.ForeignAttempt},
		{"no verification any more", func(v *ceremonytest.FakeVault) { v.Attempt.Verify = "" }, event.AttemptGone},
		{"a verification of somebody else", func(v *ceremonytest.FakeVault) {
			v.Attempt.Verify = "theirs"
		}, event.ForeignShare},
		{"more new shares asked for", func(v *ceremonytest.FakeVault) { v.Attempt.Proof = 4 }, event.VaultDiffers},
		{"fewer new shares asked for", func(v *ceremonytest.FakeVault) { v.Attempt.Proof = 2 }, event.VaultDiffers},
		{"a proof from elsewhere", func(v *ceremonytest.FakeVault) {
			v.Attempt.Proven = append(v.Attempt.Proven, "new-5")
		}, event.ForeignShare},
		{"a proof taken away", func(v *ceremonytest.FakeVault) { v.Attempt.Proven = nil }, event.ForeignShare},
		{"other keys", func(v *ceremonytest.FakeVault) {
			v.Attempt.Keys[2] = ceremonytest.Fpr("mallory")
		}, event.VaultDiffers},
		{"more shares asked for in the attempt", func(v *ceremonytest.FakeVault) {
			v.Attempt.Asks = 4
		}, event.VaultDiffers},
		{"another cluster", func(v *ceremonytest.FakeVault) { v.ClusterID = "cluster-2" }, event.VaultDiffers},
		{"sealed", func(v *ceremonytest.FakeVault) { v.Sealed = true; v.Attempt = nil }, event.SealedMidway},
	} {
		for _, by := range []string{"share", "poll"} {
			t.Run(row.name+" seen by "+by, func(t *testing.T) {
				play(t, func(t *testing.T, s *stage) {
					id := s.begin(s.rekey)
					s.contribute(id, ceremony.StepUpdate, 3)
					s.settle(time.Second)
					s.share(id, "alice", "new-1")
					s.vault.Do(func() { row.change(s.vault) })
					before := len(s.vault.Submitted())
					if by == "share" {
						if err := s.send("bob", s.envelope(id, "bob", "new-2")); err == nil {
							t.Error("the share was taken")
						}
					} else {
						s.settle(16 * time.Second)
					}
					if c := s.now(id); c.Phase != rules.PhaseFrozen || c.Freeze.Why != row.want {
						t.Fatalf("state %s, %+v, want %s", c.Phase, c.Freeze, row.want)
					}
					if len(s.vault.Submitted()) != before {
						t.Error("the share reached Vault")
					}
				})
			})
		}
	}
}

// What Vault has begun is compared before anybody is asked for a share.
func TestP4AttemptThatIsNotThePlansAsksNobody(t *testing.T) {
	for name, change := range map[string]func(*ceremonytest.FakeAttempt){
		"more shares asked for":   func(a *ceremonytest.FakeAttempt) { a.Asks = 4 },
		"fewer shares asked for":  func(a *ceremonytest.FakeAttempt) { a.Asks = 2 },
		"other keys":              func(a *ceremonytest.FakeAttempt) { a.Keys[2] = ceremonytest.Fpr("mallory") },
		"other number of shares":  func(a *ceremonytest.FakeAttempt) { a.Order.Shares = 6 },
		"other threshold":         func(a *ceremonytest.FakeAttempt) { a.Order.Threshold = 2 },
		"no verification":         func(a *ceremonytest.FakeAttempt) { a.Order.Verification = false },
		"no backup":               func(a *ceremonytest.FakeAttempt) { a.Order.Backup = false },
		"a share counted already": func(a *ceremonytest.FakeAttempt) { a.Progress = append(a.Progress, "old-9") },
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(t *testing.T, s *stage) {
				s.vault.Begins = change
				id := s.begin(s.rekey)
				s.settle(time.Minute)
				c := s.now(id)
				if c.Phase != rules.PhaseFrozen {
					t.Errorf("state %s", c.Phase)
				}
				if slices.ContainsFunc(c.History,
					func(e event.Entry) bool { _, asked := e.Event.(event.KeyAnnounced); return asked }) {
					t.Error("people were asked for shares")
				}
			})
		})
	}
}
