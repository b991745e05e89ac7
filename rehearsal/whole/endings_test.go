package whole_test

import (
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/rehearsal/stage"
)

func TestCancelledCeremonyLeavesNothingInVault(t *testing.T) {
	t.Parallel()
	s := onVault(t, nil)
	id := s.opened(ceremony.Rekey)
	s.check(s.Answer(s.ctx(), id, ceremony.StepUpdate, "alice"))
	_, late := s.envelope("bob", id)
	if n := s.progress(rekeyAttempt); n != 1 {
		t.Errorf("vault has %d shares", n)
	}

	s.tells("the answer", s.commands(stage.Olga, "cancel "+string(id)+" wrong cluster"), "You cancelled")
	s.board(id, "*Cancelled*", "By olga", "wrong cluster", "The attempt in Vault is cancelled")
	if n := s.progress(rekeyAttempt); n != -1 {
		t.Errorf("vault still has an attempt with %d shares", n)
	}
	answer, err := s.Person("bob").Sends(s.ctx(), late)
	s.check(err)
	s.tells("the answer to a late share", answer.Text, "ceremony has ended")
	for _, name := range stage.Holders() {
		_, err := s.Person(name).Told(s.ctx(), id, rules.EndedMessage)
		s.check(err)
	}
	if c := s.goOn(id); c.Outcome != event.Cancelled || c.Ending != event.AttemptDropped {
		t.Errorf("%s, %s", c.Outcome, c.Ending)
	}
	s.oldKeyInForce()
}

func TestExpiredCeremonyIsCancelledInVault(t *testing.T) {
	t.Parallel()
	s := onVault(t, func(set *stage.Settings) { set.Window = time.Minute })
	id := s.opened(ceremony.Rekey)
	s.check(s.Answer(s.ctx(), id, ceremony.StepUpdate, "alice"))
	_, late := s.envelope("bob", id)
	s.board(id, "*Expired*", "The attempt in Vault is cancelled")
	if n := s.progress(rekeyAttempt); n != -1 {
		t.Errorf("vault still has an attempt with %d shares", n)
	}
	if c := s.goOn(id); c.Outcome != event.Expired || c.Ending != event.AttemptDropped {
		t.Errorf("%s, %s", c.Outcome, c.Ending)
	}
	answer, err := s.Person("bob").Sends(s.ctx(), late)
	s.check(err)
	s.tells("the answer to a late share", answer.Text, "No shares are wanted")
	s.oldKeyInForce()
}

// oldKeyInForce makes sure that people's shares still prove the key.
func (s *scene) oldKeyInForce() {
	s.t.Helper()
	shares, err := s.Shares(s.ctx(), "", "alice", "carol", "erin")
	s.check(err)
	if proves, err := s.Proves(s.ctx(), shares...); err != nil || !proves {
		s.t.Errorf("the old shares prove the key: %t, %v", proves, err)
	}
}
