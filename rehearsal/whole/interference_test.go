package whole_test

import (
	"strings"
	"testing"
	"time"

	"conclave/bot/slacktest"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/rehearsal/stage"
)

func TestP4CancellationBehindTheBotsBackFreezes(t *testing.T) {
	t.Parallel()
	s := onVault(t, nil)
	id := s.opened(ceremony.Rekey)
	s.check(s.Answer(s.ctx(), id, ceremony.StepUpdate, "alice", "bob"))

	nonce := s.now(id).Attempt.Nonce
	answer, err := s.Vault.Do(s.ctx(), "DELETE", rekeyAttempt, map[string]string{"nonce": nonce})
	s.check(err)
	if answer.Status >= 300 {
		t.Fatalf("cancel: status %d: %v", answer.Status, answer.Errors)
	}
	s.freezes(id, event.AttemptGone, "does not have the attempt any more")
	answer2, err := s.Person("carol").Sends(s.ctx(), s.anyEnvelope("carol", id))
	s.check(err)
	s.tells("the receipt of a share while frozen", answer2.Text, "was not used", "frozen")

	s.resumes(id)
	c := s.goOn(id)
	if c.Outcome != event.Completed || c.Attempt.Number != 2 {
		t.Errorf("%s in attempt %d: %s", c.Outcome, c.Attempt.Number, story(c))
	}
	s.tap.took(t, startRekey, 2)
	s.newKeyInForce(id)
}

func TestVaultSealedInTheMiddleFreezesAndGoesOnWhenUnsealed(t *testing.T) {
	t.Parallel()
	s := onVault(t, nil)
	id := s.opened(ceremony.Rekey)
	s.check(s.Answer(s.ctx(), id, ceremony.StepUpdate, "alice"))
	shares, err := s.Shares(s.ctx(), "", "alice", "bob", "carol")
	s.check(err)

	s.check(s.Vault.Seal(s.ctx()))
	s.freezes(id, event.SealedMidway, "was sealed in the middle")
	s.board(id, "sealed, since")
	s.check(s.Vault.Unseal(s.ctx(), shares...))

	s.resumes(id)
	c := s.goOn(id)
	if c.Outcome != event.Completed {
		t.Errorf("%s: %s", c.Outcome, story(c))
	}
	s.newKeyInForce(id)
}

// freezes waits until a ceremony is frozen, and makes sure that the status post says why and that the deciders are
// told.
func (s *scene) freezes(id ceremony.ID, why event.FreezeReason, words string) {
	s.t.Helper()
	if c := s.reaches(id, rules.PhaseFrozen); c.Freeze.Why != why {
		s.t.Errorf("frozen because of %s, not %s", c.Freeze.Why, why)
	}
	s.board(id, "*Frozen*", words)
	for _, name := range []string{stage.Olga, stage.Paul} {
		n, err := s.Person(name).Told(s.ctx(), id, rules.FrozenMessage)
		s.check(err)
		s.tells("what "+name+" is told", n.Text, words, "resume "+string(id))
	}
}

// anyEnvelope answers a request that may have been overtaken.
func (s *scene) anyEnvelope(who string, id ceremony.ID) string {
	s.t.Helper()
	_, envelope := s.envelope(who, id)
	return envelope
}

func TestP6SlackGoneInTheMiddleLosesAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	s := onVault(t, nil)
	id := s.opened(ceremony.Rekey)
	s.check(s.Answer(s.ctx(), id, ceremony.StepUpdate, "alice"))
	envelope := s.anyEnvelope("bob", id)

	// Posts arrive but get an error, then posts get no answer, then they don't arrive.
	after := s.Slack.Inject(slacktest.Fault{Method: "chat.*", Effect: slacktest.StatusAfter(503)})
	_, err := s.Person("bob").Slack.DMs(envelope)
	s.check(err)
	s.hit(after, 2)
	hang := s.Slack.Inject(slacktest.Fault{Method: "*", Effect: slacktest.Hang()})
	after.Remove()
	s.hit(hang, 2)
	gone := s.Slack.Inject(slacktest.Fault{Method: "*", Effect: slacktest.DropBefore()})
	hang.Remove()
	s.Slack.CutSockets()
	s.hit(gone, 4)
	if c := s.now(id); !counted(c, "bob") {
		t.Errorf("bob's share is not counted: %s", story(c))
	}
	gone.Remove()

	c := s.goOn(id)
	if c.Outcome != event.Completed || c.Attempt.Number != 1 {
		t.Errorf("%s in attempt %d: %s", c.Outcome, c.Attempt.Number, story(c))
	}
	s.everybodyWasTold(c)
	s.tap.took(t, updateRekey, stage.Threshold)
	s.newKeyInForce(id)
}

func (s *scene) hit(fault *slacktest.Injected, times int) {
	s.t.Helper()
	began := time.Now()
	s.check(s.Wait(s.ctx(), "Slack's fault", func() bool { return fault.Hits() >= times }))
	s.t.Logf("fault hit %d times after %v", times, time.Since(began).Round(time.Millisecond))
}

func counted(c rules.State, who string) bool {
	for _, e := range c.History {
		if ev, ok := e.Event.(event.Counted); ok && strings.EqualFold(ev.By.Name, who) {
			return true
		}
	}
	return false
}
