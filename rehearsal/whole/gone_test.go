package whole_test

import (
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/rehearsal/stage"
)

// othersFinish brings shares with Vault's own interface, while the bot is away.
func (s *scene) othersFinish(id ceremony.ID, route string, who ...string) {
	s.t.Helper()
	nonce := s.now(id).Attempt.Nonce
	s.check(s.StopBot(s.ctx()))
	shares, err := s.Shares(s.ctx(), "", who...)
	s.check(err)
	complete := false
	for _, share := range shares {
		answer, err := s.Vault.Do(s.ctx(), "PUT", route, map[string]string{"key": share, "nonce": nonce})
		s.check(err)
		if answer.Status != 200 {
			s.t.Fatalf("%s: status %d: %v", route, answer.Status, answer.Errors)
		}
		complete = answer.Bool("complete")
	}
	if !complete {
		s.t.Fatalf("%s is not complete", route)
	}
	s.start()
}

// Without verification the old shares are void as soon as others have brought the missing ones. The new shares are in
// Vault's backup.
func TestP7RekeyThatOthersFinishWhileTheBotIsAwayReachesItsReceivers(t *testing.T) {
	t.Parallel()
	s := onVault(t, func(set *stage.Settings) { set.Verification = false })
	id := s.opened(ceremony.Rekey)
	s.check(s.Answer(s.ctx(), id, ceremony.StepUpdate, "alice"))
	s.othersFinish(id, "sys/rekey/update", "bob", "carol")

	c := s.completed(id)
	if made, _ := last[event.Rekeyed](c); !c.MadeElsewhere() || !c.History[made-1].Event.(event.Rekeyed).FromBackup {
		t.Errorf("as if it were its own doing: %s", story(c))
	}
	if frozen, ok := last[event.Frozen](c); ok {
		t.Errorf("frozen at %d: %s", frozen, story(c))
	}
	s.board(id, "carried this rekey through past Conclave", "keep the old ones, too")
	for _, name := range []string{stage.Olga, stage.Paul, "dave"} {
		n, err := s.Person(name).Told(s.ctx(), id, rules.EndedMessage)
		s.check(err)
		s.tells("what "+name+" is told", n.Text, "past Conclave", "keep the old ones, too")
	}
	s.tap.took(t, updateRekey, 1)
	s.check(s.Receive(s.ctx(), id))
	s.newKeyInForce(id)
}

// A root token that others have finished has an unknown holder, and Vault shows nothing of it.
func TestRootTokenThatOthersFinishIsNotSaidToBeNone(t *testing.T) {
	t.Parallel()
	s := onVault(t, nil)
	id := s.opened(ceremony.GenerateRoot)
	s.check(s.Answer(s.ctx(), id, ceremony.StepUpdate, "alice"))
	s.othersFinish(id, "sys/generate-root/update", "bob", "carol")

	s.freezes(id, event.AttemptGone, "not known whether Vault has made a root token")
	s.tells("the answer", s.commands(stage.Olga, "cancel "+string(id)+" somebody else did it"), "You cancelled")
	c := s.goOn(id)
	if c.Outcome != event.Cancelled || c.Ending != event.AttemptUnknown {
		t.Errorf("%s, %s: %s", c.Outcome, c.Ending, story(c))
	}
	s.board(id, "*Cancelled*", "nothing shows what came of it", "not known whether Vault has made a root token")
	if n, _ := s.BoardOf(id); strings.Contains(n.Text, "Nothing had to be cancelled") {
		t.Errorf("the status post says: %s", n.Text)
	}
}
