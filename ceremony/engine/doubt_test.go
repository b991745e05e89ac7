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
	"conclave/ceremony/journal"
	"conclave/ceremony/rules"
)

// forge adds lines to a ceremony's journal, as an attacker could who can write its file and
// has the identity's key. What the rules allow is not asked.
func (s *stage) forge(id ceremony.ID, events ...event.Event) {
	s.t.Helper()
	j, err := journal.OpenJournal(s.dir, s.openPGP.JournalKey())
	if err != nil {
		s.t.Fatal(err)
	}
	seq := 0
	if entries, err := j.Load(context.Background(), id); !errors.Is(err, ceremony.ErrUnknownCeremony) {
		seq = len(entries)
	}
	_, err = j.Append(context.Background(), id, seq, events...)
	if err := errors.Join(err, j.Close()); err != nil {
		s.t.Fatal(err)
	}
}

// frozenFor makes sure that a ceremony is frozen for a reason that people can't thaw, and
// that it tells the reason once.
func (s *stage) frozenFor(id ceremony.ID, why event.FreezeReason, found string) {
	s.t.Helper()
	for range 2 {
		s.settle(time.Minute)
		c := s.now(id)
		if c.Phase != rules.PhaseFrozen || c.Freeze.Why != why || !strings.Contains(c.Freeze.Got, found) {
			s.t.Fatalf("state %s, %+v, want %s with %q: %s", c.Phase, c.Freeze, why, found, storyOf(c))
		}
		for _, name := range []string{"olga", "paul"} {
			if _, err := s.engine.Resume(context.Background(), id,
				ceremonytest.Person(name).Account); !errors.Is(err, ceremony.StillInDoubt) {
				s.t.Errorf("%s resumes: %v", name, err)
			}
		}
		if n := strings.Count(storyOf(c), "froze"); n != 1 {
			s.t.Errorf("it froze %d times: %s", n, storyOf(c))
		}
		s.restart()
	}
}

func (s *stage) cancels(id ceremony.ID) {
	s.t.Helper()
	if _, err := s.engine.Cancel(context.Background(), id, ceremonytest.Person("olga").Account, ""); err != nil {
		s.t.Fatal(err)
	}
	s.settle(time.Minute)
	if c := s.now(id); c.Outcome != event.Cancelled {
		s.t.Errorf("%s", storyOf(c))
	}
}

// An attacker who can write the journal's file adds statements that nobody has signed.
func TestP2WordThatNobodySignedIsNotObeyed(t *testing.T) {
	approved := func(c rules.State, signed string) event.Event {
		return event.Approved{By: c.Plan.Approvers[0], PlanHash: c.PlanHash, Signed: signed}
	}
	for _, row := range []struct {
		name  string
		lines func(s *stage, c rules.State) []event.Event
		found string
	}{
		{"nothing that is a signature", func(_ *stage, c rules.State) []event.Event {
			return []event.Event{approved(c, "-")}
		}, "line 2: paul's signature (approve) does not hold"},
		{"somebody else's signature", func(s *stage, c rules.State) []event.Event {
			return []event.Event{approved(c, string(s.sign("mallory", c.StatementFor(ceremony.SayApprove))))}
		}, "line 2: paul's signature (approve) does not hold: another key has signed it"},
		{"another word of theirs", func(s *stage, c rules.State) []event.Event {
			return []event.Event{approved(c, string(s.sign("paul", c.StatementFor(ceremony.SayReject))))}
		}, `and the journal says "approve"`},
		{"their word about another ceremony", func(s *stage, c rules.State) []event.Event {
			w := c.StatementFor(ceremony.SayApprove)
			w.Of = "prod-generate-root-other"
			return []event.Event{approved(c, string(s.sign("paul", w)))}
		}, "paul has signed for the ceremony prod-generate-root-other"},
		{"their word about another plan", func(s *stage, c rules.State) []event.Event {
			w := c.StatementFor(ceremony.SayApprove)
			w.Hash = strings.Repeat("0", 64)
			return []event.Event{approved(c, string(s.sign("paul", w)))}
		}, "paul has signed for the plan 0000"},
		{"and what follows from it", func(_ *stage, c rules.State) []event.Event {
			return []event.Event{approved(c, "-"), event.Starting{Attempt: 1}}
		}, "line 2: paul's signature (approve) does not hold"},
		{"a wish to go on, and a thaw", func(_ *stage, c rules.State) []event.Event {
			return []event.Event{
				approved(c, "-"), event.Frozen{Why: event.VaultDiffers},
				event.ResumeAsked{By: c.Plan.Initiator, Signed: "-"},
				event.ResumeAsked{By: c.Plan.Approvers[0], Signed: "-"}, event.Resumed{},
			}
		}, "paul's signature (resume) does not hold"},
	} {
		t.Run(row.name, func(t *testing.T) {
			playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
				s.demand(ceremony.GenerateRoot, ceremony.Policy{Signed: true})
				id := s.propose(ceremony.GenerateRoot)
				s.settle(time.Second)
				lines := row.lines(s, s.now(id))
				s.stop()
				whole, err := os.ReadFile(filepath.Join(s.dir, string(id)+".jsonl"))
				if err != nil {
					t.Fatal(err)
				}
				// The forged lines come before the messages that were posted meanwhile.
				first, _, _ := bytes.Cut(whole, []byte("\n"))
				if err := os.WriteFile(filepath.Join(s.dir, string(id)+".jsonl"), append(first, '\n'),
					0o600); err != nil {
					t.Fatal(err)
				}
				s.forge(id, lines...)
				s.start()
				s.settle(time.Minute)
				if c := s.now(id); s.vault.Count("start") > 0 || c.Key != nil {
					t.Fatalf("OBEYED: Vault was asked for %d attempts: %s", s.vault.Count("start"), storyOf(c))
				}
				if n := slices.IndexFunc(lines,
					func(e event.Event) bool { _, froze := e.(event.Frozen); return froze }); n < 0 {
					s.frozenFor(id, event.NotSigned, row.found)
				} else if c := s.now(id); c.Phase != rules.PhaseFrozen || c.Freeze.Why != event.NotSigned ||
					!strings.Contains(c.Freeze.Got, row.found) {
					t.Errorf("state %s, %+v", c.Phase, c.Freeze)
				}
				s.cancels(id)
				if s.vault.Count("start") > 0 {
					t.Error("Vault was asked for an attempt")
				}
			})
		})
	}
}

// What the rules themselves refuse stops the start: nothing is done at all.
func TestP2ApprovalThatThePlanDoesNotAllowIsNotRead(t *testing.T) {
	for name, approved := range map[string]func(c rules.State) event.Approved{
		"unsigned": func(c rules.State) event.Approved { return event.Approved{By: c.Plan.Approvers[0]} },
		"by a stranger": func(rules.State) event.Approved {
			return event.Approved{By: ceremonytest.Person("mallory"), Signed: "-"}
		},
		"by the initiator": func(c rules.State) event.Approved {
			return event.Approved{By: c.Plan.Initiator, Signed: "-"}
		},
		"with another key": func(c rules.State) event.Approved {
			p := c.Plan.Approvers[0]
			p.Key = ceremonytest.Fpr("mallory")
			return event.Approved{By: p, Signed: "-"}
		},
		"of another account": func(c rules.State) event.Approved {
			p := c.Plan.Approvers[0]
			p.Account.User = "UMALLORY"
			return event.Approved{By: p, Signed: "-"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
				s.demand(ceremony.GenerateRoot, ceremony.Policy{Signed: true})
				id := s.propose(ceremony.GenerateRoot)
				s.settle(time.Second)
				c := s.now(id)
				e := approved(c)
				e.PlanHash = c.PlanHash
				entry := event.Entry{Seq: c.Seq() + 1, At: time.Now(), Event: e}
				if next, err := rules.Apply(c, entry); err == nil {
					t.Errorf("it is read: %s", next.Phase)
				}
			})
		})
	}
}

// A journal put back from a backup goes on as if nobody had written to it.
func TestJournalThatIsPutBackGoesOn(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.demand(ceremony.GenerateRoot, ceremony.Policy{Signed: true})
		id := s.propose(ceremony.GenerateRoot)
		s.settle(time.Minute)
		c := s.now(id)
		s.stop()
		path := filepath.Join(s.dir, string(id)+".jsonl")
		backup, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s.forge(id, event.Approved{By: c.Plan.Approvers[0], PlanHash: c.PlanHash, Signed: "-"})
		s.start()
		s.settle(0)
		if c := s.now(id); c.Phase != rules.PhaseFrozen {
			t.Fatalf("%s", storyOf(c))
		}
		s.stop()
		if err := os.WriteFile(path, backup, 0o600); err != nil {
			t.Fatal(err)
		}
		s.notifier.Posted = map[string]int{} // the older journal does not know what was posted, and posts it again
		s.start()
		if err := s.speak(id, "paul", ceremony.SayApprove); err != nil {
			t.Fatal(err)
		}
		s.restart() // with a statement that paul has signed
		if c := s.finish(id); c.Outcome != event.Completed {
			t.Errorf("%s", storyOf(c))
		}
	})
}

// An attacker who can write to the folder makes up a ceremony, for people who are in no
// configuration.
func TestCeremonyOfPeopleWhomNobodyConfiguredIsHeld(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		seed := s.propose(ceremony.GenerateRoot)
		plan := s.now(seed).Plan
		s.cancels(seed)
		s.stop()
		plan.Ceremony = "prod-generate-root-evil"
		plan.Initiator.Account.User, plan.Initiator.Key = "UMALLORY", ceremonytest.Fpr("mallory")
		plan.Requester = &plan.Initiator
		plan.Approvers = ceremonytest.People("paul")
		s.forge(plan.Ceremony, event.Proposed{Plan: plan, PlanHash: plan.Hash()}, event.Approved{
			By: plan.Approvers[0], PlanHash: plan.Hash(),
		})
		s.start()
		s.settle(time.Minute)
		c := s.now(plan.Ceremony)
		if s.vault.Count("start") > 0 || c.Phase != rules.PhaseFrozen || c.Freeze.Why != event.OtherConfig ||
			!strings.Contains(c.Freeze.Want, "initiator olga T1/UMALLORY") ||
			!strings.Contains(c.Freeze.Got, "initiator olga T1/UOLGA") {
			t.Errorf("%s, %+v", storyOf(c), c.Freeze)
		}
		if _, err := s.engine.Cancel(context.Background(), plan.Ceremony, ceremonytest.Person("paul").Account,
			""); err != nil {
			t.Error(err)
		}
		s.settle(time.Minute)
	})
}

// The token of a made-up ceremony is for nobody but its initiator.
func TestTokenForWhomNobodyConfiguredIsHeld(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		seed := s.propose(ceremony.GenerateRoot)
		plan := s.now(seed).Plan
		s.cancels(seed)
		s.stop()
		mallory := ceremonytest.Person("mallory")
		plan.Ceremony, plan.Requester = "prod-generate-root-evil", &mallory
		s.forge(plan.Ceremony, event.Proposed{Plan: plan, PlanHash: plan.Hash()}, event.Approved{
			By: plan.Approvers[0], PlanHash: plan.Hash(),
		})
		s.start()
		s.frozenFor(plan.Ceremony, event.OtherConfig, "nobody of this name")
		if s.vault.Count("start") > 0 {
			t.Error("OBEYED: Vault was asked for a token")
		}
		s.cancels(plan.Ceremony)
	})
}

// A plan that the configuration does not allow any more is not followed, whether the plan
// was changed or the configuration.
func TestP4PlanThatTheConfigurationDoesNotAllowFreezes(t *testing.T) {
	policy := func(change func(*ceremony.Policy)) func(*ceremony.Cluster) {
		return func(c *ceremony.Cluster) {
			var p ceremony.Policy
			change(&p)
			c.Policies = map[ceremony.Operation]ceremony.Policy{ceremony.Rekey: p}
		}
	}
	quiet := ceremony.Quiet{From: 22 * 60, To: 6 * 60, Zone: "UTC"}
	for _, row := range []struct {
		name   string
		change func(*ceremony.Cluster)
		want   string // in what the plan says, empty where nothing is wrong
		got    string
	}{
		{"initiator left", func(c *ceremony.Cluster) {
			c.Initiators = ceremonytest.People("alice")
		}, "initiator olga", "nobody of this name"},
		{"initiator's account", func(c *ceremony.Cluster) {
			c.Initiators[0].Account.User = "UX"
		}, "initiator olga T1/UOLGA", "T1/UX"},
		{"approver left", func(c *ceremony.Cluster) {
			c.Approvers = ceremonytest.People("olga", "quin")
		}, "approver paul", "nobody of this name"},
		{"approver's account", func(c *ceremony.Cluster) {
			c.Approvers[0].Account.User = "UX"
		}, "approver paul T1/UPAUL", "T1/UX"},
		{"approver's key", func(c *ceremony.Cluster) {
			c.Approvers[2].Key = ceremonytest.Fpr("other")
		}, "approver quin", ceremonytest.Fpr("other").String()},
		{"approver's class", func(c *ceremony.Cluster) {
			c.Approvers[0].Class = "security"
		}, "approver paul", "(security)"},
		{"approver came", func(c *ceremony.Cluster) {
			c.Approvers = append(c.Approvers, ceremonytest.Person("rosa"))
		}, "", ""},
		{"holder left", func(c *ceremony.Cluster) { c.Holders = c.Holders[1:] }, "holder alice", "nobody of this name"},
		{"holder's key", func(c *ceremony.Cluster) {
			c.Holders[1].Key = ceremonytest.Fpr("other")
		}, "holder bob", ceremonytest.Fpr("other").String()},
		{"holder came", func(c *ceremony.Cluster) {
			c.Holders = append(c.Holders, ceremonytest.Person("frank"))
		}, "", ""},
		{"receiver left", func(c *ceremony.Cluster) {
			c.Receivers = c.Receivers[1:]
		}, "receiver alice", "nobody of this name"},
		{"receiver's key", func(c *ceremony.Cluster) {
			c.Receivers[4].Key = ceremonytest.Fpr("other")
		}, "receiver erin", ceremonytest.Fpr("other").String()},
		{"receiver came", func(c *ceremony.Cluster) {
			c.Receivers = append(c.Receivers, ceremonytest.Person("frank"))
		}, "no share for frank", "receiver frank"},
		{"receivers in another order", func(c *ceremony.Cluster) { slices.Reverse(c.Receivers) }, "", ""},
		{"one receiver less than shares", func(c *ceremony.Cluster) {
			c.Receivers = append(c.Receivers, ceremonytest.Person("alice"))
		}, "5 new shares", "6"},
		{"higher threshold", func(c *ceremony.Cluster) { c.NewThreshold = 4 }, "new threshold 3", "4"},
		{"lower threshold", func(c *ceremony.Cluster) { c.NewThreshold = 2 }, "", ""},
		{"no verification", func(c *ceremony.Cluster) { c.Verification = false }, "", ""},
		{"no backup", func(c *ceremony.Cluster) { c.Backup = false }, "backup in vault yes", "no"},
		{"operation not allowed", func(c *ceremony.Cluster) {
			c.Operations = []ceremony.Operation{ceremony.Unseal}
		}, "operation rekey", "unseal"},
		{"more approvals", func(c *ceremony.Cluster) { c.Approvals = 2 }, "approvals needed 1", "2"},
		{"more approvals by the policy", policy(func(p *ceremony.Policy) { p.Approvals = 2 }), "approvals needed 1",
			"2"},
		{"approvals from a class", policy(func(p *ceremony.Policy) {
			p.Classes = []ceremony.ClassQuota{{Class: "security", Count: 1}}
		}), "approvals needed from security 0", "1"},
		{"signed approvals", policy(func(p *ceremony.Policy) { p.Signed = true }), "approvals by button", "signed"},
		{"parts kept apart", policy(func(p *ceremony.Policy) { p.Separate = true }), "", ""},
		{"a witness", policy(func(p *ceremony.Policy) { p.Witness = true }), "no witness", "a witness"},
		{"time to think", policy(func(p *ceremony.Policy) { p.Cooling = time.Minute }), "cooling-off 0s", "1m0s"},
		{"quiet hours", policy(func(p *ceremony.Policy) { p.Quiet = quiet }), "quiet hours", quiet.String()},
		{"one way in", policy(func(p *ceremony.Policy) { p.Ways = []ceremony.Intake{ceremony.ByForm} }), "ways in []",
			"form"},
		{"shorter window", func(c *ceremony.Cluster) { c.Window = time.Hour }, "a window of 4h0m0s", "1h0m0s"},
		{"longer window", func(c *ceremony.Cluster) { c.Window = 5 * time.Hour }, "", ""},
		{"roll call", policy(func(p *ceremony.Policy) { p.RollCall.On = true }), "roll call, present needed 0", "5"},
	} {
		t.Run(row.name, func(t *testing.T) {
			playFor(t, ceremony.Rekey, func(t *testing.T, s *stage) {
				id := s.begin(ceremony.Rekey)
				s.share(id, "alice", "old-1")
				s.stop()
				s.configure = row.change
				s.start()
				s.settle(time.Second)
				if row.want == "" {
					if c := s.now(id); c.Phase != rules.PhaseCollecting {
						t.Fatalf("%+v: %s", c.Freeze, storyOf(c))
					}
				} else {
					if c := s.now(id); c.Freeze == nil || !strings.Contains(c.Freeze.Want, row.want) {
						t.Fatalf("%+v: %s", c.Freeze, storyOf(c))
					}
					s.frozenFor(id, event.OtherConfig, row.got)
					s.stop()
					s.configure = nil
					s.start()
					s.settle(time.Minute)
					if c := s.now(id); c.Phase != rules.PhaseFrozen {
						t.Fatalf("it thawed by itself: %s", storyOf(c))
					}
					s.thaw(id)
				}
				if c := s.finish(id); c.Outcome != event.Completed || c.Attempt.Number != 1 {
					t.Errorf("%s", storyOf(c))
				}
			})
		})
	}
}

// A forger's plan asks for less than the configuration.
func TestP4PlanThatAsksForLessFreezes(t *testing.T) {
	strict := ceremony.Policy{
		Approvals: 1, Classes: []ceremony.ClassQuota{{Class: "security", Count: 1}}, Separate: true, Witness: true,
		Cooling: time.Minute, Quiet: ceremony.Quiet{From: 4 * 60, To: 5 * 60, Zone: "UTC"},
		Ways: []ceremony.Intake{ceremony.ByForm},
	}
	for _, row := range []struct {
		name   string
		change func(*ceremony.Plan)
		want   string
	}{
		{"as it is", func(*ceremony.Plan) {}, ""},
		{"other identity", func(p *ceremony.Plan) { p.Identity = ceremonytest.Fpr("mallory") }, "identity"},
		{"all shares for one", func(p *ceremony.Plan) {
			p.Receivers = slices.Repeat(p.Receivers[:1], 5)
		}, "no share for"},
		{"fewer shares", func(p *ceremony.Plan) { p.Receivers = p.Receivers[:1] }, "no share for"},
		{"one share twice", func(p *ceremony.Plan) {
			p.Receivers = append(slices.Clone(p.Receivers), p.Receivers[0])
		}, "6 new shares"},
		{"threshold of one", func(p *ceremony.Plan) { p.NewThreshold = 1 }, "new threshold 1"},
		{"no verification", func(p *ceremony.Plan) { p.Verification = false }, "verification no"},
		{"no approval of a class", func(p *ceremony.Plan) {
			p.ApprovalsFrom = nil
		}, "approvals needed from security 0"},
		{"no approval", func(p *ceremony.Plan) { p.Approvals = 0 }, "approvals needed 0"},
		{"a holder who approves", func(p *ceremony.Plan) {
			p.Approvers = append(slices.Clone(p.Approvers), ceremonytest.Person("alice"))
		}, "alice may approve"},
		{"no witness", func(p *ceremony.Plan) { p.Witnesses = nil }, "no witness"},
		{"another witness", func(p *ceremony.Plan) { p.Witnesses = ceremonytest.People("mallory") }, "witness mallory"},
		{"no time to think", func(p *ceremony.Plan) { p.Cooling = 0 }, "cooling-off"},
		{"no quiet hours", func(p *ceremony.Plan) { p.Quiet = nil }, "quiet hours"},
		{"every way in", func(p *ceremony.Plan) { p.Ways = nil }, "ways in"},
		{"another way in", func(p *ceremony.Plan) {
			p.Ways = []ceremony.Intake{ceremony.ByForm, ceremony.ByText}
		}, "ways in"},
		{"a longer window", func(p *ceremony.Plan) { p.Closes = p.Closes.Add(time.Hour) }, "a window"},
		{"strangers in the roll call", func(p *ceremony.Plan) {
			p.RollCall, p.Present = ceremonytest.People("mallory"), 1
		}, "in the roll call: mallory"},
	} {
		t.Run(row.name, func(t *testing.T) {
			playFor(t, ceremony.Rekey, func(t *testing.T, s *stage) {
				s.demand(ceremony.Rekey, strict)
				demanded := s.configure
				s.configure = func(c *ceremony.Cluster) {
					demanded(c)
					c.Approvers = append(c.Approvers, ceremonytest.Person("alice"))
				}
				s.restart()
				seed := s.propose(ceremony.Rekey)
				plan := s.now(seed).Plan
				s.cancels(seed)
				s.stop()
				plan.Ceremony = "prod-rekey-evil"
				row.change(&plan)
				s.forge(plan.Ceremony, event.Proposed{Plan: plan, PlanHash: plan.Hash()})
				s.start()
				s.settle(time.Second)
				c := s.now(plan.Ceremony)
				switch {
				case row.want == "" && c.Phase != rules.PhaseProposed:
					t.Errorf("%+v", c.Freeze)
				case row.want != "" && (c.Phase != rules.PhaseFrozen || !strings.HasPrefix(c.Freeze.Want, row.want)):
					t.Errorf("state %s, %+v", c.Phase, c.Freeze)
				}
				s.cancels(plan.Ceremony)
			})
		})
	}
}

// What was sent to Vault before the program stopped is settled by asking, and not
// sent again, while something speaks against the ceremony.
func TestP5WhatWasSentIsSettledBeforeTheFreeze(t *testing.T) {
	leave := func(c *ceremony.Cluster) { c.Approvers = ceremonytest.People("olga", "quin") }
	for _, row := range []struct {
		name    string
		op      ceremony.Operation
		method  string
		applied bool
		calls   int
		want    rules.Phase
	}{
		{"a start that came to nothing", ceremony.GenerateRoot, "start", false, 1, rules.PhaseFrozen},
		{"a start that Vault has carried out", ceremony.GenerateRoot, "start", true, 1, rules.PhaseFrozen},
		{"an initialisation that came to nothing", ceremony.Init, "initialize", false, 1, rules.PhaseFrozen},
		{"a rotation that came to nothing", ceremony.Rotate, "rotate", false, 1, rules.PhaseFrozen},
		{"a rotation that Vault has carried out", ceremony.Rotate, "rotate", true, 1, rules.PhaseEnded},
	} {
		t.Run(row.name, func(t *testing.T) {
			playFor(t, row.op, func(t *testing.T, s *stage) {
				gone := false
				s.vault.Fault = func(method string, _ int) (error, error) {
					switch {
					case method == row.method && row.applied:
						gone = true
						return nil, ceremony.ErrUncertain
					case method == row.method:
						gone = true
						return ceremony.ErrUncertain, nil
					case gone:
						return ceremony.ErrNotSent, nil
					}
					return nil, nil
				}
				id := s.begin(row.op)
				if c := s.now(id); c.Pending == nil {
					t.Fatalf("nothing is pending: %s", storyOf(c))
				}
				s.stop()
				s.vault.Fault, s.configure = nil, leave
				s.start()
				s.settle(5 * time.Minute)
				c := s.now(id)
				if c.Phase != row.want || c.Freeze != nil && c.Freeze.Why != event.OtherConfig || c.Pending != nil ||
					s.vault.Count(row.method) != row.calls {
					t.Errorf("%s was called %d times, state %s, %+v: %s", row.method, s.vault.Count(row.method),
						c.Phase, c.Freeze, storyOf(c))
				}
				if row.want == rules.PhaseFrozen {
					s.cancels(id)
				}
				if s.vault.Attempt != nil {
					t.Error("the attempt is left in Vault")
				}
			})
		})
	}
}

// A ceremony that is frozen for another reason records the difference, too.
func TestFrozenCeremonyIsNotThawedWhileTheConfigurationDiffers(t *testing.T) {
	playFor(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.Rekey)
		s.vault.Do(func() { s.vault.Attempt = nil })
		s.settle(time.Minute)
		if c := s.now(id); c.Freeze == nil || c.Freeze.Why != event.AttemptGone {
			t.Fatalf("%s", storyOf(c))
		}
		s.stop()
		s.configure = func(c *ceremony.Cluster) { c.Holders = c.Holders[1:] }
		s.start()
		s.settle(time.Minute)
		c := s.now(id)
		if c.Freeze == nil || c.Freeze.Why != event.OtherConfig || c.Freeze.Was != rules.PhaseCollecting {
			t.Fatalf("%+v: %s", c.Freeze, storyOf(c))
		}
		if _, err := s.engine.Resume(context.Background(), id,
			ceremonytest.Person("paul").Account); !errors.Is(err, ceremony.StillInDoubt) {
			t.Errorf("resumed: %v", err)
		}
		s.cancels(id)
	})
}

func TestBotOfAnotherIdentityResumesNothing(t *testing.T) {
	playFor(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		id := s.propose(ceremony.Rekey)
		s.settle(time.Second)
		s.stop()
		s.openPGP.Name = "other identity"
		s.adopt(id)
		s.start()
		s.frozenFor(id, event.OtherBot, "")
		s.cancels(id)
	})
}

// With real PGP: a person's signed statement holds after a restart at any moment, and a
// statement that another key has signed does not.
func TestP2SignedWordsHoldAfterARestart(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		cast := newCast(t, append([]string{"olga", "paul", "quin", "wendy"}, ceremonytest.Holders...)...)
		s.keys = func(ceremony.OpenPGP) ceremony.OpenPGP { return vaultsOpenPGP{cast.openPGP} }
		s.configure = func(c *ceremony.Cluster) {
			c.Policies = map[ceremony.Operation]ceremony.Policy{
				ceremony.GenerateRoot: {
					Approvals: 2, Signed: true, Witness: true, RollCall: ceremony.RollCall{On: true},
				},
			}
			c.Initiators, c.Approvers, c.Witnesses = ceremonytest.People("olga"), ceremonytest.People("paul", "quin"),
				ceremonytest.People("wendy")
			for _, list := range [][]ceremony.Person{c.Initiators, c.Approvers, c.Witnesses, c.Holders, c.Receivers} {
				cast.giveKeys(list)
			}
		}
		s.restart()
		p := player{t, s, cast, s.propose(ceremony.GenerateRoot)}
		s.settle(2 * time.Minute)
		for _, says := range []func(){
			func() { p.says("paul", ceremony.SayApprove) },
			func() { p.says("quin", ceremony.SayApprove) },
			func() { p.answers("olga") },
			func() { p.says("wendy", ceremony.SayProceed) },
			func() { p.says("erin", ceremony.SayException, "the phone rang in the middle") },
			func() { p.says("erin", ceremony.SayFreeze, "who is calling?") },
			func() { p.says("olga", ceremony.SayResume) },
			func() { p.says("paul", ceremony.SayResume) },
		} {
			says()
			s.restart()
			s.settle(time.Second)
		}
		c := s.now(p.id)
		if c.Phase != rules.PhaseCollecting {
			t.Fatalf("%+v: %s", c.Freeze, storyOf(c))
		}
		s.stop()
		line := c.StatementFor(ceremony.SayProceed).Line()
		signed, err := cast.keys["alice"].SignWord(line, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		s.forge(p.id, event.ExceptionNoted{By: c.Plan.Witnesses[0], Text: "none", Signed: signed})
		s.start()
		s.settle(time.Second)
		if c := s.now(p.id); c.Freeze == nil || c.Freeze.Why != event.NotSigned ||
			!strings.Contains(c.Freeze.Got, "wendy's signature (exception) does not hold") {
			t.Errorf("%+v: %s", c.Freeze, storyOf(c))
		}
		s.cancels(p.id)
	})
}

// Whoever has the identity's key can write lines that are authenticated. What the rules would not have led to freezes
// the ceremony, and no other.
func TestStoryThatCannotBeFreezesItsCeremonyAlone(t *testing.T) {
	bob := ceremonytest.Person("bob")
	for _, row := range []struct {
		name  string
		lines func(c rules.State) []event.Event
		found string
	}{
		{"a threshold lowered by Vault's answer", func(rules.State) []event.Event {
			return []event.Event{event.Starting{Attempt: 1}, event.Started{Nonce: "nonce-1", Required: 1}}
		}, "nothing that a person or Vault could have said leads to it"},
		{"a share that was counted and not sent", func(c rules.State) []event.Event {
			return []event.Event{event.Starting{Attempt: 1}, event.Started{Nonce: "nonce-1", Required: c.Plan.Threshold},
				event.Offered{By: bob, Step: ceremony.StepUpdate}}
		}, "nothing that a person or Vault could have said leads to it"},
	} {
		t.Run(row.name, func(t *testing.T) {
			playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
				s.forged = true
				id := s.propose(ceremony.GenerateRoot)
				s.settle(time.Second)
				s.stop()
				approved := event.Approved{By: ceremonytest.Person("paul"), PlanHash: s.now(id).PlanHash}
				s.forge(id, append([]event.Event{approved}, row.lines(s.now(id))...)...)
				s.start()
				s.frozenFor(id, event.NotTold, row.found)
				if s.vault.Count("submit") > 0 {
					t.Error("a share was sent")
				}
			})
		})
	}
}
