package engine_test

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/ledger"
	"conclave/ceremony/rules"
)

// completes has others bring the missing shares just before the bot's cancellation arrives.
// Vault confirms the cancellation, for it has nothing any more.
func (s *stage) completes(shares ...string) {
	s.vault.Do(func() {
		hit(s, "cancel", s.vault.Calls["cancel"], func() (error, error) {
			for _, share := range shares {
				if a := s.vault.Attempt; a.Verify != "" {
					_, _ = s.vault.Verify(a.Verify, share)
				} else {
					_, _ = s.vault.Update(a.Nonce, share)
				}
			}
			return nil, nil
		})
	})
}

// The confirmed cancellation of a rekey that others complete in that very moment gives
// nothing up (P5, P7).
func TestP7ConfirmedCancellationIsNotBelievedAgainstTheBackup(t *testing.T) {
	for name, decide := range map[string]func(s *stage, id ceremony.ID){
		"people cancel": func(s *stage, id ceremony.ID) {
			s.completes("old-2", "old-3")
			s.giveUp(id)
		},
		"the time is over": func(s *stage, _ ceremony.ID) {
			s.completes("old-2", "old-3")
			s.settle(5 * time.Hour)
		},
		"people go on after a share of others": func(s *stage, id ceremony.ID) {
			s.others("old-2")
			s.settle(time.Minute)
			s.completes("old-3")
			s.thaw(id)
			s.settle(time.Minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(t *testing.T, s *stage) {
				s.restartWith(false)
				id := s.begin(s.rekey)
				s.share(id, "alice", "old-1")
				decide(s, id)
				s.handsOut(id)
			})
		})
	}
}

// With verification the numbers show it, where the old key's are others. Where they are the
// same, the cancellation that Vault has confirmed counts.
func TestConfirmedCancellationIsNotBelievedAgainstTheNumbers(t *testing.T) {
	for _, row := range []struct {
		name    string
		more    []string // shares of the old key
		outcome event.Outcome
	}{
		{"other numbers", []string{"old-6"}, event.Completed},
		{"the same numbers", nil, event.Cancelled},
	} {
		t.Run(row.name, func(t *testing.T) {
			play(t, func(t *testing.T, s *stage) {
				s.vault.Shares = append(s.vault.Shares, row.more...)
				id := s.begin(s.rekey)
				s.contribute(id, ceremony.StepUpdate, 3)
				s.settle(time.Minute)
				s.completes("new-1", "new-2", "new-3")
				s.giveUp(id)
				if c := s.now(id); c.Outcome != row.outcome {
					t.Errorf("outcome %q: %s", c.Outcome, storyOf(c))
				}
			})
		})
	}
}

// A backup that lacks one receiver's share says by its keys whose the others are.
func TestBackupThatLacksAShareHandsNobodyAnothersShare(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.restartWith(false)
		id := s.begin(s.rekey)
		s.share(id, "alice", "old-1")
		s.others("old-2", "old-3")
		s.vault.Do(func() { delete(s.vault.Saved.Ciphertexts, ceremonytest.Fpr("bob")) })
		s.settle(time.Minute)
		c := s.now(id)
		made := lastOf[event.Rekeyed](c)
		if c.Phase != rules.PhaseFrozen || c.Freeze.Why != event.VaultDiffers || len(made.Shares) != 4 {
			t.Fatalf("%s, %d shares: %s", c.Phase, len(made.Shares), storyOf(c))
		}
		for i, share := range made.Shares {
			plain, err := base64.StdEncoding.DecodeString(share.Ciphertext)
			if err != nil || made.Keys[i] != share.For.Key ||
				!strings.HasSuffix(string(plain), " for "+string(share.For.Key)) {
				t.Errorf("share %d is handed to %s: %q, %v", i+1, share.For.Name, plain, err)
			}
		}
		s.restart() // the journal is read back
		if again := s.now(id); again.Seq() < c.Seq() {
			t.Errorf("%d entries after the restart, before it %d", again.Seq(), c.Seq())
		}
	})
}

// A holder whose share ended in a freeze gets a receipt, once (P10).
func TestP10ShareThatEndsInAFreezeHasAReceipt(t *testing.T) {
	receipts := func(c rules.State, name string) (keys []string) {
		for _, m := range c.Messages() {
			frozen := rules.Is[event.Frozen](m.Entry.Event)
			if m.Kind == rules.ReceiptMessage && frozen && m.To.Account == ceremonytest.Person(name).Account {
				keys = append(keys, m.Key)
			}
		}
		return keys
	}
	for name, spoil := range map[string]func(s *stage){
		"the attempt is gone":      func(s *stage) { s.vault.Attempt = nil },
		"others send shares, too":  func(s *stage) { s.vault.Attempt.Progress = []string{"old-4", "old-1", "old-5"} },
		"another attempt is there": func(s *stage) { s.vault.Attempt.Nonce = "foreign" },
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(t *testing.T, s *stage) {
				id := s.begin(s.rekey)
				s.share(id, "alice", "old-1")
				hit(s, "submit", 1, func() (error, error) { spoil(s); return ceremony.ErrUncertain, nil })
				_ = s.send("bob", s.envelope(id, "bob", "old-2"))
				s.settle(time.Minute)
				c := s.now(id)
				keys := receipts(c, "bob")
				if c.Phase != rules.PhaseFrozen || len(keys) != 1 || s.notifier.Posted[string(id)+" "+keys[0]] != 1 {
					t.Fatalf("%s, bob's receipts: %q: %s", c.Phase, keys, storyOf(c))
				}
				if others := receipts(c, "alice"); len(others) > 0 {
					t.Errorf("alice, whose share counted, has %q", others)
				}
				s.thaw(id)
				s.settle(time.Minute)
				s.vault.Do(func() { s.vault.Attempt = nil })
				s.settle(time.Minute)
				if again := receipts(s.now(id), "bob"); len(again) != 1 {
					t.Errorf("a later freeze has more receipts: %q", again)
				}
			})
		})
	}
}

// A start without an answer may arrive late. The ceremony is not given up before.
func TestStartThatMayArriveIsNotGivenUp(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.vault.Fault = func(m string, _ int) (error, error) {
			if m == "start" {
				return ceremony.ErrUncertain, nil
			}
			return nil, nil
		}
		id := s.begin(s.rekey)
		last := time.Now()
		for calls := 0; !s.now(id).Ended() && time.Since(last) < time.Hour; s.settle(100 * time.Millisecond) {
			if n := s.vault.Count("start"); n != calls {
				calls, last = n, time.Now()
			}
		}
		c := s.now(id)
		if since := c.EndedAt().Sub(last); c.Outcome != event.Failed || since < 4*time.Second {
			t.Errorf("outcome %q %v after the last request: %s", c.Outcome, since, storyOf(c))
		}
		if n := s.vault.Count("start"); n != 3 {
			t.Errorf("Vault was asked %d times to begin", n)
		}
	})
}

// A rekey that others have done, or may have, is none that a ceremony has done. A backup that
// Vault does not let anybody read is not said to be missing.
func TestKeyReportClaimsNoRekeyOfOthers(t *testing.T) {
	report := func(s *stage) (rekeyed, others bool) {
		s.t.Helper()
		r, err := s.engine.KeyReport(context.Background(), "prod")
		if err != nil {
			s.t.Fatal(err)
		}
		return !r.Rekeyed.IsZero(), !r.Others.IsZero()
	}
	play(t, func(t *testing.T, s *stage) {
		s.restartWith(false)
		id := s.begin(s.rekey)
		s.share(id, "alice", "old-1")
		s.others("old-2", "old-3")
		s.settle(time.Minute)
		s.handsOut(id)
		if rekeyed, others := report(s); rekeyed || !others {
			t.Errorf("after a rekey by others: rekeyed %t, others %t", rekeyed, others)
		}
	})
	play(t, func(t *testing.T, s *stage) {
		s.finish(s.begin(s.rekey))
		if rekeyed, others := report(s); !rekeyed || others {
			t.Errorf("after a rekey: rekeyed %t, others %t", rekeyed, others)
		}
		s.vault.Do(func() {
			s.vault.Fault = func(m string, _ int) (error, error) {
				if m == "backup" {
					return ceremony.ErrUnsupported, nil
				}
				return nil, nil
			}
		})
		r, err := ledger.ReportKeys(context.Background(), ceremony.Cluster{Name: "prod", Vault: s.vault}, nil)
		if err != nil || r.Backup || !r.Unread {
			t.Errorf("a backup that can't be asked for: %+v, %v", r, err)
		}
	})
}

// That Vault keeps no backup is an answer of Vault's.
func TestMissingBackupIsAnAnswer(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.prepare(ceremony.ReadBackup)
		id := s.propose(ceremony.ReadBackup)
		s.vault.Do(func() { s.vault.Saved = nil })
		s.approved(id)
		s.settle(time.Minute)
		c, live, err := s.engine.Ceremony(id)
		if err != nil || c.Outcome != event.Failed {
			t.Fatalf("outcome %q, %v: %s", c.Outcome, err, storyOf(c))
		}
		if live.Vault != nil {
			t.Errorf("Vault is said not to answer: %v", live.Vault)
		}
	})
}

// The answer to the last proof is lost, and Vault has not counted it. A cancellation that it
// confirms afterwards does not end in a new key.
func TestConfirmedCancellationAfterALostProofIsOne(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(s.rekey)
		s.contribute(id, ceremony.StepUpdate, 3)
		s.settle(time.Minute)
		s.contribute(id, ceremony.StepVerify, 2)
		s.vault.Do(func() {
			hit(s, "submit", s.vault.Calls["submit"], func() (error, error) { return ceremony.ErrUncertain, nil })
		})
		_ = s.send("carol", s.envelope(id, "carol", "new-3"))
		s.settle(time.Minute)
		if c := s.now(id); lastSeq[event.AnswerLost](c) < lastSeq[event.Counted](c) {
			t.Fatalf("no answer was lost: %s", storyOf(c))
		}
		s.giveUp(id)
		if c := s.now(id); c.Outcome != event.Cancelled || c.Ending != event.AttemptDropped || s.vault.Shares[0] != "old-1" {
			t.Errorf("outcome %q, ending %q: %s", c.Outcome, c.Ending, storyOf(c))
		}
	})
}

// Everybody wants everything at once, and more than once. In each round each holder counts
// once, one attempt is open, and nothing that is not in the journal is told (P2, P5, P10).
func TestP5WishesThatCrossEachOtherLeaveOneStory(t *testing.T) {
	for _, op := range []ceremony.Operation{ceremony.GenerateRoot, ceremony.Rekey, ceremony.Unseal} {
		t.Run(string(op), func(t *testing.T) {
			playFor(t, op, func(t *testing.T, s *stage) {
				ctx := context.Background()
				id := s.begin(op)
				for range 3 {
					done := make(chan struct{})
					wishes := []func(){}
					for _, who := range []string{"olga", "paul", "quin", "alice"} {
						account := ceremonytest.Person(who).Account
						wishes = append(wishes,
							func() { _, _ = s.engine.Resume(ctx, id, account) },
							func() { _, _ = s.engine.Reverify(ctx, id, account) },
							func() { _, _ = s.engine.Reset(ctx, id, account) },
							func() { _, _ = s.engine.Freeze(ctx, id, account, "x") })
					}
					for _, who := range ceremonytest.Holders {
						if c := s.now(id); c.Key != nil {
							e := s.envelope(id, who, own(c.Key.Step, who))
							wishes = append(wishes, func() { _ = s.cross(who, e) }, func() { _ = s.cross(who, e) })
						}
					}
					for i, wish := range wishes {
						go func() {
							time.Sleep(time.Duration(i*7%11) * time.Millisecond)
							wish()
							done <- struct{}{}
						}()
					}
					for range wishes {
						<-done
					}
					s.settle(10 * time.Second)
				}
				s.restart()
				s.settle(time.Minute)
				c := s.now(id)
				if op.HasAttempt() {
					counted := map[ceremony.Account]int{}
					for _, e := range c.History {
						switch ev := e.Event.(type) {
						case event.Counted:
							counted[ev.By.Account]++
						case event.RoundRefused, event.RoundReset, event.AttemptLost, event.Rekeyed:
							clear(counted)
						}
						for who, n := range counted {
							if n > 1 {
								t.Errorf("entry %d: %s counts %d times in a round: %s", e.Seq, who, n, storyOf(c))
							}
						}
					}
				}
				if twice := s.notifier.Twice(); len(twice) > 0 {
					t.Errorf("posted twice: %q", twice)
				}
				if c.Ended() && c.Outcome != event.Completed && s.vault.Shares[0] != "old-1" {
					t.Errorf("the key was replaced, and the ceremony ended %q", c.Outcome)
				}
			})
		})
	}
}

// cross sends an envelope at the same moment as others do.
func (s *stage) cross(name string, envelope []byte) error {
	_, err := s.engine.Share(context.Background(), ceremony.Envelope{
		By: ceremonytest.Person(name).Account, Message: ceremony.Ref{Channel: "D" + name, TS: string(envelope)},
		Way: ceremony.ByText, Envelope: envelope,
	})
	if errors.Is(err, ceremony.ErrJournal) {
		s.t.Errorf("%s: %v", name, err)
	}
	return err
}
