package bot

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"conclave/bot/command"
	"conclave/bot/slacktest"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// verifyingScenario is a rekey that waits for proof of its new shares.
func (s *stage) verifyingScenario(t *testing.T, nonce string) *scenario {
	p := s.plan()
	return started(t, p).counted("bob", ceremony.StepUpdate, nonce1).
		share("carol", ceremony.StepUpdate, nonce1,
			event.Rekeyed{By: s.people(s.carol)[0], Shares: s.sharesFor(), VerificationNonce: nonce, Required: 2}).
		then(event.KeyAnnounced{Key: announced(ceremony.StepVerify, nonce)})
}

// backupScenario is a backup that was handed out.
func (s *stage) backupScenario(t *testing.T) *scenario {
	p := s.plan()
	p.Ceremony, p.Operation, p.Holders, p.Shares, p.Threshold, p.NewThreshold, p.Seal = "prod-backup-k7m2", ceremony.ReadBackup, nil, 3, 2, 0, "shamir"
	p.Verification, p.Backup = false, false
	scenario := begin(t, p).then(event.Approved{By: s.people(s.bob)[0], PlanHash: p.Hash()}, event.BackupRead{Nonce: nonce1, Shares: s.sharesFor()})
	for _, name := range []string{"alice", "bob", "carol"} {
		scenario.then(event.Posted{Key: scenario.message(rules.DeliveryMessage, name).Key,
			Ref: ceremony.Ref{Channel: "D" + name, TS: "1.1"}})
	}
	return scenario
}

// tokenScenario is a root token that nobody is known to have revoked.
func (s *stage) tokenScenario(t *testing.T) *scenario {
	p := s.plan()
	p.Ceremony, p.Operation, p.Requester = "prod-generate-root-k7m2", ceremony.GenerateRoot, &p.Initiator
	p.Receivers, p.NewThreshold, p.Verification, p.Backup = nil, 0, false, false
	return started(t, p).counted("bob", ceremony.StepUpdate, nonce1).
		share("carol", ceremony.StepUpdate, nonce1,
			event.TokenIssued{By: s.people(s.carol)[0], Ciphertext: "d2NGTUE=",
				Keys: p.Recipients()}, event.Ended{Outcome: event.Completed, Vault: event.AttemptUsed})
}

func (s *stage) sharesFor() []event.NewShare {
	var all []event.NewShare
	for _, p := range s.people(s.alice, s.bob, s.carol) {
		all = append(all, event.NewShare{For: p, Ciphertext: "d2NGTUE="})
	}
	return all
}

// asks runs a command and returns the answer, to be clicked.
func (s *stage) asks(p *slacktest.Person, text string) slacktest.Message {
	s.t.Helper()
	reply := p.Command(s.ops, "/ceremony", text)
	m, err := reply.Wait(s.ctx())
	if err != nil {
		s.t.Fatalf("/ceremony %s: %v\n%s", text, err, s.log)
	}
	return m
}

// clicks presses a button and returns the answer as people read it.
func (s *stage) clicks(p *slacktest.Person, m slacktest.Message, v command.Verb) string {
	s.t.Helper()
	reply, err := p.Clicks(m, string(v))
	if err != nil {
		s.t.Fatal(err)
	}
	answer, err := reply.Wait(s.ctx())
	if err != nil {
		s.t.Fatal(err, s.log)
	}
	return s.w.Read(answer)
}

func TestStatusHasAButtonForWhatThisPersonMayDo(t *testing.T) {
	s := start(t, slacktest.Config{})
	again, remove, revoked := "[ Prove the new shares again ]", "[ Delete the backup ]", "[ The token is revoked ]"
	for _, c := range []struct {
		scenario *scenario
		button   string
		may      []*slacktest.Person
		not      []*slacktest.Person
	}{
		{s.verifyingScenario(t, nonce2), again, []*slacktest.Person{s.alice, s.bob}, []*slacktest.Person{s.carol}},
		{s.backupScenario(t), remove, []*slacktest.Person{s.bob}, []*slacktest.Person{s.alice, s.carol}},
		{s.tokenScenario(t), revoked, []*slacktest.Person{s.alice, s.bob}, []*slacktest.Person{s.carol}},
	} {
		id := string(s.holds(c.scenario).ID())
		for _, p := range c.may {
			s.expect(c.button, s.types(p, "status "+id))
		}
		for _, p := range c.not {
			if answer := s.types(p, "status "+id); strings.Contains(answer, "[ ") {
				t.Errorf("%s is offered what they may not:\n%s", p.Name(), answer)
			}
		}
	}
	for what, scenario := range map[string]*scenario{
		"frozen":      s.verifyingScenario(t, nonce2).then(event.Frozen{Why: event.SealedMidway}),
		"let go":      s.backupScenario(t).then(event.DeletionAsked{By: s.people(s.bob)[0]}),
		"on its way":  s.verifyingScenario(t, nonce2).share("carol", ceremony.StepVerify, nonce2),
		"asked about": s.tokenScenario(t).then(event.AccessorGiven{By: s.people(s.alice)[0], Accessor: accessor}),
		"being ended": s.verifyingScenario(t, nonce2).then(event.Closing{Outcome: event.Cancelled}),
	} {
		if answer := s.types(s.bob, "status "+string(s.holds(scenario).ID())); strings.Contains(answer, "[ ") {
			t.Errorf("%s: a button that would be refused:\n%s", what, answer)
		}
	}
}

// TestButtonInAnAnswerDoesItAndGoes: only one person sees such an answer, so that it
// can't be edited and is taken away.
func TestButtonInAnAnswerDoesItAndGoes(t *testing.T) {
	s := start(t, slacktest.Config{})
	s.holds(s.verifyingScenario(t, nonce2))
	m := s.asks(s.bob, "status k7m2")
	s.expect("proven again", s.clicks(s.bob, m, command.VerbReverify))
	if after, _ := s.ops.Message(m.TS); !after.Deleted {
		t.Errorf("after the click the answer still stands:\n%s", s.w.Read(after))
	}
	s.holds(s.backupScenario(t))
	s.expect("You let the backup", s.clicks(s.bob, s.asks(s.bob, "status prod-backup-k7m2"), command.VerbDelete))
	s.holds(s.tokenScenario(t))
	s.expect("you say that the token", s.clicks(s.bob, s.asks(s.bob, "status prod-generate-root-k7m2"), command.VerbRevoked))
	by := " by " + s.account(s.bob).String()
	if diff := cmp.Diff([]string{"reverify prod-rekey-k7m2 " + by, "delete prod-backup-k7m2 " + by, "revoked prod-generate-root-k7m2 " + by}, s.engine.said()); diff != "" {
		t.Error(diff)
	}
}

// TestButtonOfAnEarlierProofIsOld: a person who had one proof dropped has not agreed to
// drop the next.
func TestButtonOfAnEarlierProofIsOld(t *testing.T) {
	s := start(t, slacktest.Config{})
	s.holds(s.verifyingScenario(t, nonce2))
	m := s.asks(s.bob, "status k7m2")
	s.holds(s.verifyingScenario(t, "99999999-1111-4222-8333-944455566677"))
	s.expect("something that is over", s.clicks(s.bob, m, command.VerbReverify))
	if said := s.engine.said(); len(said) != 0 {
		t.Errorf("the engine was asked: %v", said)
	}
}

// TestDeletionThatIsTooEarlyKeepsItsButton: it is refused until everybody has their
// share, and right after that.
func TestDeletionThatIsTooEarlyKeepsItsButton(t *testing.T) {
	s := start(t, slacktest.Config{})
	s.holds(s.backupScenario(t))
	m := s.asks(s.bob, "status prod-backup-k7m2")
	s.engine.fail(ceremony.NotWaiting)
	s.clicks(s.bob, m, command.VerbDelete)
	s.engine.fail(nil)
	s.expect("You let the backup", s.clicks(s.bob, m, command.VerbDelete))
}

func TestAnswerWhoseButtonCannotBeTakenAwayIsHarmless(t *testing.T) {
	s := start(t, slacktest.Config{})
	s.holds(s.verifyingScenario(t, nonce2))
	m := s.asks(s.bob, "status k7m2")
	s.w.Inject(slacktest.Fault{Method: "response_url", Times: 1, Effect: slacktest.Status(500)})
	s.expect("proven again", s.clicks(s.bob, m, command.VerbReverify))
	if log := s.log.String(); !strings.Contains(log, "buttons not removed") || strings.Contains(log, "/actions/") {
		t.Errorf("the log says\n%s", log)
	}
}
