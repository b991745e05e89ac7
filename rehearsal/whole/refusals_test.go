package whole_test

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/rehearsal/stage"
)

const (
	rekeyAttempt = "sys/rekey/init"
	rootAttempt  = "sys/generate-root/attempt"
)

// An envelope counts when it comes from the account, and is signed by the key,
// that the plan names together (P2).
func TestP2ShareByTheWrongPersonIsRefused(t *testing.T) {
	t.Parallel()
	s := onVault(t, nil)
	id := s.opened(ceremony.Rekey)
	_, envelope := s.envelope("alice", id)

	receipt, err := s.Person("bob").Sends(s.ctx(), envelope)
	s.check(err)
	s.tells("bob's receipt", receipt.Text, "was not used", "signed by another key than the one in the plan")
	receipt, err = s.Person(stage.Paul).Sends(s.ctx(), envelope)
	s.check(err)
	s.tells("paul's receipt", receipt.Text, "was not used", "asks this person for no share")
	answer, err := s.Person(stage.Mallory).Sends(s.ctx(), envelope)
	s.check(err)
	s.tells("the answer to mallory", answer.Text, "not in Conclave's configuration")
	answer, err = s.Person(stage.Gus).Sends(s.ctx(), envelope)
	s.check(err)
	s.tells("the answer to a guest", answer.Text, "Guests")

	s.refused(id, ceremony.WrongSigner, ceremony.NotAHolder)
	if n := s.progress(rekeyAttempt); n != 0 {
		t.Errorf("vault has %d shares", n)
	}
	// The share is alice's, and the bot takes it from her.
	receipt, err = s.Person("alice").Sends(s.ctx(), envelope)
	s.check(err)
	s.tells("alice's receipt", receipt.Text, "Your share is counted", "1 of 3")
	if n := s.progress(rekeyAttempt); n != 1 {
		t.Errorf("vault has %d shares", n)
	}
}

func TestP2ShareWithoutTheRightSignatureIsRefused(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(s *scene, command string) string
		reason ceremony.Refusal
		words  string
	}{
		{"signed by another key", func(s *scene, command string) string {
			other := s.shell("alice", "gpg --batch --quiet --passphrase '' --quick-generate-key 'alice at home <alice@home.example>' future-default default never && "+
				"gpg --with-colons --list-secret-keys alice@home.example | awk -F: '$1 == \"fpr\" {print $10; exit}'")
			_, rest, _ := strings.Cut(command, " -u ")
			key, _, _ := strings.Cut(rest, " ")
			return strings.Replace(command, key, strings.TrimSpace(other), 1)
		}, ceremony.WrongSigner, "signed by another key"},
		{"not signed", func(_ *scene, command string) string {
			return strings.Replace(command, "gpg -sea", "gpg -ea", 1)
		}, ceremony.Unsigned, "not signed"},
		{"signed long ago", func(_ *scene, command string) string {
			return strings.Replace(command, "gpg -sea",
				"gpg --faked-system-time 20260101T000000! --ignore-time-conflict --ignore-valid-from --trust-model always -sea", 1)
		}, ceremony.Stale, "signed before this round"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := onVault(t, nil)
			id := s.opened(ceremony.Rekey)
			ask, right := s.envelope("alice", id)
			commands, err := s.Person("alice").Keys.(stage.Shell).Commands(s.ctx(), ask)
			s.check(err)
			command := commands[0]
			changed := row.change(s, command)
			if changed == command {
				t.Fatalf("the command is as it was: %s", command)
			}
			receipt, err := s.Person("alice").Sends(s.ctx(), s.shell("alice", changed))
			s.check(err)
			s.tells("the receipt", receipt.Text, "was not used", row.words)
			s.refused(id, row.reason)
			if n := s.progress(rekeyAttempt); n != 0 {
				t.Errorf("vault has %d shares", n)
			}
			receipt, err = s.Person("alice").Sends(s.ctx(), right)
			s.check(err)
			s.tells("the receipt", receipt.Text, "Your share is counted")
		})
	}
}

func TestP2TheSameShareCountsOnce(t *testing.T) {
	t.Parallel()
	s := onVault(t, nil)
	id := s.opened(ceremony.Rekey)
	ask, envelope := s.envelope("alice", id)
	_, err := s.Person("alice").Sends(s.ctx(), envelope)
	s.check(err)

	receipt, err := s.Person("alice").Sends(s.ctx(), envelope)
	s.check(err)
	s.tells("the receipt of the same envelope", receipt.Text, "already in this round")
	again, err := s.Person("alice").Keys.Answer(s.ctx(), ask)
	s.check(err)
	receipt, err = s.Person("alice").Sends(s.ctx(), again)
	s.check(err)
	s.tells("the receipt of the same share in another envelope", receipt.Text, "already in this round")

	// Bob has obtained alice's share.
	share, err := s.Person("alice").Share(s.ctx(), "")
	s.check(err)
	s.holds("bob", share)
	_, stolen := s.envelope("bob", id)
	receipt, err = s.Person("bob").Sends(s.ctx(), stolen)
	s.check(err)
	s.tells("the receipt of the same share by two people", receipt.Text,
		"already been sent in this round, by somebody else")

	s.refused(id, ceremony.AlreadyCounted, ceremony.AlreadyCounted, ceremony.DuplicateShare)
	if n := s.progress(rekeyAttempt); n != 1 {
		t.Errorf("vault has %d shares", n)
	}
	s.tap.took(t, updateRekey, 1)
}

// Vault can't tell whose share was wrong: all holders who took part are named, and asked again.
func TestWrongShareRefusesTheRoundAndTheSecondSucceeds(t *testing.T) {
	t.Parallel()
	s := onVault(t, nil)
	right, err := s.Person("carol").Share(s.ctx(), "")
	s.check(err)
	wrong := make([]byte, len(right)/2)
	_, _ = rand.Read(wrong)
	s.holds("carol", hex.EncodeToString(wrong))

	id := s.opened(ceremony.GenerateRoot)
	first, _ := s.envelope("alice", id)
	s.check(s.Answer(s.ctx(), id, ceremony.StepUpdate, "alice", "bob", "carol"))
	for _, name := range []string{"alice", "bob", "carol"} {
		receipt, err := s.Person(name).Finds(s.ctx(), "the refusal", func(n stage.Note) bool {
			return n.Kind == rules.ReceiptMessage && strings.Contains(n.Text, "refused the round")
		})
		s.check(err)
		s.tells(name+"'s receipt", receipt.Text, "alice, bob and carol")
	}
	s.check(s.Wait(s.ctx(), "the thread to name those who took part", func() bool {
		for _, n := range s.History(id) {
			if strings.Contains(n.Text, "alice, bob and carol") {
				return true
			}
		}
		return false
	}))
	s.board(id, "(round 2)", "0 of 3")
	if n := s.progress(rootAttempt); n != 0 {
		t.Errorf("vault has %d shares", n)
	}

	s.holds("carol", right)
	for _, name := range []string{"alice", "bob", "carol"} {
		_, err := s.Person(name).AskedAfter(s.ctx(), id, ceremony.StepUpdate, first)
		s.check(err)
	}
	if c := s.goOn(id); c.Outcome != event.Completed || c.Attempt.Number != 1 {
		t.Errorf("%s in attempt %d: %s", c.Outcome, c.Attempt.Number, story(c))
	}
	s.tokenIsRoot(id)
}

// envelope lets a person do what their request says, without sending the result, and returns both.
func (s *scene) envelope(who string, id ceremony.ID) (stage.Note, string) {
	s.t.Helper()
	ask, err := s.Person(who).Asked(s.ctx(), id, ceremony.StepUpdate)
	s.check(err)
	envelope, err := s.Person(who).Keys.Answer(s.ctx(), ask)
	s.check(err)
	return ask, envelope
}

// shell lets a person run a command of their own.
func (s *scene) shell(who, command string) string {
	s.t.Helper()
	out, err := s.Person(who).Keys.(stage.Shell).Run(s.ctx(), command, "")
	s.check(err)
	return out
}

// holds gives a person another share.
func (s *scene) holds(who, share string) {
	s.t.Helper()
	s.Know(who+"'s other share "+share[:8], share)
	_, err := s.Person(who).Keys.(stage.Shell).Run(s.ctx(),
		"gpg --batch --yes --trust-model always -o "+stage.ShareFile+" -ea -r "+who+"@conclave.example", share)
	s.check(err)
}

// refused checks the reasons for which envelopes were declined, by the journal.
func (s *scene) refused(id ceremony.ID, want ...ceremony.Refusal) {
	s.t.Helper()
	var got []ceremony.Refusal
	for _, e := range s.now(id).History {
		if d, ok := e.Event.(event.Declined); ok {
			got = append(got, d.Reason)
		}
	}
	if len(got) != len(want) {
		s.t.Errorf("refused: %v, want %v", got, want)
		return
	}
	for i := range got {
		if got[i] != want[i] {
			s.t.Errorf("refused: %v, want %v", got, want)
			return
		}
	}
}
