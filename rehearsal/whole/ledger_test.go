package whole_test

import (
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/event"
)

// A share of the replaced key costs its holder one message, and no round.
func TestOutdatedShareIsRefusedBeforeVaultIsAsked(t *testing.T) {
	t.Parallel()
	s := onVault(t, nil)
	rekey, err := s.Rekey(s.ctx())
	s.check(err)

	id := s.opened(ceremony.GenerateRoot)
	_, old := s.envelope("alice", id) // from the file that she has kept
	receipt, err := s.Person("alice").Sends(s.ctx(), old)
	s.check(err)
	s.tells("the receipt", receipt.Text, "not in force any more", string(rekey), "run the same command again")
	receipt, err = s.Person("alice").Sends(s.ctx(), old)
	s.check(err)
	s.tells("the receipt of the same envelope", receipt.Text, "sent before")
	s.refused(id, ceremony.OutdatedShare, ceremony.Replayed)
	if n := s.progress(rootAttempt); n != 0 {
		t.Errorf("vault has %d shares", n)
	}
	s.tap.took(t, updateRoot, 0)

	s.check(s.Adopt(rekey))
	c := s.goOn(id)
	if c.Outcome != event.Completed || c.Round.Number != 1 {
		t.Errorf("%s in round %d: %s", c.Outcome, c.Round.Number, story(c))
	}
	known := 0
	for _, e := range c.History {
		if sent, ok := e.Event.(event.Submitting); ok && sent.Known {
			known++
		}
	}
	if known == 0 {
		t.Error("no new share was known, though the rekey has proven them")
	}
	s.tokenIsRoot(id)
}
