package engine_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// others brings shares past Conclave, as people do with Vault's own program.
func (s *stage) others(shares ...string) {
	s.t.Helper()
	s.vault.Do(func() {
		for _, share := range shares {
			a := s.vault.Attempt
			var err error
			if a.Verify != "" {
				_, err = s.vault.Verify(a.Verify, share)
			} else {
				_, err = s.vault.Update(a.Nonce, share)
			}
			if err != nil {
				s.t.Fatalf("%s by others: %v", share, err)
			}
		}
	})
}

func (s *stage) giveUp(id ceremony.ID) {
	s.t.Helper()
	if _, err := s.engine.Cancel(context.Background(), id, ceremonytest.Person("olga").Account, "x"); err != nil {
		s.t.Fatal(err)
	}
	s.settle(time.Minute)
}

// handsOut makes sure that a rekey that others have carried through records every new share
// before it ends, and delivers each to its receiver.
func (s *stage) handsOut(id ceremony.ID) rules.State {
	s.t.Helper()
	c := s.now(id)
	made := lastOf[event.Rekeyed](c)
	if c.Outcome != event.Completed || c.Ending != event.AttemptUsed || !rules.Elsewhere(made) || !c.MadeElsewhere() ||
		!made.FromBackup || c.Unproven {
		s.t.Fatalf("%s, outcome %q, ending %q, made by %q: %s", c.Phase, c.Outcome, c.Ending, made.By.Name, storyOf(c))
	}
	for i, name := range ceremonytest.Holders {
		if got, want := made.Shares[i], ceremonytest.Enc(own(ceremony.StepVerify,
			name)+" for "+string(ceremonytest.Fpr(name))); got.Ciphertext != want ||
			got.For != ceremonytest.Person(name) {
			s.t.Errorf("share %d is %+v", i, got)
		}
		delivered := slices.IndexFunc(c.History, func(e event.Entry) bool {
			p, ok := e.Event.(event.Posted)
			return ok && strings.HasPrefix(p.Key, "delivery/") &&
				strings.HasSuffix(p.Key, "/"+ceremonytest.Person(name).Account.String())
		})
		if delivered < lastSeq[event.Rekeyed](c) {
			s.t.Errorf("%s was handed theirs at entry %d, the journal has them since %d (P7)", name, delivered+1,
				lastSeq[event.Rekeyed](c))
		}
	}
	for _, name := range []string{"olga", "paul", "quin"} {
		if !slices.ContainsFunc(c.Messages(), func(m rules.Message) bool {
			return m.Kind == rules.EndedMessage && m.To.Account == ceremonytest.Person(name).Account
		}) {
			s.t.Errorf("%s is not told", name)
		}
	}
	return c
}

// The bot is stopped at one share of three, and the others finish the rekey with
// Vault's own program: the old shares are dead when it comes back.
func TestP7RekeyThatOthersHaveFinishedHandsOutItsSharesFromTheBackup(t *testing.T) {
	for name, found := range map[string]func(s *stage, id ceremony.ID){
		"by a start": func(s *stage, _ ceremony.ID) {
			s.stop()
			s.others("old-2", "old-3")
			s.start()
		},
		"by the poll": func(s *stage, _ ceremony.ID) { s.others("old-2", "old-3") },
		"by a share": func(s *stage, id ceremony.ID) {
			envelope := s.envelope(id, "dave", "old-4")
			s.others("old-2", "old-3")
			if err := s.send("dave", envelope); !errors.Is(err, ceremony.Closed) {
				s.t.Errorf("a share that comes too late: %v", err)
			}
		},
		"by a share whose answer was lost": func(s *stage, id ceremony.ID) {
			hit(s, "submit", 1, func() (error, error) { return nil, ceremony.ErrUncertain })
			s.keepAway("progress", 20*time.Second)
			_ = s.send("bob", s.envelope(id, "bob", "old-2"))
			s.others("old-3")
		},
		"after the last share of ours was refused": func(s *stage, id ceremony.ID) {
			s.share(id, "bob", "old-2")
			hit(s, "submit", 2, func() (error, error) { return ceremony.ErrRefused, nil })
			if err := s.send("carol", s.envelope(id, "carol", "old-3")); !errors.Is(err, ceremony.VaultRefused) {
				s.t.Errorf("a share that Vault refused: %v", err)
			}
			s.others("old-4")
		},
		"by a start when the backup can't be read at first": func(s *stage, _ ceremony.ID) {
			s.stop()
			s.others("old-2", "old-3")
			s.vault.Fault = func(m string, n int) (error, error) {
				if m == "backup" && n < 4 {
					return ceremony.ErrNotSent, nil
				}
				return nil, nil
			}
			s.start()
		},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(t *testing.T, s *stage) {
				s.restartWith(false)
				id := s.begin(s.rekey)
				s.share(id, "alice", "old-1")
				found(s, id)
				s.settle(2 * time.Minute)
				c := s.handsOut(id)
				if lastSeq[event.Frozen](c) > 0 {
					t.Errorf("frozen, though nothing is left to be sent: %s", storyOf(c))
				}
				if len(c.KeyFacts) != 1 || !c.KeyFacts[0].Doubtful {
					t.Errorf("what is known of the shares: %+v", c.KeyFacts)
				}
				s.restart() // the journal is read back
				s.handsOut(id)
			})
		})
	}
}

// keepAway makes Vault not answer a question for a while.
func (s *stage) keepAway(method string, d time.Duration) {
	inner, until := s.vault.Fault, time.Time{}
	s.vault.Fault = func(m string, n int) (error, error) {
		if m == "submit" {
			until = time.Now().Add(d)
		}
		if m == method && time.Now().Before(until) {
			return ceremony.ErrNotSent, nil
		}
		return inner(m, n)
	}
}

// A ceremony that an earlier version froze, or that could not read the backup when it froze,
// gives no share up, whatever people decide.
func TestCancellingARekeyThatOthersHaveFinishedGivesNothingUp(t *testing.T) {
	for name, decide := range map[string]func(s *stage, id ceremony.ID){
		"cancel": func(s *stage, id ceremony.ID) { s.giveUp(id) },
		"resume": func(s *stage, id ceremony.ID) { s.thaw(id); s.settle(time.Minute) },
		"expire": func(s *stage, _ ceremony.ID) { s.settle(5 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(t *testing.T, s *stage) {
				s.restartWith(false)
				id := s.begin(s.rekey)
				s.share(id, "alice", "old-1")
				s.vault.Do(func() { s.vault.Fault = forbidden("backup") })
				s.others("old-2", "old-3")
				s.settle(time.Minute)
				if c := s.now(id); c.Phase != rules.PhaseFrozen || c.Freeze.Why != event.AttemptGone ||
					c.Freeze.Remains != "" {
					t.Fatalf("%s, %+v", c.Phase, c.Freeze)
				}
				s.vault.Do(func() { s.vault.Fault = nil })
				decide(s, id)
				s.handsOut(id)
			})
		})
	}
}

func forbidden(method string) func(string, int) (error, error) {
	return func(m string, _ int) (error, error) {
		if m == method {
			return ceremony.ErrForbidden, nil
		}
		return nil, nil
	}
}

// unknown makes sure that a ceremony has ended without claiming that its attempt had no
// effect.
func (s *stage) unknown(id ceremony.ID) {
	s.t.Helper()
	if c := s.now(id); c.Outcome != event.Cancelled || c.Ending != event.AttemptUnknown || !c.Unproven {
		s.t.Errorf("outcome %q, ending %q, unproven %t: %s", c.Outcome, c.Ending, c.Unproven, storyOf(c))
	}
}

// Without a backup nobody but those who finished it has the new shares.
func TestRekeyThatIsGoneWithoutABackupEndsUnknown(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.stop()
		s.verify, s.configure = false, func(c *ceremony.Cluster) { c.Backup = false }
		s.start()
		id := s.begin(s.rekey)
		s.share(id, "alice", "old-1")
		s.others("old-2", "old-3")
		s.settle(time.Minute)
		if c := s.now(id); c.Phase != rules.PhaseFrozen || c.Freeze.Why != event.AttemptGone {
			t.Fatalf("%s, %+v", c.Phase, c.Freeze)
		}
		s.giveUp(id)
		s.unknown(id)
	})
}

// A token that others have finished looks like an attempt that was cancelled.
func TestTokenThatIsGoneEndsUnknown(t *testing.T) {
	for _, op := range []ceremony.Operation{ceremony.GenerateRoot, ceremony.RecoveryToken, ceremony.DRToken} {
		t.Run(string(op), func(t *testing.T) {
			playFor(t, op, func(t *testing.T, s *stage) {
				id := s.begin(op)
				s.share(id, "alice", "old-1")
				s.stop()
				s.others("old-2", "old-3")
				s.start()
				s.settle(time.Minute)
				if c := s.now(id); c.Phase != rules.PhaseFrozen || c.Freeze.Why != event.AttemptGone {
					t.Fatalf("%s, %+v", c.Phase, c.Freeze)
				}
				s.giveUp(id)
				s.unknown(id)
				if c := s.now(id); len(c.KeyFacts) > 0 {
					t.Errorf("a token says nothing of the key: %+v", c.KeyFacts)
				}
			})
			playFor(t, op, func(t *testing.T, s *stage) {
				id := s.begin(op)
				s.share(id, "alice", "old-1")
				s.others("old-2", "old-3")
				s.settle(time.Minute)
				s.thaw(id)
				if c := s.finish(id); c.Outcome != event.Completed || c.Attempt.Number != 2 || !c.Unproven {
					t.Errorf("outcome %q in attempt %d; the first may have made a token as well, unproven %t",
						c.Outcome, c.Attempt.Number, c.Unproven)
				}
			})
		})
	}
}

// With verification the backup shows that new shares were made, and no more; the
// numbers may show that they are in force.
func TestRekeyWithVerificationThatOthersHaveFinished(t *testing.T) {
	finish := func(s *stage) ceremony.ID {
		id := s.begin(s.rekey)
		s.share(id, "alice", "old-1")
		s.stop()
		s.others("old-2", "old-3", "new-1", "new-2", "new-3")
		s.start()
		s.settle(time.Minute)
		return id
	}
	play(t, func(t *testing.T, s *stage) {
		id := finish(s)
		if c := s.now(id); c.Phase != rules.PhaseFrozen || c.Freeze.Why != event.AttemptGone ||
			c.Freeze.Remains != rules.SharesMade {
			t.Fatalf("%s, %+v", c.Phase, c.Freeze)
		}
		s.giveUp(id)
		s.unknown(id)
		backup := s.begin(ceremony.ReadBackup)
		if c := s.finish(backup); c.Backup == nil || c.Backup.Of != id || !c.Backup.Unknown ||
			len(c.Backup.Shares) != 5 {
			t.Errorf("the backup is handed out as %+v", c.Backup)
		}
	})
	play(t, func(t *testing.T, s *stage) { // the new key has other numbers
		s.vault.Shares = append(s.vault.Shares, "old-6")
		id := finish(s)
		if c := s.handsOut(id); c.Verified == nil || c.Verified.Unconfirmed {
			t.Errorf("verified: %+v", c.Verified)
		}
	})
	play(t, func(t *testing.T, s *stage) { // and died before anybody proved it
		s.vault.Shares = append(s.vault.Shares, "old-6")
		id := s.begin(s.rekey)
		s.share(id, "alice", "old-1")
		s.others("old-2", "old-3")
		s.vault.Do(func() { s.vault.Attempt = nil })
		s.settle(time.Minute)
		s.giveUp(id)
		if c := s.now(id); c.Outcome != event.Cancelled || c.Ending != event.NothingToCancel || c.Unproven {
			t.Errorf("the numbers are the old key's, and it ended as %q, %q, unproven %t", c.Outcome, c.Ending,
				c.Unproven)
		}
	})
}

// Nothing tells an attempt that others cancelled from one that they finished. The ceremony
// goes on: its result in the end is what counts.
func TestRekeyThatGoesOnAfterAnAttemptThatIsGoneIsSettledByItsEnd(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(s.rekey)
		s.share(id, "alice", "old-1")
		s.vault.Do(func() { s.vault.Attempt = nil })
		s.settle(time.Minute)
		if c := s.now(id); c.Phase != rules.PhaseFrozen || c.Freeze.Remains != rules.NothingMade {
			t.Fatalf("%s, %+v", c.Phase, c.Freeze)
		}
		s.thaw(id)
		s.settle(time.Minute)
		if c := s.now(id); !c.Unproven {
			t.Errorf("said to have come to nothing: %s", storyOf(c))
		}
		if c := s.finish(id); c.Outcome != event.Completed || c.Attempt.Number != 2 || c.Unproven {
			t.Errorf("outcome %q in attempt %d, unproven %t", c.Outcome, c.Attempt.Number, c.Unproven)
		}
	})
}

// Others finish the attempt just when the bot is about to drop it.
func TestAttemptThatIsFinishedWhileItIsDroppedIsNotSaidToBe(t *testing.T) {
	for _, op := range []ceremony.Operation{ceremony.Rekey, ceremony.RekeyRecovery, ceremony.GenerateRoot} {
		t.Run(string(op), func(t *testing.T) {
			playFor(t, op, func(t *testing.T, s *stage) {
				s.restartWith(false)
				id := s.begin(op)
				s.share(id, "alice", "old-1")
				s.others("old-2")
				s.settle(time.Minute)
				hit(s, "cancel", 0, func() (error, error) {
					_, _ = s.vault.Update(s.vault.Attempt.Nonce, "old-3")
					return ceremony.ErrRefused, nil
				})
				s.thaw(id)
				s.settle(20 * time.Second)
				if op == ceremony.GenerateRoot {
					if c := s.now(id); !c.Unproven {
						t.Errorf("a token was made, and it is said that nothing was: %s", storyOf(c))
					}
					return
				}
				s.handsOut(id)
			})
		})
	}
}

// The journal is put back to an earlier day, after which everything had gone well.
func TestJournalRestoredFromACopyTellsNothingUntrue(t *testing.T) {
	restore := func(s *stage, id ceremony.ID) {
		s.t.Helper()
		s.stop()
		path := filepath.Join(s.dir, string(id)+".jsonl")
		lines, err := os.ReadFile(path)
		if err != nil {
			s.t.Fatal(err)
		}
		end := bytes.Index(lines, []byte(`"type":"counted"`))
		end += bytes.IndexByte(lines[end:], '\n') + 1
		if err := os.WriteFile(path, lines[:end], 0o600); err != nil {
			s.t.Fatal(err)
		}
		s.notifier = ceremonytest.NewFakeNotifier() // it may post again
		s.start()
		s.settle(time.Minute)
	}
	play(t, func(t *testing.T, s *stage) {
		s.restartWith(false)
		id := s.begin(s.rekey)
		s.finish(id)
		restore(s, id)
		s.handsOut(id)
	})
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.GenerateRoot)
		s.finish(id)
		restore(s, id)
		if c := s.now(id); c.Phase != rules.PhaseFrozen || c.Freeze.Why != event.AttemptGone {
			t.Fatalf("%s, %+v", c.Phase, c.Freeze)
		}
		s.giveUp(id)
		s.unknown(id)
	})
}

// An act whose outcome was never learnt must not be reported as without effect.
func TestActWhoseOutcomeIsNotKnownEndsUnknown(t *testing.T) {
	playFor(t, ceremony.Rotate, func(t *testing.T, s *stage) {
		hit(s, "rotate", 0, func() (error, error) {
			s.vault.ClusterID = "cluster-2"
			return nil, ceremony.ErrUncertain
		})
		id := s.begin(ceremony.Rotate)
		s.settle(time.Minute)
		if c := s.now(id); c.Phase != rules.PhaseFrozen {
			t.Fatalf("state %s: %s", c.Phase, storyOf(c))
		}
		s.giveUp(id)
		if c := s.now(id); c.Outcome != event.Cancelled || c.Ending != event.AttemptUnknown {
			t.Errorf("outcome %q, ending %q", c.Outcome, c.Ending)
		}
	})
}

// Another cluster at the same address does not show what became of the attempt.
func TestOtherClusterDoesNotShowThatNothingHasTakenEffect(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(s.rekey)
		s.share(id, "alice", "old-1")
		s.vault.Do(func() { s.vault.Attempt, s.vault.ClusterID = nil, "cluster-2" })
		s.settle(time.Minute)
		s.giveUp(id)
		s.unknown(id)
	})
}

// New shares without a last share must come from Vault's backup.
func TestP8NewSharesOutOfNowhereAreFound(t *testing.T) {
	plan := ceremonytest.SamplePlan("prod-rekey-aaaa")
	plan.Approvals = 0
	entries := []event.Event{event.Proposed{Plan: plan, PlanHash: plan.Hash()}, event.Rekeyed{Keys: plan.Recipients()}}
	for _, made := range []event.Rekeyed{{Keys: plan.Recipients()}, {Keys: plan.Recipients(), FromBackup: true}} {
		entries[1] = made
		var story []event.Entry
		for i, e := range entries {
			story = append(story, event.Entry{Seq: i + 1, At: plan.Proposed, Event: e})
		}
		if _, err := rules.Replay(story); err == nil {
			t.Errorf("accepted, before there was an attempt: %+v", made)
		}
	}
}
