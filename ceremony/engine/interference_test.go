package engine_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// guarded plays a test on a cluster whose owner is sue and that is watched for
// interference.
func guarded(t *testing.T, op ceremony.Operation, f func(t *testing.T, s *stage)) {
	t.Helper()
	playFor(t, op, func(t *testing.T, s *stage) {
		s.configure = func(c *ceremony.Cluster) { c.Interference, c.Owners = true, ceremonytest.People("sue") }
		s.restart()
		s.settle(time.Minute)
		f(t, s)
	})
}

// alarms returns all alarms, newest first.
func (s *stage) alarms() []rules.State {
	return slices.DeleteFunc(s.engine.Current(), func(c rules.State) bool {
		return c.Plan.Operation != ceremony.Alarm
	})
}

// kinds returns the kinds of the findings of all alarms, oldest first.
func (s *stage) kinds() []ceremony.Finding {
	kinds := []ceremony.Finding{}
	for _, c := range slices.Backward(s.alarms()) {
		for _, e := range c.Findings() {
			kinds = append(kinds, e.Event.(event.Noticed).Kind)
		}
	}
	return kinds
}

func (s *stage) expect(want ...ceremony.Finding) {
	s.t.Helper()
	if diff := cmp.Diff(append([]ceremony.Finding{}, want...), s.kinds()); diff != "" {
		s.t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// foreign begins a foreign attempt.
func (s *stage) foreign(op ceremony.Operation) {
	s.vault.Do(func() {
		s.vault.Attempt = &ceremonytest.FakeAttempt{
			Op: op, Nonce: "foreign-" + s.vault.Nonce(), Order: ceremony.Order{Operation: op, Shares: 1, Threshold: 1},
		}
	})
}

// interferences returns what others can do past the program, and the findings that follow.
func interferences() map[string]struct {
	do   func(s *stage)
	want []ceremony.Finding
} {
	type row = struct {
		do   func(s *stage)
		want []ceremony.Finding
	}
	return map[string]row{
		"starts a rekey": {func(s *stage) { s.foreign(s.rekey) }, []ceremony.Finding{ceremony.ForeignStart}},
		"starts a root": {
			func(s *stage) { s.foreign(ceremony.GenerateRoot) }, []ceremony.Finding{ceremony.ForeignStart},
		},
		"starts and feeds": {func(s *stage) {
			s.foreign(ceremony.GenerateRoot)
			s.settle(time.Minute)
			s.vault.Do(func() { s.vault.Attempt.Progress = []string{"old-1"} })
		}, []ceremony.Finding{ceremony.ForeignStart, ceremony.ForeignProgress}},
		"starts and cancels": {func(s *stage) {
			s.foreign(ceremony.GenerateRoot)
			s.settle(time.Minute)
			s.vault.Do(func() { s.vault.Attempt = nil })
		}, []ceremony.Finding{ceremony.ForeignStart, ceremony.ForeignCancel}},
		"replaces an attempt": {func(s *stage) {
			s.foreign(ceremony.GenerateRoot)
			s.settle(time.Minute)
			s.foreign(ceremony.GenerateRoot)
		}, []ceremony.Finding{ceremony.ForeignStart, ceremony.ForeignCancel, ceremony.ForeignStart}},
		"finishes a rekey": {func(s *stage) {
			s.foreign(s.rekey)
			s.settle(time.Minute)
			s.vault.Do(func() { s.vault.Attempt, s.vault.Shares, s.vault.Threshold = nil, []string{"evil"}, 1 })
		}, []ceremony.Finding{ceremony.ForeignStart, ceremony.ForeignCancel, ceremony.KeyChanged}},
		"rotates": {
			func(s *stage) { s.vault.Do(func() { s.vault.Term++ }) }, []ceremony.Finding{ceremony.TermChanged},
		},
		"answers in place": {
			func(s *stage) {
				s.vault.Do(func() { s.vault.ClusterID = "cluster-2" })
			}, []ceremony.Finding{ceremony.ClusterChanged},
		},
		"seals": {
			func(s *stage) {
				s.vault.Do(func() { s.node("n2").Sealed = true })
			}, []ceremony.Finding{ceremony.SealChanged},
		},
	}
}

func TestWhatNoCeremonyHasDoneRaisesOneAlarm(t *testing.T) {
	for name, deed := range interferences() {
		t.Run(name, func(t *testing.T) {
			for _, op := range []ceremony.Operation{ceremony.Rekey, ceremony.RekeyRecovery} {
				guarded(t, op, func(t *testing.T, s *stage) {
					s.expect()
					deed.do(s)
					s.settle(time.Hour)
					s.expect(deed.want...)
					if n := len(s.alarms()); n != 1 {
						t.Fatalf("%d alarms", n)
					}
					alarm := s.alarms()[0]
					if alarm.Phase != rules.PhaseRaised || alarm.Plan.Initiator != ceremony.InterferenceWatch {
						t.Errorf("the alarm is %s, of %s", alarm.Phase, alarm.Plan.Initiator.Name)
					}
					for _, kind := range slices.Compact(slices.Sorted(slices.Values(deed.want))) {
						if !slices.ContainsFunc(s.notifier.Order, func(key string) bool {
							m := messageOf(alarm, key)
							return m.Kind == rules.AlarmMessage && m.Entry.Event.(event.Noticed).Kind == kind &&
								m.To.Name == "sue"
						}) {
							t.Errorf("sue was not told of %s", kind)
						}
					}
				})
			}
		})
	}
}

func messageOf(c rules.State, key string) rules.Message {
	for _, m := range c.Messages() {
		if m.Key == key {
			return m
		}
	}
	return rules.Message{}
}

func TestP6RestartNeitherHidesNorRepeatsAnAlarm(t *testing.T) {
	for name, deed := range interferences() {
		t.Run(name, func(t *testing.T) {
			guarded(t, ceremony.Rekey, func(t *testing.T, s *stage) {
				// After a restart only the journals show what the cluster was.
				for _, op := range []ceremony.Operation{ceremony.Rekey, ceremony.Rotate} {
					if c := s.finish(s.begin(op)); c.Outcome != event.Completed {
						t.Fatalf("%s: %s", op, storyOf(c))
					}
				}
				s.unsealAll()
				deed.do(s)
				s.settle(time.Minute)
				s.restart()
				s.settle(time.Hour)
				s.expect(deed.want...)
				s.restart()
				s.settle(time.Hour)
				s.expect(deed.want...)
			})
		})
	}
}

// unsealAll seals the nodes and unseals them in a ceremony, so that the journals have them.
// There is no watch meanwhile.
func (s *stage) unsealAll() {
	s.t.Helper()
	configure := s.configure
	s.configure = nil
	s.restart()
	s.vault.Do(func() {
		for _, n := range s.vault.Members {
			n.Sealed = true
		}
	})
	id := s.begin(ceremony.Unseal)
	for _, name := range []string{"alice", "bob", "carol"} {
		i := slices.Index(ceremonytest.Holders, name)
		s.share(id, name, s.vault.Shares[i])
	}
	s.settle(time.Minute)
	if c := s.now(id); c.Outcome != event.Completed {
		s.t.Fatalf("the unseal: %s", storyOf(c))
	}
	s.configure = configure
	s.restart()
	s.settle(time.Minute)
}

func TestWhatHappensWhileTheProgramIsDownIsFoundAfterwards(t *testing.T) {
	for name, deed := range interferences() {
		t.Run(name, func(t *testing.T) {
			guarded(t, ceremony.Rekey, func(t *testing.T, s *stage) {
				for _, op := range []ceremony.Operation{ceremony.Rekey, ceremony.Rotate} {
					s.finish(s.begin(op))
				}
				s.unsealAll()
				s.stop()
				deed.do(s)
				s.start()
				s.settle(time.Hour)
				// An attempt that came and went meanwhile has left no trace.
				last := deed.want[len(deed.want)-1]
				if got := s.kinds(); last != ceremony.ForeignCancel && last != ceremony.ForeignProgress &&
					!slices.Contains(got, last) {
					t.Errorf("found %q, and not %s", got, last)
				}
			})
		})
	}
}

// Whatever the ceremonies do, even when answers are lost, the watch takes none of it for
// interference.
func TestOwnCeremoniesRaiseNoAlarm(t *testing.T) {
	faults := []struct {
		name          string
		before, after error
	}{
		{name: "no faults"},
		{name: "never sent", before: ceremony.ErrNotSent},
		{name: "failed, but applied", after: ceremony.ErrUncertain},
	}
	for _, op := range ceremony.Operations() {
		for _, fault := range faults {
			t.Run(fmt.Sprintf("%s/%s", op, fault.name), func(t *testing.T) {
				t.Parallel()
				for nth := range 3 {
					guarded(t, op, func(t *testing.T, s *stage) {
						id := s.begin(op)
						s.vault.Do(func() {
							s.vault.Fault = func(m string, n int) (error, error) {
								writes := []string{
									"submit", "start", "rotate", "set-policy", "delete-backup", "cancel", "unseal",
									"reset",
								}
								if slices.Contains(writes, m) && n%3 == nth {
									return fault.before, fault.after
								}
								return nil, nil
							}
						})
						s.finish(id)
						s.settle(time.Hour)
						s.expect()
					})
				}
			})
		}
	}
}

func TestCancelledAndExpiredCeremoniesRaiseNoAlarm(t *testing.T) {
	for _, op := range []ceremony.Operation{
		ceremony.Rekey, ceremony.RekeyRecovery, ceremony.GenerateRoot, ceremony.Unseal,
	} {
		for _, end := range []string{"cancelled", "expired"} {
			t.Run(string(op)+" "+end, func(t *testing.T) {
				guarded(t, op, func(t *testing.T, s *stage) {
					id := s.begin(op)
					step := ceremony.StepUpdate
					if op == ceremony.Unseal {
						step = ceremony.StepUnseal
					}
					s.contribute(id, step, 2)
					s.settle(time.Minute)
					if end == "cancelled" {
						if _, err := s.engine.Cancel(context.Background(), id, ceremonytest.Person("paul").Account,
							""); err != nil {
							t.Fatal(err)
						}
					}
					s.settle(5 * time.Hour)
					if c := s.now(id); !c.Ended() {
						t.Fatalf("the ceremony is %s", c.Phase)
					}
					s.expect()
				})
			})
		}
	}
}

func TestInterferenceWithACeremonyIsToldToTheOwnersToo(t *testing.T) {
	for name, row := range map[string]struct {
		do   func(v *ceremonytest.FakeVault)
		want []ceremony.Finding
	}{
		"cancelled": {
			func(v *ceremonytest.FakeVault) { v.Attempt = nil }, []ceremony.Finding{ceremony.ForeignCancel},
		},
		"a foreign share": {
			func(v *ceremonytest.FakeVault) {
				v.Attempt.Progress = append(v.Attempt.Progress, "old-5")
			}, []ceremony.Finding{ceremony.ForeignProgress},
		},
		"progress dropped": {
			func(v *ceremonytest.FakeVault) { v.Attempt.Progress = nil }, []ceremony.Finding{ceremony.ForeignProgress},
		},
		"replaced": {func(v *ceremonytest.FakeVault) {
			v.Attempt = &ceremonytest.FakeAttempt{
				Op: v.Attempt.Op, Nonce: "foreign", Order: v.Attempt.Order, Keys: v.Attempt.Keys,
			}
		}, []ceremony.Finding{ceremony.ForeignCancel, ceremony.ForeignStart}},
	} {
		t.Run(name, func(t *testing.T) {
			guarded(t, ceremony.Rekey, func(t *testing.T, s *stage) {
				id := s.begin(ceremony.Rekey)
				s.contribute(id, ceremony.StepUpdate, 1)
				s.vault.Do(func() { row.do(s.vault) })
				s.settle(time.Hour)
				s.expect(row.want...)
				if c := s.now(id); c.Phase != rules.PhaseFrozen {
					t.Errorf("the ceremony is %s", c.Phase)
				}
				if n := s.alarms()[0].Findings()[0].Event.(event.Noticed); n.Of != id {
					t.Errorf("it is about %q", n.Of)
				}
				s.restart()
				s.settle(time.Hour)
				s.expect(row.want...)
			})
		})
	}
}

func TestRekeyThatOthersCarriedThroughIsToldToTheOwnersToo(t *testing.T) {
	guarded(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		s.restartWith(false)
		id := s.begin(ceremony.Rekey)
		s.contribute(id, ceremony.StepUpdate, 1)
		s.others("old-2", "old-3")
		for range 3 {
			s.settle(2 * time.Hour)
			s.expect(rules.ForeignEnd)
			s.restart()
		}
		if n := s.alarms()[0].Findings()[0].Event.(event.Noticed); n.Of != id {
			t.Errorf("it is about %q", n.Of)
		}
	})
}

func TestNodeUnsealedByHandIsFoundAndByACeremonyIsNot(t *testing.T) {
	guarded(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		s.vault.Do(func() { s.node("n2").Sealed = true })
		s.settle(time.Minute)
		s.expect(ceremony.SealChanged)
		id := s.begin(ceremony.Unseal)
		s.contribute(id, ceremony.StepUnseal, 3)
		s.settle(time.Hour)
		s.expect(ceremony.SealChanged)

		s.vault.Do(func() { s.node("n3").Sealed = true })
		s.settle(time.Minute)
		s.vault.Do(func() { s.node("n3").Progress = []string{"old-1"} })
		s.settle(time.Minute)
		s.vault.Do(func() { s.node("n3").Sealed, s.node("n3").Progress = false, nil })
		s.settle(time.Hour)
		s.expect(ceremony.SealChanged, ceremony.SealChanged, ceremony.ForeignProgress, ceremony.SealChanged)
	})
}

func TestClusterThatUnsealsItselfIsNotAccusedOfIt(t *testing.T) {
	guarded(t, ceremony.RekeyRecovery, func(t *testing.T, s *stage) {
		s.vault.Do(func() { s.node("n2").Sealed = true })
		s.settle(time.Minute)
		s.vault.Do(func() { s.node("n2").Sealed = false })
		s.settle(time.Hour)
		s.expect(ceremony.SealChanged)
	})
}

func TestRotationByVaultsOwnPolicyIsNoAlarm(t *testing.T) {
	for name, row := range map[string]struct {
		policy  ceremony.RotationPolicy
		age     time.Duration
		want    []ceremony.Finding
		perhaps bool
	}{
		"old enough": {
			ceremony.RotationPolicy{Enabled: true, Interval: 24 * time.Hour}, 25 * time.Hour, nil, false,
		},
		"too young": {
			ceremony.RotationPolicy{Enabled: true, Interval: 24 * time.Hour}, time.Hour,
			[]ceremony.Finding{ceremony.TermChanged}, true,
		},
		"used up": {ceremony.RotationPolicy{Enabled: true, MaxOperations: 42}, time.Hour, nil, false},
		"hardly used": {
			ceremony.RotationPolicy{Enabled: true, MaxOperations: 4_000_000}, time.Hour,
			[]ceremony.Finding{ceremony.TermChanged}, true,
		},
		"not by itself": {
			ceremony.RotationPolicy{Interval: 24 * time.Hour}, 25 * time.Hour, []ceremony.Finding{ceremony.TermChanged},
			false,
		},
		"policy forbidden": {
			ceremony.RotationPolicy{}, 25 * time.Hour, []ceremony.Finding{ceremony.TermChanged}, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			guarded(t, ceremony.Rekey, func(t *testing.T, s *stage) {
				s.vault.Do(func() {
					s.vault.Policy, s.vault.Installed = row.policy, time.Now()
					if name == "policy forbidden" {
						s.vault.Fault = func(m string, _ int) (error, error) {
							if m == "policy" {
								return ceremony.ErrForbidden, nil
							}
							return nil, nil
						}
					}
				})
				s.settle(row.age)
				s.vault.Do(func() { s.vault.Term++; s.vault.Installed = time.Now() })
				s.settle(time.Hour)
				s.expect(row.want...)
				if row.want != nil {
					if n := s.alarms()[0].Findings()[0].Event.(event.Noticed); n.Perhaps != row.perhaps {
						t.Errorf("perhaps by policy: %v", n.Perhaps)
					}
				}
			})
		})
	}
}

// Neither a node that flaps nor foreign attempts all day long fill the journal.
func TestFlappingMakesNoStorm(t *testing.T) {
	guarded(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		const hours = 12
		for i := range hours * 60 {
			s.vault.Do(func() { s.node("n1").Sealed = i%2 == 0 })
			s.foreign(ceremony.GenerateRoot)
			s.settle(time.Minute)
		}
		if n := len(s.alarms()); n != 1 {
			t.Fatalf("%d alarms", n)
		}
		count := map[ceremony.Finding]int{}
		for _, kind := range s.kinds() {
			count[kind]++
		}
		if count[ceremony.SealChanged] != 2 || count[ceremony.ForeignStart] > 20+hours ||
			count[ceremony.ForeignCancel] > 20+hours {
			t.Errorf("findings: %v", count)
		}
		told := 0
		for _, key := range s.notifier.Order {
			if messageOf(s.alarms()[0], key).Kind == rules.AlarmMessage {
				told++
			}
		}
		if told != 3 {
			t.Errorf("sue was told %d times of 3 kinds", told)
		}
	})
}

func TestAnElectionOfAFewSecondsIsNoFinding(t *testing.T) {
	guarded(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		s.vault.Do(func() {
			from := s.vault.Calls["seal"]
			s.vault.Fault = func(m string, n int) (error, error) {
				switch {
				case m == "seal" && n == from+1, m == "progress" && s.vault.Calls["seal"] < from+4:
					return ceremony.ErrNoLeader, nil
				}
				return nil, nil
			}
		})
		s.settle(time.Hour)
		s.expect()
	})
}

func TestWhatVaultDeniesIsAskedAgainAfterAWhileAndTheRestIsWatched(t *testing.T) {
	guarded(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		s.vault.Do(func() {
			clear(s.vault.Calls)
			s.vault.Fault = func(m string, _ int) (error, error) {
				if m == "key-status" {
					return ceremony.ErrForbidden, nil
				}
				return nil, nil
			}
		})
		s.foreign(ceremony.GenerateRoot)
		s.settle(time.Hour)
		s.expect(ceremony.ForeignStart)
		if n := s.vault.Calls["key-status"]; n < 2 || n > 10 {
			t.Errorf("Vault was asked %d times in an hour what it denies", n)
		}
	})
}

// A freeze for another reason is no interference, and raises no alarm.
func TestFrozenByItsOwnDoingIsNoAlarm(t *testing.T) {
	t.Run("the token is for somebody else", func(t *testing.T) {
		guarded(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
			s.vault.Do(func() { s.vault.Diverts = ceremonytest.Fpr("mallory") })
			c := s.finish(s.begin(ceremony.GenerateRoot))
			if c.Phase != rules.PhaseFrozen {
				t.Fatalf("it is %s", c.Phase)
			}
			s.settle(time.Hour)
			s.expect()
		})
	})
	t.Run("the new shares were lost on the way", func(t *testing.T) {
		guarded(t, ceremony.Rekey, func(t *testing.T, s *stage) {
			id := s.begin(ceremony.Rekey)
			s.vault.Do(func() {
				clear(s.vault.Calls)
				s.vault.Fault = func(m string, n int) (error, error) {
					switch {
					case m == "submit" && n == 2:
						return nil, ceremony.ErrUncertain
					case m == "backup":
						return ceremony.ErrForbidden, nil
					}
					return nil, nil
				}
			})
			if c := s.finish(id); c.Phase != rules.PhaseFrozen || c.Freeze.Why != event.KeysLost {
				t.Fatalf("it is %s", c.Phase)
			}
			s.settle(time.Hour)
			s.expect()
		})
	})
}
